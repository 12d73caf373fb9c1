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

user=ada.abe@contoso.example
throttle_for_ever() { # RETRY_AFTER
    e2e_control reset '{}' >/dev/null
    e2e_control faults '{"match":{"path":"/v1.0/"},"action":{"status":429,"code":"TooManyRequests","retry_after":'"$1"'}}' >/dev/null
}

start_source() {
    stack_end near-data
    stack_transporter near-data --set graph.throttle_patience=13s
}

run_is_throttled() { # of run list: a remark, and numbers
    lh run list --unfinished --json | jq -e '.items[0]|(.remark//""|test("^throttled by Microsoft 365: .*so far"))
        and .throttled.tasks>=1 and .throttled.until>.throttled.since' >/dev/null
}

run_remark() { # RUN PATTERN
    lh run show "$1" --json | jq -e --arg p "$2" '(.remark//"")|test($p)' >/dev/null
}

say "a tenant that answers 429 for ever"
stack_end director
stack_director --set retry.attempts=2 --set retry.delay=100ms --set heartbeat.interval=1s
start_source
points=$(e2e_points)
echo "throttled" >"$WORK/tenant/users/$user/drive/throttled.txt"
throttle_for_ever 6
lh run start everything --wait >"$WORK/out" 2>&1 &
started=$!
stack_wait 30 "the run to say that it is throttled" run_is_throttled
run=$(e2e_last_run)
lh run show "$run" | grep -E '^Held up by +throttled by Microsoft 365: (waiting until [0-9:]{8} UTC|asking again now)' ||
    fail "run show does not say that the run is throttled"
lh run show "$run" --json | jq -e '[.task_list[]|select(.remark//""|startswith("throttled by Microsoft 365"))]|length>0' >/dev/null ||
    fail "no task says that it is throttled"
status=0
wait $started || status=$?
[ $status -eq 75 ] || { cat "$WORK/out"; fail "exit code $status, not 75"; }
grep -E '^longhaul: throttled by Microsoft 365: .* so far.*; still trying$' "$WORK/out" || { cat "$WORK/out"; fail "run start --wait does not say that it is throttled"; }
grep -E "^longhaul: run $run failed: [a-z-]+: throttled by Microsoft 365: no other answer for 1[0-9] s .*quieter time" "$WORK/out" >"$WORK/line" ||
    { cat "$WORK/out"; fail "no line says why"; }
[ "$(wc -l <"$WORK/line")" -eq 1 ] || fail "more than one line says why"
cat "$WORK/line"
grep -E '^backup run-.*throttled for [0-9]+' "$WORK/out" || { cat "$WORK/out"; fail "the time it was throttled for is not told"; }
lh run show "$run" --json | jq -e '.throttled==null and .error.kind=="throttled" and .counts.throttled_ms>=10000
    and ([.task_list[]|select(.attempts==2 and .state=="failed")]|length>0)' >/dev/null || fail "the failed run does not tell it right"
[ "$(e2e_points)" -eq "$points" ] || fail "points were lost"
e2e_control reset '{}' >/dev/null
lh run start everything --wait || fail "the run after the throttling must be fine"
e2e_compare_restored $user "$WORK/tenant/users/$user"

say "Microsoft wants to be left alone for longer than the patience"
throttle_for_ever 7200
before=$(e2e_control stats | jq .throttled)
lh run start everything >/dev/null
run=$(e2e_last_run)
stack_wait 30 "the run to say so" run_remark "$run" "throttled by Microsoft 365, which allows no request before [-0-9: ]+ UTC"
all_wait() { # every task has given up once, and is not tried again for the time being
    lh run show "$run" --json | jq -e '[.task_list[]|.state=="queued" and .attempts==1]|all' >/dev/null
}
stack_wait 60 "every task to have given up once" all_wait
after=$(e2e_control stats | jq .throttled)
[ $((after - before)) -le $(($(lh run show "$run" --json | jq '.task_list|length') * 4)) ] || fail "it was asked again before that time"
lh run cancel "$run"
e2e_control reset '{}' >/dev/null
start_source
lh run start everything --wait || fail "the run after the throttling must be fine"
