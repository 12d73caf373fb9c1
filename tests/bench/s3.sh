#!/usr/bin/env bash
# How fast the S3 driver puts packs, beside plain parallel uploaders on the same Ceph gateway in the same run:
#   s3.sh [BUILD FOLDER, default build/release] [ROUNDS] [THREADS] [OBJECTS] [MIB]
# The driver hashes and signs every body, which the gateway checks, and asks for every object again; boto3 is told to sign
# bodies too, which is the same check; curl sends them unchecked (UNSIGNED-PAYLOAD) and marks what the gateway can take.
# All over TLS. Rounds alternate; the table shows medians, and the CPU time of client, gateway and store together.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release} rounds=${2:-5} threads=${3:-4} objects=${4:-32} mib=${5:-16}
program=$(find "$build" -name bench_s3 -type f | head -n 1)
[ -n "$program" ] || { echo "s3.sh: build bench_s3 first: cmake --preset release && cmake --build --preset release" >&2; exit 69; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bench-s3.XXXXXX")
trap 'tests/engines/rgw.sh stop "$scratch/ceph"; rm -rf "$scratch"' EXIT
RGW_SIZE=$((32 << 30)) tests/engines/rgw.sh start "$scratch/ceph" >"$scratch/env" || exit $?
set -a
. "$scratch/env"
set +a
/usr/bin/python3 tests/engines/s3_admin.py bucket bench
/usr/bin/python3 tests/engines/s3_admin.py bucket plain
jq -n --rawfile ca "$S3_CA" '{driver: "s3", endpoint: env.S3_ADDRESS, region: env.S3_REGION, bucket: "bench",
    access_key_id: env.S3_KEY, secret_access_key: env.S3_SECRET, ca_pem: $ca}' >"$scratch/location.json"
head -c $((mib << 20)) /dev/urandom >"$scratch/object"

with_driver() { BENCH_KEEP=1 "$program" "$scratch/location.json" "$threads" "$objects" "$mib"; }
rate() { awk -v s="$1" -v e="$2" -v m=$((objects * mib)) 'BEGIN { printf "%.0f\n", m / (e - s) }'; }
with_curl() {
    local start end
    for i in $(seq "$objects"); do
        printf 'url = "%s/plain/c%s"\nupload-file = "%s"\n' "$S3_ADDRESS" "$i" "$scratch/object"
        [ "$i" = "$objects" ] || echo next
    done | sed -e '/^url/i aws-sigv4 = "aws:amz:'"$S3_REGION"':s3"\nuser = "'"$S3_KEY:$S3_SECRET"'"\ncacert = "'"$S3_CA"'"\nheader = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\nfail' >"$scratch/curl.conf"
    start=$EPOCHREALTIME
    curl --no-progress-meter --parallel --parallel-max "$threads" --config "$scratch/curl.conf" >/dev/null 2>&1
    end=$EPOCHREALTIME
    rate "$start" "$end"
}
with_boto() {
    /usr/bin/python3 - "$threads" "$objects" "$scratch/object" <<'PY'
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
import boto3
from botocore.config import Config

threads, objects, body = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "rb").read()
s3 = boto3.client("s3", endpoint_url=os.environ["S3_ADDRESS"], verify=os.environ["S3_CA"], region_name=os.environ["S3_REGION"],
                  aws_access_key_id=os.environ["S3_KEY"], aws_secret_access_key=os.environ["S3_SECRET"],
                  config=Config(signature_version="s3v4", max_pool_connections=threads,
                                s3={"addressing_style": "path", "payload_signing_enabled": True}))
put = lambda i: s3.put_object(Bucket="plain", Key=f"b{i}", Body=body)
put(0)
start = time.monotonic()
with ThreadPoolExecutor(threads) as pool:
    list(pool.map(put, range(objects)))
print(round(objects * len(body) / 2**20 / (time.monotonic() - start)))
PY
}
# Seconds of CPU that the Ceph daemons have used.
ceph_cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); used += $12 + $13 } END { print used / hz }' $(sed 's#^#/proc/#; s#$#/stat#' "$scratch"/ceph/*.pid); }
# measure NAME: one round, with what it took of both processors, gateway and store included.
measure() {
    local before after
    before=$(ceph_cpu)
    command time -f '%U %S' -o "$scratch/time" bash -c "with_$1" >>"$scratch/$1"
    after=$(ceph_cpu)
    cat "$scratch/time" >>"$scratch/$1.time"
    awk -v b="$before" -v a="$after" -v m=$((objects * mib)) '{ printf "%.0f\n", ($1 + $2 + a - b) * 1024000 / m }' "$scratch/time" >>"$scratch/$1.cpu"
}
# The median of the rounds' ratios, in percent.
paired() { paste "$scratch/driver" "$scratch/$1" | awk '{ printf "%.0f\n", $1 * 100 / $2 }' | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }
export -f with_driver with_curl with_boto rate
export program scratch threads objects mib
with_driver >/dev/null
for _ in $(seq "$rounds"); do
    for who in driver curl boto; do measure "$who"; done
done
echo "PUT to Ceph over TLS, $objects objects of $mib MiB, $threads at a time, median of $rounds rounds"
for row in driver curl boto; do
    printf '%-7s %5s MiB/s (%s)  driver is at %3s %%;  CPU of both ends %5s ms/GiB, %5s of it the client\n' "$row" "$(median "$scratch/$row")" \
        "$(sort -n "$scratch/$row" | tr '\n' ' ' | sed 's/ $//')" \
        "$(paired "$row")" "$(median "$scratch/$row.cpu")" \
        "$(awk -v m=$((objects * mib)) '{ printf "%.0f\n", ($1 + $2) * 1024000 / m }' "$scratch/$row.time" | sort -n | sed -n "$(((rounds + 1) / 2))p")"
done
