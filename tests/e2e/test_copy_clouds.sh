#!/usr/bin/env bash
# A chain of copies: a folder, re-sealed into an S3 bucket with object lock (Ceph), from there byte by byte into an Azure
# container (Azurite). The last link restores exactly with the others gone, also without a director.
. "$(dirname "$0")/lib.sh"
e2e_clean
e2e_s3
e2e_azure azurite
(umask 077 && echo "another long password" >"$WORK/other-password")
e2e_sample
e2e_stack "$WORK/tenant"
for host in near-s3 near-azure; do
    stack_enrol $host
    stack_transporter $host --host
done
lh repository add bucket --host near-s3 "${S3_WHERE[@]}" "${S3_KEYS[@]}" --s3-prefix longhaul --s3-lock-mode compliance
lh repository add container --host near-azure "${AZURE_WHERE[@]}" --azure-container vaults --azure-key-file "$WORK/azure-key"
lh vault create in-s3 --tenant contoso --repository bucket --password-file "$WORK/other-password" --transporter near-data --yes
lh vault create in-azure --replica-of in-s3 --repository container
lh job create to-s3 --tenant contoso --from main --vault in-s3
lh job create to-azure --tenant contoso --from in-s3 --vault in-azure

for round in 1 2; do
    say "backup $round, and both copies"
    lh run start everything --wait
    lh run start to-s3 --wait
    lh run start to-azure --wait
    mapfile -t files < <(find "$E2E_HOME/drive" -type f | sort)
    [ $round = 2 ] || { rm "${files[0]}" && echo "changed" >>"${files[1]}"; }
done
for vault in in-s3 in-azure; do lh vault verify $vault --data --wait; done
id=$(lh vault show in-s3 --json | jq -er .id)

say "the folder and the bucket are gone"
stack_end near-storage
rm -rf "$WORK/repository"
stack_end near-s3
"$ROOT/tests/engines/rgw.sh" stop "$WORK/rgw"
e2e_last_point() { # KIND USER
    lh point list --object "$(e2e_object "$1" "$2")" --json | jq -er '[.items[]|select(.vault.name=="in-azure")][0].id'
}
e2e_compare_restored "$E2E_USER" "$E2E_HOME"

say "without a director"
stack_stop
e2e_azure_location vaults account_key "$AZURE_KEY" >"$WORK/location.json"
e2e_rescue "$WORK/location.json" "$id" "$WORK/other-password" verify
