#!/usr/bin/env bash
# A chain of copies: a folder, re-sealed into an S3 bucket with object lock (Ceph), from there byte by byte into an Azure
# container (Azurite). The last link restores exactly with the others gone, also without a director.
. "$(dirname "$0")/lib.sh"
e2e_clean
/usr/bin/python3 -c 'import boto3' 2>/dev/null || e2e_skip "no python3-boto3"
ceph=$ROOT/tests/engines/rgw.sh azurite=$ROOT/tests/engines/azurite.sh
export AZURITE_NPM=$STACK_BIN/../tests/azurite-npm
trap '"$ceph" stop "$WORK/ceph" || true; "$azurite" stop "$WORK/azurite" || true; e2e_finish' EXIT
variables=$("$ceph" start "$WORK/ceph") || exit $?
set -a
eval "$variables"
set +a
variables=$("$azurite" start "$WORK/azurite") || exit $?
eval "$variables"
/usr/bin/python3 "$ROOT/tests/engines/s3_admin.py" bucket vaults lock
(umask 077 && echo "$S3_KEY" >"$WORK/key-id" && echo "$S3_SECRET" >"$WORK/secret" && echo "$AZURE_KEY" >"$WORK/azure-key" &&
    echo "another long password" >"$WORK/other-password")
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
e2e_stack "$WORK/tenant"
for host in near-s3 near-azure; do
    stack_enrol $host
    stack_transporter $host --host
done
lh repository add bucket --host near-s3 --s3-bucket vaults --s3-endpoint "$S3_ENDPOINT" --s3-region "$S3_REGION" \
    --s3-prefix longhaul --s3-ca "$S3_CA" --s3-key-id-file "$WORK/key-id" --s3-secret-file "$WORK/secret" \
    --s3-lock-mode compliance --yes
lh repository add container --host near-azure --azure-account "$AZURE_ACCOUNT" --azure-container vaults \
    --azure-endpoint "$AZURE_ENDPOINT" --azure-prefix longhaul --azure-ca "$AZURE_CA" --azure-key-file "$WORK/azure-key" --yes
lh vault create in-s3 --tenant contoso --repository bucket --password-file "$WORK/other-password" --transporter near-data --yes
lh vault create in-azure --replica-of in-s3 --repository container
lh job create to-s3 --tenant contoso --from main --vault in-s3
lh job create to-azure --tenant contoso --from in-s3 --vault in-azure
user=$(for u in "$WORK"/tenant/users/*/; do echo "$(find "$u" -type f | wc -l) $(basename "$u")"; done | sort -rn | sed -n 1p | cut -d' ' -f2)
home=$WORK/tenant/users/$user

for round in 1 2; do
    say "backup $round, and both copies"
    lh run start everything --wait
    lh run start to-s3 --wait
    lh run start to-azure --wait
    mapfile -t files < <(find "$home/drive" -type f | sort)
    [ $round = 2 ] || { rm "${files[0]}" && echo "changed" >>"${files[1]}"; }
done
for vault in in-s3 in-azure; do lh vault verify $vault --data --wait; done
id=$(lh vault show in-s3 --json | jq -er .id)

say "the folder and the bucket are gone"
stack_end near-storage
rm -rf "$WORK/repository"
stack_end near-s3
"$ceph" stop "$WORK/ceph"
e2e_last_point() { # KIND USER
    lh point list --object "$(e2e_object "$1" "$2")" --json | jq -er '[.items[]|select(.vault.name=="in-azure")][0].id'
}
e2e_compare_restored "$user" "$home"

say "without a director"
stack_stop
jq -n --arg endpoint "$AZURE_ENDPOINT" --arg account "$AZURE_ACCOUNT" --arg key "$AZURE_KEY" --rawfile ca "$AZURE_CA" \
    '{driver: "azure", endpoint: $endpoint, account: $account, container: "vaults", prefix: "longhaul", ca_pem: $ca, account_key: $key}' \
    >"$WORK/location.json"
"$STACK_BIN/longhaul-transporter" vault verify --storage "$WORK/location.json" --vault "$id" --password-file "$WORK/other-password"
