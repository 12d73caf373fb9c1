#!/usr/bin/env bash
# A Ceph object gateway for tests: one monitor, one OSD, one gateway, on loopback, with all state under one folder.
#   rgw.sh start FOLDER     starts it on free ports; prints shell assignments (S3_ENDPOINT, S3_CA, ...)
#   rgw.sh env FOLDER       prints them again
#   rgw.sh kill FOLDER      kills the gateway with SIGKILL; what it stored stays; rgw.sh gateway FOLDER starts it again
#   rgw.sh stop FOLDER      ends everything
# RGW_SIZE: bytes that the store holds (default 4 GiB, in memory; RGW_STORE=bluestore keeps them in a file).
# Exit status 77: Ceph is not installed (radosgw ceph-mon ceph-osd ceph-common).
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
command=${1:?start, env, kill, gateway or stop} folder=$(realpath -m "${2:?a folder}")
conf=$folder/ceph.conf

running() { # an orphan that has ended stays as a zombie: its state tells
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) && [ "${state:0:1}" != Z ]
}
launch() {
    local name=$1
    shift
    setsid "$@" >"$folder/$name.log" 2>&1 </dev/null &
    echo $! >"$folder/$name.pid"
}
halt() {
    local pid
    pid=$(cat "$folder/$1.pid" 2>/dev/null) && running "$pid" || return 0
    kill "-${2:-TERM}" "$pid"
    for _ in $(seq 300); do
        running "$pid" || return 0
        sleep 0.05
    done
    kill -KILL "$pid"
}
free_ports() { # some that nothing listens on now
    python3 - "$1" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])
PY
}
write_conf() {
    cat >"$conf" <<EOF
[global]
fsid = $(cat "$folder/fsid")
mon host = [v2:127.0.0.1:$mon_port/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = $folder/keyring
run dir = $folder
admin socket = $folder/\$name.asok
log file =
log to stderr = false
err to stderr = true
mon cluster log file = $folder/cluster.log
mon data = $folder/mon
osd data = $folder/osd
rgw data = $folder/rgw
crash dir = $folder
setuser match path =
osd objectstore = ${RGW_STORE:-memstore}
memstore device bytes = ${RGW_SIZE:-4294967296}
bluestore block size = ${RGW_SIZE:-4294967296}
bluestore block create = true
osd memory target = 939524096
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pgp num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
mon data avail crit = 0
mon data avail warn = 0
mon warn on pool no redundancy = false
paxos propose interval = 0.05
paxos min wait = 0.01
osd mon report interval = 1
[client.rgw]
rgw frontends = beast ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$folder/tls.crt ssl_private_key=$folder/tls.key
rgw dns name = s3.localhost
rgw enable usage log = false
rgw thread pool size = 64
rgw gc obj min wait = 5
rgw gc processor period = 5
EOF
}
make_keys() {
    cat /proc/sys/kernel/random/uuid >"$folder/fsid"
    cat /proc/sys/kernel/random/uuid >"$folder/osd.uuid"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=s3.localhost \
        -addext 'subjectAltName=DNS:s3.localhost,DNS:*.s3.localhost,IP:127.0.0.1' \
        -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
    ceph-authtool -C "$folder/keyring" >/dev/null 2>&1
    ceph-authtool "$folder/keyring" -n mon. --gen-key --cap mon 'allow *' >/dev/null 2>&1
    for name in client.admin client.rgw osd.0; do
        ceph-authtool "$folder/keyring" -n $name --gen-key --cap mon 'allow *' --cap osd 'allow *' >/dev/null 2>&1
    done
}
user() { # ID ACCESS SECRET [OPTIONS]
    radosgw-admin --no-mon-config -c "$conf" user create --uid="$1" --display-name="$1" --access-key="$2" \
        --secret-key="$3" "${@:4}" >"$folder/user-$1.json" 2>"$folder/user-$1.err"
}
start_gateway() {
    launch rgw radosgw -f --no-mon-config -c "$conf" -n client.rgw
    . "$folder/ports"
    for _ in $(seq 1200); do
        curl -s -o /dev/null --max-time 2 --cacert "$folder/tls.crt" "https://127.0.0.1:$tls_port/" && return 0
        running "$(cat "$folder/rgw.pid")" || break
        sleep 0.05
    done
    tail -n 20 "$folder/rgw.log" >&2
    return 1
}
start_all() {
    for program in radosgw ceph-mon ceph-osd ceph radosgw-admin monmaptool; do
        command -v "$program" >/dev/null || { echo "skip: $program is not installed" >&2; exit 77; }
    done
    mkdir -p "$folder"/{mon,osd,rgw}
    read -r mon_port tls_port <<<"$(free_ports 2)"
    printf 'mon_port=%s tls_port=%s\n' "$mon_port" "$tls_port" >"$folder/ports"
    make_keys
    write_conf
    monmaptool --create --clobber --fsid "$(cat "$folder/fsid")" --addv a "[v2:127.0.0.1:$mon_port]" "$folder/monmap" >/dev/null
    ceph-mon --mkfs -i a -c "$conf" --monmap "$folder/monmap" --keyring "$folder/keyring" >"$folder/mkfs.log" 2>&1
    launch mon ceph-mon -f -i a -c "$conf"
    for try in 1 2 3 4 5 6; do
        timeout 10 ceph -c "$conf" osd stat >/dev/null 2>&1 && break
        [ "$try" -lt 6 ] || { echo "rgw.sh: the monitor does not answer" >&2; exit 1; }
    done
    ceph -c "$conf" osd new "$(cat "$folder/osd.uuid")" 0 >/dev/null
    ceph-osd --mkfs -i 0 -c "$conf" --osd-uuid "$(cat "$folder/osd.uuid")" >>"$folder/mkfs.log" 2>&1
    launch osd ceph-osd -f -i 0 -c "$conf"
    start_gateway
    user owner LONGHAULTESTKEY00001 longhaulTestSecret00000000000000000000001
    user reader LONGHAULTESTKEY00002 longhaulTestSecret00000000000000000000002 --op-mask=read
}

case $command in
start)
    start_all || { status=$?; "$0" stop "$folder"; exit $status; }
    "$0" env "$folder"
    ;;
env)
    . "$folder/ports"
    printf '%s=%s\n' S3_ENDPOINT "https://s3.localhost:$tls_port" S3_ADDRESS "https://127.0.0.1:$tls_port" \
        S3_CA "$folder/tls.crt" S3_REGION default S3_KEY LONGHAULTESTKEY00001 \
        S3_SECRET longhaulTestSecret00000000000000000000001 S3_READER_KEY LONGHAULTESTKEY00002 \
        S3_READER_SECRET longhaulTestSecret00000000000000000000002
    ;;
gateway) start_gateway ;;
kill) halt rgw KILL ;;
stop) for name in rgw osd mon; do halt $name; done ;;
*) echo "rgw.sh: unknown command $command" >&2; exit 64 ;;
esac
