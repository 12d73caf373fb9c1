#!/usr/bin/env bash
# What the director may never hold: planted secrets, item names and contents, sought in its files, its log, its core and its
# memory; and what the host and the logs of the source may not hold.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
home=$WORK/tenant/users/ada.abe@contoso.example
mkdir -p "$home/drive/PLANTED-folder-name"
echo "PLANTED-file-content-77231" >"$home/drive/PLANTED-folder-name/PLANTED-file-name.txt"
printf 'From: a@b.example\r\nTo: ada.abe@contoso.example\r\nSubject: PLANTED-subject\r\nDate: Mon, 06 Jan 2025 10:00:00 +0000\r\n\r\nPLANTED-mail-content\r\n' >"$home/mail/Inbox/planted.eml"
stack_init
mkdir -p "$STACK_DIR/simulator/state"
"$STACK_BIN/m365sim" --make-cert "$STACK_DIR/simulator" >/dev/null
printf 'PLANTED-client-secret-5512' >"$STACK_DIR/simulator/client-secret"
stack_director
stack_enrol near-data
stack_enrol near-storage
stack_simulator "$WORK/tenant" --limits off
stack_transporter near-data
stack_transporter near-storage --host
mkdir -p "$WORK/PLANTED-storage-path"
lh tenant add contoso --tenant-id "$STACK_TENANT_ID" --client-id "$STACK_CLIENT_ID" --client-secret-file "$STACK_DIR/simulator/client-secret" \
    --login-url "$STACK_SIM_URL" --graph-url "$STACK_SIM_URL" --transporter near-data --yes
lh repository add store --host near-storage --path "$WORK/PLANTED-storage-path" --yes
echo "PLANTED-vault-password-9918" >"$WORK/password"
lh vault create main --tenant contoso --repository store --password-file "$WORK/password" --transporter near-data --yes
lh tenant discover contoso --wait
lh job create everything --tenant contoso --vault main
e2e_slow_contents 400
lh run start everything >/dev/null
run=$(e2e_last_run)
e2e_wait_busy "$run" >/dev/null

# Everything a process can read of its own, pages that cores leave out too.
memory_of() { # NAME FILE
    python3 - "$(cat "$STACK_DIR/$1.pid")" >"$2" <<'EOT'
import sys
pid = sys.argv[1]
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
    for line in maps:
        span, mode = line.split()[:2]
        start, end = (int(x, 16) for x in span.split("-"))
        if mode[0] != "r" or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
            continue
        try:
            memory.seek(start)
            while start < end:
                piece = memory.read(min(end - start, 1 << 20))
                if not piece:
                    break
                sys.stdout.buffer.write(piece)
                start += len(piece)
        except OSError:
            pass
EOT
    [ -s "$2" ] || fail "the memory of $1 cannot be read"
}

memory_of director "$WORK/memory.running"
e2e_control faults '' DELETE
lh run watch "$run"
point=$(e2e_last_point drive ada.abe@contoso.example)
grep -q PLANTED-file-name <<<"$(lh point find "$point" PLANTED)" || fail "the owner must find the planted file"
lh restore folder "$point" --to out --wait

seek() { # WHERE FILE... : any planted text in any of these files, as UTF-8 or UTF-16
    local where=$1
    shift
    if grep -aoE 'PLANTED-(file|mail|folder|subject|client|vault|storage)[-a-z0-9.]*' "$@" | sort | uniq -c | grep .; then
        fail "planted text found in $where"
    fi
    if grep -aqP 'P\x00L\x00A\x00N\x00T\x00E\x00D' "$@"; then fail "planted text found in $where"; fi
}
seek "the director's files" $(find "$STACK_DIR/director" -type f)
seek "the director's log" "$STACK_DIR/director.log"
memory_of director "$WORK/memory.after"
# What the director does know is found: the search works.
for memory in "$WORK/memory.running" "$WORK/memory.after"; do
    grep -aq "ada.abe@contoso.example" "$memory" || fail "the director's memory was not searched"
    seek "the director's memory" "$memory"
done
echo "memory of the director: $(du -h "$WORK/memory.after" | cut -f1), nothing planted in it"
rm -f "$WORK"/memory.*
if command -v gcore >/dev/null; then
    gcore -o "$WORK/core" "$(cat "$STACK_DIR/director.pid")" >/dev/null 2>&1 || fail "cannot take a core of the director"
    seek "the director's memory" "$WORK"/core.*
    echo "core of the director: $(du -h "$WORK"/core.* | cut -f1), nothing planted in it"
    rm -f "$WORK"/core.*
else
    echo "gcore is missing: the memory of the director was not searched"
    exit 77
fi
seek "the host's files" $(find "$STACK_DIR/near-storage" -type f) "$STACK_DIR/near-storage.log"
seek "the repository" $(find "$WORK/PLANTED-storage-path" -type f)
seek "the source's log" "$STACK_DIR/near-data.log"
