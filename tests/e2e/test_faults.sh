#!/usr/bin/env bash
# What goes wrong in life: one clear line each with the exit code of its kind, nothing lost, and the next run is fine.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=ada.abe@contoso.example
home=$WORK/tenant/users/$user
disk=$WORK/disk

# As root the repository lies on a disk of its own that can be filled and made read-only.
mkdir -p "$disk"
mounted=no
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=256m none "$disk" 2>/dev/null; then
    mounted=yes
    trap 'status=$?; stack_stop; umount "$disk"; (exit $status); e2e_finish' EXIT
fi
mkdir -p "$disk/repository"
ln -s "$disk/repository" "$WORK/repository"

start_source() {
    stack_transporter near-data --set vault.patience=1s
}

stack_init
stack_director --set retry.attempts=2 --set retry.delay=100ms --set heartbeat.interval=1s
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
start_source
stack_transporter near-storage --host
e2e_setup near-data
lh run start everything --wait

fault() { # MATCH ACTION [COUNT]
    e2e_control faults "{\"match\":$1,\"action\":$2${3:+,\"count\":$3}}" >/dev/null
}

mend() {
    e2e_control reset '{}' >/dev/null
    e2e_control auth '{"secret_expired":false}' >/dev/null
}

# expect WHAT EXIT_CODE PATTERN: the next run fails with this code and one line that says why; no point is lost
expect() {
    local what=$1 code=$2 pattern=$3 points status=0
    points=$(e2e_points)
    head -c 100000 /dev/urandom >"$home/drive/fault-$RANDOM.bin"
    lh run start everything --wait >"$WORK/out" 2>&1 || status=$?
    [ $status -eq "$code" ] || { cat "$WORK/out"; fail "$what: exit code $status, not $code"; }
    grep -E '^longhaul: run run-[a-z0-9]+ failed: ' "$WORK/out" >"$WORK/line" || { cat "$WORK/out"; fail "$what: no line says why"; }
    grep -qE "$pattern" "$WORK/line" || { cat "$WORK/out"; fail "$what: the line does not match $pattern"; }
    [ "$(wc -l <"$WORK/line")" -eq 1 ] || { cat "$WORK/out"; fail "$what: more than one line"; }
    [ "$(e2e_points)" -ge "$points" ] || fail "$what: points were lost"
    echo "$what ($status): $(cut -c1-240 "$WORK/line")"
}

recovered() {
    lh run start everything --wait >"$WORK/out" 2>&1 || { cat "$WORK/out"; fail "the run after $1 should be fine"; }
}

say "the tenant answers with errors for ever"
fault '{"path":"/v1.0/"}' '{"status":401,"code":"InvalidAuthenticationToken"}'
expect "401" 77 "401 .*app registration"
mend
fault '{"path":"/drive"}' '{"status":403,"code":"accessDenied"}'
expect "403" 77 "403 accessDenied.*permissions"
mend
fault '{"path":"/drive"}' '{"status":404,"code":"itemNotFound"}'
expect "404" 66 "404 itemNotFound"
mend
fault '{"path":"/root/delta"}' '{"status":500,"code":"generalException"}'
expect "500" 69 "500 generalException.*try again later"
mend
fault '{"path":"/root/delta"}' '{"html":true,"status":200}'
expect "HTML instead of JSON" 65 "not JSON.*proxy"
mend
e2e_control auth '{"secret_expired":true,"revoke_tokens":true}' >/dev/null
expect "expired secret" 77 "client secret has expired: make a new one"
mend
# A refused sign-in is remembered for a while, so that many tasks do not lock the app out.
stack_end near-data
start_source
recovered "errors of the tenant"

say "the tenant answers with errors that pass"
date >"$home/drive/passing.txt"
fault '{"path":"/v1.0/"}' '{"html":true,"status":503}' 2
fault '{"path":"delta"}' '{"status":429,"retry_after":1}' 3
fault '{"path":"/download"}' '{"cut_after":10}' 2
fault '{"path":"delta"}' '{"status":401,"code":"InvalidAuthenticationToken"}' 1
recovered "errors that pass"
mend

say "the repository is gone"
mv "$disk/repository" "$disk/away"
expect "gone" 69 "storage .*repository is gone"
mv "$disk/away" "$disk/repository"
recovered "a repository that was away"

say "the host starts without its disk, which comes back later"
stack_end near-storage
mv "$disk/repository" "$disk/away"
stack_transporter near-storage --host
head -c 100000 /dev/urandom >"$home/drive/later.bin"
lh run start everything >/dev/null
run=$(e2e_last_run)
stack_wait 20 "the run to say what it waits for" e2e_run_says "$run" "repository is not attached"
lh repository show store >"$WORK/out"
grep -E "^Error .*(not available|cannot be made)" "$WORK/out" || { cat "$WORK/out"; fail "the repository does not say what is wrong"; }
mv "$disk/away" "$disk/repository"
lh run watch "$run" || fail "the run must go on when the disk is back"

