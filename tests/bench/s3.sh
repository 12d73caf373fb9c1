#!/usr/bin/env bash
# How fast the S3 driver puts packs, beside plain parallel uploaders on the same Ceph gateway in the same run:
#   s3.sh [BUILD FOLDER, default build/release] [ROUNDS] [THREADS] [OBJECTS] [MIB]
# The driver signs and checksums every body and reads every object back; curl does neither (UNSIGNED-PAYLOAD); boto3 signs
# with the Content-MD5 that S3 wants where objects are locked. All over TLS. Rounds alternate; the table shows medians.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release} rounds=${2:-5} threads=${3:-4} objects=${4:-32} mib=${5:-16}
program=$(find "$build" -name bench_s3 -type f | head -n 1)
[ -n "$program" ] || { echo "s3.sh: build bench_s3 first: cmake --preset release && cmake --build --preset release" >&2; exit 69; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bench-s3.XXXXXX")
trap 'tests/engines/rgw.sh stop "$scratch/ceph"; rm -rf "$scratch"' EXIT
tests/engines/rgw.sh start "$scratch/ceph" >"$scratch/env" || exit $?
set -a
. "$scratch/env"
set +a
/usr/bin/python3 tests/engines/s3_admin.py bucket bench
/usr/bin/python3 tests/engines/s3_admin.py bucket plain
jq -n --rawfile ca "$S3_CA" '{driver: "s3", endpoint: env.S3_ADDRESS, region: env.S3_REGION, bucket: "bench",
    access_key_id: env.S3_KEY, secret_access_key: env.S3_SECRET, ca_pem: $ca}' >"$scratch/location.json"
head -c $((mib << 20)) /dev/urandom >"$scratch/object"

driver() { "$program" "$scratch/location.json" "$threads" "$objects" "$mib"; }
rate() { awk -v s="$1" -v e="$2" -v m=$((objects * mib)) 'BEGIN { printf "%.0f\n", m / (e - s) }'; }
with_curl() {
    local start end
    for i in $(seq "$objects"); do
        printf 'url = "%s/plain/c%s"\nupload-file = "%s"\n' "$S3_ADDRESS" "$i" "$scratch/object"
        [ "$i" = "$objects" ] || echo next
    done | sed -e '/^url/i aws-sigv4 = "aws:amz:'"$S3_REGION"':s3"\nuser = "'"$S3_KEY:$S3_SECRET"'"\ncacert = "'"$S3_CA"'"\nheader = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\nfail\nsilent\nshow-error' >"$scratch/curl"
    start=$EPOCHREALTIME
    curl --parallel --parallel-max "$threads" --config "$scratch/curl" >/dev/null
    end=$EPOCHREALTIME
    rate "$start" "$end"
}
with_boto() {
    /usr/bin/python3 - "$threads" "$objects" "$scratch/object" <<'PY'
import base64, hashlib, os, sys, time
from concurrent.futures import ThreadPoolExecutor
import boto3
from botocore.config import Config

threads, objects, body = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "rb").read()
s3 = boto3.client("s3", endpoint_url=os.environ["S3_ADDRESS"], verify=os.environ["S3_CA"], region_name=os.environ["S3_REGION"],
                  aws_access_key_id=os.environ["S3_KEY"], aws_secret_access_key=os.environ["S3_SECRET"],
                  config=Config(signature_version="s3v4", max_pool_connections=threads, s3={"addressing_style": "path"}))
put = lambda i: s3.put_object(Bucket="plain", Key=f"b{i}", Body=body,
                              ContentMD5=base64.b64encode(hashlib.md5(body).digest()).decode())
put(0)
start = time.monotonic()
with ThreadPoolExecutor(threads) as pool:
    list(pool.map(put, range(objects)))
print(round(objects * len(body) / 2**20 / (time.monotonic() - start)))
PY
}
median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }
driver >/dev/null
for _ in $(seq "$rounds"); do
    driver >>"$scratch/driver"
    with_curl >>"$scratch/with_curl"
    with_boto >>"$scratch/with_boto"
done
echo "PUT to Ceph over TLS, $objects objects of $mib MiB, $threads at a time, median of $rounds rounds"
for row in driver with_curl with_boto; do
    printf '%-10s %5s MiB/s  (%s)  driver is at %s %%\n' "${row#with_}" "$(median "$scratch/$row")" \
        "$(sort -n "$scratch/$row" | tr '\n' ' ' | sed 's/ $//')" \
        "$(($(median "$scratch/driver") * 100 / $(median "$scratch/$row")))"
done
