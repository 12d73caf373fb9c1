#!/usr/bin/env bash
# The S3 driver against a real Ceph gateway, over TLS: rgw.sh PROGRAMS PLACE
#   plain       conformance on a bucket without versions; another user's key that may only read is "denied"
#   compliance  the same on a bucket with object lock
#   governance  the same, with the bucket in the host name
#   attack      everything an attacker with the bucket's key can do to locked objects
#   faults      conformance with connections that are cut and bytes that are changed
# Exit status 77: Ceph or boto3 is not installed.
set -euo pipefail
programs=$1 place=$2
here=$(cd "$(dirname "$0")" && pwd)
engines=$here/../engines
/usr/bin/python3 -c 'import boto3' 2>/dev/null || { echo "skip: no python3-boto3"; exit 77; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rgw.XXXXXX")
trap '[ -z "${proxy:-}" ] || kill "$proxy"; "$engines/rgw.sh" stop "$scratch/ceph"; rm -rf "$scratch"' EXIT
"$engines/rgw.sh" start "$scratch/ceph" >"$scratch/env" || exit $?
set -a
. "$scratch/env"
set +a
admin() { /usr/bin/python3 "$engines/s3_admin.py" "$@"; }
location() { # BUCKET LOCK_MODE [JQ EXPRESSION]
    jq -n --rawfile ca "$S3_CA" --arg bucket "$1" --arg mode "$2" \
        '{driver: "s3", endpoint: env.S3_ENDPOINT, region: env.S3_REGION, $bucket, prefix: "some/where",
          access_key_id: env.S3_KEY, secret_access_key: env.S3_SECRET, lock_mode: $mode, ca_pem: $ca} | '"${3:-.}"
}
conformance() { "$programs/conformance" "$scratch/location.json" "$@"; }

case $place in
plain)
    admin bucket plain
    admin readable plain
    location plain none >"$scratch/location.json"
    location plain none '.access_key_id = env.S3_READER_KEY | .secret_access_key = env.S3_READER_SECRET' >"$scratch/denied.json"
    location plain none '.endpoint = "https://127.0.0.1:1" | .tries = 2' >"$scratch/unavailable.json"
    conformance --denied "$scratch/denied.json" --unavailable "$scratch/unavailable.json" \
        --lose-marker "/usr/bin/python3 $engines/s3_admin.py delete plain some/where/.longhaul-repository"
    ;;
compliance)
    admin bucket locked lock
    location locked compliance >"$scratch/location.json"
    conformance --locks
    ;;
governance)
    admin bucket locked lock
    location locked governance '.style = "virtual"' >"$scratch/location.json"
    conformance --locks
    ;;
attack)
    admin bucket locked lock
    location locked compliance >"$scratch/location.json"
    location locked compliance '.versions = "first"' >"$scratch/first.json"
    "$programs/s3_attack" write "$scratch/location.json"
    "$programs/s3_attack" read "$scratch/location.json"
    admin destroy locked some/where/
    "$programs/s3_attack" damaged "$scratch/location.json"
    "$programs/s3_attack" read "$scratch/first.json"
    ;;
faults)
    admin bucket plain
    /usr/bin/python3 "$engines/flaky_proxy.py" "${S3_ENDPOINT##*:}" >"$scratch/port" &
    proxy=$!
    for _ in $(seq 200); do [ -s "$scratch/port" ] && break; sleep 0.05; done
    port=$(cat "$scratch/port")
    location plain none ".endpoint = \"https://s3.localhost:$port\"" >"$scratch/location.json"
    conformance
    kill -TERM "$proxy"
    wait "$proxy" || true
    proxy=
    tail -n 1 "$scratch/port"
    tail -n 1 "$scratch/port" | jq -e '.cut > 5 and .changed > 5' >/dev/null
    ;;
*) echo "unknown place $place" >&2; exit 64 ;;
esac
