#!/usr/bin/env bash
# kill -9 of each daemon at random moments of backups and restores: nothing committed is lost, the next run completes,
# verify is clean.
. "$(dirname "$0")/lib.sh"
e2e_clean
rounds=6
[ "${LONGHAUL_TEST_SIZE:-normal}" != long ] || rounds=60
seed=${LONGHAUL_SEED:-$$}
RANDOM=$seed
echo "LONGHAUL_SEED=$seed, $rounds rounds"
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
user=ada.abe@contoso.example
home=$WORK/tenant/users/$user
# Enough data that a run lasts for several moments.
for i in $(seq 8); do head -c 3000000 /dev/urandom >"$home/drive/bulk-$i.bin"; done

start() { # DAEMON
    case $1 in
    director) stack_director --set lease.duration=6s --set heartbeat.interval=500ms --set retry.delay=500ms ;;
    near-data) stack_transporter near-data ;;
    near-storage) stack_transporter near-storage --host ;;
    esac
}

stack_init
start director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
start near-data
start near-storage
e2e_setup near-data
daemons=(director near-data near-storage)

kill_and_restart() { # DAEMON
    local pid
    pid=$(cat "$STACK_DIR/$1.pid")
    stack_alive "$pid" || fail "$1 has ended by itself"
    stack_signal "$1" KILL
    wait "$pid" 2>/dev/null || true
    start "$1"
}

# Whatever the director and the vault each know of points must be the same, and only grow.
known=$WORK/points.known
: >"$known"
check_points() {
    lh point list --all --json | jq -r '.items[].id' | sort >"$WORK/points.now"
    comm -23 "$known" "$WORK/points.now" >"$WORK/points.lost"
    [ ! -s "$WORK/points.lost" ] || fail "points were lost: $(tr '\n' ' ' <"$WORK/points.lost")"
    cp "$WORK/points.now" "$known"
}

check_run() { # RUN
    timeout 90 "$STACK_BIN/longhaul" run watch "$1" >"$WORK/out" 2>&1 ||
        { cat "$WORK/out"; fail "run $1 must complete after the kill"; }
    check_points
}

say "kill in the middle of backups"
for round in $(seq "$rounds"); do
    victim=${daemons[$((round % 3))]}
    head -c 2000000 /dev/urandom >"$home/drive/round-$round.bin"
    head -c 3000 /dev/urandom | base64 >"$home/drive/small-$round.txt"
    find "$home/drive" -name 'bulk-*' | sort | sed -n "$((round % 8 + 1))p" | while read -r f; do date +%N >>"$f"; done
    delay=$(printf '0.%03d' $((RANDOM % 1000)))
    lh run start everything >/dev/null
    run=$(e2e_last_run)
    sleep "$delay"
    kill_and_restart "$victim"
    check_run "$run"
    echo "round $round: $victim killed after $delay s, $(wc -l <"$known") points"
done

say "a run after all that"
lh run start everything --wait
check_points
lh vault verify main --data --wait
vault=$(lh vault show main --json | jq -r .id)
"$STACK_BIN/longhaul-transporter" vault list --storage "$WORK/repository" --vault "$vault" --password-file "$WORK/password" |
    cut -d' ' -f1 | sort >"$WORK/points.vault"
diff "$known" "$WORK/points.vault" || fail "the vault and the director know different points"
e2e_compare_restored $user "$home"

say "kill in the middle of restores"
point=$(e2e_last_point drive $user)
for round in $(seq $((rounds / 2))); do
    victim=${daemons[$((round % 3))]}
    delay=$(printf '0.%03d' $((RANDOM % 600)))
    lh restore folder "$point" --to "killed-$round" >/dev/null
    run=$(e2e_last_run)
    sleep "$delay"
    kill_and_restart "$victim"
    check_run "$run"
    e2e_hashes "$home/drive" >"$WORK/source.sums"
    e2e_hashes "$STACK_DIR/restore-near-data/killed-$round" ! -name report.jsonl >"$WORK/restored.sums"
    diff "$WORK/source.sums" "$WORK/restored.sums" || fail "restore over a kill of $victim: items differ"
    rm -rf "$STACK_DIR/restore-near-data/killed-$round"
    echo "restore $round: $victim killed after $delay s, $(wc -l <"$WORK/source.sums") items identical"
done
lh vault verify main --data --wait
check_points
