#!/usr/bin/env bash
# Real, partly broken files: backup, restore to folders (every byte), restore to a second user (through Graph).
. "$(dirname "$0")/lib.sh"
[ -d "$SHARED/corpus/mail" ] || e2e_skip "no corpus of real files beside the project"
e2e_clean
ada=ada.abe@contoso.example bo=bo.second@contoso.example
e2e_tenant_corpus "$WORK/tenant" $ada
mkdir -p "$WORK/tenant/users/$bo/mail/Inbox" "$WORK/tenant/users/$bo/drive"
e2e_stack "$WORK/tenant"
say "backup"
lh run start everything --wait
say "restore to folders"
e2e_compare_restored $ada "$WORK/tenant/users/$ada"
say "restore to a second user"
lh restore tenant "$(e2e_last_point drive $ada)" --to-object "$(e2e_object drive $bo)" --wait
e2e_hashes "$WORK/tenant/users/$ada/drive" >"$WORK/a"
e2e_hashes "$WORK/tenant/users/$bo/drive" >"$WORK/b"
cmp "$WORK/a" "$WORK/b" || fail "files of the second user differ"
e2e_graph_compare drive $ada $bo
lh restore tenant "$(e2e_last_point mailbox $ada)" --to-object "$(e2e_object mailbox $bo)" --wait || true
run=$(lh run list --json | jq -r '.items[0].id')
lh restore report "$run" --json >"$WORK/report.json"
jq -r '.items[]|select(.outcome!="restored")|[.outcome,.reason,.detail]|@tsv' "$WORK/report.json" | sort | uniq -c | sort -rn | sed -n '1,20p'
e2e_graph_compare mail $ada $bo
say "the report names every message"
run=$(lh run list --json | jq -er '[.items[]|select(.kind=="restore")]|max_by(.created).id')
told=$(lh restore report "$run" --json | jq '[.items[]|select(.outcome=="restored")]|length')
mails=$(find "$WORK/tenant/users/$ada/mail" -name '*.eml' | wc -l)
[ "$told" = "$mails" ] || fail "the report tells of $told restored messages, not $mails"
