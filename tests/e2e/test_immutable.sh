#!/usr/bin/env bash
# Immutability on a local repository: what a locked run writes and all that its point needs is held, also what older runs
# stored without a lock; who may write the files cannot harm it; it restores bit for bit afterwards.
. "$(dirname "$0")/lib.sh"
e2e_clean
mount=$WORK/mount
finish() {
    local status=$?
    stack_stop
    umount "$mount" 2>/dev/null || true
    (exit "$status") && e2e_finish || e2e_finish
}
trap finish EXIT
mkdir -p "$mount"
truncate -s 512M "$WORK/disk"
PATH=$PATH:/usr/sbin:/sbin
mkfs.ext4 -q "$WORK/disk" 2>/dev/null || e2e_skip "no mkfs.ext4"
mount -o loop "$WORK/disk" "$mount" 2>/dev/null || e2e_skip "no right to mount"
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
home=$(ls -d "$WORK"/tenant/users/*/ | sed -n 1p) user=
user=$(basename "$home")

stack_init
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter near-storage --host --set vault.lock_max=400
lh tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
    --client-secret-file "$STACK_DIR/simulator/client-secret" --login-url "$STACK_SIM_URL" \
    --graph-url "$STACK_SIM_URL" --transporter near-data --yes
mkdir -p "$WORK/plain" "$mount/repository"
lh repository add soft --host near-storage --path "$WORK/plain" --yes
lh repository add store --host near-storage --path "$mount/repository" --lock-mode immutable --yes
(umask 077 && echo "correct horse battery staple" >"$WORK/password")
for vault in loose:soft main:store; do
    lh vault create "${vault%%:*}" --tenant contoso --repository "${vault##*:}" --password-file "$WORK/password" \
        --transporter near-data --yes
done
lh tenant discover contoso --wait

vault_dir=$mount/repository/$(lh vault show main --json | jq -r .id)
objects() { # CLASS
    find "$vault_dir/$1" -type f
}
unlocked() { # CLASS...: objects without the immutable flag
    local class
    for class; do objects "$class" | xargs -r lsattr -- | awk '$1 !~ /i/ {print $2}'; done
}
locks() {
    lh vault locks main "$@" --json
}

say "refused where nothing enforces it"
refused "enforce locks" lh job create never --tenant contoso --vault loose --immutable 30
refused "number of days" lh job create never --tenant contoso --vault main --immutable soon
refused "0 (not) to 36500\|0 to 36500" lh job create never --tenant contoso --vault main --immutable 40000
lh job create loosely --tenant contoso --vault loose
refused "enforce locks" lh job edit loosely --immutable 1

say "a run without locks"
lh job create everything --tenant contoso --vault main
lh run start everything --wait
[ -z "$(unlocked packs | sed -n 1p)" ] && fail "packs must not be locked yet"
locks | jq -e '.supported and .promise==null and .locked==0 and .objects>2' >/dev/null || { locks; fail "the report before"; }

say "longer than the host allows"
lh job edit everything --immutable 401
refused "vault.lock_max" lh run start everything --wait

say "a locked run: all that its point needs is held, what was stored before too"
lh job edit everything --immutable 30 --rate 1G
lh job show everything --json | jq -e '.options=={"immutable_days":30,"bytes_per_second":1073741824}' >/dev/null || fail "job edit"
echo changed >"$home/drive/changed.txt"
stored_before=$(objects packs | wc -l)
lh run start everything --wait
[ "$(objects packs | wc -l)" -gt "$stored_before" ] || fail "the run must store something"
[ -z "$(unlocked packs format keys)" ] || fail "not locked: $(unlocked packs format keys)"
least=$(objects packs | python3 -c 'import os, sys
print(min(int(os.getxattr(line.strip(), "user.longhaul.lock_until")) for line in sys.stdin))')
[ "$least" -ge $((($(date +%s) + 30 * 86400 - 60) * 1000)) ] || fail "a lock ends at $least"
locks --check | jq -e '.locked==.objects and .checked==.objects and .without==0 and .short_of_promise==0 and .missing==0
    and .extended==0 and .promise!=null and .earliest>=.promise' >/dev/null || { locks; fail "the report after"; }
lh vault show main --json | jq -e '.locked_until!=null and .lock_warning==null' >/dev/null || fail "vault show"
lh vault show main | grep "Locked until" >/dev/null || fail "vault show must say it"

say "the next run extends nothing"
earliest=$(locks | jq -r .earliest)
echo again >"$home/drive/again.txt"
lh run start everything --wait
[ "$(locks | jq -r .earliest)" = "$earliest" ] || fail "an object was extended ahead of time"
points=$(objects points | wc -l)
[ "$(unlocked points | wc -l)" -lt "$points" ] || fail "points of locked runs must be locked"

say "the host loses its state of locks"
stack_end near-storage KILL
rm -rf "$STACK_DIR/near-storage/locks"
stack_transporter near-storage --host --set vault.lock_max=400
echo more >"$home/drive/more.txt"
lh run start everything --wait
locks --check | jq -e '.locked==.objects and .short_of_promise==0 and .without==0' >/dev/null || { locks; fail "after the loss"; }

say "attack: who may write every file and folder, and root without the capability"
stack_end near-storage
find "$mount" -type d -exec chmod 777 {} +
{ objects packs; objects format; objects keys; objects points; } | sort >"$WORK/all"
grep -vxF -f <(unlocked points) "$WORK/all" >"$WORK/held" || true
tr '\n' '\0' <"$WORK/held" | xargs -0 sha256sum >"$WORK/held.sums"
cat >"$WORK/attack.sh" <<'EOF'
while read -r f; do
    rm -f "$f"; mv -f "$f" "$f.gone"; : >"$f"; echo x >>"$f"; truncate -s 0 "$f"; chmod 777 "$f"; ln -f "$f" "$f.link"
    cp -f /etc/hostname "$f"; chattr -i "$f"; touch "$f"
done
python3 -c 'import os, sys
for line in open(sys.argv[1]):
    try:
        os.setxattr(line.strip(), "user.longhaul.lock_until", b"1")
        print("a lock is shorter:", line.strip())
    except OSError:
        pass' "$1"
EOF
chmod 644 "$WORK/attack.sh" "$WORK/held"
setpriv --reuid 65534 --regid 65534 --clear-groups bash "$WORK/attack.sh" "$WORK/held" <"$WORK/held" 2>/dev/null >"$WORK/attack.log" || true
grep shorter "$WORK/attack.log" && fail "another user has shortened a lock"
sha256sum --quiet -c "$WORK/held.sums" || fail "another user has changed something"
setpriv --bounding-set -linux_immutable --inh-caps -linux_immutable bash "$WORK/attack.sh" "$WORK/held" <"$WORK/held" 2>/dev/null >"$WORK/attack.log" || true
grep shorter "$WORK/attack.log" && fail "root without the capability has shortened a lock"
sha256sum --quiet -c "$WORK/held.sums" || fail "root without the capability has changed something"
[ -z "$(unlocked packs format keys)" ] || fail "a flag is gone"
find "$mount" -name '*.gone' -o -name '*.link' | grep . && fail "an object has another name"
rm -rf "$vault_dir/index"
echo "$(wc -l <"$WORK/held") objects are as they were"

say "everything restores"
stack_transporter near-storage --host --set vault.lock_max=400
e2e_compare_restored "$user" "$home"
lh vault verify main --data --wait
