#!/usr/bin/env bash
# The strict double of Azure Blob storage (tests/fakes/strict_azure.py), which has version-level immutability in its
# container "worm", as a service:
#   strict_azure.sh start FOLDER   starts it with its state in FOLDER and prints AZURE_… variables for eval
#   strict_azure.sh stop FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command=${1:?start or stop} folder=$(realpath -m "${2:?the folder of its state}")
account=stricttest key=$(printf %s 'a key that every reader of this file knows' | base64 -w0)
case $command in
start)
    mkdir -p "$folder"
    setsid python3 "$here/../fakes/strict_azure.py" "$folder" "$account" "$key" >"$folder/log" 2>&1 </dev/null &
    echo $! >"$folder/pid"
    for _ in $(seq 300); do
        [ ! -s "$folder/port" ] || break
        kill -0 "$(cat "$folder/pid")" || { cat "$folder/log" >&2; exit 1; }
        sleep 0.1
    done
    echo "export AZURE_ENDPOINT=https://localhost:$(cat "$folder/port") AZURE_ACCOUNT=$account AZURE_KEY=$key AZURE_CA=$folder/tls.crt"
    ;;
stop)
    [ ! -f "$folder/pid" ] || kill "$(cat "$folder/pid")" 2>/dev/null || true
    ;;
*)
    echo "start or stop" >&2
    exit 64
    ;;
esac
