#!/usr/bin/env bash
# Longhaul end to end (simulated Microsoft 365 over HTTPS, RPC, sealed vault) beside `restic backup` of the same files.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
    cat <<'EOT'
Usage: tests/bench/backup.sh --tenant DIR [--dir DIR] [--bin DIR]

  --tenant DIR  users/<address>/{mail,drive}; only these are read, by both
  --dir DIR     scratch (default: build/bench); removed and made anew
  --bin DIR     binaries (default: build/release/bin)

Prints wall time, CPU seconds of each process, peak memory and stored bytes. Restic must be installed.
EOT
}

tenant= dir=$PWD/build/bench bin=$PWD/build/release/bin
while [ $# -gt 0 ]; do
    case $1 in
    --tenant) tenant=$(realpath "${2:?}"); shift ;;
    --dir) dir=$(realpath -m "${2:?}"); shift ;;
    --bin) bin=$(realpath "${2:?}"); shift ;;
    *) usage; [ "$1" = --help ] && exit 0 || exit 64 ;;
    esac
    shift
done
[ -d "$tenant/users" ] || { usage; exit 64; }

export STACK_DIR=$dir/stack STACK_BIN=$bin
# shellcheck source=deploy/local-stack.sh
. deploy/local-stack.sh
if [ -d "$dir" ]; then
    [ -f "$dir/.longhaul-bench" ] || { echo "backup.sh: $dir was not made by this script" >&2; exit 73; }
    stack_stop
    rm -rf "$dir"
fi
mkdir -p "$dir" && touch "$dir/.longhaul-bench"
trap stack_stop EXIT

now() { date +%s.%N; }
cpu() { awk -v hz="$(getconf CLK_TCK)" '{sub(/^.*\) /,""); printf "%.2f", ($12+$13)/hz}' "/proc/$(cat "$STACK_DIR/$1.pid")/stat"; }
peak() { awk '/VmHWM/{printf "%.0f", $2/1024}' "/proc/$(cat "$STACK_DIR/$1.pid")/status"; }
minus() { awk -v a="$1" -v b="$2" 'BEGIN{printf "%.2f", a-b}'; }

stack_init
stack_director
stack_enrol source
stack_enrol host
stack_simulator "$tenant" --limits off
stack_transporter source
stack_transporter host --host
stack_cli tenant add bench --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
    --client-secret-file "$STACK_DIR/simulator/client-secret" --login-url "$STACK_SIM_URL" --graph-url "$STACK_SIM_URL" \
    --transporter source --yes >/dev/null
mkdir -p "$dir/repository"
stack_cli repository add store --host host --path "$dir/repository" --yes >/dev/null
echo "benchmark password" >"$dir/password"
stack_cli vault create main --tenant bench --repository store --password-file "$dir/password" --transporter source --yes >/dev/null
stack_cli tenant discover bench --wait >/dev/null
stack_cli job create all --tenant bench --vault main >/dev/null

processes="simulator director source host"
declare -A before
measure() { # TITLE COMMAND...
    local title=$1 start end total=0 p spent
    shift
    for p in $processes; do before[$p]=$(cpu "$p"); done
    start=$(now)
    "$@" >"$dir/last.log" 2>&1 || { cat "$dir/last.log"; return 1; }
    end=$(now)
    printf '%-22s wall %7.2f s' "$title" "$(minus "$end" "$start")"
    for p in $processes; do
        spent=$(minus "$(cpu "$p")" "${before[$p]}")
        total=$(awk -v a="$total" -v b="$spent" 'BEGIN{print a+b}')
        printf '  %s %.1f' "$p" "$spent"
    done
    printf '  all %.1f CPU s\n' "$total"
}

bytes=$(find "$tenant"/users/*/mail "$tenant"/users/*/drive -type f -printf '%s\n' | awk '{s += $1} END {printf "%.0f\n", s}')
echo "input: $bytes bytes in $(find "$tenant"/users/*/mail "$tenant"/users/*/drive -type f | wc -l) files"
measure "longhaul first run" stack_cli run start all --wait
stored=$(du -sb "$dir/repository" | cut -f1)
measure "longhaul second run" stack_cli run start all --wait
for p in $processes; do printf 'peak memory of %-10s %5s MiB\n' "$p" "$(peak "$p")"; done
echo "longhaul stored         $stored bytes"
stack_stop

if command -v restic >/dev/null; then
    export RESTIC_PASSWORD=benchmark RESTIC_REPOSITORY=$dir/restic RESTIC_CACHE_DIR=$dir/restic-cache
    restic init -q
    for title in "restic first run" "restic second run"; do
        /usr/bin/time -f '%e %U %S %M' -o "$dir/restic.time" restic backup -q "$tenant"/users/*/mail "$tenant"/users/*/drive
        awk -v t="$title" '{printf "%-22s wall %7.2f s  %.1f CPU s  peak %.0f MiB\n", t, $1, $2+$3, $4/1024}' "$dir/restic.time"
    done
    echo "restic stored           $(du -sb "$dir/restic" | cut -f1) bytes"
fi
