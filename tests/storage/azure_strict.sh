#!/usr/bin/env bash
# The Azure driver against the strict double: azure_strict.sh PROGRAMS locked|unlocked|plain|faults
# All but faults run the conformance suite: with each mode of version-level immutability, and without locks.
set -euo pipefail
programs=$1 part=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
double=
trap '[ -z "$double" ] || kill "$double"; wait; rm -rf "$scratch"' EXIT
account=stricttest key=$(printf %s 'a key that every reader of this file knows' | base64 -w0)
python3 "$here/../fakes/strict_azure.py" "$scratch" "$account" "$key" &
double=$!
for _ in $(seq 300); do
    [ -s "$scratch/port" ] && break
    kill -0 "$double" || { echo "the double did not start"; exit 1; }
    sleep 0.1
done
origin=https://localhost:$(cat "$scratch/port")

location() {
    jq -n --arg endpoint "$origin" --arg account "$account" --rawfile ca "$scratch/tls.crt" --arg key "$key" \
        --arg container "$1" --arg mode "$2" '{driver: "azure", endpoint: $endpoint, account: $account, container: $container,
        prefix: "p", ca_pem: $ca, account_key: $key, lock_mode: $mode}'
}
case $part in
locked | unlocked)
    location worm "$part" >"$scratch/location.json"
    "$programs/conformance" "$scratch/location.json" --locks
    ;;
plain)
    location plain none >"$scratch/location.json"
    "$programs/conformance" "$scratch/location.json"
    ;;
faults) "$programs/azure_faults" "$scratch" "$origin" "$account" "$key" ;;
*) echo "unknown part $part" >&2; exit 64 ;;
esac
if [ -s "$scratch/violations" ]; then
    echo "requests that are not as documented:"
    sort "$scratch/violations" | uniq -c | head -20
    exit 1
fi
