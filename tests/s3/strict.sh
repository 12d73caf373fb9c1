#!/usr/bin/env bash
# The S3 driver against the strict double: strict.sh PROGRAMS PLACE
#   answers        test_strict_s3: what the driver makes of every answer
#   plain, locked  the conformance suite of all drivers, on a bucket without and with versions and object lock
# Exit status 77: python3-botocore is not installed.
set -euo pipefail
programs=$1 place=$2
here=$(cd "$(dirname "$0")" && pwd)
/usr/bin/python3 -c 'import botocore' 2>/dev/null || { echo "skip: no python3-botocore"; exit 77; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/strict-s3.XXXXXX")
trap 'exec 3>&- || true; rm -rf "$scratch"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$scratch/key.pem" -out "$scratch/ca.pem" 2>/dev/null
mkfifo "$scratch/alive"
/usr/bin/python3 "$here/../fakes/strict_s3.py" "$scratch/ca.pem" "$scratch/key.pem" <"$scratch/alive" >"$scratch/port" &
exec 3>"$scratch/alive"
for _ in $(seq 600); do [ -s "$scratch/port" ] && break; sleep 0.05; done
origin=https://localhost:$(cat "$scratch/port")
location() { # LOCK_MODE
    jq -n --rawfile ca "$scratch/ca.pem" --arg endpoint "$origin" --arg mode "$1" \
        '{driver: "s3", $endpoint, region: "eu-central-1", bucket: "b", prefix: "some/where",
          access_key_id: "AKIDEXAMPLE", secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
          lock_mode: $mode, ca_pem: $ca, tries: 4}'
}
control() { curl -s --fail --cacert "$scratch/ca.pem" "$origin/_control" "$@"; }

case $place in
answers)
    location none >"$scratch/location.json"
    "$programs/test_strict_s3" "$scratch/location.json"
    ;;
plain | locked)
    if [ "$place" = locked ]; then
        bucket='{"versioning":true,"lock":true}' mode=compliance options=(--locks)
    else
        bucket='{}' mode=none options=()
    fi
    control -X PUT -d "{\"bucket\":$bucket,\"page\":3}" >/dev/null
    location "$mode" >"$scratch/location.json"
    "$programs/conformance" "$scratch/location.json" "${options[@]}"
    control | jq -e '.misfits == [] and .uploads == 0' >/dev/null || { control | jq -c '.misfits, .uploads'; exit 1; }
    ;;
*) echo "unknown place $place" >&2; exit 64 ;;
esac
