#!/usr/bin/env bash
# A vault in an S3 bucket with object lock (Ceph): attached, written, restored, and read with nothing but storage and
# password, also after somebody with the bucket's key hid every object.
. "$(dirname "$0")/lib.sh"
e2e_clean
e2e_s3
e2e_sample
e2e_daemons "$WORK/tenant"
where=("${S3_WHERE[@]}" --s3-prefix longhaul)

say "options that make no sense"
refused "s3-region" lh repository add x --host near-storage --s3-bucket vaults "${S3_KEYS[@]}"
refused "for a folder" lh repository add x --host near-storage --path /srv "${where[@]}" "${S3_KEYS[@]}"
refused "compliance" lh repository add x --host near-storage "${where[@]}" "${S3_KEYS[@]}" --s3-lock-mode ever
refused "https" lh repository add x --host near-storage --s3-bucket b --s3-region r --s3-endpoint http://x "${S3_KEYS[@]}" --yes

say "a repository in a bucket with object lock"
lh repository add store --host near-storage "${where[@]}" "${S3_KEYS[@]}" --s3-lock-mode compliance
e2e_vault near-data

say "two runs, and what they stored comes back"
lh run start everything --wait
lh run start everything --wait
e2e_compare_restored "$E2E_USER" "$E2E_HOME"

say "with storage and password alone, after every object was hidden"
vault=$(lh vault show main --json | jq -r .id)
point=$(e2e_last_point mailbox "$E2E_USER")
stack_stop
e2e_s3_location longhaul >"$WORK/location.json"
e2e_rescue "$WORK/location.json" "$vault" "$WORK/password" verify
s3_admin hide vaults longhaul/
e2e_s3_location longhaul first >"$WORK/first.json"
e2e_rescue "$WORK/first.json" "$vault" "$WORK/password" export --point "$point" --to "$WORK/export"
e2e_same_files messages "$E2E_HOME/mail" "$WORK/export"
if grep -rqF "$S3_SECRET" "$STACK_DIR"/*.log "$STACK_DIR/director"; then fail "the secret key is in a log or with the director"; fi
