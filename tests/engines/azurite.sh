#!/usr/bin/env bash
# Azurite, Microsoft's emulator of Blob storage, over TLS on a free port of loopback.
#   azurite.sh start FOLDER   starts it with its state in FOLDER and prints AZURE_… variables for eval
#   azurite.sh env FOLDER     prints them again
#   azurite.sh stop FOLDER
# The npm package is installed once in AZURITE_NPM (default: FOLDER/npm). Exit status 77: node or npm is missing, or the
# package cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command=${1:?start, env or stop} folder=$(realpath -m "${2:?the folder of its state}")
npm=${AZURITE_NPM:-$folder/npm}
account=longhaultest
key=$(printf '%s' 'a key that every reader of this file knows; it opens nothing but a test' | base64 -w0)

# An orphan that has ended stays a zombie where nobody reaps it, and a signal still reaches that.
running() {
    local stat
    stat=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) && [ "${stat:0:1}" != Z ]
}

install() {
    local tool
    for tool in node npm; do
        command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed" >&2; exit 77; }
    done
    mkdir -p "$npm"
    exec 9>"$npm/.lock"
    flock 9
    if ! cmp -s "$here/azurite/package-lock.json" "$npm/.installed"; then
        cp "$here/azurite/package.json" "$here/azurite/package-lock.json" "$npm/"
        (cd "$npm" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
            { tail -3 "$npm/npm.log" >&2; echo "skipped: Azurite cannot be installed" >&2; exit 77; }
        cp "$here/azurite/package-lock.json" "$npm/.installed"
    fi
    exec 9>&-
}

print_env() {
    local port
    port=$(grep -oE 'listens on https://[^ ]+' "$folder/log" | grep -oE '[0-9]+$' | head -1)
    [ -n "$port" ] || return 1
    echo "export AZURE_ENDPOINT=https://localhost:$port/$account AZURE_ACCOUNT=$account AZURE_KEY=$key AZURE_CA=$folder/tls.crt"
}

case $command in
start)
    mkdir -p "$folder"
    install
    [ -s "$folder/tls.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
        -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
    AZURITE_ACCOUNTS="$account:$key" setsid "$npm/node_modules/.bin/azurite-blob" --blobHost 127.0.0.1 --blobPort 0 \
        --location "$folder/data" --cert "$folder/tls.crt" --key "$folder/tls.key" --disableTelemetry \
        --skipApiVersionCheck >"$folder/log" 2>&1 </dev/null &
    echo $! >"$folder/pid"
    for _ in $(seq 300); do
        print_env && exit 0
        running "$(cat "$folder/pid")" || break
        sleep 0.1
    done
    cat "$folder/log" >&2
    echo "Azurite did not start" >&2
    exit 1
    ;;
env) print_env ;;
stop)
    pid=$(cat "$folder/pid" 2>/dev/null) || exit 0
    if running "$pid"; then
        kill "$pid"
        for _ in $(seq 100); do
            running "$pid" || break
            sleep 0.1
        done
    fi
    rm -f "$folder/pid"
    ;;
*)
    echo "azurite.sh: unknown command $command" >&2
    exit 64
    ;;
esac
