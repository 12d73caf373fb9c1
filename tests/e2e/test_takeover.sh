#!/usr/bin/env bash
# Two sources hold the secrets; one is killed in the middle of a run and never comes back: the other does its part.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=ada.abe@contoso.example
home=$WORK/tenant/users/$user
stack_init
stack_director --set lease.duration=5s --set heartbeat.interval=1s
for name in near-data second near-storage; do stack_enrol $name; done
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter second
stack_transporter near-storage --host
e2e_setup near-data second

say "kill a source while it works on a task"
e2e_slow_contents 400
lh run start everything >"$WORK/out"
run=$(e2e_last_run)
victim=$(e2e_wait_busy "$run")
other=second
[ "$victim" != second ] || other=near-data
stack_signal "$victim" KILL
e2e_control faults '' DELETE
lh run watch "$run" || fail "the run must succeed with the other transporter"

lh run show "$run" --json >"$WORK/run.json"
jq -e '[.task_list[]|select(.losses>0)]|length>0' "$WORK/run.json" >/dev/null || fail "no task was lost: nothing was taken over"
jq -e --arg o "$other" '[.task_list[]|select(.losses>0 and .transporter.name!=$o)]|length==0' "$WORK/run.json" >/dev/null ||
    fail "a lost task must end with the other transporter"
jq -e '[.task_list[]|select(.state!="done")]|length==0' "$WORK/run.json" >/dev/null || fail "every task must be done"
echo "$(jq '[.task_list[]|select(.losses>0)]|length' "$WORK/run.json") of $(jq '.task_list|length' "$WORK/run.json") tasks of $victim taken over by $other"

say "everything is there, and the next run does without the lost one"
lh vault verify main --data --wait
LONGHAUL_RESTORER=$other e2e_compare_restored $user "$home"
date >"$home/drive/after.txt"
lh run start everything --wait
LONGHAUL_RESTORER=$other e2e_compare_restored $user "$home"
