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

E2E_ENGINES=()

e2e_finish() {
    local status=$? engine
    stack_stop
    for engine in "${E2E_ENGINES[@]}"; do "$ROOT/tests/engines/$engine.sh" stop "$WORK/$engine" || true; done
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

refused() { # WORDS COMMAND...: fails and says so
    local words=$1
    shift
    if "$@" >"$WORK/refused.log" 2>&1; then fail "not refused: $*"; fi
    grep -q -- "$words" "$WORK/refused.log" || { cat "$WORK/refused.log"; fail "$*: must say $words"; }
}

e2e_engine() { # NAME: starts a storage service (tests/engines), with its variables set and exported
    local variables
    variables=$("$ROOT/tests/engines/$1.sh" start "$WORK/$1") || exit $?
    E2E_ENGINES+=("$1")
    set -a
    eval "$variables"
    set +a
}

s3_admin() {
    /usr/bin/python3 "$ROOT/tests/engines/s3_admin.py" "$@"
}

# Ceph, with the bucket "vaults" that has object lock. S3_WHERE and S3_KEYS: how `repository add` reaches it.
e2e_s3() {
    /usr/bin/python3 -c 'import boto3' 2>/dev/null || e2e_skip "no python3-boto3"
    e2e_engine rgw
    s3_admin bucket vaults lock
    (umask 077 && echo "$S3_KEY" >"$WORK/key-id" && echo "$S3_SECRET" >"$WORK/secret")
    S3_WHERE=(--s3-bucket vaults --s3-endpoint "$S3_ENDPOINT" --s3-region "$S3_REGION" --s3-ca "$S3_CA" --yes)
    S3_KEYS=(--s3-key-id-file "$WORK/key-id" --s3-secret-file "$WORK/secret")
}

e2e_s3_location() { # PREFIX [VERSIONS]: for the transporter's own commands
    jq -n --rawfile ca "$S3_CA" --arg prefix "$1" --arg versions "${2:-latest}" '{driver: "s3", endpoint: env.S3_ENDPOINT,
        region: env.S3_REGION, bucket: "vaults", prefix: $prefix, access_key_id: env.S3_KEY, secret_access_key: env.S3_SECRET,
        ca_pem: $ca, versions: $versions}'
}

# Azurite, or strict_azure for one that can lock. AZURE_WHERE: how `repository add` reaches it, but for the container.
e2e_azure() { # ENGINE
    export AZURITE_NPM=$STACK_BIN/../tests/azurite-npm
    e2e_engine "$1"
    (umask 077 && echo "$AZURE_KEY" >"$WORK/azure-key")
    AZURE_WHERE=(--azure-account "$AZURE_ACCOUNT" --azure-endpoint "$AZURE_ENDPOINT" --azure-prefix longhaul
        --azure-ca "$AZURE_CA" --yes)
}

# e2e_azure_location CONTAINER KEY-MEMBER KEY [VERSIONS]: likewise; the member is account_key or sas
e2e_azure_location() {
    jq -n --rawfile ca "$AZURE_CA" --arg container "$1" --arg member "$2" --arg key "$3" --arg versions "${4:-latest}" '{driver:
        "azure", endpoint: env.AZURE_ENDPOINT, account: env.AZURE_ACCOUNT, container: $container, prefix: "longhaul", ca_pem: $ca,
        versions: $versions, ($member): $key}'
}

