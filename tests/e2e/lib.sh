# shellcheck shell=bash
# What the end-to-end tests share. A test sources it, calls e2e_begin, does its work and ends with e2e_pass.
# LONGHAUL_BIN: the binaries. LONGHAUL_E2E_DIR: scratch, made anew. LONGHAUL_TEST_SIZE: normal or long.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
export STACK_BIN=${LONGHAUL_BIN:-$ROOT/build/ci/bin}
WORK=${LONGHAUL_E2E_DIR:-$(mktemp -d)}
export STACK_DIR=$WORK/stack
# shellcheck source=deploy/local-stack.sh
. deploy/local-stack.sh
SHARED=$ROOT/../shared

e2e_finish() {
    local status=$?
    stack_stop
    if [ $status -ne 0 ] && [ $status -ne 77 ]; then
        for log in "$STACK_DIR"/*.log; do
            [ -f "$log" ] && { echo "--- end of $log"; tail -n 25 "$log"; }
        done
    else
        rm -rf "$WORK"
    fi
}

e2e_skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

say() {
    printf '== %s\n' "$*"
}

e2e_clean() {
    if [ -d "$WORK" ]; then
        stack_stop
        rm -rf "$WORK"
    fi
    mkdir -p "$WORK"
    trap e2e_finish EXIT
}

lh() {
    stack_cli "$@"
}

# e2e_tenant_corpus DIR USERS...: each user gets the corpus' mail and drive
e2e_tenant_corpus() {
    local dir=$1 user
    shift
    for user in "$@"; do
        mkdir -p "$dir/users/$user"
        cp -a "$SHARED/corpus/mail" "$dir/users/$user/mail"
        cp -a "$SHARED/corpus/drive" "$dir/users/$user/drive"
    done
}

# e2e_stack TENANT_DIR [simulator option...]: director, simulator, transporters "near-data" and "near-storage",
# tenant "contoso", repository "store", vault "main", discovered objects, job "everything"
e2e_stack() {
    local tenant=$1
    shift
    stack_init
    stack_director
    stack_enrol near-data
    stack_enrol near-storage
    stack_simulator "$tenant" --limits off "$@"
    stack_transporter near-data
    stack_transporter near-storage --host
    e2e_setup near-data
}

e2e_setup() { # TRANSPORTER...
    local to=() t
    for t in "$@"; do to+=(--transporter "$t"); done
    lh tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
        --client-secret-file "$STACK_DIR/simulator/client-secret" --login-url "$STACK_SIM_URL" \
        --graph-url "$STACK_SIM_URL" "${to[@]}" --yes
    mkdir -p "$WORK/repository"
    lh repository add store --host near-storage --path "$WORK/repository" --yes
    (umask 077 && echo "correct horse battery staple" >"$WORK/password")
    lh vault create main --tenant contoso --repository store --password-file "$WORK/password" "${to[@]}" --yes
    lh tenant discover contoso --wait
    lh job create everything --tenant contoso --vault main
}

e2e_object() { # KIND USER
    lh object list --tenant contoso --kind "$1" --json | jq -er --arg u "$2" '.items[]|select(.name==$u).id'
}

e2e_last_point() { # KIND USER
    lh point list --object "$(e2e_object "$1" "$2")" --json | jq -er '.items[0].id'
}

e2e_hashes() { # FOLDER [find condition...]
    local folder=$1
    shift
    (cd "$folder" && find . -type f "$@" -print0 | xargs -0 -r sha256sum | cut -d' ' -f1 | sort)
}

# e2e_compare_restored USER SOURCE_USER_DIR: restores both kinds to folders and compares every byte
e2e_compare_restored() {
    local user=$1 source=$2 kind folder to restored=$STACK_DIR/restore-${LONGHAUL_RESTORER:-near-data}
    for kind in mailbox drive; do
        folder=mail
        [ $kind = mailbox ] || folder=drive
        to=$kind-$RANDOM$RANDOM
        lh restore folder "$(e2e_last_point $kind "$user")" --to "$to" --wait >"$WORK/restore.log" 2>&1 ||
            { cat "$WORK/restore.log"; fail "restore of the $kind of $user"; }
        e2e_hashes "$source/$folder" >"$WORK/source.sums"
        e2e_hashes "$restored/$to" ! -name report.jsonl >"$WORK/restored.sums"
        if ! cmp -s "$WORK/source.sums" "$WORK/restored.sums"; then
            diff "$WORK/source.sums" "$WORK/restored.sums" | head -n 10
            fail "$kind of $user: restored items differ"
        fi
        if [ $kind = drive ]; then
            (cd "$source/drive" && find . | LC_ALL=C sort) >"$WORK/source.names"
            (cd "$restored/$to" && find . ! -name report.jsonl | LC_ALL=C sort) >"$WORK/restored.names"
            diff "$WORK/source.names" "$WORK/restored.names" >"$WORK/names.diff" || { head -n 10 "$WORK/names.diff"; fail "drive of $user: names differ"; }
        fi
        rm -rf "${restored:?}/$to"
        echo "$kind of $user: $(wc -l <"$WORK/source.sums") items identical"
    done
}

e2e_graph_compare() { # WHAT FROM TO [option...]
    local what=$1 from=$2 to=$3
    shift 3
    python3 tests/e2e/graph_compare.py --url "$STACK_SIM_URL" --ca "$STACK_DIR/simulator/ca.pem" --tenant-id "$STACK_TENANT_ID" \
        --client-id "$STACK_CLIENT_ID" --secret-file "$STACK_DIR/simulator/client-secret" --what "$what" --from "$from" --to "$to" "$@"
}

e2e_control() { # PATH [JSON [METHOD]]: the simulator's fault and statistics endpoint
    curl -sS --fail --cacert "$STACK_DIR/simulator/ca.pem" ${3:+-X "$3"} ${2:+-d "$2"} "$STACK_SIM_URL/_control/$1"
}

# e2e_slow_contents MS: every message and file takes that long, so that a run has a middle
e2e_slow_contents() {
    e2e_control faults '{"match":{"path":"/(content|download|\\$value)"},"action":{"latency_ms":'"$1"'}}' >/dev/null
}

e2e_size() { # FOLDER: bytes; a merge may take index segments away while it looks
    { du -sb "$1" 2>/dev/null || true; } | cut -f1
}

e2e_last_run() {
    lh run list --json | jq -er '.items[0].id'
}

e2e_points() {
    lh point list --json --all | jq '.items|length'
}

e2e_run_over() { # RUN
    lh run show "$1" --json | jq -e .final >/dev/null
}

e2e_busy() { # RUN: notes a transporter that has begun one of the run's tasks and has most of it still to do
    lh run show "$1" --json | jq -er '[.task_list[]|select(.state=="running")|select(.counts|
        .items_done>0 and (.items_total==0 or .items_done*2<.items_total))|.transporter.name][0]' >"$WORK/busy"
}

e2e_wait_busy() { # RUN: prints that transporter
    stack_wait 30 "a task of $1 to have a middle" e2e_busy "$1" && cat "$WORK/busy"
}

e2e_not_busy() { # RUN TRANSPORTER
    lh run show "$1" --json | jq -e --arg t "$2" \
        '[.task_list[]|select((.state=="running" or .state=="leased") and .transporter.name==$t)]|length==0' >/dev/null
}

e2e_run_says() { # RUN PATTERN: the lines of its tasks' remarks that match
    lh run show "$1" --json | jq -r '.task_list[]|.waiting//empty,.error.message//empty' | grep -iE "$2"
}
