#!/usr/bin/env bash
# The conformance suite over local storage: local.sh PROGRAMS PLACE
#   folder      a folder where scratch files lie (TMPDIR or /tmp)
#   no_tmpfile  the same, without O_TMPFILE
#   tmpfs       a mount in memory, its own; a second, read-only mount is what must be "denied"
# Exit status 77: this place cannot be made here.
set -euo pipefail
programs=$1 place=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
trap 'umount "$scratch/read-only" "$scratch/mount" 2>/dev/null || true; rm -rf "$scratch"' EXIT
location() { printf '{"driver":"local","path":"%s"}' "$1" >"$2"; }

root=$scratch program=conformance options=()
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
*) echo "unknown place $place" >&2; exit 64 ;;
esac
location "$root/repository" "$scratch/location.json"
location "$scratch/nowhere" "$scratch/unavailable.json"
"$programs/$program" "$scratch/location.json" --unavailable "$scratch/unavailable.json" \
    --lose-marker "rm $root/repository/.longhaul-repository" "${options[@]}"
