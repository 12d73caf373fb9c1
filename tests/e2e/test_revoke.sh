#!/usr/bin/env bash
# Revocation in the middle of a run acts within seconds: a source loses its tasks to another one, and director and host
# refuse it; a revoked host is refused by director and sources.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=ada.abe@contoso.example
home=$WORK/tenant/users/$user
stack_init
# The lease is long: what happens here happens because of the revocation.
stack_director --set lease.duration=600s --set heartbeat.interval=1s
for name in near-data second near-storage; do stack_enrol $name; done
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter second
stack_transporter near-storage --host
e2e_setup near-data second

say "revoke a source that works on a task"
e2e_slow_contents 400
lh run start everything >"$WORK/out"
run=$(e2e_last_run)
victim=$(e2e_wait_busy "$run")
other=second
[ "$victim" != second ] || other=near-data
lh transporter revoke "$victim" --yes
stack_wait 10 "the revoked source to lose its tasks" e2e_not_busy "$run" "$victim"
stack_wait 10 "the director to refuse it" grep -q "revoked" "$STACK_DIR/$victim.log"
grep -q "certificate revoked" "$STACK_DIR/near-storage.log" || fail "the host was not told"
stack_online "$victim" && fail "a revoked transporter must not be online"
e2e_control faults '' DELETE
lh run watch "$run" || fail "the run must succeed with the other source"
lh run show "$run" --json >"$WORK/run.json"
jq -e '[.task_list[]|select(.losses>0)]|length>0' "$WORK/run.json" >/dev/null || fail "no task was taken away"
jq -e --arg o "$other" '[.task_list[]|select(.losses>0 and .transporter.name!=$o)]|length==0' "$WORK/run.json" >/dev/null ||
    fail "what was taken away must end with the other source"
lh vault verify main --data --wait
LONGHAUL_RESTORER=$other e2e_compare_restored $user "$home"

say "a revoked source that starts again stays out"
stack_end "$victim"
: >"$STACK_DIR/$victim.log"
stack_spawn "$victim" "$STACK_BIN/longhaul-transporter" --set "state_dir=$STACK_DIR/$victim" \
    --set "restore.folder=$STACK_DIR/restore-$victim" --set "graph.extra_ca=$STACK_DIR/simulator/ca.pem"
stack_wait 10 "the director to refuse it" grep -q "revoked" "$STACK_DIR/$victim.log"
stack_online "$victim" && fail "a revoked transporter must stay out"

say "revoke the host in the middle of a run"
for i in $(seq 60); do head -c 100000 /dev/urandom >"$home/drive/more-$i.bin"; done
points=$(e2e_points)
e2e_slow_contents 1000
lh run start everything >"$WORK/out"
run=$(e2e_last_run)
e2e_wait_busy "$run" >/dev/null
lh transporter revoke near-storage --yes
stack_wait 10 "the host to be refused" grep -q "revoked" "$STACK_DIR/near-storage.log"
stack_online near-storage && fail "a revoked host must not be online"
e2e_control faults '' DELETE
# Nobody can take its place without an operator: the run says what it waits for, or has failed with the reason.
stack_wait 30 "the run to say why it does not go on" e2e_run_says "$run" "host"
e2e_run_says "$run" "host" >"$WORK/says"
head -n 1 "$WORK/says"
lh run cancel "$run" >/dev/null || true
stack_wait 30 "the run to end" e2e_run_over "$run"
[ "$(e2e_points)" -ge "$points" ] || fail "points were lost"
