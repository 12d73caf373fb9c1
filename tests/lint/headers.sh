#!/usr/bin/env bash
# Every header compiles alone. Usage: tests/lint/headers.sh BUILD_DIR
set -euo pipefail
build=${1:?build folder}
cd "$(dirname "$0")/../.."
flags=$(pkg-config --cflags libuv openssl libnghttp2 libprotobuf-c libcurl libzstd sqlite3 yaml-0.1 jansson libutf8proc \
    libwebsockets gmime-3.0 cmocka 2>/dev/null || true)
fail=0
while read -r header; do
    printf '#include "%s"\n' "$header" |
        gcc -std=gnu11 -D_GNU_SOURCE -DLONGHAUL_VERSION='""' -fsyntax-only -I. -I"$build" $flags -x c - ||
        { echo "$header does not compile alone"; fail=1; }
done < <(git ls-files -co --exclude-standard 'common/*.h' 'director/*.h' 'transporter/*.h' 'tests/*.h')
exit $fail
