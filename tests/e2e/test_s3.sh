#!/usr/bin/env bash
# A vault in an S3 bucket with object lock (Ceph): attached, written, restored, and read with nothing but storage and
# password, also after somebody with the bucket's key hid every object.
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
stack_init
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter near-storage --host
where=(--s3-bucket vaults --s3-endpoint "$S3_ENDPOINT" --s3-region "$S3_REGION" --s3-prefix longhaul --s3-ca "$S3_CA" --yes)
keys=(--s3-key-id-file "$WORK/key-id" --s3-secret-file "$WORK/secret")

refused() { # WORDS COMMAND...: fails and says so
    local words=$1
    shift
    if "$@" >"$WORK/refused.log" 2>&1; then fail "not refused: $*"; fi
    grep -q -- "$words" "$WORK/refused.log" || { cat "$WORK/refused.log"; fail "$*: must say $words"; }
}

say "options that make no sense"
refused "s3-region" lh repository add x --host near-storage --s3-bucket vaults "${keys[@]}"
refused "for a folder" lh repository add x --host near-storage --path /srv "${where[@]}" "${keys[@]}"
refused "compliance" lh repository add x --host near-storage "${where[@]}" "${keys[@]}" --s3-lock-mode ever
refused "https" lh repository add x --host near-storage --s3-bucket b --s3-region r --s3-endpoint http://x "${keys[@]}" --yes

say "a repository in a bucket with object lock"
lh repository add store --host near-storage "${where[@]}" "${keys[@]}" --s3-lock-mode compliance
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

say "with storage and password alone, after every object was hidden"
vault=$(lh vault show main --json | jq -r .id)
point=$(e2e_last_point mailbox "$user")
stack_stop
jq -n --rawfile ca "$S3_CA" '{driver: "s3", endpoint: env.S3_ENDPOINT, region: env.S3_REGION, bucket: "vaults",
    prefix: "longhaul", access_key_id: env.S3_KEY, secret_access_key: env.S3_SECRET, ca_pem: $ca}' >"$WORK/location.json"
"$STACK_BIN/longhaul-transporter" vault verify --storage "$WORK/location.json" --vault "$vault" --password-file "$WORK/password"
admin hide vaults longhaul/
jq '.versions = "first"' "$WORK/location.json" >"$WORK/first.json"
"$STACK_BIN/longhaul-transporter" vault export --storage "$WORK/first.json" --vault "$vault" \
    --password-file "$WORK/password" --point "$point" --to "$WORK/export"
e2e_hashes "$WORK/tenant/users/$user/mail" >"$WORK/source.sums"
e2e_hashes "$WORK/export" -name '*.eml' >"$WORK/export.sums"
diff "$WORK/source.sums" "$WORK/export.sums" >"$WORK/sums.diff" || { head "$WORK/sums.diff"; fail "exported mail differs"; }
echo "$(wc -l <"$WORK/export.sums") exported messages identical"
if grep -rqF "$S3_SECRET" "$STACK_DIR"/*.log "$STACK_DIR/director"; then fail "the secret key is in a log or with the director"; fi
