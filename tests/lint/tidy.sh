#!/usr/bin/env bash
# clang-tidy over every source of the daemons: prints the findings and fails when there are any.
# Usage: tests/lint/tidy.sh [--long] BUILD_DIR [FOLDER]...
#   BUILD_DIR  configured with clang, the protobuf headers generated
#   FOLDER     common, director, transporter unless given
#   --long     let the analyzer follow every path; without it, it gives up on a function after a while
set -euo pipefail
depth=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=30000)
if [ "${1-}" = --long ]; then
    depth=()
    shift
fi
build=$(realpath "${1:?build folder}")
shift
cd "$(dirname "$0")/../.."
model=(--extra-arg=-include --extra-arg="$PWD/tests/lint/analyzer.h")
[ $# -gt 0 ] || set -- common director transporter
command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed"; exit 69; }
[ -f "$build/compile_commands.json" ] && [ -f "$build/proto/vault.pb-c.h" ] ||
    { echo "$build is not a build folder with generated headers"; exit 66; }

# tidy_one BUILD FILE OPTION...: quiet unless something is found.
tidy_one() {
    local build=$1 file=$2 out
    shift 2
    out=$(clang-tidy -p "$build" --quiet "$@" "$file" 2>&1) && return 0
    printf '%s\n' "$out" | grep -vE '^[0-9]+ (warnings?|errors?)( and [0-9]+ errors?)? generated\.$|^[0-9]+ warnings? treated as errors?$'
    return 1
}
export -f tidy_one
files=$(git ls-files -co --exclude-standard "${@/%//*.c}")
[ -n "$files" ] || { echo "no sources in $*"; exit 66; }
# xargs ends with 123 when any of them failed.
printf '%s\n' "$files" | xargs -P "$(nproc)" -I {} bash -c 'tidy_one "$@"' tidy_one "$build" {} "${model[@]}" ${depth[@]+"${depth[@]}"} ||
    { echo "clang-tidy has findings"; exit 1; }
echo "$(printf '%s\n' "$files" | wc -l) sources, no findings"
