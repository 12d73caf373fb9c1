#!/usr/bin/env bash
# Immutability in a bucket with object lock (Ceph): the same as on a disk, and an attacker with the bucket's own key who
# deletes, overwrites, hides and unlocks whatever the bucket lets: the locked point restores bit for bit.
. "$(dirname "$0")/lib.sh"
e2e_clean
e2e_s3
e2e_sample
e2e_daemons "$WORK/tenant"
lh repository add store --host near-storage "${S3_WHERE[@]}" "${S3_KEYS[@]}" --s3-prefix longhaul --s3-lock-mode compliance
e2e_vault near-data
locks() {
    lh vault locks main "$@" --json
}

say "a run without locks, then locked ones"
lh run start everything --wait
locks --check | jq -e '.locked==0 and .without==.objects' >/dev/null || { locks; fail "the report before"; }
lh job edit everything --immutable 1
echo changed >"$E2E_HOME/drive/changed.txt"
lh run start everything --wait
locks --check | jq -e '.locked==.objects and .checked==.objects and .without==0 and .short_of_promise==0 and .extended==0
    and .missing==0' >/dev/null || { locks; fail "the report after"; }
earliest=$(locks | jq -r .earliest)
echo again >"$E2E_HOME/drive/again.txt"
lh run start everything --wait
[ "$(locks | jq -r .earliest)" = "$earliest" ] || fail "an object was extended ahead of time"
e2e_compare_restored "$E2E_USER" "$E2E_HOME"
vault=$(lh vault show main --json | jq -r .id)
mailbox=$(e2e_last_point mailbox "$E2E_USER")
drive=$(e2e_last_point drive "$E2E_USER")
stack_stop

say "attack with the bucket's key"
s3_admin ruin vaults longhaul/ | tee "$WORK/attack.log"
grep -F "worked: {}" "$WORK/attack.log" >/dev/null || fail "a lock gave way"

say "with storage and password alone, reading what was written first"
e2e_s3_location longhaul first >"$WORK/first.json"
e2e_rescue_same "$WORK/first.json" "$vault" "$WORK/password" "$mailbox" "$drive"
