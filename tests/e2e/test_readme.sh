#!/usr/bin/env bash
# Runs every longhaul command of the README, in its order, against the simulator; names and addresses are put in.
. "$(dirname "$0")/lib.sh"
e2e_clean
"$STACK_BIN/make-sample-tenant" "$WORK/tenant"
stack_init
stack_director
unset LONGHAUL_DIRECTOR LONGHAUL_CA LONGHAUL_TOKEN_FILE
export HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home/.config
mkdir -p "$HOME" "$WORK/srv" "$WORK/srv-2"
(umask 077 && echo "correct horse battery staple" >"$WORK/pw")
fingerprint=$(openssl x509 -in "$STACK_DIR/director/authority/root.pem" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d :)
grep -qi "ca_fingerprint=$fingerprint" "$STACK_DIR/director.log" || fail "the log must show the fingerprint"
ran=0
invited=0

put_in() { # the README's line with this machine's names
    local point vault run line=$1
    point=$([ $ran -lt 9 ] || lh point list --vault contoso-vault --object "$(e2e_object mailbox ada.abe@contoso.example)" --json | jq -r '.items[0].id')
    vault=$([ $ran -lt 7 ] || lh vault show contoso-vault --json | jq -r .id)
    run=$([ $ran -lt 12 ] || lh run list --json | jq -r '.items[0].id')
    sed -e "s#https://director.example:8440#https://127.0.0.1:$STACK_API_PORT#" -e "s#HEX#$fingerprint#" \
        -e "s#admin.token#$STACK_DIR/director/admin.token#" -e "s#8d2b6a34-\.\.\.#$STACK_TENANT_ID#" -e "s#0b1c2d3e-\.\.\.#$STACK_CLIENT_ID#" \
        -e "s#secret.txt#$STACK_DIR/simulator/client-secret#" -e "s#/srv/longhaul#$WORK/srv#g" -e "s#ada@contoso#ada.abe@contoso#" \
        -e "s#\bPOINT\b#$point#" -e "s#\bVAULT\b#$vault#" -e "s#\bRUN\b#$run#" -e "s#\bpw\b#$WORK/pw#" -e "s#\bDIR\b#$WORK/export#" <<<"$line"
}

run_line() {
    local line=$1 extra=""
    case $line in
    "longhaul transporter invite"*)
        stack_enrol frankfurt-1
        stack_enrol frankfurt-2
        stack_enrol frankfurt-3
        stack_simulator "$WORK/tenant" --limits off
        stack_transporter frankfurt-1
        stack_transporter frankfurt-2 --host
        stack_transporter frankfurt-3 --host
        invited=1
        return
        ;;
    "longhaul tenant add"*) extra="--login-url $STACK_SIM_URL --graph-url $STACK_SIM_URL --yes" ;;
    "longhaul repository add"*) extra=--yes ;;
    *--replica-of*) extra=--yes ;;
    "longhaul vault create"* | "longhaul vault seal"*) extra="--password-file $WORK/pw --yes" ;;
    "longhaul restore folder"* | "longhaul restore tenant"*) extra=--wait ;;
    esac
    line=$(put_in "$line")
    echo "\$ $line $extra"
    PATH="$STACK_BIN:$PATH" bash -c "$line $extra" || fail "the README's command failed: $line"
}

while IFS= read -r line <&3; do
    run_line "$line"
    ran=$((ran + 1))
done 3< <(sed -n '/^```sh/,/^```$/p' README.md | sed -nE '/^longhaul(-transporter)? /{s/ +#.*$//;p}')
[ $invited = 1 ] && [ $ran -ge 14 ] || fail "only $ran commands were found in the README"
[ -n "$(find "$WORK/export" -name '*.eml' -print -quit)" ] || fail "the break-glass export must hold messages"
lh --check-config
lh --print-config | tee "$WORK/settings"
grep -qF "$(cat "$STACK_DIR/director/admin.token")" "$WORK/settings" && fail "--print-config shows the token"
for file in director transporter; do
    "$STACK_BIN/longhaul-$file" --config "deploy/$file.yaml" --check-config
done
echo "$ran commands of the README ran"
