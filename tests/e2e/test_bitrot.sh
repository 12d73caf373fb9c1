#!/usr/bin/env bash
# Bit-rot in every class of object: verification finds and names it, everything else still restores, nothing wrong is
# ever given out, and a copy or the next backup mends it.
# LONGHAUL_TEST_SIZE=long tries many more places; LONGHAUL_SEED chooses which.
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

mkdir -p "$WORK/away" "$WORK/mirror"
lh repository add away --host near-storage --path "$WORK/away" --yes
lh repository add mirror --host near-storage --path "$WORK/mirror" --yes
(umask 077 && echo "another long password" >"$WORK/other-password")
lh vault create away --tenant contoso --repository away --password-file "$WORK/other-password" --transporter near-data --yes
lh vault create mirror --replica-of main --repository mirror
lh job create resealed --tenant contoso --from main --vault away
lh job create mirrored --tenant contoso --from main --vault mirror
lh run start resealed --wait
lh run start mirrored --wait

say "what the next backup mends"
e2e_flip() { # PLACE-IN-FILE FILE
    chmod u+w "$2"
    python3 - "$1" "$2" <<'PY'
import sys
with open(sys.argv[2], "r+b") as f:
    f.seek(int(sys.argv[1]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[1]))
    f.write(bytes([byte ^ 4]))
PY
}
cp -a "$WORK/repository" "$WORK/pristine"
packs=$(find "$WORK/repository/$vault/packs" -type f -size +2k)
for pack in $packs; do e2e_flip 700 "$pack"; done
status=0
run=$(lh vault verify main --data --json | jq -r '.run // .id')
stack_wait 60 "the verification" e2e_run_over "$run"
lh run show "$run" --json | jq -e '.state!="succeeded"' >/dev/null || fail "the damage must be found"
lh vault damage "$run" >"$WORK/damage"
grep -q "Restoring this item from .* will fail" "$WORK/damage" || { cat "$WORK/damage"; fail "the damage must be told in words"; }
grep -q "of message " "$WORK/damage" || grep -q "of file " "$WORK/damage" || fail "items must be named"
if grep -qE "damaged (catalog|listing|record|metadata|cursor|point)" "$WORK/damage"; then
    echo "more than contents was hit: only a full run goes on"
    lh run start everything --full --wait
else
    lh run start everything --wait
fi
e2e_compare_restored "$user" "$home"

say "what a copy mends, through the director"
e2e_heal() { # VAULT EVERY
    local run
    python3 tests/e2e/rot_groups.py "$WORK/repository/$vault" "$2"
    if lh vault verify main --data --wait >"$WORK/verify" 2>&1; then fail "the rot was not found"; fi
    run=$(lh vault heal main --from "$1" --json | jq -er .run)
    lh run watch "$run" >"$WORK/heal" 2>&1 || { cat "$WORK/heal"; lh vault damage "$run"; fail "not healed from $1"; }
    cat "$WORK/heal"
    lh run show "$run" --json | jq -e '.figures.places_left==0 and .figures.places_healed>0 and .figures.points_replaced==1 and .kind=="heal"' >/dev/null ||
        { lh run show "$run" --json; fail "the figures of the heal"; }
    lh vault damage "$run" >"$WORK/healed"
    grep -qE "^healed (content|catalog)" "$WORK/healed" || { cat "$WORK/healed"; fail "the heal does not say what it healed"; }
    lh vault verify main --data --wait
    e2e_compare_restored "$user" "$home"
}
lh vault heal main --from away --wait
lh vault verify main --data --wait
lh run start resealed --wait
lh run start mirrored --wait
say "everything is rotten: from the re-sealed copy"
e2e_heal away 1
lh run list --json | jq -e '[.items[]|select(.kind=="heal")][0].figures.catalogs_rebuilt>0' >/dev/null || fail "no catalog was made anew"
say "every third group: from the re-sealed copy"
e2e_heal away 3
say "everything is rotten: from the replica"
e2e_heal mirror 1
lh run start everything --wait

say "an index made anew"
find "$WORK/repository/$vault/index" -type f -delete
lh vault rebuild-index main --wait
[ "$(find "$WORK/repository/$vault/index" -type f | wc -l)" -gt 0 ] || fail "there is no index after the rebuild"
e2e_flip 40 "$(find "$WORK/repository/$vault/index" -type f | sort | sed -n 1p)"
lh vault rebuild-index main --wait
lh vault verify main --data --wait
e2e_compare_restored "$user" "$home"
stack_stop

