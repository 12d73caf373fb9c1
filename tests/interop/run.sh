#!/usr/bin/env bash
# run.sh PEER FOLDER: PEER is the built rpc_peer, FOLDER takes the npm packages and the certificates.
# Exit status 77: skipped, because node or npm is missing or the packages cannot be had.
set -euo pipefail
peer=$1
work=$2/npm
here=$(cd "$(dirname "$0")" && pwd)
proto=$(realpath "$here/../../proto")

for tool in node npm; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
mkdir -p "$work"
cp "$here/package.json" "$here/package-lock.json" "$work/"
if ! cmp -s "$here/package-lock.json" "$work/.installed"; then
    (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
        { tail -3 "$work/npm.log"; echo "skipped: the npm packages cannot be installed"; exit 77; }
    cp "$here/package-lock.json" "$work/.installed"
fi

state=$(mktemp -d "$2/run.XXXXXX")
server=
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$state"
}
trap finish EXIT
export NODE_PATH=$work/node_modules
"$peer" certificates "$state"

# The server prints its ports on one line as soon as it listens.
await_ports() {
    for _ in $(seq 200); do
        [ -s "$state/ports" ] && return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$state/server.log"
    echo "the server did not start"
    exit 1
}

echo "== grpc-js as the client, ours as the server"
"$peer" serve "$state" >"$state/ports" 2>"$state/server.log" &
server=$!
await_ports
node "$here/client.js" "$state" "$(cat "$state/ports")" "$proto/health.proto" "$proto/status.proto" || { cat "$state/server.log"; exit 1; }
kill "$server"; wait "$server" || true; server=
grep -q "peer offered TLS 1.2, floor is TLS 1.3" "$state/server.log" ||
    { cat "$state/server.log"; echo "the server's log does not name the peer below the floor"; exit 1; }
echo "ok   the server's log says: peer offered TLS 1.2, floor is TLS 1.3"

echo "== ours as the client, grpc-js as the server"
: >"$state/ports"
node "$here/server.js" "$state" "$proto/health.proto" "$proto/status.proto" >"$state/ports" 2>"$state/server.log" &
server=$!
await_ports
# shellcheck disable=SC2046
"$peer" call "$state" $(cat "$state/ports") || { cat "$state/server.log"; exit 1; }
echo "interop: all good"
