#!/usr/bin/env bash
# A hundred changes: the second run stores only them, and every point still restores exactly.
. "$(dirname "$0")/lib.sh"
e2e_clean
if [ "${LONGHAUL_TEST_SIZE:-normal}" = long ]; then size=2GiB; else size=48MiB; fi
if [ -f "$SHARED/tools/grow-tenant.py" ]; then
    python3 "$SHARED/tools/grow-tenant.py" --corpus "$SHARED/corpus" --out "$WORK/tenant" --size $size --users 4 --seed 7 >/dev/null
else
    "$STACK_BIN/make-sample-tenant" "$WORK/tenant"
fi
e2e_stack "$WORK/tenant"
# The user with the most items.
user=$(for u in "$WORK"/tenant/users/*/; do echo "$(find "$u" -type f | wc -l) $(basename "$u")"; done | sort -rn | sed -n 1p | cut -d' ' -f2)
home=$WORK/tenant/users/$user
say "first run"
lh run start everything --wait
first=$(e2e_size "$WORK/repository")

say "a hundred changes"
find "$home/mail" -name '*.eml' | sort | sed -n '1,60p' >"$WORK/mails"
mkdir -p "$home/mail/Inbox"
changed=0
while read -r mail; do
    changed=$((changed + 1))
    if [ $((changed % 3)) -eq 0 ]; then
        rm "$mail"
    elif [ $((changed % 3)) -eq 1 ]; then
        mv "$mail" "$home/mail/Inbox/moved-$changed.eml"
    else
        { echo "X-Change: $changed"; cat "$mail"; } >"$home/mail/Inbox/new-$changed.eml"
    fi
done <"$WORK/mails"
find "$home/drive" -type f -size -200k | sort | sed -n '1,40p' >"$WORK/files"
while read -r file; do
    changed=$((changed + 1))
    if [ $((changed % 4)) -eq 0 ]; then
        rm "$file"
    elif [ $((changed % 4)) -eq 1 ]; then
        mv "$file" "$home/drive/moved $changed #%.bin"
    else
        echo "change $changed" >>"$file"
    fi
done <"$WORK/files"
e2e_control stats >"$WORK/before.json"

say "second run"
lh run start everything --wait --json >"$WORK/run.json"
second=$(e2e_size "$WORK/repository")
echo "$changed changes: repository $first -> $second bytes"
[ $((second - first)) -lt 6000000 ] || fail "$changed small changes stored $((second - first)) bytes"
e2e_compare_restored "$user" "$home"

say "third run, nothing changed"
lh run start everything --wait >/dev/null
third=$(e2e_size "$WORK/repository")
[ $((third - second)) -lt 300000 ] || fail "an idle run stored $((third - second)) bytes"

say "a lost delta token: everything is listed again, nothing is fetched again"
e2e_control faults '{"match":{"path":"delta.*token="},"count":6,"action":{"status":410,"code":"SyncStateNotFound"}}' >/dev/null
e2e_control stats | jq -c '.requests' >"$WORK/before-resync"
lh run start everything --wait
e2e_control stats | jq -c '.requests' >"$WORK/after-resync"
cat "$WORK/before-resync" "$WORK/after-resync"
e2e_control reset '{}' >/dev/null
fourth=$(e2e_size "$WORK/repository")
[ $((fourth - third)) -lt 600000 ] || fail "a resync stored $((fourth - third)) bytes"
e2e_compare_restored "$user" "$home"
lh vault verify main --data --wait
