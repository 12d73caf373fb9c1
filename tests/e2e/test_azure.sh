#!/usr/bin/env bash
# A vault in an Azure container (Azurite): attached, written, restored, and read with nothing but storage and password.
. "$(dirname "$0")/lib.sh"
e2e_clean
azurite=$ROOT/tests/engines/azurite.sh
export AZURITE_NPM=$STACK_BIN/../tests/azurite-npm
variables=$("$azurite" start "$WORK/azurite") || exit $?
eval "$variables"
trap '"$azurite" stop "$WORK/azurite" || true; e2e_finish' EXIT
(umask 077 && echo "$AZURE_KEY" >"$WORK/key" && echo "correct horse battery staple" >"$WORK/password")
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
stack_init
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter near-storage --host
where=(--azure-account "$AZURE_ACCOUNT" --azure-container vaults --azure-endpoint "$AZURE_ENDPOINT"
    --azure-prefix longhaul --azure-ca "$AZURE_CA" --yes)

refused() { # WORDS COMMAND...: fails and says so
    local words=$1
    shift
    if "$@" >"$WORK/refused.log" 2>&1; then fail "not refused: $*"; fi
    grep -q -- "$words" "$WORK/refused.log" || { cat "$WORK/refused.log"; fail "$*: must say $words"; }
}

say "options that make no sense"
refused "azure-account" lh repository add x --host near-storage --azure-container vaults
refused "for a folder" lh repository add x --host near-storage --path /srv "${where[@]}" --azure-key-file "$WORK/key"
refused "locked" lh repository add x --host near-storage "${where[@]}" --azure-key-file "$WORK/key" --azure-lock-mode ever
refused "either" lh repository add x --host near-storage "${where[@]}" --azure-key-file "$WORK/key" --azure-sas-file "$WORK/key"

say "a repository with the account's key"
lh repository add store --host near-storage "${where[@]}" --azure-key-file "$WORK/key"
lh tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
    --client-secret-file "$STACK_DIR/simulator/client-secret" --login-url "$STACK_SIM_URL" \
    --graph-url "$STACK_SIM_URL" --transporter near-data --yes
lh vault create main --tenant contoso --repository store --password-file "$WORK/password" --transporter near-data --yes
lh tenant discover contoso --wait
lh job create everything --tenant contoso --vault main

say "two runs, and what they stored comes back"
lh run start everything --wait
lh run start everything --wait
user=$(for u in "$WORK"/tenant/users/*/; do echo "$(find "$u" -type f | wc -l) $(basename "$u")"; done | sort -rn | sed -n 1p | cut -d' ' -f2)
e2e_compare_restored "$user" "$WORK/tenant/users/$user"

say "with storage and password alone, by a shared access signature that can only read and list"
sas=$(python3 tests/engines/azure_sas.py "$AZURE_ACCOUNT" "$AZURE_KEY" rl)
vault=$(lh vault show main --json | jq -r .id)
point=$(e2e_last_point mailbox "$user")
stack_stop
jq -n --arg endpoint "$AZURE_ENDPOINT" --arg account "$AZURE_ACCOUNT" --rawfile ca "$AZURE_CA" --arg sas "$sas" \
    '{driver: "azure", endpoint: $endpoint, account: $account, container: "vaults", prefix: "longhaul", ca_pem: $ca, sas: $sas}' \
    >"$WORK/location.json"
"$STACK_BIN/longhaul-transporter" vault verify --storage "$WORK/location.json" --vault "$vault" --password-file "$WORK/password"
"$STACK_BIN/longhaul-transporter" vault export --storage "$WORK/location.json" --vault "$vault" \
    --password-file "$WORK/password" --point "$point" --to "$WORK/export"
e2e_hashes "$WORK/tenant/users/$user/mail" >"$WORK/source.sums"
e2e_hashes "$WORK/export" -name '*.eml' >"$WORK/export.sums"
diff "$WORK/source.sums" "$WORK/export.sums" >"$WORK/sums.diff" || { head "$WORK/sums.diff"; fail "exported mail differs"; }
echo "$(wc -l <"$WORK/export.sums") exported messages identical"
if grep -rqF "$AZURE_KEY" "$STACK_DIR"/*.log "$STACK_DIR/director"; then fail "the account's key is in a log or with the director"; fi
