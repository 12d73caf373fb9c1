#!/usr/bin/env bash
# A folder whose objects are held by the file system: attached, tried, shown; and refused where that does not work.
. "$(dirname "$0")/lib.sh"
e2e_clean
mkdir -p "$WORK/mount" "$WORK/plain" "$WORK/tenant/users/nobody/mail"
truncate -s 64M "$WORK/disk"
PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q "$WORK/disk" 2>/dev/null || e2e_skip "no mkfs.ext4"
mount -o loop "$WORK/disk" "$WORK/mount" 2>/dev/null || e2e_skip "no right to mount"
finish() {
    local status=$?
    set +e
    stack_stop
    umount "$WORK/mount" "$WORK/plain" 2>/dev/null
    (exit $status)
    e2e_finish
}
trap finish EXIT
mount -t ramfs none "$WORK/plain"
stack_init
stack_director
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-storage --host

say "locks that hold are shown"
lh repository add held --host near-storage --path "$WORK/mount/repository" --create --lock-mode immutable --yes
held=$(e2e_attached held)
jq -e '.state == "attached" and .locks and (.probe | contains("locks are enforced"))' <<<"$held" >/dev/null || fail "$held"
grep -q "locks are enforced" <<<"$(lh repository show held)" || fail "the probe is not shown"
probe=$(find "$WORK/mount/repository/probe" -type f)
lsattr "$probe" | grep -q -- "^----i" || fail "what the probe left is not immutable"
if rm -f "$probe" 2>/dev/null; then fail "a locked object can be removed"; fi

say "a folder without locks says so"
mkdir "$WORK/free"
lh repository add free --host near-storage --path "$WORK/free" --yes
e2e_attached free | jq -e '.state == "attached" and (.locks | not) and (.probe | contains("no locks"))' >/dev/null || fail "no words"

say "locks that do not work are refused"
if lh repository add none --host near-storage --path "$WORK/plain/repository" --create --lock-mode immutable --yes; then fail "a host that cannot lock"; fi
none=$(e2e_attached none)
jq -e '.state == "failed" and (.error.message | contains("file system"))' <<<"$none" >/dev/null || fail "$none"
if lh repository add odd --host near-storage --path "$WORK/odd" --lock-mode ever --yes 2>/dev/null; then fail "lock mode ever"; fi
say "done"
