#!/usr/bin/env bash
# Encrypt on a token with hardly a key and on one with KEYS more: two gateways of their own, measured in turn, so that
# what slows one slows the other. Takes a few minutes with 1,000, and hours with 10,000: making keys gets slower
# as SoftHSM's token fills.
#
#     scripts/many-keys.sh [target/release/strongroom] [rounds] [seconds] [connections] [keys]
set -euo pipefail

strongroom=${1:-target/release/strongroom} rounds=${2:-5} seconds=${3:-3} connections=${4:-1,8,32} keys=${5:-1000}
. "$(dirname "$0")/dev.sh"

measure() { # NAME OPTIONS...
    bench "$strongroom" "$1" --operations encrypt --rounds 1 "${@:2}"
}

start "$strongroom" few
start "$strongroom" many
measure many --seconds 1 --connections 1 --extra-keys "$keys"
measure few --seconds 1 --connections 1
for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" few many); do
        measure "$name" --seconds "$seconds" --connections "$connections" --json "$dir/$name-$round.json"
    done
done
python3 - "$dir" "$rounds" "$keys" <<'PYTHON'
import json, statistics, sys

directory, rounds, keys = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rates = {}
for name in ("few", "many"):
    for number in range(1, rounds + 1):
        for row in json.load(open(f"{directory}/{name}-{number}.json")):
            rates.setdefault((row["at_once"], name), []).append(row["per_second"])
for connections in sorted({connections for connections, _ in rates}):
    few, many = rates[connections, "few"], rates[connections, "many"]
    for name, values in (("few keys", few), (f"{keys:,} more", many)):
        print(f"{connections} connections, {name}: {statistics.median(values):.0f} requests/s"
              f" ({min(values):.0f}-{max(values):.0f})")
    print(f"{connections} connections, ratio: {statistics.median(many) / statistics.median(few):.3f}")
PYTHON
