#!/usr/bin/env bash
# The vault engine alone (folder -> local vault -> folder) beside restic, borg and tar | zstd on the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
    cat <<'EOF'
Usage: tests/bench/engine.sh --tenant DIR [--runs N] [--dir DIR] [--bin DIR] [--only TOOL,...]

  --tenant DIR  any folder; users/*/mail in it is measured once more alone
  --runs N      rounds; in each every tool runs once, one behind the other (default: 3)
  --dir DIR     scratch (default: build/bench-engine); removed and made anew
  --bin DIR     binaries (default: build/release/bin)
  --only TOOL   of longhaul,restic,borg,tar; what is not installed is left out

Prints medians: wall and CPU seconds, peak memory and stored bytes of a first backup, wall and CPU seconds of a restore
to a folder, stored bytes of the mail alone; then each one's ratio to restic's, which is the median of the rounds' ratios.
EOF
}

tenant="" runs=3 dir=$PWD/build/bench-engine bin=$PWD/build/release/bin only=longhaul,restic,borg,tar
while [ $# -gt 0 ]; do
    case $1 in
    --tenant) tenant=$(realpath "${2:?}"); shift ;;
    --runs) runs=${2:?}; shift ;;
    --dir) dir=$(realpath -m "${2:?}"); shift ;;
    --bin) bin=$(realpath "${2:?}"); shift ;;
    --only) only=${2:?}; shift ;;
    *) usage; [ "$1" = --help ] && exit 0 || exit 64 ;;
    esac
    shift
done
[ -d "$tenant" ] || { usage; exit 64; }
if [ -d "$dir" ]; then
    [ -f "$dir/.longhaul-bench" ] || { echo "engine.sh: $dir was not made by this script" >&2; exit 73; }
    rm -rf "$dir"
fi
mkdir -p "$dir" && touch "$dir/.longhaul-bench"
trap 'rm -rf "$dir"' EXIT

export RESTIC_PASSWORD=benchmark RESTIC_REPOSITORY=$dir/store RESTIC_CACHE_DIR=$dir/cache
export BORG_BASE_DIR=$dir/cache BORG_PASSPHRASE=benchmark BORG_REPO=$dir/store BORG_RELOCATED_REPO_ACCESS_IS_OK=yes

# Each: make a store; back FOLDER up into it; restore it into a folder. Run in an empty working folder.
longhaul_new() { mkdir "$dir/store"; }
longhaul_backup() { "$bin/bench_engine" backup "$1" "$dir/store" >"$dir/point"; }
longhaul_restore() { "$bin/bench_engine" restore "$dir/store" "$(tail -n 1 "$dir/point")" "$dir/out" >"$dir/restored"; }
restic_new() { restic init -q; }
restic_backup() { restic backup -q "$1"; }
restic_restore() { restic restore -q latest --target "$dir/out"; }
borg_new() { borg init -e repokey 2>/dev/null; }
borg_backup() { borg create -C zstd,3 ::all "$1"; }
borg_restore() { mkdir "$dir/out" && cd "$dir/out" && borg extract ::all; }
tar_new() { mkdir "$dir/store"; }
tar_backup() { tar -C "$1" -c . | zstd -q -3 --long=31 -o "$dir/store/tar.zst"; }
tar_restore() { mkdir "$dir/out" && zstd -q -dc --long=31 "$dir/store/tar.zst" | tar -C "$dir/out" -x; }
export dir bin
for tool in longhaul restic borg tar; do
    for step in new backup restore; do export -f "${tool?}_$step"; done
done

tools=
for tool in ${only//,/ }; do
    { [ "$tool" = longhaul ] && [ -x "$bin/bench_engine" ]; } || command -v "$tool" >/dev/null || continue
    tools="$tools $tool"
done

# What was restored stays until the end: ext4 without a journal searches past every inode deleted in the last minutes.
clean() {
    rm -rf "$dir/store" "$dir/store.state" "$dir/cache"
    [ ! -d "$dir/out" ] || mv "$dir/out" "$dir/kept.$((++kept))"
}
kept=0
timed() { # ROUND TOOL STEP FOLDER; appends "ROUND TOOL STEP wall cpu rss"
    # shellcheck disable=SC2016
    /usr/bin/time -f "$1 $2 $3 %e %U %S %M" -a -o "$dir/times" bash -c '"$0" "$1"' "$2_$3" "$4"
}
stored() { du -sb "$dir/store" | cut -f1; }

find "$tenant" -type f -print0 | xargs -0 cat >/dev/null
for ((round = 1; round <= runs; round++)); do
    for tool in $tools; do
        clean
        "${tool}_new" >/dev/null
        timed "$round" "$tool" backup "$tenant"
        echo "$round $tool stored $(stored)" >>"$dir/times"
        # Some stores were written past the page cache: all are read from memory.
        find "$dir/store" -type f -exec cat {} + >/dev/null
        timed "$round" "$tool" restore "$tenant"
        [ "$round" -gt 1 ] || [ "$tool" = tar ] || diff -rq --no-dereference "$tenant" "$(find "$dir/out" -name tenant.json -printf '%h\n' -quit)"
    done
done
if compgen -G "$tenant/users/*/mail" >/dev/null; then
    mkdir "$dir/mail"
    for folder in "$tenant"/users/*/mail; do
        cp -al "$folder" "$dir/mail/$(basename "$(dirname "$folder")")" 2>/dev/null ||
            cp -a "$folder" "$dir/mail/$(basename "$(dirname "$folder")")"
    done
    for tool in $tools; do
        clean
        "${tool}_new" >/dev/null
        "${tool}_backup" "$dir/mail"
        echo "1 $tool mail $(stored)" >>"$dir/times"
    done
fi

find "$tenant" -type f -printf '%s\n' | awk -v r="$runs" '{s += $1} END {
    printf "%d files, %.1f MiB; medians of %d rounds\n\n", NR, s / 1048576, r}'
awk '
function put(key, round, value) { v[key, round] = value; if (round > n[key]) n[key] = round }
function median(key, under,    i, j, t, a, c) {
    for (i = 1; i <= n[key]; i++) a[i] = under == "" ? v[key, i] : v[key, i] / v[under, i]
    c = n[key]
    for (i = 1; i <= c; i++) for (j = i + 1; j <= c; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
    return c == 0 ? -1 : (a[int((c + 1) / 2)] + a[int((c + 2) / 2)]) / 2
}
function cell(value, format) { return value < 0 ? "-" : sprintf(format, value) }
{ if (!($2 in known)) { known[$2] = 1; tool[++tools] = $2 } }
$3 == "backup"  { put($2 " bw", $1, $4); put($2 " bc", $1, $5 + $6); put($2 " rss", $1, $7 / 1024) }
$3 == "restore" { put($2 " rw", $1, $4); put($2 " rc", $1, $5 + $6) }
$3 == "stored"  { put($2 " st", $1, $4 / 1048576) }
$3 == "mail"    { put($2 " ml", $1, $4 / 1048576) }
END {
    split("bw bc rss st ml rw rc", column, " ")
    head = "%-10s %9s %9s %9s %11s %11s %9s %9s\n"
    printf head, "", "backup", "CPU", "peak", "stored", "mail alone", "restore", "CPU"
    printf head, "", "s wall", "s", "MiB", "MiB", "MiB", "s wall", "s"
    for (t = 1; t <= tools; t++) {
        printf "%-10s", tool[t]
        for (i = 1; i <= 7; i++)
            printf i == 4 || i == 5 ? " %11s" : " %9s", cell(median(tool[t] " " column[i]), i > 2 && i < 6 ? "%.0f" : "%.2f")
        print ""
    }
    if (!("restic" in known)) exit
    print ""
    for (t = 1; t <= tools; t++) {
        if (tool[t] == "restic") continue
        printf "%-10s", tool[t] "/r."
        for (i = 1; i <= 7; i++)
            printf i == 4 || i == 5 ? " %11s" : " %9s", cell(median(tool[t] " " column[i], "restic " column[i]), "%.2f x")
        print ""
    }
}' "$dir/times"
