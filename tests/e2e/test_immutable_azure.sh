#!/usr/bin/env bash
# Immutability in an Azure container: the emulator drops it, so this is the strict double, which refuses what Azure
# refuses. Backups through the daemons; an attacker with the account's key; the locked point restores bit for bit.
. "$(dirname "$0")/lib.sh"
e2e_clean
e2e_azure strict_azure
e2e_sample
e2e_daemons "$WORK/tenant"
key=(--azure-key-file "$WORK/azure-key")

say "a container without version-level immutability is refused, and the text says what to do"
if lh repository add plain --host near-storage "${AZURE_WHERE[@]}" "${key[@]}" --azure-container plain --azure-lock-mode locked; then fail "a container that cannot lock was attached"; fi
plain=$(e2e_attached plain)
jq -e '.state == "failed" and (.error.message | contains("turn on version-level immutability"))' <<<"$plain" >/dev/null || fail "$plain"

say "a run without locks, then a locked one"
lh repository add store --host near-storage "${AZURE_WHERE[@]}" "${key[@]}" --azure-container worm --azure-lock-mode locked
e2e_vault near-data
e2e_attached store | jq -e '.state == "attached" and .locks and (.probe | contains("locks are enforced"))' >/dev/null ||
    fail "$(e2e_attached store)"
locks() {
    lh vault locks main "$@" --json
}
lh run start everything --wait
locks --check | jq -e '.locked==0 and .without==.objects' >/dev/null || { locks; fail "the report before"; }
lh job edit everything --immutable 1
echo changed >"$E2E_HOME/drive/changed.txt"
lh run start everything --wait
locks --check | jq -e '.locked==.objects and .checked==.objects and .without==0 and .short_of_promise==0 and .extended==0
    and .missing==0' >/dev/null || { locks; fail "the report after"; }
e2e_compare_restored "$E2E_USER" "$E2E_HOME"
[ ! -s "$WORK/strict_azure/violations" ] || { head "$WORK/strict_azure/violations"; fail "requests that are not as documented"; }
vault=$(lh vault show main --json | jq -r .id)
mailbox=$(e2e_last_point mailbox "$E2E_USER")
drive=$(e2e_last_point drive "$E2E_USER")
stack_stop

say "attack with the account's key"
python3 tests/engines/azure_admin.py ruin worm longhaul/ | tee "$WORK/attack.log"
grep -x "locks that gave way: 0" "$WORK/attack.log" >/dev/null || fail "a lock gave way"

say "with storage and password alone, reading what was written first"
e2e_azure_location worm account_key "$AZURE_KEY" first >"$WORK/first.json"
e2e_rescue_same "$WORK/first.json" "$vault" "$WORK/password" "$mailbox" "$drive"
