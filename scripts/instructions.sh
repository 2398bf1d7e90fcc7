#!/usr/bin/env bash
# Has this change made the main operations dearer? Counts the instructions that a gateway executes for an Encrypt, a
# GenerateDataKey and a Decrypt, all of the pipeline and SoftHSM too, with valgrind's callgrind; does the same with the
# commit before, and fails where there are more than 5 % more. Counts hardly depend on how busy the machine is.
#
# A commit that means to cost more says so, and why, in a line of its message: "Costs-instructions: ...".
#
#     scripts/instructions.sh [percent]
set -euo pipefail
cd "$(dirname "$0")/.."

percent=${1:-5}
cargo=${CARGO:-cargo}
# What has not been committed yet is compared with what has.
before=HEAD^
git diff --quiet HEAD -- || before=HEAD
if ! git rev-parse --quiet --verify "$before^{commit}" >/dev/null; then
    echo "no instructions are counted: the commit before this one is not in this clone"
    exit 0
fi
if git diff --quiet "$before" -- src sql Cargo.toml Cargo.lock; then
    echo "no instructions are counted: the gateway is that of $(git rev-parse --short "$before")"
    exit 0
fi

dir=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/strongroom-instructions-XXXXXX")")
stop() {
    for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
    wait
    git worktree remove --force target/before 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT

# As a release, but for what takes long. On the command line, so that the commit before need not know of it.
export CARGO_TARGET_DIR=$PWD/target
profile=(--config 'profile.instructions.inherits="release"' --config profile.instructions.lto=false
    --config profile.instructions.codegen-units=16 --profile instructions)
build() { # FOLDER BINARY
    (cd "$1" && "$cargo" build --quiet --locked "${profile[@]}" --bin strongroom)
    cp "$CARGO_TARGET_DIR/instructions/strongroom" "$2"
}
git worktree add --quiet --force --detach target/before "$before"
build target/before "$dir/before.bin"
build . "$dir/now.bin"

# What runs by itself is not what is asked.
export STRONGROOM_GATEWAY_WORKER_INTERVAL_MS=3600000 STRONGROOM_AUDIT_INTERVAL_MS=60000
# Slowed as it is, it has no other trouble.
export STRONGROOM_TOKEN_DEADLINE_MS=60000 STRONGROOM_DATABASE_DEADLINE_MS=60000 STRONGROOM_GATEWAY_DEADLINE_MS=60000 \
    STRONGROOM_GATEWAY_LEASE_MS=120000

gateway() { # NAME COMMAND...
    rm -f "$dir/$1.dev/env"
    # As it would say itself, and start over: valgrind would stay behind.
    SOFTHSM2_CONF=$dir/$1.dev/softhsm2.conf "${@:2}" dev --data-dir "$dir/$1.dev" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
        </dev/null >>"$dir/$1.log" 2>&1 &
    pid=$!
    for _ in $(seq 360); do [ -f "$dir/$1.dev/env" ] && return; sleep 0.5; done
    cat "$dir/$1.log" >&2
    return 1
}
count() { # NAME
    mkdir "$dir/$1.dev"
    # The first start has a token to make: that takes no counting.
    gateway "$1" "$dir/$1.bin"
    kill "$pid" && wait "$pid"
    gateway "$1" valgrind --quiet --tool=callgrind --callgrind-out-file="$dir/$1.callgrind" "$dir/$1.bin"
    (. "$dir/$1.dev/env" && target/clients/bin/python3 scripts/instructions.py "$pid" "$dir/$1.callgrind") >"$dir/$1.json"
    kill "$pid" && wait "$pid" || true
}
count before
count now

python3 - "$dir/before.json" "$dir/now.json" "$percent" "$(git rev-parse --short "$before")" <<'PYTHON' && exit 0
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

reason=$([ "$before" = HEAD ] || git log -1 --format='%(trailers:key=Costs-instructions,valueonly)')
if [ -n "$reason" ]; then
    echo "more than $percent % more, as the commit says: $reason"
    exit 0
fi
echo "more than $percent % more instructions: see $0 for what to do" >&2
exit 1
