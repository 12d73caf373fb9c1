#!/usr/bin/env bash
# The conformance suite over Azurite: azure.sh PROGRAMS NPM_FOLDER shared_key|sas
# Azurite drops immutability, so locks are tried against the double: tests/unit/transporter/storage/azure.
# Exit status 77: Azurite is not to be had.
set -euo pipefail
programs=$1 npm=$2 credential=$3
here=$(cd "$(dirname "$0")" && pwd)
engine=$here/../engines/azurite.sh
scratch=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
trap '"$engine" stop "$scratch/azurite" || true; rm -rf "$scratch"' EXIT
variables=$(AZURITE_NPM=$npm "$engine" start "$scratch/azurite")
eval "$variables"

sas() { python3 "$here/../engines/azure_sas.py" "$AZURE_ACCOUNT" "$AZURE_KEY" "$1"; }
# location ENDPOINT FIELD SECRET
location() {
    jq -n --arg endpoint "$1" --arg account "$AZURE_ACCOUNT" --rawfile ca "$AZURE_CA" --arg secret "$3" \
        '{driver: "azure", endpoint: $endpoint, account: $account, container: "vaults", prefix: "a/b", ca_pem: $ca,
          "'"$2"'": $secret}'
}
case $credential in
shared_key) location "$AZURE_ENDPOINT" account_key "$AZURE_KEY" ;;
sas) location "$AZURE_ENDPOINT" sas "$(sas rwdlc)" ;;
*) echo "unknown credential $credential" >&2; exit 64 ;;
esac >"$scratch/location.json"
location "$AZURE_ENDPOINT" sas "$(sas rl)" >"$scratch/denied.json"
location "https://localhost:1/$AZURE_ACCOUNT" account_key "$AZURE_KEY" >"$scratch/unavailable.json"
"$programs/conformance" "$scratch/location.json" --unavailable "$scratch/unavailable.json" \
    --denied "$scratch/denied.json" --lose-marker \
    "curl -fsS --cacert $AZURE_CA -X DELETE '$AZURE_ENDPOINT/vaults/a/b/.longhaul-repository$(sas d)'"
