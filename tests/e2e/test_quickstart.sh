#!/usr/bin/env bash
# The README's first command, twice: a second start is clean.
. "$(dirname "$0")/lib.sh"
e2e_clean
for keep in --keep ""; do
    say "quickstart $keep"
    deploy/quickstart.sh --no-deps --no-build --dir "$WORK/quick" $keep || fail "quickstart"
done
[ ! -s "$WORK/quick/pids" ] || fail "the quickstart left processes behind"
