#!/usr/bin/env bash
# What happens to single messages: ones whose MIME text the service refuses, and marks that change nothing inside.
. "$(dirname "$0")/lib.sh"
e2e_clean
ada=ada.abe@contoso.example bo=bo.second@contoso.example
inbox=$WORK/tenant/users/$ada/mail/Inbox
mkdir -p "$inbox" "$WORK/tenant/users/$ada/drive" "$WORK/tenant/users/$bo/mail/Inbox" "$WORK/tenant/users/$bo/drive"
for i in $(seq 40); do
    printf 'From: Ines <ines@contoso.example>\r\nTo: Olu <olu@contoso.example>\r\nSubject: Message %s\r\nMessage-ID: <%s@contoso.example>\r\nDate: Mon, 14 Sep 2026 09:58:%02d +0200\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße %s\r\n--b\r\nContent-Type: application/pdf; name="a b.pdf"\r\nContent-Disposition: attachment; filename="a b.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--b--\r\n' \
        "$i" "$i" "$i" "$i" >"$inbox/$i.eml"
done
e2e_stack "$WORK/tenant"
say "five messages the service cannot write as MIME"
e2e_control faults '{"match":{"method":"GET","path":"messages/[^/]+/[$]value"},"count":5,"action":{"status":500,"code":"ErrorMimeContentConversionFailed"}}' >/dev/null
lh run start everything --wait
point=$(e2e_last_point mailbox $ada)
rebuilt=$(lh point outcomes "$point" --json | jq '[.items[]|select(.reason=="rebuilt")]|length')
[ "$rebuilt" = 5 ] || fail "$rebuilt messages are noted as rebuilt, not 5"
lh restore folder "$point" --to rebuilt --wait
labelled=$(grep -rl '^X-Longhaul-Content: rebuilt-from-properties' "$STACK_DIR/restore-near-data/rebuilt" | wc -l)
[ "$labelled" = 5 ] || fail "$labelled files say that they were rebuilt, not 5"
lh restore tenant "$point" --to-object "$(e2e_object mailbox $bo)" --wait
e2e_graph_compare mail $ada $bo

say "marks on every message"
lh run start everything --wait # what came to the second user is in the backup too
token=$(curl -sS --fail --cacert "$STACK_DIR/simulator/ca.pem" "$STACK_SIM_URL/$STACK_TENANT_ID/oauth2/v2.0/token" \
    --data-urlencode "client_id=$STACK_CLIENT_ID" --data-urlencode "client_secret@$STACK_DIR/simulator/client-secret" \
    -d grant_type=client_credentials --data-urlencode "scope=$STACK_SIM_URL/.default" | jq -er .access_token)
graph() { # METHOD PATH [JSON]
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl -sS --fail --cacert "$STACK_DIR/simulator/ca.pem" -K - -X "$1" ${3:+-H "Content-Type: application/json" -d "$3"} "$STACK_SIM_URL/v1.0/$2"
}
graph GET "users/$ada/mailFolders/inbox/messages?\$select=id&\$top=100" | jq -er '.value[].id' >"$WORK/ids"
[ "$(wc -l <"$WORK/ids")" = 40 ] || fail "the inbox does not have 40 messages"
while read -r id; do
    graph PATCH "users/$ada/messages/$id" '{"isRead":true,"categories":["Red category"],"flag":{"flagStatus":"flagged"}}' >/dev/null
done <"$WORK/ids"
fetched() {
    e2e_control stats | jq '[.requests|to_entries[]|select(.key|test("value|mime";"i"))|.value]|add // 0'
}
before=$(fetched)
[ "$before" -ge 40 ] || fail "the statistics count $before fetches"
lh run start everything --wait
after=$(fetched)
[ "$before" = "$after" ] || fail "$((after - before)) messages were fetched again for a mark"
lh restore tenant "$(e2e_last_point mailbox $ada)" --to-object "$(e2e_object mailbox $bo)" --folder marked --wait
e2e_graph_compare mail $ada $bo --below marked
