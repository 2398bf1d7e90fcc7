#!/usr/bin/env bash
# Has this change made the main operations dearer? Counts the instructions that a gateway executes for an Encrypt, a
# GenerateDataKey and a Decrypt, all of the pipeline and SoftHSM too, with valgrind's callgrind; does the same with the
# commit before, and fails where there are more than 5 % more. Counts hardly depend on how busy the machine is. Both are
# built as for the tests, without optimisation, so that little is built that they have not.
#
# A commit that means to cost more says so, and why, in a line of its message: "Costs-instructions: ...".
#
# Where it cannot count the commit before, it says why and passes: that is not the change's fault.
#
#     scripts/instructions.sh [percent]
set -euo pipefail
cd "$(dirname "$0")/.."

percent=${1:-5}
cargo=${CARGO:-cargo}
matters=(src sql softhsm Cargo.toml Cargo.lock)
uncounted() {
    echo "no instructions are counted: $*"
    exit 0
}

git rev-parse --quiet --verify HEAD >/dev/null || uncounted "git does not know this folder"
# What has not been committed yet is compared with what has.
before=HEAD^
git diff --quiet HEAD -- "${matters[@]}" || before=HEAD
name=$(git rev-parse --quiet --verify --short "$before^{commit}") ||
    uncounted "the commit before this one is not in this clone"
! git diff --quiet "$before" -- "${matters[@]}" || uncounted "the gateway is that of $name"
said=$(valgrind --quiet --tool=callgrind --callgrind-out-file=/dev/null true 2>&1) ||
    uncounted "valgrind does not run here: $said"

. scripts/dev.sh
trap 'stop; rm -rf target/before' EXIT

export CARGO_TARGET_DIR=$PWD/target
"$cargo" build --quiet --locked --bin strongroom
# The commit before has a target directory of its own, for cargo takes the same package elsewhere for the same, and the
# dependencies in it that are built already.
rm -rf target/before
mkdir -p target/before/target/debug
git archive "$before" | tar -xC target/before
cp -al target/debug/{.fingerprint,build,deps} target/before/target/debug/
rm -rf target/before/target/debug/{.fingerprint,build,deps}/{,lib}strongroom[-.]*
(cd target/before && CARGO_TARGET_DIR=target exec "$cargo" build --quiet --locked --bin strongroom) ||
    uncounted "$name does not build"

# What runs by itself is not what is asked.
export STRONGROOM_GATEWAY_WORKER_INTERVAL_MS=3600000 STRONGROOM_AUDIT_INTERVAL_MS=60000 STRONGROOM_AUDIT_CHECKPOINT_SECONDS=3600
# Slowed as it is, it has no other trouble.
export STRONGROOM_TOKEN_DEADLINE_MS=60000 STRONGROOM_DATABASE_DEADLINE_MS=60000 STRONGROOM_GATEWAY_DEADLINE_MS=60000 \
    STRONGROOM_GATEWAY_LEASE_MS=120000

count() { # BINARY NAME
    local counted
    # A gateway that hangs is not waited for.
    under=(timeout --kill-after=30 600)
    # The first start has a token to make: that takes no counting.
    start "$1" "$2" && counted=0 || counted=1
    end
    [ "$counted" = 0 ] || return 1
    under+=(valgrind --quiet --tool=callgrind --vgdb-prefix="$dir/$2.vgdb" --callgrind-out-file="$dir/$2.callgrind")
    start "$1" "$2" && (. "$dir/$2/env" &&
        timeout 300 target/clients/bin/python3 scripts/instructions.py "$dir/$2.vgdb" "$dir/$2.callgrind" >"$dir/$2.json") ||
        counted=1
    end
    return "$counted"
}

compare() {
    python3 - "$dir/before.json" "$dir/now.json" "$percent" "$name" <<'PYTHON'
import json, sys

before, now = (json.load(open(path)) for path in sys.argv[1:3])
limit, name = float(sys.argv[3]), sys.argv[4]
print(f"instructions per request, beside {name}:")
worst = -100.0
for operation, count in now.items():
    more = (count / before[operation] - 1) * 100
    worst = max(worst, more)
    print(f"  {operation:16} {before[operation]:9.0f} -> {count:9.0f}  {more:+.1f} %")
sys.exit(worst > limit)
PYTHON
}

# On a very busy machine a count may be wrong, though hardly three times.
for _ in 1 2 3; do
    count target/before/target/debug/strongroom before || uncounted "the gateway of $name does not run under valgrind"
    if ! count target/debug/strongroom now; then
        verdict="the gateway does not run under valgrind, where that of $name does"
    elif compare; then
        exit 0
    else
        verdict="more than $percent % more instructions"
    fi
done

reason=$([ "$before" = HEAD ] || git log -1 --format='%(trailers:key=Costs-instructions,valueonly)')
if [ -n "$reason" ]; then
    echo "$verdict, as the commit says: $reason"
    exit 0
fi
echo "$verdict: see $0 for what to do" >&2
exit 1
