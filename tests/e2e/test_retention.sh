#!/usr/bin/env bash
# Recovery points that expire by command: retired at once, brought back, retired again; what others need stays.
. "$(dirname "$0")/lib.sh"
e2e_clean
ada=ada.abe@contoso.example
inbox=$WORK/tenant/users/$ada/mail/Inbox
mkdir -p "$inbox" "$WORK/tenant/users/$ada/drive"
message() { # NUMBER
    printf 'From: Ines <ines@contoso.example>\r\nTo: Olu <olu@contoso.example>\r\nSubject: Message %s\r\nMessage-ID: <%s@contoso.example>\r\nDate: Mon, 14 Sep 2026 09:58:00 +0200\r\n\r\nText %s\r\n' "$1" "$1" "$1" >"$inbox/$1.eml"
}
for i in $(seq 20); do message "$i"; done
e2e_stack "$WORK/tenant"
lh run start everything --wait
first=$(e2e_last_point mailbox $ada)
vault=$(lh point show "$first" --json | jq -er '.vault|if type=="object" then .name else . end')
message 21
lh run start everything --wait
second=$(e2e_last_point mailbox $ada)
[ "$first" != "$second" ] || fail "the second run made no point of its own"

say "what would be retired"
lh point expire "$first" --dry-run >"$WORK/dry"
grep -q "would retire 1 points and [0-9]* packs of [0-9]* bytes" "$WORK/dry" || { cat "$WORK/dry"; fail "a dry run does not say what it would do"; }
lh vault sweep "$vault" --older-than 1 --dry-run --json | jq -e '.figures|.points_retired==0 and has("packs_retired") and has("bytes_retired")' >/dev/null ||
    fail "a dry run has no figures"
lh point list --json | jq -e --arg p "$first" '[.items[]|select(.id==$p)]|length==1' >/dev/null || fail "a dry run retired something"
[ "$(lh point list --before "1w ago" --json | jq '.items|length')" = 0 ] || fail "points from a week ago"
lh point find "$second" message --from 2026-01-01 --until today --json | jq -e '.items|length>0' >/dev/null || fail "nothing found since January"
if lh point find "$second" message --from "last week" 2>"$WORK/dry"; then fail "no time"; fi
grep -q "yesterday" "$WORK/dry" || { cat "$WORK/dry"; fail "the forms of times are not told"; }

say "a point that expires"
lh point expire "$first" --yes --wait
lh point list --json | jq -e --arg p "$first" '[.items[]|select(.id==$p)]|length==0' >/dev/null || fail "it is still listed"
lh point list --retired --json | jq -e --arg p "$first" '[.items[]|select(.id==$p)]|length==1' >/dev/null || fail "it is not listed as retired"
record=$(lh vault retired "$vault" --json | jq -er '.items[0].record')
lh vault verify "$vault" --data --wait

say "and comes back"
lh vault undo "$vault" "$record" --wait
lh point verify "$first" --data --wait

say "a sweep that may not touch what runs go on from"
lh vault sweep "$vault" --older-than 1 --undo-days 1 --yes --wait
lh point expire "$first" --undo-days 1 --yes --wait
message 22
lh run start everything --wait
lh vault verify "$vault" --data --wait
lh restore folder "$(e2e_last_point mailbox $ada)" --to kept --wait
[ "$(find "$STACK_DIR/restore-near-data/kept" -name '*.eml' | wc -l)" = 22 ] || fail "22 messages were not restored"
