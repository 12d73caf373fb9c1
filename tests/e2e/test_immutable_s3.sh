#!/usr/bin/env bash
# Immutability in a bucket with object lock (Ceph): the same as on a disk, and an attacker with the bucket's own key who
# deletes, overwrites, hides and unlocks whatever the bucket lets: the locked point restores bit for bit.
. "$(dirname "$0")/lib.sh"
e2e_clean
/usr/bin/python3 -c 'import boto3' 2>/dev/null || { echo "skip: no python3-boto3"; exit 77; }
ceph=$ROOT/tests/engines/rgw.sh
variables=$("$ceph" start "$WORK/ceph") || exit $?
trap '"$ceph" stop "$WORK/ceph" || true; e2e_finish' EXIT
set -a
eval "$variables"
set +a
admin() { /usr/bin/python3 "$ROOT/tests/engines/s3_admin.py" "$@"; }
admin bucket vaults lock
(umask 077 && echo "$S3_KEY" >"$WORK/key-id" && echo "$S3_SECRET" >"$WORK/secret" &&
    echo "correct horse battery staple" >"$WORK/password")
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=$(for u in "$WORK"/tenant/users/*/; do echo "$(find "$u" -type f | wc -l) $(basename "$u")"; done | sort -rn | sed -n 1p | cut -d' ' -f2)
home=$WORK/tenant/users/$user
stack_init
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter near-storage --host
lh repository add store --host near-storage --s3-bucket vaults --s3-endpoint "$S3_ENDPOINT" --s3-region "$S3_REGION" \
    --s3-prefix longhaul --s3-ca "$S3_CA" --s3-key-id-file "$WORK/key-id" --s3-secret-file "$WORK/secret" \
    --s3-lock-mode compliance --yes
lh tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
    --client-secret-file "$STACK_DIR/simulator/client-secret" --login-url "$STACK_SIM_URL" \
    --graph-url "$STACK_SIM_URL" --transporter near-data --yes
lh vault create main --tenant contoso --repository store --password-file "$WORK/password" --transporter near-data --yes
lh tenant discover contoso --wait
locks() {
    lh vault locks main "$@" --json
}

say "a run without locks, then locked ones"
lh job create everything --tenant contoso --vault main
lh run start everything --wait
locks --check | jq -e '.locked==0 and .without==.objects' >/dev/null || { locks; fail "the report before"; }
lh job edit everything --immutable 1
echo changed >"$home/drive/changed.txt"
lh run start everything --wait
locks --check | jq -e '.locked==.objects and .checked==.objects and .without==0 and .short_of_promise==0 and .extended==0
    and .missing==0' >/dev/null || { locks; fail "the report after"; }
earliest=$(locks | jq -r .earliest)
echo again >"$home/drive/again.txt"
lh run start everything --wait
[ "$(locks | jq -r .earliest)" = "$earliest" ] || fail "an object was extended ahead of time"
e2e_compare_restored "$user" "$home"
vault=$(lh vault show main --json | jq -r .id)
mailbox=$(e2e_last_point mailbox "$user")
drive=$(e2e_last_point drive "$user")
stack_stop

say "attack with the bucket's key"
admin ruin vaults longhaul/ | tee "$WORK/attack.log"
grep -F "worked: {}" "$WORK/attack.log" >/dev/null || fail "a lock gave way"

say "with storage and password alone, reading what was written first"
jq -n --rawfile ca "$S3_CA" '{driver: "s3", endpoint: env.S3_ENDPOINT, region: env.S3_REGION, bucket: "vaults",
    prefix: "longhaul", access_key_id: env.S3_KEY, secret_access_key: env.S3_SECRET, ca_pem: $ca, versions: "first"}' >"$WORK/first.json"
rescue() {
    local command=$1
    shift
    "$STACK_BIN/longhaul-transporter" vault "$command" --storage "$WORK/first.json" --vault "$vault" \
        --password-file "$WORK/password" "$@"
}
mkdir -p "$WORK/out"
rescue export --point "$mailbox" --to "$WORK/out/mail"
rescue export --point "$drive" --to "$WORK/out/drive"
for what in mail drive; do
    e2e_hashes "$home/$what" >"$WORK/source.sums"
    e2e_hashes "$WORK/out/$what" ! -name 'report*.jsonl' >"$WORK/export.sums"
    diff "$WORK/source.sums" "$WORK/export.sums" >"$WORK/sums.diff" || { head "$WORK/sums.diff"; fail "exported $what differs"; }
    echo "$what: $(wc -l <"$WORK/export.sums") items identical"
done
for point in "$mailbox" "$drive"; do
    rescue verify --point "$point" | grep " 0 damaged" || fail "$point is damaged"
done