# The sample tenant. E2E_USER: the one with most items; E2E_HOME: the folder of what is theirs.
e2e_sample() {
    "$STACK_BIN/make-sample-tenant" "$WORK/tenant"
    E2E_USER=$(for u in "$WORK"/tenant/users/*/; do echo "$(find "$u" -type f | wc -l) $(basename "$u")"; done |
        sort -rn | sed -n 1p | cut -d' ' -f2)
    E2E_HOME=$WORK/tenant/users/$E2E_USER
}

e2e_attached() { # NAME: prints the repository once its host has answered
    local answer
    for _ in $(seq 100); do
        answer=$(lh repository show "$1" --json)
        [ "$(jq -r .state <<<"$answer")" = waiting ] || break
        sleep 0.1
    done
    echo "$answer"
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
    e2e_daemons "$@"
    e2e_setup near-data
}

e2e_daemons() { # as e2e_stack; the daemons alone
    local tenant=$1
    shift
    stack_init
    stack_director
    stack_enrol near-data
    stack_enrol near-storage
    stack_simulator "$tenant" --limits off "$@"
    stack_transporter near-data
    stack_transporter near-storage --host
}

e2e_setup() { # TRANSPORTER...
    mkdir -p "$WORK/repository"
    lh repository add store --host near-storage --path "$WORK/repository" --yes
    e2e_vault "$@"
}

e2e_vault() { # TRANSPORTER...: likewise, in the repository "store" that is there
    local to=() t
    for t in "$@"; do to+=(--transporter "$t"); done
    lh tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
        --client-secret-file "$STACK_DIR/simulator/client-secret" --login-url "$STACK_SIM_URL" \
        --graph-url "$STACK_SIM_URL" "${to[@]}" --yes
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
    local user=$1 source=$2 kind folder to only restored=$STACK_DIR/restore-${LONGHAUL_RESTORER:-near-data}
    for kind in mailbox drive; do
        folder=mail
        only=(-name '*.eml')
        [ $kind = mailbox ] || { folder=drive && only=(! -name report.jsonl); }
        to=$kind-$RANDOM$RANDOM
        lh restore folder "$(e2e_last_point $kind "$user")" --to "$to" --wait >"$WORK/restore.log" 2>&1 ||
            { cat "$WORK/restore.log"; fail "restore of the $kind of $user"; }
        e2e_hashes "$source/$folder" >"$WORK/source.sums"
        e2e_hashes "$restored/$to" "${only[@]}" >"$WORK/restored.sums"
        if ! cmp -s "$WORK/source.sums" "$WORK/restored.sums"; then
            diff "$WORK/source.sums" "$WORK/restored.sums" | sed -n 1,10p
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

e2e_rescue() { # LOCATION-FILE VAULT PASSWORD-FILE COMMAND [option...]: with storage and password alone
    local location=$1 vault=$2 password=$3 command=$4
    shift 4
    "$STACK_BIN/longhaul-transporter" vault "$command" --storage "$location" --vault "$vault" --password-file "$password" "$@"
}

# e2e_same_files WHAT FOLDER EXPORTED [find condition...]: every file of the folder was exported, and nothing else
e2e_same_files() {
    local what=$1 folder=$2 exported=$3
    shift 3
    e2e_hashes "$folder" >"$WORK/source.sums"
    e2e_hashes "$exported" ! -name 'report*.jsonl' "$@" >"$WORK/export.sums"
    diff "$WORK/source.sums" "$WORK/export.sums" >"$WORK/sums.diff" || { head "$WORK/sums.diff"; fail "exported $what differs"; }
    echo "$what: $(wc -l <"$WORK/export.sums") items identical"
}

# e2e_rescue_same LOCATION-FILE VAULT PASSWORD-FILE MAILBOX-POINT DRIVE-POINT: both are E2E_USER's, without a damage
e2e_rescue_same() {
    local where=("$1" "$2" "$3") mail=$4 drive=$5 point
    rm -rf "$WORK/out"
    mkdir -p "$WORK/out"
    e2e_rescue "${where[@]}" export --point "$mail" --to "$WORK/out/mail"
    e2e_rescue "${where[@]}" export --point "$drive" --to "$WORK/out/drive"
    e2e_same_files mail "$E2E_HOME/mail" "$WORK/out/mail"
    e2e_same_files drive "$E2E_HOME/drive" "$WORK/out/drive"
    for point in "$mail" "$drive"; do
        e2e_rescue "${where[@]}" verify --point "$point" | grep " 0 damaged" || fail "$point is damaged"
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
