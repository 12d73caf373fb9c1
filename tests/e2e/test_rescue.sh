#!/usr/bin/env bash
# Break-glass: storage, password and binary, without daemons and without any network: list, browse, search, verify and
# export as files, zip and mbox, compared with the source.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
e2e_stack "$WORK/tenant"
lh run start everything --wait
home=$(ls -d "$WORK"/tenant/users/*/ | sed -n 1p)
user=$(basename "$home")
vault=$(lh vault show main --json | jq -r .id)
mailbox=$(e2e_last_point mailbox "$user")
drive=$(e2e_last_point drive "$user")
lh point find "$mailbox" --sender contoso --from 2000-01-01 --json >"$WORK/found-by-director.json"
stack_stop

rescue() {
    local command=$1
    shift
    ${isolated:-} "$STACK_BIN/longhaul-transporter" vault "$command" --storage "$WORK/repository" --vault "$vault" \
        --password-file "$WORK/password" "$@"
}
if unshare -rn true 2>/dev/null; then isolated="unshare -rn"; fi

say "list, browse, search, verify"
rescue list --json | jq -r --arg p "$mailbox" 'select(.point==$p)|.items' | grep . >/dev/null || fail "the point must be listed"
folder=$(rescue browse --point "$mailbox" --json | jq -rs 'map(select(.kind=="folder"))[0].key')
rescue browse --point "$mailbox" --folder "$folder" | grep . >/dev/null || fail "a folder must hold something"
rescue search --point "$mailbox" --sender contoso --from 2000-01-01 --json | jq -r .key | sort >"$WORK/found"
jq -r '.items[].key' "$WORK/found-by-director.json" | sort | cmp - "$WORK/found" || fail "both searches must find the same"
[ -s "$WORK/found" ] || fail "the search must find something"
rescue search --point "$mailbox" --subject "no such subject" | grep . && fail "nothing has that subject"
rescue verify --point "$mailbox" | grep " 0 damaged" || fail "verify"
status=0
rescue verify --point point-none 2>"$WORK/err" || status=$?
[ $status = 66 ] || fail "a point that is not there is no damage: $status"

say "export as a zip file"
rescue export --point "$drive" --to "$WORK/drive.zip" --format zip
unzip -q "$WORK/drive.zip" -d "$WORK/unzipped"
e2e_hashes "$home/drive" >"$WORK/source.sums"
e2e_hashes "$WORK/unzipped" | diff "$WORK/source.sums" - || fail "the zip file must hold the drive's bytes"
(cd "$home/drive" && find . -type f | LC_ALL=C sort) >"$WORK/source.names"
(cd "$WORK/unzipped" && find . -type f | LC_ALL=C sort) | diff "$WORK/source.names" - || fail "names in the zip file"
status=0
rescue export --point "$drive" --to "$WORK/drive.zip" --format zip 2>"$WORK/err" || status=$?
[ $status = 73 ] || fail "a zip file that is there must be kept: $status"

say "export as mbox and as files"
rescue export --point "$mailbox" --to "$WORK/mbox" --format mbox
rescue export --point "$mailbox" --to "$WORK/eml"
e2e_hashes "$home/mail" >"$WORK/source.sums"
e2e_hashes "$WORK/eml" ! -name 'report*.jsonl' | diff "$WORK/source.sums" - || fail "the .eml files must be the source's"
python3 - "$WORK/mbox" "$home/mail" <<'PY'
import hashlib, os, re, sys

def normal(data):
    return data.replace(b"\r\n", b"\n").rstrip(b"\n")

def messages(path):
    data = open(path, "rb").read()
    for part in re.split(rb"(?m)^From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n", data)[1:]:
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", part)

def files(top, ending):
    return [os.path.join(d, f) for d, _, fs in os.walk(top) for f in fs if f.endswith(ending)]

found = sorted(hashlib.sha256(normal(m)).hexdigest() for f in files(sys.argv[1], ".mbox") for m in messages(f))
wanted = sorted(hashlib.sha256(normal(open(f, "rb").read())).hexdigest() for f in files(sys.argv[2], ""))
assert wanted and found == wanted, f"{len(found)} messages in mbox files, {len(wanted)} in the source"
print(len(found), "messages identical but for line ends")
PY
