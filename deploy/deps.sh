#!/usr/bin/env bash
# Installs the Debian packages that Longhaul needs. Changes nothing when nothing is missing.
set -euo pipefail

usage() {
    cat <<'EOT'
Usage: deploy/deps.sh [--build|--run|--test] [--list] [--yes]

  --run     what the installed daemons need
  --build   that, and what compiling needs (default)
  --test    that, and what tests/run.sh needs
  --list    print the packages of the chosen set and exit
  --yes     do not ask (asked only on a terminal)
  --help    this page
EOT
}

set_name=build list=no assume=no
for arg in "$@"; do
    case $arg in
    --build | --run | --test) set_name=${arg#--} ;;
    --list) list=yes ;;
    --yes) assume=yes ;;
    --help | -h) usage; exit 0 ;;
    *) echo "deps.sh: unknown option $arg" >&2; usage >&2; exit 64 ;;
    esac
done

run_packages="libuv1 libssl3 libnghttp2-14 libprotobuf-c1 libcurl4 libzstd1 libsqlite3-0 libyaml-0-2 libjansson4
libutf8proc2 libexpat1 libarchive13 libwebsockets17 libwebsockets-evlib-uv libgmime-3.0-0 ca-certificates"
build_packages="gcc libc6-dev cmake ninja-build pkg-config protobuf-compiler protobuf-c-compiler libuv1-dev libssl-dev
libnghttp2-dev libprotobuf-c-dev libcurl4-openssl-dev libzstd-dev libsqlite3-dev libyaml-dev libjansson-dev
libutf8proc-dev libexpat1-dev libarchive-dev libwebsockets-dev libwebsockets-evlib-uv libgmime-3.0-dev libmicrohttpd-dev libical-dev libcmocka-dev ca-certificates curl"
test_packages="clang clang-tidy clang-format libclang-rt-14-dev python3 python3-yaml python3-jsonschema jq openssl curl git gdb restic ccache
sqlite3 procps time unzip util-linux radosgw ceph-mon ceph-osd ceph-common python3-boto3 python3-azure-storage"

packages=$run_packages
[ "$set_name" = run ] || packages=$build_packages
[ "$set_name" != test ] || packages="$build_packages $test_packages"
# Node.js may come from elsewhere; Debian's is taken only when there is none.
if [ "$set_name" = test ] && ! command -v npm >/dev/null 2>&1; then
    packages="$packages nodejs npm"
fi
packages=$(tr -s ' \n' '\n' <<<"$packages" | sort -u)

if [ "$list" = yes ]; then
    echo "$packages"
    exit 0
fi
command -v dpkg-query >/dev/null 2>&1 || {
    echo "deps.sh: this script installs Debian packages; here, install the equivalents of: $(echo $packages)" >&2
    exit 69
}

missing=()
for package in $packages; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "deps.sh: nothing is missing"
    exit 0
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "deps.sh: run it as root, or install sudo; missing: ${missing[*]}" >&2
        exit 77
    }
    root=(sudo)
fi
echo "deps.sh: installing ${#missing[@]} packages: ${missing[*]}"
if [ "$assume" = no ] && [ -t 0 ] && [ -t 1 ]; then
    read -r -p "Go on? [Y/n] " answer
    case $answer in [nN]*) exit 75 ;; esac
fi
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -q
"${root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
echo "deps.sh: done"
