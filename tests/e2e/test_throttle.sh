#!/usr/bin/env bash
# A service with tight limits: every Retry-After is obeyed, no mailbox sees more than four requests at a time, and the run
# still ends with everything.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
cat >"$WORK/limits.json" <<'J'
{"outlook": {"requests": 60, "window_seconds": 4, "concurrent": 4, "upload_bytes": 157286400, "upload_window_seconds": 300},
 "sharepoint": {"units": 30, "window_seconds": 4, "headers_from_percent": 80},
 "directory": {"units": 3500, "window_seconds": 10}}
J
stack_init
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits "$WORK/limits.json"
stack_transporter near-data
stack_transporter near-storage --host
e2e_setup near-data
lh run start everything --wait
e2e_control stats >"$WORK/stats.json"
jq -c '{requests, status, throttled, max_concurrent}' "$WORK/stats.json"
jq -e '[.max_concurrent[]] | length > 0 and max <= 4' "$WORK/stats.json" >/dev/null || fail "a mailbox saw more than four requests at a time"
jq -e '.throttled > 0 and .throttled < 60' "$WORK/stats.json" >/dev/null || fail "the limits were not met, or run into again and again"
e2e_compare_restored ada.abe@contoso.example "$WORK/tenant/users/ada.abe@contoso.example"
