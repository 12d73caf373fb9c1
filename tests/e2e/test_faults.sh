#!/usr/bin/env bash
# What goes wrong in life: one clear line each, nothing lost, and the next run is fine.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=ada.abe@contoso.example
home=$WORK/tenant/users/$user
e2e_stack "$WORK/tenant"
lh run start everything --wait
good=$(lh point list --json | jq '.items|length')

# expect PATTERN: the next run fails, and says why in one line
expect() {
    local what=$1 pattern=$2
    head -c 200000 /dev/urandom >"$home/drive/fault-$RANDOM.bin"
    if lh run start everything --wait >"$WORK/out" 2>&1; then
        cat "$WORK/out"
        fail "$what: the run should not be green"
    fi
    local run
    run=$(lh run list --json | jq -r '.items[0].id')
    lh run show "$run" >>"$WORK/out" 2>&1 || true
    grep -qiE "$pattern" "$WORK/out" || { cat "$WORK/out"; fail "$what: no line matches $pattern"; }
    echo "$what: $(grep -iE -m1 "$pattern" "$WORK/out" | cut -c1-200)"
    [ "$(lh point list --json | jq '.items|length')" -ge "$good" ] || fail "$what: points were lost"
}

recovered() {
    lh run start everything --wait >"$WORK/out" 2>&1 || { cat "$WORK/out"; fail "the run after $1 should be fine"; }
}

fault() { # JSON of one rule
    e2e_control faults "{\"rules\":[$1]}" >/dev/null
}

say "the tenant answers with errors"
fault '{"path":"/drive","action":"status","status":403,"code":"accessDenied"}'
expect "403 on a drive" "denied|403|not allowed"
e2e_control reset '{}' >/dev/null
fault '{"path":"oauth2","action":"status","status":401,"code":"7000222"}'
e2e_control revoke '{}' >/dev/null 2>&1 || true
expect "expired secret" "secret|credential|expired|AADSTS"
e2e_control reset '{}' >/dev/null
recovered "credential errors"
fault '{"path":"messages","action":"status","status":500,"code":"InternalServerError"}'
expect "500 for ever" "500|internal|unavailable"
e2e_control reset '{}' >/dev/null
fault '{"path":"/users","action":"html","status":503,"count":2}'
recovered "two HTML answers"
fault '{"path":"delta","action":"status","status":429,"retry_after":1,"count":3}'
recovered "throttling"
fault '{"path":"","action":"cut","bytes":20000,"count":4}'
recovered "cut connections"
e2e_control reset '{}' >/dev/null

say "storage"
mv "$WORK/repository" "$WORK/away"
expect "the repository is gone" "repository|storage|mount"
mv "$WORK/away" "$WORK/repository"
recovered "a vanished repository"
if [ "$(id -u)" -eq 0 ] && mkdir -p "$WORK/tmpfs" && mount -t tmpfs -o size=3m none "$WORK/tmpfs" 2>/dev/null; then
    trap 'umount "$WORK/tmpfs" 2>/dev/null; e2e_finish' EXIT
    lh repository add small --host near-storage --path "$WORK/tmpfs" --yes
    lh vault create tiny --tenant contoso --repository small --password-file "$WORK/password" --transporter near-data --yes
    lh job create tiny --tenant contoso --vault tiny
    if lh run start tiny --wait >"$WORK/out" 2>&1; then fail "a full disk must fail the run"; fi
    grep -qiE "full|no space" "$WORK/out" || { cat "$WORK/out"; fail "a full disk is not named"; }
    echo "full disk: $(grep -iE -m1 'full|no space' "$WORK/out" | cut -c1-200)"
else
    echo "no tmpfs can be mounted here: the full disk was not tried"
fi

say "a garbage pack"
pack=$(find "$WORK/repository" -type f -size +100k | sort | head -n 1)
cp -a "$pack" "$WORK/pack.good"
chmod u+w "$pack" 2>/dev/null || true
printf 'garbage' | dd of="$pack" bs=1 seek=4000 conv=notrunc 2>/dev/null
if lh vault verify main --data --wait >"$WORK/out" 2>&1; then fail "verify must find the garbage"; fi
grep -qiE "damag|corrupt" "$WORK/out" || { cat "$WORK/out"; fail "verify does not name the damage"; }
echo "garbage pack: $(grep -iE -m1 'damag|corrupt' "$WORK/out" | cut -c1-200)"
cat "$WORK/pack.good" >"$pack"
lh vault verify main --data --wait

say "a wrong password"
vault=$(lh vault show main --json | jq -r .id)
echo wrong >"$WORK/wrong"
if "$STACK_BIN/longhaul-transporter" vault list --storage "$WORK/repository" --vault "$vault" --password-file "$WORK/wrong" >"$WORK/out" 2>&1; then
    fail "a wrong password must not open the vault"
fi
grep -qi "wrong password" "$WORK/out" || { cat "$WORK/out"; fail "a wrong password is not named"; }
"$STACK_BIN/longhaul-transporter" vault list --storage "$WORK/repository" --vault "$vault" --password-file "$WORK/password" >/dev/null
e2e_compare_restored $user "$home"
