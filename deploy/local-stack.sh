# shellcheck shell=bash
# Starts director, transporters and the Microsoft 365 simulator on loopback. Sourced by deploy/quickstart.sh and by the
# tests; nothing here needs root. The caller sets:
#   STACK_DIR   folder for all state (made when missing)
#   STACK_BIN   folder with the binaries
# and ends with stack_stop. Every process started is noted in $STACK_DIR/pids and only those are ever signalled.

stack_fail() {
    echo "$*" >&2
    return 1
}

stack_free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 40000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
    stack_fail "no free port found on 127.0.0.1"
}

# A process that has ended but is not yet reaped counts as gone.
stack_alive() {
    local state
    state=$(sed -n 's/^[^)]*) \(.\).*/\1/p' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] && [ "$state" != Z ]
}

# stack_spawn NAME COMMAND...: in the background, output to $STACK_DIR/NAME.log
stack_spawn() {
    local name=$1
    shift
    "$@" >>"$STACK_DIR/$name.log" 2>&1 </dev/null &
    echo "$! $name" >>"$STACK_DIR/pids"
    echo "$!" >"$STACK_DIR/$name.pid"
}

# stack_wait SECONDS WHAT COMMAND...: until the command succeeds
stack_wait() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { stack_fail "gave up waiting for $what; see the logs in $STACK_DIR"; return 1; }
        sleep 0.1
    done
}

stack_port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

stack_signal() { # NAME SIGNAL
    local pid
    pid=$(cat "$STACK_DIR/$1.pid" 2>/dev/null) && stack_alive "$pid" && kill "-$2" "$pid"
}

stack_end() { # NAME: stop one process and wait for it
    local pid
    pid=$(cat "$STACK_DIR/$1.pid" 2>/dev/null) || return 0
    stack_alive "$pid" && kill "-${2:-TERM}" "$pid" 2>/dev/null
    for _ in $(seq 100); do
        stack_alive "$pid" || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
}

stack_stop() {
    local pid name
    [ -f "$STACK_DIR/pids" ] || return 0
    while read -r pid name; do
        [ "$(cat "$STACK_DIR/$name.pid" 2>/dev/null)" = "$pid" ] && stack_end "$name"
    done < <(tac "$STACK_DIR/pids")
    rm -f "$STACK_DIR/pids"
}

stack_init() {
    mkdir -p "$STACK_DIR"
    stack_stop
    : >"$STACK_DIR/pids"
    STACK_RPC_PORT=$(stack_free_port)
    STACK_API_PORT=$(stack_free_port)
    # What the command line remembers of this stack's keys stays with the stack.
    export XDG_CONFIG_HOME=$STACK_DIR/config
    export LONGHAUL_DIRECTOR="https://127.0.0.1:$STACK_API_PORT"
    export LONGHAUL_CA="$STACK_DIR/director/authority/root.pem"
    export LONGHAUL_TOKEN_FILE="$STACK_DIR/director/admin.token"
}

# stack_simulator TENANT_DIR [OPTION...]: serves the folder as a Microsoft 365 tenant
STACK_TENANT_ID=8d2b6a34-0000-4c0f-9a11-5d1b2c3d4e5f
STACK_CLIENT_ID=0b1c2d3e-1111-4222-8333-444455556666
stack_simulator() {
    local tenant=$1
    shift
    if [ ! -f "$STACK_DIR/simulator/ca.pem" ]; then
        mkdir -p "$STACK_DIR/simulator/state"
        "$STACK_BIN/m365sim" --make-cert "$STACK_DIR/simulator" >/dev/null || return 1
        (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '\n' >"$STACK_DIR/simulator/client-secret")
    fi
    STACK_SIM_PORT=${STACK_SIM_PORT:-$(stack_free_port)}
    rm -f "$STACK_DIR/simulator/ready"
    stack_spawn simulator "$STACK_BIN/m365sim" --tenant "$tenant" --listen "127.0.0.1:$STACK_SIM_PORT" \
        --cert "$STACK_DIR/simulator/server.pem" --key "$STACK_DIR/simulator/server.key" \
        --state "$STACK_DIR/simulator/state" --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
        --client-secret "$(cat "$STACK_DIR/simulator/client-secret")" --ready-file "$STACK_DIR/simulator/ready" "$@"
    stack_wait 120 "the simulator" test -s "$STACK_DIR/simulator/ready"
    STACK_SIM_URL="https://localhost:$STACK_SIM_PORT"
}

stack_director() { # [--set KEY=VALUE]...
    stack_spawn director "$STACK_BIN/longhaul-director" --set "state_dir=$STACK_DIR/director" \
        --set "rpc.listen=127.0.0.1:$STACK_RPC_PORT" --set "rpc.advertise=127.0.0.1:$STACK_RPC_PORT" \
        --set "api.listen=127.0.0.1:$STACK_API_PORT" "$@"
    stack_wait 30 "the director" stack_port_open "$STACK_API_PORT" && stack_wait 30 "the first token" test -s "$LONGHAUL_TOKEN_FILE"
}

stack_cli() {
    "$STACK_BIN/longhaul" "$@"
}

# stack_enrol NAME: invites and enrols a transporter with its own state folder
stack_enrol() {
    local name=$1 line
    line=$(stack_cli transporter invite "$name" --quiet) || return 1
    # The printed line is what an operator would paste on the other machine.
    (cd "$STACK_BIN" && PATH="$STACK_BIN:$PATH" eval "$line --state-dir '$STACK_DIR/$name'") >>"$STACK_DIR/$name.log" 2>&1
}

# stack_transporter NAME [--host] [--set KEY=VALUE]...: starts an enrolled transporter; --host: it serves repositories
stack_transporter() {
    local name=$1 listen=()
    shift
    if [ "${1:-}" = --host ]; then
        shift
        # A host that starts again is found where it was.
        local port
        port=$(cat "$STACK_DIR/$name.port" 2>/dev/null) || port=$(stack_free_port)
        echo "$port" >"$STACK_DIR/$name.port"
        listen=(--set "rpc.listen=127.0.0.1:$port" --set "rpc.advertise=127.0.0.1:$port")
    fi
    mkdir -p "$STACK_DIR/restore-$name"
    stack_spawn "$name" "$STACK_BIN/longhaul-transporter" --set "state_dir=$STACK_DIR/$name" \
        --set "restore.folder=$STACK_DIR/restore-$name" --set "graph.extra_ca=$STACK_DIR/simulator/ca.pem" \
        "${listen[@]}" "$@"
    stack_wait 30 "transporter $name" stack_online "$name"
}

stack_online() {
    stack_cli transporter show "$1" --json | grep -qE '"online": ?true'
}
