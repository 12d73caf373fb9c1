#!/usr/bin/env bash
# A vault in an Azure container (Azurite): attached, written, restored, and read with nothing but storage and password.
. "$(dirname "$0")/lib.sh"
e2e_clean
e2e_azure azurite
e2e_sample
e2e_daemons "$WORK/tenant"
where=("${AZURE_WHERE[@]}" --azure-container vaults)

say "options that make no sense"
refused "azure-account" lh repository add x --host near-storage --azure-container vaults
refused "for a folder" lh repository add x --host near-storage --path /srv "${where[@]}" --azure-key-file "$WORK/azure-key"
refused "locked" lh repository add x --host near-storage "${where[@]}" --azure-key-file "$WORK/azure-key" --azure-lock-mode ever
refused "either" lh repository add x --host near-storage "${where[@]}" --azure-key-file "$WORK/azure-key" --azure-sas-file "$WORK/azure-key"

say "a repository with the account's key"
lh repository add store --host near-storage "${where[@]}" --azure-key-file "$WORK/azure-key"
e2e_vault near-data

say "locks, which this container does not have"
refused "not seen to enforce locks" lh job edit everything --immutable 1
if lh repository add held --host near-storage "${where[@]}" --azure-key-file "$WORK/azure-key" --azure-lock-mode locked; then fail "a container that cannot lock was attached"; fi
held=$(e2e_attached held)
jq -e '.state == "failed" and (.error.message | contains("turn on version-level immutability"))' <<<"$held" >/dev/null || fail "$held"

say "two runs, and what they stored comes back"
lh run start everything --wait
lh run start everything --wait
e2e_compare_restored "$E2E_USER" "$E2E_HOME"

say "with storage and password alone, by a shared access signature that can only read and list"
sas=$(python3 tests/engines/azure_sas.py "$AZURE_ACCOUNT" "$AZURE_KEY" rl)
vault=$(lh vault show main --json | jq -r .id)
point=$(e2e_last_point mailbox "$E2E_USER")
stack_stop
e2e_azure_location vaults sas "$sas" >"$WORK/location.json"
e2e_rescue "$WORK/location.json" "$vault" "$WORK/password" verify
e2e_rescue "$WORK/location.json" "$vault" "$WORK/password" export --point "$point" --to "$WORK/export"
e2e_same_files messages "$E2E_HOME/mail" "$WORK/export"
if grep -rqF "$AZURE_KEY" "$STACK_DIR"/*.log "$STACK_DIR/director"; then fail "the account's key is in a log or with the director"; fi
