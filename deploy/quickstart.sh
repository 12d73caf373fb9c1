#!/usr/bin/env bash
# The main job on one machine: a sample tenant is backed up, changed, backed up again, restored and compared.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
Usage: deploy/quickstart.sh [--tenant DIR] [--dir DIR] [--keep] [--no-deps] [--no-build]

Builds Longhaul, starts a director, two transporters and a simulated Microsoft 365 on loopback, backs up a tenant
with encryption, changes it, backs up again, restores a mailbox and a drive, and compares byte by byte.

  --tenant DIR  use this folder (users/<address>/{mail,drive}) as the tenant instead of the sample; it is copied
  --dir DIR     where state, logs and restored files go (default: build/quickstart)
  --keep        leave everything running at the end
  --stop        stop what an earlier --keep left running, and exit
  --no-deps     do not look for missing packages
  --no-build    use the binaries that are there
EOT
}

tenant= dir=$PWD/build/quickstart keep=no deps=yes build=yes stop=no
while [ $# -gt 0 ]; do
    case $1 in
    --tenant) tenant=$(realpath "${2:?--tenant takes a folder}"); shift ;;
    --dir) dir=$(realpath -m "${2:?--dir takes a folder}"); shift ;;
    --keep) keep=yes ;;
    --stop) stop=yes ;;
    --no-deps) deps=no ;;
    --no-build) build=no ;;
    --help | -h) usage; exit 0 ;;
    *) echo "quickstart.sh: unknown option $1" >&2; usage >&2; exit 64 ;;
    esac
    shift
done

export STACK_DIR=$dir STACK_BIN=${LONGHAUL_BIN:-$PWD/build/release/bin}
# shellcheck source=deploy/local-stack.sh
. deploy/local-stack.sh
step() { printf '\n== %s\n' "$*"; }

if [ "$stop" = yes ]; then
    if [ ! -f "$dir/pids" ]; then
        echo "quickstart.sh: nothing was left running in $dir; --dir says where else to look" >&2
        exit 0
    fi
    stack_stop
    exit 0
fi
if [ "$deps" = yes ]; then
    step "Packages"
    deploy/deps.sh --build --yes
fi
if [ "$build" = yes ]; then
    step "Build"
    cmake --preset release >/dev/null
    cmake --build --preset release -j "$(nproc)" --target longhaul-director longhaul-transporter longhaul m365sim make-sample-tenant | tail -n 1
fi

# A second start is clean: what the first one left is stopped and removed. Only a folder made here is ever removed.
if [ -d "$dir" ]; then
    [ -f "$dir/.longhaul-quickstart" ] || { echo "quickstart.sh: $dir exists and was not made by this script; choose another --dir" >&2; exit 73; }
    stack_stop
    rm -rf "$dir"
fi
mkdir -p "$dir"
touch "$dir/.longhaul-quickstart"
finish() {
    status=$?
    if [ "$keep" = no ] || [ $status -ne 0 ]; then stack_stop; fi
    [ $status -eq 0 ] || echo "quickstart.sh: failed; the logs are in $dir" >&2
}
trap finish EXIT

step "Tenant"
if [ -n "$tenant" ]; then
    cp -aL "$tenant" "$dir/tenant"
else
    "$STACK_BIN/make-sample-tenant" "$dir/tenant"
fi
user=$(basename "$(ls -d "$dir"/tenant/users/*/ | sed -n 1p)")
echo "$(ls "$dir/tenant/users" | wc -l) users, $(find "$dir/tenant/users" -type f | wc -l) files, $(du -sh "$dir/tenant" | cut -f1)"

step "Start director, transporters and simulator"
stack_init
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$dir/tenant"
stack_transporter near-data
stack_transporter near-storage --host
stack_cli transporter list

step "Set up"
stack_cli tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" \
    --client-secret-file "$dir/simulator/client-secret" --login-url "$STACK_SIM_URL" --graph-url "$STACK_SIM_URL" \
    --transporter near-data --yes
mkdir -p "$dir/repository"
stack_cli repository add store --host near-storage --path "$dir/repository" --yes
(umask 077 && head -c 18 /dev/urandom | base64 >"$dir/vault-password")
stack_cli vault create main --tenant contoso --repository store --password-file "$dir/vault-password" \
    --transporter near-data --yes
stack_cli tenant discover contoso --wait
stack_cli job create everything --tenant contoso --vault main

step "First backup"
stack_cli run start everything --wait

step "Change the tenant, back up again"
if [ -z "$tenant" ]; then
    "$STACK_BIN/make-sample-tenant" --change "$dir/tenant"
else
    first=$(find "$dir/tenant/users/$user/drive" -type f | sort | sed -n 1p)
    [ -z "$first" ] || echo "changed" >>"$first"
fi
stack_cli run start everything --wait

step "Restore a mailbox and a drive of $user"
for kind in mailbox drive; do
    object=$(stack_cli object list --tenant contoso --kind "$kind" --json | jq -r --arg u "$user" '.items[]|select(.name==$u).id')
    point=$(stack_cli point list --object "$object" --json | jq -r '.items[0].id')
    stack_cli restore folder "$point" --to "$kind" --wait
done

step "Compare byte by byte"
restored=$dir/restore-near-data
compare() { # KIND SOURCE_FOLDER
    (cd "$2" && find . -type f -print0 | xargs -0 -r sha256sum | cut -d' ' -f1 | sort) >"$dir/$1.source"
    (cd "$restored/$1" && find . -type f ! -name report.jsonl -print0 | xargs -0 -r sha256sum | cut -d' ' -f1 | sort) >"$dir/$1.restored"
    if cmp -s "$dir/$1.source" "$dir/$1.restored"; then
        echo "$1: $(wc -l <"$dir/$1.source") items, all identical"
    else
        echo "$1: the restored items differ from the tenant's" >&2
        return 1
    fi
}
compare mailbox "$dir/tenant/users/$user/mail"
compare drive "$dir/tenant/users/$user/drive"
(cd "$dir/tenant/users/$user/drive" && find . | sort) >"$dir/drive.names"
(cd "$restored/drive" && find . ! -name report.jsonl | sort) | cmp -s - "$dir/drive.names" ||
    { echo "drive: names differ from the tenant's" >&2; exit 1; }

step "Verify the vault"
stack_cli vault verify main --data --wait

step "Report"
stack_cli run list
stack_cli point list | sed -n 1,8p
# A merge may take index segments away while du looks.
size() { { du -sh "$1" 2>/dev/null || true; } | cut -f1; }
echo "tenant: $(size "$dir/tenant"), repository: $(size "$dir/repository"), two recovery points an object"
if [ "$keep" = yes ]; then
    cat <<EOT

Everything is still running. To look around:
  export LONGHAUL_DIRECTOR=$LONGHAUL_DIRECTOR LONGHAUL_CA=$LONGHAUL_CA LONGHAUL_TOKEN_FILE=$LONGHAUL_TOKEN_FILE
  export PATH=$STACK_BIN:\$PATH
  longhaul point list
  longhaul --help
To end it: deploy/quickstart.sh --stop --dir $dir
EOT
else
    echo
    echo "All is well. To keep it running next time: deploy/quickstart.sh --keep. For a real tenant: see README.md."
fi
