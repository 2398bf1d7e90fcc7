#!/usr/bin/env bash
# What does a durable audit record cost? Two builds, one of which answers without any (the compile-time feature
# `unaudited-benchmark`), each with a gateway, a Postgres and a token of its own, measured in turn, so that what slows
# one slows the other. Prints medians over the rounds, and their ratio. Takes the time of two builds and five minutes.
#
#     scripts/audit-cost.sh [rounds] [seconds] [connections] [operations] [profile]
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-5} seconds=${2:-3} connections=${3:-1,8,32} operations=${4:-encrypt} profile=${5:-release}
. scripts/dev.sh

build() { # NAME OPTIONS...
    "${CARGO:-cargo}" build --quiet --locked --profile "$profile" "${@:2}"
    cp "target/${profile/#dev/debug}/strongroom" "$dir/$1.binary"
}
measure() { # NAME OPTIONS...
    bench "$dir/audited.binary" "$1" --rounds 1 --operations "$operations" "${@:2}"
}

# The usual one last: it is what stays in target/.
build unaudited --features unaudited-benchmark
build audited
for name in audited unaudited; do
    "$dir/$name.binary" --version
    start "$dir/$name.binary" "$name"
    measure "$name" --seconds 1 --connections 8
done
for round in $(seq "$rounds"); do
    for at_once in ${connections//,/ }; do
        for name in $(in_turn "$round" audited unaudited); do
            measure "$name" --seconds "$seconds" --connections "$at_once" --json "$dir/$name-$at_once-$round.json"
        done
    done
done
python3 - "$dir" <<'PYTHON'
import glob, json, re, statistics, sys

rates = {}
for path in glob.glob(f"{sys.argv[1]}/*.json"):
    name = re.search(r"/(\w+)-\d+-\d+\.json$", path)[1]
    for row in json.load(open(path)):
        rates.setdefault((row["operation"], row["at_once"]), {}).setdefault(name, []).append(row["per_second"])
for (operation, connections), of in sorted(rates.items()):
    for name in ("unaudited", "audited"):
        values = of[name]
        print(f"{operation}, {connections} connections, {name}: {statistics.median(values):.0f} requests/s"
              f" ({min(values):.0f}-{max(values):.0f})")
    ratio = statistics.median(of["audited"]) / statistics.median(of["unaudited"])
    print(f"{operation}, {connections} connections, ratio: {ratio:.3f}, so the audit costs {1 - ratio:.1%}")
PYTHON