rescue() {
    local command=$1
    shift
    "$STACK_BIN/longhaul-transporter" vault "$command" --vault "$vault" --password-file "$WORK/password" "$@"
}
export -f rescue
export STACK_BIN vault WORK
count=1
[ "${LONGHAUL_TEST_SIZE:-normal}" = long ] && count=12
say "what a copy mends: seed ${LONGHAUL_SEED:-1}, $count places of each kind"
python3 - "$WORK" "$vault" "$STACK_BIN/longhaul-transporter" "$mailbox" "$drive" "$home" "$count" "${LONGHAUL_SEED:-1}" <<'PY'
import hashlib, os, random, shutil, subprocess, sys

work, vault, binary, mailbox, drive, home = sys.argv[1:7]
count, chance = int(sys.argv[7]), random.Random(int(sys.argv[8]))
pristine, place = f"{work}/pristine", f"{work}/rotten"


def rescue(command, *more):
    return subprocess.run([binary, "vault", command, "--storage", place, "--vault", vault, "--password-file",
                           f"{work}/password", *more], capture_output=True, text=True)


def objects(kind):
    top = f"{pristine}/{vault}/{kind}"
    return sorted(os.path.relpath(os.path.join(d, f), pristine) for d, _, fs in os.walk(top) for f in fs)


def sums(folder):
    return sorted(hashlib.sha256(open(os.path.join(d, f), "rb").read()).hexdigest()
                  for d, _, fs in os.walk(folder) for f in fs if not f.startswith("report"))


source = {mailbox: sums(f"{home}/mail"), drive: sums(f"{home}/drive")}


def export(point):
    out = f"{work}/out"
    shutil.rmtree(out, ignore_errors=True)
    done = rescue("export", "--point", point, "--to", out)
    got = sums(out) if os.path.isdir(out) else []
    wrong = [s for s in got if s not in source[point]]
    assert not wrong, f"{point}: {len(wrong)} exported files are not the source's"
    if done.returncode == 0:
        assert got == source[point], f"{point}: exported without an error, yet {len(got)} of {len(source[point])}"
    return done.returncode == 0


def rot(path, how, other):
    whole = f"{place}/{path}"
    os.chmod(os.path.dirname(whole), 0o755)
    data = bytearray(open(whole, "rb").read())
    if how == "delete":
        os.remove(whole)
        return "deleted"
    if how == "truncate":
        keep = chance.randrange(len(data))
        data, told = data[:keep], f"cut to {keep} of {len(data)} bytes"
    elif how == "replace":
        data, told = bytearray(open(other, "rb").read()), "replaced by another object"
    else:
        at = {"head": chance.randrange(min(64, len(data))), "tail": len(data) - 1 - chance.randrange(min(92, len(data))),
              "any": chance.randrange(len(data))}[how]
        data[at] ^= 1 << chance.randrange(8)
        told = f"byte {at} of {len(data)}"
    os.chmod(whole, 0o644)
    open(whole, "wb").write(data)
    return told


def one(kind, how):
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(pristine, place)
    names = objects(kind)
    path = chance.choice(names)
    others = [n for n in names if n != path] or objects("points")
    told = rot(path, how, f"{pristine}/{chance.choice(others)}")
    label = f"{kind:7s} {how:9s} {told}"
    verified = rescue("verify", "--quarantine")
    found = verified.returncode != 0
    if found and kind in ("packs", "points") and how != "delete":
        assert os.path.basename(path) in verified.stdout, f"{label}: not named\n{verified.stdout}{verified.stderr}"
    if kind == "index":
        assert not found, f"{label}: the index is made anew by itself\n{verified.stdout}{verified.stderr}"
    if kind in ("format", "keys"):
        assert found, f"{label}: not found"
    whole = {p: export(p) for p in (mailbox, drive)}
    if not found:
        assert kind == "points" or all(whole.values()), f"{label}: verified, yet {whole}\n{verified.stdout}"
    if kind in ("format", "keys") or (kind == "points" and how == "delete"):
        shutil.copy2(f"{pristine}/{path}", f"{place}/{path}")
    else:
        healed = rescue("heal", "--from-storage", pristine)
        assert healed.returncode == 0, f"{label}: {healed.stdout}{healed.stderr}"
    again = rescue("verify", "--quarantine")
    assert again.returncode == 0, f"{label}: not clean after the heal\n{again.stdout}{again.stderr}"
    assert all(export(p) for p in (mailbox, drive)), f"{label}: not restored after the heal"
    print(f"{label}: {'found' if found else 'harmless'}, other points {sum(whole.values())}/2, healed")


every = ("head", "tail", "any", "truncate", "delete", "replace")
short = {"packs": every, "points": ("any", "truncate", "replace"), "index": ("any", "delete"), "format": ("any",),
         "keys": ("any",)}
for kind in short:
    for how in every if count > 1 else short[kind]:
        for _ in range(count):
            one(kind, how)
PY
say "bit-rot is found, named, contained and healed"
