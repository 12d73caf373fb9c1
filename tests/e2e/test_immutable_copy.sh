#!/usr/bin/env bash
# Copies with their own immutability, in a bucket with object lock (Ceph): re-sealed and byte by byte, of a vault that has
# none itself. First without locks, so that a locked copy relies on what is there without. The source is lost, and an
# attacker has the bucket's key: both copies restore bit for bit.
. "$(dirname "$0")/lib.sh"
e2e_clean
e2e_s3
e2e_sample
e2e_stack "$WORK/tenant"
stack_enrol near-s3
stack_transporter near-s3 --host
for place in away mirror; do
    lh repository add $place --host near-s3 "${S3_WHERE[@]}" "${S3_KEYS[@]}" --s3-prefix copies/$place --s3-lock-mode compliance
done
(umask 077 && echo "another long password" >"$WORK/other-password")
lh vault create copy --tenant contoso --repository away --password-file "$WORK/other-password" --transporter near-data --yes
lh vault create replica --replica-of main --repository mirror
lh job create resealed --tenant contoso --from main --vault copy
lh job create mirrored --tenant contoso --from main --vault replica
refused "replica" lh job create into --tenant contoso --vault replica
refused "not seen to enforce locks" lh job edit everything --immutable 1

locks() { # VAULT CONDITION
    lh vault locks "$1" --check --json >"$WORK/locks.json"
    jq -e "$2" "$WORK/locks.json" >/dev/null || { cat "$WORK/locks.json"; fail "the locks of $1: not $2"; }
}
copy_all() {
    lh run start everything --wait
    lh run start resealed --wait
    lh run start mirrored --wait
}

say "copies without locks"
copy_all
for vault in copy replica; do locks $vault '.objects>0 and .locked==0 and .without==.objects'; done

say "each copy job has days of its own, and all that its points need is locked"
lh job edit resealed --immutable 1
lh job edit mirrored --immutable 2
echo changed >"$E2E_HOME/drive/changed.txt"
copy_all
for vault in copy replica; do
    locks $vault '.locked==.objects and .checked==.objects and .without==0 and .short_of_promise==0 and .missing==0'
done
until_of() { lh vault show "$1" --json | jq -er '.locked_until[:19] + "Z" | fromdateiso8601'; }
[ $(($(until_of replica) - $(until_of copy))) -gt 80000 ] || fail "both copies are locked for as long: $(until_of copy) $(until_of replica)"

say "restored from the copies, with the source gone"
stack_end near-storage
rm -rf "$WORK/repository"
copied_point() { # VAULT KIND
    lh point list --object "$(e2e_object "$2" "$E2E_USER")" --json | jq -er --arg v "$1" '[.items[]|select(.vault.name==$v)][0]'"${3:-.id}"
}
for vault in copy replica; do
    e2e_last_point() { copied_point $vault "$1"; } # KIND USER
    e2e_compare_restored "$E2E_USER" "$E2E_HOME"
done
copy_id=$(lh vault show copy --json | jq -er .id)
replica_id=$(lh vault show replica --json | jq -er .replica_of)
mailbox=$(copied_point copy mailbox .stored_as)
drive=$(copied_point copy drive .stored_as)
stack_stop

say "attack with the bucket's key"
s3_admin ruin vaults copies/ | tee "$WORK/attack.log"
grep -F "worked: {}" "$WORK/attack.log" >/dev/null || fail "a lock gave way"

say "with storage and password alone, reading what was written first"
e2e_s3_location copies/away first >"$WORK/away.json"
e2e_s3_location copies/mirror first >"$WORK/mirror.json"
e2e_rescue_same "$WORK/away.json" "$copy_id" "$WORK/other-password" "$mailbox" "$drive"
e2e_rescue_same "$WORK/mirror.json" "$replica_id" "$WORK/password" "$mailbox" "$drive"
