#!/usr/bin/env bash
# Runs clients.mjs against a simulator over a small tenant. Arguments: m365sim binary, work folder. 77: cannot run here.
set -euo pipefail
sim=$1 work=$2 here=$(cd "$(dirname "$0")" && pwd)
command -v node >/dev/null && command -v npm >/dev/null || { echo "skipped: node and npm are needed"; exit 77; }
mkdir -p "$work" && cd "$work"
cp "$here"/package.json "$here"/package-lock.json "$here"/clients.mjs .
if [ ! -e node_modules/.complete ] || [ package-lock.json -nt node_modules/.complete ]; then
    npm ci --no-audit --no-fund >npm.log 2>&1 || { echo "skipped: npm cannot install the clients (npm.log)"; exit 77; }
    touch node_modules/.complete
fi

tenant=$(mktemp -d) pid=
trap 'kill $pid 2>/dev/null || true; rm -rf "$tenant"' EXIT
mkdir -p "$tenant"/users/ada@contoso.example/{mail/Inbox,drive} "$tenant"/users/bob@contoso.example/{mail/Inbox,drive}
for i in 1 2 3 4 5; do
    printf 'From: a%d@contoso.example\r\nSubject: =?utf-8?Q?Nr=2E_%d?=\r\nDate: Mon, 14 Sep 2026 09:58:0%d +0200\r\n\r\nhello %d\r\n' \
        $i $i $i $i >"$tenant/users/ada@contoso.example/mail/Inbox/$i.eml"
done
mkdir -p "$tenant/users/ada@contoso.example/contacts/Contacts"
for i in 1 2 3; do
    printf 'BEGIN:VCARD\r\nFN:C %d\r\nEMAIL:c%d@b.example\r\nEND:VCARD\r\n' $i $i \
        >"$tenant/users/ada@contoso.example/contacts/Contacts/$i.vcf"
done
MAIL_HASHES=$(sha256sum "$tenant"/users/ada@contoso.example/mail/Inbox/*.eml | cut -d' ' -f1 | xargs)
export MAIL_HASHES
"$sim" --make-cert "$tenant/cert"
cat "$tenant/cert/client.pem" "$tenant/cert/client.key" >"$tenant/cert/client-both.pem"
"$sim" --tenant "$tenant" --cert "$tenant/cert/server.pem" --key "$tenant/cert/server.key" --client-secret 'p+a/s=s~' \
    --client-cert "$tenant/cert/client.pem" --ready-file "$tenant/port" &
pid=$!
for _ in $(seq 100); do [ -s "$tenant/port" ] && break; sleep 0.1; done
export NODE_EXTRA_CA_CERTS="$tenant/cert/ca.pem"
node clients.mjs "https://localhost:$(cat "$tenant/port")" 00000000-0000-4000-8000-0000000074a7 \
    00000000-0000-4000-8000-00000000c11e 'p+a/s=s~' "$tenant/cert/client-both.pem"
