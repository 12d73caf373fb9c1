#!/usr/bin/env bash
# clang-tidy over every source of the daemons. Usage: tests/lint/tidy.sh BUILD_DIR (configured with clang)
set -euo pipefail
build=${1:?build folder}
cd "$(dirname "$0")/../.."
git ls-files -co --exclude-standard 'common/*.c' 'director/*.c' 'transporter/*.c' |
    xargs -r -n 4 -P "$(nproc)" clang-tidy -p "$build" --quiet 2>/dev/null
