#!/usr/bin/env bash
# kill -9 of each daemon at random moments of backups and restores: nothing committed is lost, the next run completes,
# verify is clean.
. "$(dirname "$0")/lib.sh"
e2e_clean
rounds=6
[ "${LONGHAUL_TEST_SIZE:-normal}" != long ] || rounds=60
seed=${LONGHAUL_SEED:-$$}
RANDOM=$seed
echo "seed $seed, $rounds rounds"
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=ada.abe@contoso.example
home=$WORK/tenant/users/$user
# Enough data that a run lasts for several moments.
for i in $(seq 12); do head -c 3000000 /dev/urandom >"$home/drive/bulk-$i.bin"; done
e2e_stack "$WORK/tenant"

restart() { # DAEMON
    case $1 in
    director) stack_director ;;
    near-data) stack_transporter near-data ;;
    near-storage) stack_transporter near-storage --host ;;
    esac
}

wait_over() { # until no run is queued or running
    stack_wait 180 "the runs to end" bash -c '"$0"/longhaul run list --json | jq -e "[.items[]|select(.state==\"queued\" or .state==\"running\")]|length==0"' "$STACK_BIN"
}

daemons=(director near-data near-storage)
points=0
for round in $(seq "$rounds"); do
    victim=${daemons[$((round % 3))]}
    head -c 2000000 /dev/urandom >"$home/drive/round-$round.bin"
    delay=$(printf '0.%03d' $((RANDOM % 900)))
    say "round $round: kill $victim after $delay s"
    lh run start everything >/dev/null 2>&1 || true
    sleep "$delay"
    stack_signal "$victim" KILL || true
    stack_wait 10 "$victim to die" bash -c '! kill -0 '"$(cat "$STACK_DIR/$victim.pid")"' || grep -q ") Z" /proc/'"$(cat "$STACK_DIR/$victim.pid")"'/stat'
    restart "$victim"
    wait_over
    now=$(lh point list --json | jq '.items|length')
    [ "$now" -ge "$points" ] || fail "points were lost: $points before, $now now"
    points=$now
done

say "a run after all that"
lh run start everything --wait
lh vault verify main --data --wait
e2e_compare_restored $user "$home"

say "kill during restores"
for victim in "${daemons[@]}"; do
    point=$(e2e_last_point drive $user)
    lh restore folder "$point" --to "killed-$victim" >/dev/null
    sleep "0.$((RANDOM % 5))"
    stack_signal "$victim" KILL || true
    sleep 0.2
    restart "$victim"
    wait_over
done
e2e_compare_restored $user "$home"
lh vault verify main --data --wait
