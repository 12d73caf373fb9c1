#!/usr/bin/env bash
# A grown tenant (real files, duplicates, edited copies): every message and file of every user comes back bit for bit, also
# after the vault was read through the break-glass reader.
. "$(dirname "$0")/lib.sh"
[ -f "$SHARED/tools/grow-tenant.py" ] || e2e_skip "no tool to grow a tenant beside the project"
e2e_clean
if [ "${LONGHAUL_TEST_SIZE:-normal}" = long ]; then size=2GiB users=20; else size=64MiB users=3; fi
python3 "$SHARED/tools/grow-tenant.py" --corpus "$SHARED/corpus" --out "$WORK/tenant" --size $size --users $users --seed 7 >/dev/null
e2e_stack "$WORK/tenant"
lh run start everything --wait
for home in "$WORK"/tenant/users/*/; do
    e2e_compare_restored "$(basename "$home")" "${home%/}"
done
user=$(basename "$(ls -d "$WORK"/tenant/users/*/ | sed -n 1p)")
vault=$(lh vault show main --json | jq -r .id)
point=$(e2e_last_point mailbox "$user")
stack_end director
stack_end near-storage
"$STACK_BIN/longhaul-transporter" vault export --storage "$WORK/repository" --vault "$vault" --password-file "$WORK/password" \
    --point "$point" --to "$WORK/export" >"$WORK/export.log" 2>&1 || { cat "$WORK/export.log"; fail "export"; }
e2e_hashes "$WORK/tenant/users/$user/mail" >"$WORK/source.sums"
e2e_hashes "$WORK/export" -name '*.eml' >"$WORK/exported.sums"
cmp "$WORK/source.sums" "$WORK/exported.sums" || fail "the exported mailbox differs"
echo "break-glass export of $user: $(wc -l <"$WORK/exported.sums") messages identical"
