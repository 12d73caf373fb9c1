#!/usr/bin/env bash
# Every C source is as clang-format would write it.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do [ ! -f "$f" ] || echo "$f"; done |
    xargs -r clang-format --dry-run -Werror
