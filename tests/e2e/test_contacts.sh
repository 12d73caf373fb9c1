#!/usr/bin/env bash
# Contacts: into the vault, out of it as vCards and into a second mailbox, incrementally, and without the permission.
. "$(dirname "$0")/lib.sh"
e2e_clean
ada=ada.abe@contoso.example bo=bo.second@contoso.example
mine=$WORK/tenant/users/$ada
mkdir -p "$mine/mail/Inbox" "$mine/drive" "$WORK/tenant/users/$bo/mail/Inbox" "$WORK/tenant/users/$bo/drive"
if [ -d "$SHARED/corpus/contacts" ]; then
    cp -a "$SHARED/corpus/contacts" "$mine/contacts"
else
    mkdir -p "$mine/contacts/Contacts"
fi
mkdir -p "$mine/contacts/Customers/North"
card() { # NAME ADDRESS [LINE]
    printf 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:%s\r\nN:%s;;;;\r\nEMAIL;TYPE=INTERNET:%s\r\n%sEND:VCARD\r\n' "$1" "$1" "$2" "${3:-}"
}
card "Olu Ade" olu@example.org $'PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQEASABIAAD/2wBD//8=\r\n' >"$mine/contacts/Contacts/olu.vcf"
card "Ines Käya" ines@example.org $'TEL;TYPE=CELL:+49 170 1\r\n' >"$mine/contacts/Customers/North/ines.vcf"
e2e_stack "$WORK/tenant"

say "backup, browse, find"
lh run start everything --wait
point=$(e2e_last_point mailbox $ada)
lh point find "$point" "Käya" --json | jq -e '.items[]|select(.kind=="contact" and .name=="Ines Käya" and .from=="ines@example.org")' >/dev/null || fail "the contact is not found by its name"


say "as vCards"
lh restore folder "$point" --to cards --wait
out=$STACK_DIR/restore-near-data/cards
grep -q "^TEL;TYPE=CELL:+49 170 1" "$out/Customers/North/Ines Käya.vcf" || fail "the card of a nested folder is not whole"
grep -q "^PHOTO;ENCODING=b;TYPE=JPEG:/9j/" "$out/Contacts/Olu Ade.vcf" || fail "the photo is not in the card"
cards=$(find "$out" -name '*.vcf' | wc -l)
counted=$(lh restore report "$(e2e_last_run)" --json | jq '[.items[]|select(.kind=="contact" and .outcome=="restored")]|length')
[ "$cards" = "$counted" ] || fail "$cards cards, $counted in the report"
echo "$cards cards"

say "into a second mailbox"
lh restore tenant "$point" --to-object "$(e2e_object mailbox $bo)" --wait
e2e_graph_compare contacts $ada $bo
lh restore tenant "$point" --to-object "$(e2e_object mailbox $bo)" --wait || true
left=$(lh restore report "$(e2e_last_run)" --json | jq '[.items[]|select(.kind=="contact" and .reason!="exists")]|length')
[ "$left" = 0 ] || fail "$left contacts were not recognised as being there"
lh restore tenant "$point" --to-object "$(e2e_object mailbox $bo)" --folder again --wait
e2e_graph_compare contacts $ada $bo --below again

say "a change, a move, a deletion"
lh run start everything --wait
card "Olu Ade-Kaya" olu@example.org >"$mine/contacts/Contacts/olu.vcf"
mv "$mine/contacts/Customers/North/ines.vcf" "$mine/contacts/Customers/ines.vcf"
card "Short Lived" short@example.org >"$mine/contacts/Customers/short.vcf"
lh run start everything --wait
rm "$mine/contacts/Customers/short.vcf"
lh run start everything --wait
point=$(e2e_last_point mailbox $ada)
lh restore folder "$point" --to later --wait
out=$STACK_DIR/restore-near-data/later
[ -f "$out/Contacts/Olu Ade-Kaya.vcf" ] && [ ! -e "$out/Contacts/Olu Ade.vcf" ] || fail "the changed contact is not what it is now"
[ -f "$out/Customers/Ines Käya.vcf" ] && [ ! -e "$out/Customers/North/Ines Käya.vcf" ] || fail "the moved contact is not where it is now"
[ ! -e "$out/Customers/Short Lived.vcf" ] || fail "a deleted contact came back"

say "without the permission"
e2e_control faults '{"match":{"path":"contactFolders"},"action":{"status":403,"code":"ErrorAccessDenied"}}' >/dev/null
lh run start everything --wait || [ $? = 1 ] || fail "a run without the permission for contacts ends like this"
denied=$(e2e_last_point mailbox $ada)
lh point outcomes "$denied" --json | jq -e '.items[]|select(.reason=="denied" and (.detail|test("contacts")))' >/dev/null || fail "the gap is not told"
lh point find "$denied" ines@example --json | jq -e '.items|length==1 and .[0].name=="Ines Käya"' >/dev/null || fail "contacts of before were dropped"
