#!/usr/bin/env bash
# The conformance suite over local storage: local.sh PROGRAMS PLACE
#   folder      a folder where scratch files lie (TMPDIR or /tmp)
#   no_tmpfile  the same, without O_TMPFILE
#   tmpfs       a mount in memory, its own; a second, read-only mount is what must be "denied"
#   immutable   lock_mode immutable on ext4 in a file
#   capable     the same, by an ordinary user with CAP_LINUX_IMMUTABLE and nothing else
#   immutable_no_tmpfile
# Exit status 77: this place cannot be made here.
set -euo pipefail
programs=$1 place=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
trap 'umount "$scratch/read-only" "$scratch/mount" 2>/dev/null || true; rm -rf "$scratch"' EXIT
location() { printf '{"driver":"local","create":true,"path":"%s"%s}' "$1" "${3:-}" >"$2"; }
make_ext4() {
    root=$scratch/mount more=',"lock_mode":"immutable"' options+=(--locks)
    mkdir "$root"
    truncate -s 512M "$scratch/disk"
    PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q "$scratch/disk" 2>/dev/null || { echo "skip: no mkfs.ext4"; exit 77; }
    mount -o loop "$scratch/disk" "$root" 2>/dev/null || { echo "skip: no right to mount"; exit 77; }
}

root=$scratch program=conformance options=() as=() more=''
case $place in
folder) ;;
no_tmpfile) program=conformance_no_tmpfile ;;
tmpfs)
    mkdir "$scratch/mount" "$scratch/read-only"
    mount -t tmpfs -o size=512m none "$scratch/mount" 2>/dev/null || { echo "skip: no right to mount"; exit 77; }
    root=$scratch/mount
    mkdir "$root/denied"
    touch "$root/denied/.longhaul-repository"
    mount --bind "$root/denied" "$scratch/read-only"
    mount -o remount,ro,bind "$scratch/read-only"
    location "$scratch/read-only" "$scratch/denied.json"
    options+=(--denied "$scratch/denied.json")
    ;;
immutable) make_ext4 ;;
immutable_no_tmpfile) make_ext4; program=conformance_no_tmpfile ;;
capable)
    make_ext4
    command -v setpriv >/dev/null || { echo "skip: no setpriv"; exit 77; }
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set "-all,+linux_immutable"
        --inh-caps "-all,+linux_immutable" --ambient-caps "-all,+linux_immutable")
    chown 65534:65534 "$root"
    chmod 755 "$scratch"
    ;;
*) echo "unknown place $place" >&2; exit 64 ;;
esac
location "$root/repository" "$scratch/location.json" "$more"
location "$scratch/nowhere" "$scratch/unavailable.json"
"${as[@]}" "$programs/$program" "$scratch/location.json" --unavailable "$scratch/unavailable.json" \
    --lose-marker "rm $root/repository/.longhaul-repository" "${options[@]}"