say "the repository is read-only"
if [ $mounted = yes ]; then
    mount -o remount,ro "$disk"
    expect "read-only" 77 "storage .*read-only"
    mount -o remount,rw "$disk"
elif [ "$(id -u)" -ne 0 ]; then
    chmod -R a-w "$disk/repository"
    expect "read-only" 77 "storage .*refuses"
    chmod -R u+w "$disk/repository"
else
    echo "no file system can be mounted here: a read-only one was not tried"
fi
recovered "a read-only repository"

say "the disk is full"
if [ $mounted = yes ]; then
    used=$(df --output=used -k "$disk" | tail -n 1)
    mount -o "remount,size=$((used + 200))k" "$disk"
    head -c 3000000 /dev/urandom >"$home/drive/too-much.bin"
    expect "full" 74 "storage .* is full"
    mount -o remount,size=256m "$disk"
    recovered "a full disk"
else
    echo "no file system can be mounted here: a full disk was not tried"
fi

say "a garbage pack"
pack=$(find "$disk/repository" -type f -size +100k | sort | sed -n 1p)
cp -a "$pack" "$WORK/pack.good"
chmod u+w "$pack"
head -c 64 /dev/urandom | dd of="$pack" bs=1 seek=4000 conv=notrunc 2>/dev/null
status=0
lh vault verify main --data --wait >"$WORK/out" 2>&1 || status=$?
[ $status -eq 65 ] || { cat "$WORK/out"; fail "garbage: exit code $status, not 65"; }
grep -E '^longhaul: run .* failed: .*damaged' "$WORK/out" || { cat "$WORK/out"; fail "verify does not name the damage"; }
cat "$WORK/pack.good" >"$pack"
lh vault verify main --data --wait

say "a wrong password"
vault=$(lh vault show main --json | jq -r .id)
echo "this is not the password" >"$WORK/wrong"
read_vault() { # PASSWORD_FILE
    "$STACK_BIN/longhaul-transporter" vault list --storage "$disk/repository" --vault "$vault" --password-file "$1"
}
status=0
read_vault "$WORK/wrong" >"$WORK/out" 2>&1 || status=$?
[ $status -ne 0 ] && [ "$(wc -l <"$WORK/out")" -eq 1 ] || { cat "$WORK/out"; fail "a wrong password: $status"; }
grep -E "wrong password|password is wrong" "$WORK/out" || { cat "$WORK/out"; fail "a wrong password is not named"; }
[ "$(read_vault "$WORK/password" | wc -l)" -eq "$(e2e_points)" ] || fail "the vault and the director know different points"
e2e_compare_restored $user "$home"

say "what is asked for is not there, or is no such thing"
point=$(e2e_last_point drive $user)
wrong() { # WHAT EXIT_CODE PATTERN COMMAND...: fails with this code and says so on standard error
    local what=$1 code=$2 pattern=$3 status=0
    shift 3
    "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
    [ $status -eq "$code" ] || { cat "$WORK/out" "$WORK/err"; fail "$what: exit code $status, not $code"; }
    grep -E "$pattern" "$WORK/err" || { cat "$WORK/err"; fail "$what: the line does not match $pattern"; }
}
nowhere=036e6f73756368666f6c646572
offline() {
    "$STACK_BIN/longhaul-transporter" vault "$@" --storage "$disk/repository" --vault "$vault" --password-file "$WORK/password"
}
wrong "an unknown folder" 66 "no folder with this key" lh point browse "$point" $nowhere
wrong "an unknown folder of a vault" 66 "no folder with this key" offline browse --point "$point" --folder $nowhere
wrong "an unknown folder to export" 66 "no folder with this key" offline export --point "$point" --folder $nowhere --to "$WORK/export"
wrong "an unknown point, as JSON" 66 '^\{"error":\{"kind":"not_found","message":".+"\}\}$' lh point show point-none --json
wrong "a command that does not exist, as JSON" 64 '^\{"error":\{"kind":"usage","message":".+"\}\}$' lh point shoe --json
wrong "a tenant id that is none" 64 "is no tenant id" lh tenant add fabrikam --tenant-id fabrikam --client-id x --client-secret-file "$WORK/password" --transporter near-data --yes
wrong "a heartbeat longer than the lease allows" 78 "third of lease.duration" "$STACK_BIN/longhaul-director" --set heartbeat.interval=50s --check-config
wrong "authorities that are not there" 78 "graph.extra_ca: .* cannot be read" "$STACK_BIN/longhaul-transporter" --set graph.extra_ca=/nowhere.pem --check-config
