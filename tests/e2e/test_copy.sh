#!/usr/bin/env bash
# Vault to vault, from host to host: re-sealed under another password, and byte by byte into a replica. What was copied
# restores exactly with the first repository gone, with a director and without one.
. "$(dirname "$0")/lib.sh"
e2e_clean
[ -d "$SHARED/corpus" ] || e2e_skip "no corpus at $SHARED/corpus"
e2e_tenant_corpus "$WORK/tenant" ada@contoso.example
home=$WORK/tenant/users/ada@contoso.example
start() { # TRANSPORTER
    case $1 in
    near-data) stack_transporter near-data ;;
    *) stack_transporter "$1" --host ;;
    esac
}
stack_init
stack_director --set lease.duration=6s --set heartbeat.interval=500ms --set retry.delay=500ms
for name in near-data near-storage far-storage; do stack_enrol $name; done
stack_simulator "$WORK/tenant" --limits off
for name in near-data near-storage far-storage; do start $name; done
e2e_setup near-data
mkdir -p "$WORK/away" "$WORK/mirror"
lh repository add away --host far-storage --path "$WORK/away" --yes
lh repository add mirror --host far-storage --path "$WORK/mirror" --yes
(umask 077 && echo "another long password" >"$WORK/other-password")
lh vault create copy --tenant contoso --repository away --password-file "$WORK/other-password" --transporter near-data --yes
lh vault create replica --replica-of main --repository mirror
lh job create resealed --tenant contoso --from main --vault copy
lh job create mirrored --tenant contoso --from main --vault replica

copy_all() {
    lh run start resealed --wait
    lh run start mirrored --wait
}
points_in() { # VAULT
    lh point list --json --all | jq --arg v "$1" '[.items[]|select(.vault.name==$v)]|length'
}
stored() { # FOLDER
    e2e_size "$1"
}

copying() { # RUN: it is in the middle of something
    lh run show "$1" --json | jq -e '[.task_list[]|select(.state=="running" and .counts.bytes_read>0)]|length>0' >/dev/null || e2e_run_over "$1"
}
# copy_killed JOB: kill -9 of who copies, of who it copies to, and of who it copies from, each in the middle of it
copy_killed() {
    local run daemon killed=0
    run=$(lh run start "$1" --json | jq -er .run)
    for daemon in near-data far-storage near-storage; do
        stack_wait 60 "$run to copy" copying "$run"
        ! e2e_run_over "$run" || break
        stack_end $daemon KILL
        start $daemon
        killed=$((killed + 1))
    done
    stack_wait 120 "$run to end" e2e_run_over "$run"
    lh run show "$run" --json | jq -e '.state=="succeeded"' >/dev/null || { lh run show "$run"; fail "$1 did not get over the kills"; }
    echo "$1 succeeded after $killed kills"
    [ $killed -gt 0 ] || fail "$1 was never in the middle of something"
}

say "first run, first copies, killed again and again"
lh run start everything --wait
copy_killed resealed
copy_killed mirrored
[ "$(points_in copy)" -eq "$(points_in main)" ] && [ "$(points_in replica)" -eq "$(points_in main)" ] ||
    fail "points: main $(points_in main), copy $(points_in copy), replica $(points_in replica)"
(cd "$WORK/repository" && find . -path './vault-*/packs/*' -type f -o -path './vault-*/points/*' -type f | sort | xargs sha256sum) >"$WORK/main.sums"
(cd "$WORK/mirror" && sha256sum --quiet -c "$WORK/main.sums") || fail "the replica's packs and points are not the source's"
[ "$(stored "$WORK/away")" -lt $(($(stored "$WORK/repository") * 3 / 2)) ] || fail "the killed copies stored things twice"
copy_1=$(stored "$WORK/away") mirror_1=$(stored "$WORK/mirror")

say "some changes, second copies"
mapfile -t mails < <(find "$home/mail" -name '*.eml' | sort)
for mail in "${mails[@]:0:3}"; do
    { echo "X-Change: 1"; cat "$mail"; } >"${mail%.eml}-changed.eml"
done
mapfile -t files < <(find "$home/drive" -type f | sort)
rm "${files[0]}"
lh run start everything --wait
copy_all
echo "copy $copy_1 -> $(stored "$WORK/away"), replica $mirror_1 -> $(stored "$WORK/mirror") bytes"
[ $(($(stored "$WORK/away") - copy_1)) -lt 3000000 ] || fail "a copy of four changes stored too much"
say "nothing new: nothing is stored"
copy_2=$(stored "$WORK/away") mirror_2=$(stored "$WORK/mirror")
copy_all
[ "$(stored "$WORK/away")" -eq "$copy_2" ] && [ "$(stored "$WORK/mirror")" -eq "$mirror_2" ] || fail "an idle copy stored something"

say "the first repository is gone"
stack_end near-storage
rm -rf "$WORK/repository"
for vault in copy replica; do
    e2e_last_point() { # KIND USER
        lh point list --object "$(e2e_object "$1" "$2")" --json | jq -er --arg v $vault '[.items[]|select(.vault.name==$v)][0].id'
    }
    say "restore from the $vault"
    e2e_compare_restored ada@contoso.example "$home"
    lh vault verify $vault --data --wait
done
lh point browse "$(e2e_last_point drive ada@contoso.example)" --json | jq -e '.items|length > 0' >/dev/null || fail "a copied point cannot be browsed"

say "without a director"
stack_end director
for where in away:other-password mirror:password; do
    id=$(basename "$WORK/${where%%:*}"/vault-*)
    "$STACK_BIN/longhaul-transporter" vault verify --storage "$WORK/${where%%:*}" --vault "$id" --password-file "$WORK/${where##*:}" ||
        fail "the vault in ${where%%:*} does not open without a director"
done
