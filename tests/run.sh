#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, and ends with a line such as "412 passed, 0 failed, 3 skipped".
set -uo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
Usage: tests/run.sh [--quick|--long] [--no-deps] [--only STAGE]...

  --quick       lint, one build, unit tests and fuzz corpora: a few minutes
  --long        everything, with long fuzzing and the heavy suites at full size: hours
  --no-deps     do not look for missing packages
  --only STAGE  just this stage (may be repeated): lint build test clang asan tsan tidy fuzz
  --help        this page

Logs are kept in build/logs/.
EOT
}

size=normal deps=yes only=()
while [ $# -gt 0 ]; do
    case $1 in
    --quick | --long) size=${1#--} ;;
    --no-deps) deps=no ;;
    --only) shift; only+=("${1:?--only takes a stage}") ;;
    --help | -h) usage; exit 0 ;;
    *) echo "run.sh: unknown option $1" >&2; usage >&2; exit 64 ;;
    esac
    shift
done
export LONGHAUL_TEST_SIZE=$size
jobs=$(nproc)
logs=build/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
failures=()

wanted() {
    if [ ${#only[@]} -gt 0 ]; then
        [[ " ${only[*]} " == *" $1 "* ]]
    elif [ "$size" = quick ]; then
        [[ " lint build test " == *" $1 "* ]]
    else
        true
    fi
}

# check NAME COMMAND...: one test that is a command.
check() {
    local name=$1 log="$logs/${1//[^a-z0-9-]/_}.log" start=$SECONDS
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1))
        failures+=("$name ($log)")
        echo "FAILED  $name ($((SECONDS - start)) s), end of $log:"
        tail -n 40 "$log" | sed 's/^/        /'
        return 1
    fi
}

build() {
    cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs"
}

# run_ctest PRESET LABELS: adds ctest's own counts.
export TSAN_OPTIONS="suppressions=$PWD/tests/lint/tsan.supp ${TSAN_OPTIONS:-}"

run_ctest() {
    local preset=$1 labels=$2 log="$logs/ctest-$1.log" start=$SECONDS
    (cd "build/$preset" && ctest -L "$labels" -j "$jobs" --repeat until-pass:2 --output-on-failure --no-tests=error) >"$log" 2>&1
    local status=$? ok bad gone again
    # The last word on each test counts; what passed only at the second try is told.
    grep -E 'Test +#[0-9]+: ' "$log" | sed -E 's/.*Test +#([0-9]+): /\1 /' | awk '{last[$1]=$0; n[$1]++} END {for (t in last) print n[t], last[t]}' >"$log.last"
    ok=$(grep -c ' Passed ' "$log.last")
    gone=$(grep -cF '***Skipped' "$log.last")
    bad=$(grep -vF '***Skipped' "$log.last" | grep -vc ' Passed ')
    again=$(awk '$1 > 1 {print $3}' "$log.last" | tr '\n' ' ')
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + gone))
    echo "$([ "$bad" -eq 0 ] && echo 'ok     ' || echo FAILED) tests of the $preset build: $ok passed, $bad failed, $gone skipped ($((SECONDS - start)) s)"
    [ -z "$again" ] || echo "        needed a second try: $again"
    grep -E '\*\*\*Skipped ' "$log" | sed -E 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /        skipped: /'
    if [ "$bad" -gt 0 ]; then
        failures+=("tests of the $preset build ($log)")
        grep -E '(\*\*\*(Failed|Timeout|Exception|Not Run))|\(Failed\)' "$log" | sort -u | sed 's/^/        /'
        grep -B2 -A25 -E '\[  FAILED  \]|\[   LINE   \]|ERROR: (Address|Leak|Thread)|WARNING: Thread|runtime error' "$log" | head -n 120 | sed 's/^/        /'
    fi
}

# fuzz_one TARGET SECONDS LOGS
fuzz_one() {
    local target=$1 seconds=$2 logs=$3 name corpus
    name=$(basename "$target")
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    "$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=20 -print_final_stats=0 \
        -artifact_prefix="$logs/$name-" "$corpus" $([ -d "tests/fuzz/corpus/$name" ] && echo "tests/fuzz/corpus/$name") \
        >"$logs/$name.log" 2>&1 || { echo "$name found a failure:"; tail -n 25 "$logs/$name.log"; return 1; }
}
export -f fuzz_one

# fuzz_all BUDGET LIMIT: every target, two at a time, LIMIT seconds each or less so that all are done in BUDGET.
fuzz_all() {
    local targets seconds
    targets=(build/fuzz/fuzz/fuzz_*)
    seconds=$(($1 * 2 / ${#targets[@]}))
    [ "$seconds" -le "$2" ] || seconds=$2
    [ "$seconds" -ge 1 ] || seconds=1
    echo "${#targets[@]} targets, $seconds s each"
    printf '%s\n' "${targets[@]}" | xargs -P 2 -I {} bash -c 'fuzz_one "$@"' fuzz_one {} "$seconds" "$logs"
}

tidy() {
    cmake --preset clang && cmake --build --preset clang -j "$jobs" --target longhaul_proto &&
        bash tests/lint/tidy.sh $([ "$size" = long ] && echo --long) build/clang
}

if [ "$deps" = yes ] && command -v dpkg-query >/dev/null 2>&1; then
    deploy/deps.sh --test --yes </dev/null || { echo "run.sh: cannot install what is missing"; exit 69; }
fi

if wanted lint; then
    check "house rules" python3 tests/lint/lint.py
    check "format" bash tests/lint/format.sh
fi
if wanted build; then
    check "build: gcc, warnings are errors" build ci || { echo "$passed passed, $failed failed, $skipped skipped"; exit 1; }
    check "headers compile alone" bash tests/lint/headers.sh build/ci
fi
if wanted test; then
    if [ "$size" = quick ]; then run_ctest ci 'unit|fuzz'; else run_ctest ci '.*'; fi
fi
if wanted clang; then
    check "build: clang, warnings are errors" build clang
fi
if wanted asan; then
    check "build: address and undefined-behaviour sanitizers" build asan && run_ctest asan 'unit|fuzz'
fi
if wanted tsan; then
    check "build: thread sanitizer" build tsan && run_ctest tsan 'unit'
fi
if wanted tidy; then
    check "clang-tidy" tidy
fi
if wanted fuzz; then
    check "build: fuzzers" build fuzz && check "fuzzing" fuzz_all $([ "$size" = long ] && echo 86400 3600 || echo 240 8)
fi

for failure in ${failures[@]+"${failures[@]}"}; do
    echo "failed: $failure"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
