#!/usr/bin/env bash
# Encrypt at 1 and 8 connections on a token with hardly a key and on one with a thousand more: two
# gateways of their own, measured in turn. Both work in turn on one machine, so that what slows one
# slows the other. Takes a few minutes.
#
#     scripts/thousand-keys.sh [target/release/strongroom] [rounds] [seconds]
set -euo pipefail

strongroom=${1:-target/release/strongroom} rounds=${2:-5} seconds=${3:-3}
. "$(dirname "$0")/dev.sh"

measure() { # NAME OPTIONS...
    bench "$strongroom" "$1" --operations encrypt --rounds 1 "${@:2}"
}

start "$strongroom" few
start "$strongroom" many
measure many --seconds 1 --connections 1 --extra-keys 1000
measure few --seconds 1 --connections 1
for round in $(seq "$rounds"); do
    for name in few many; do
        measure "$name" --seconds "$seconds" --connections 1,8 --json "$dir/$name-$round.json"
    done
done
python3 - "$dir" "$rounds" <<'PYTHON'
import json, statistics, sys

directory, rounds = sys.argv[1], int(sys.argv[2])
rates = {}
for name in ("few", "many"):
    for number in range(1, rounds + 1):
        for row in json.load(open(f"{directory}/{name}-{number}.json")):
            rates.setdefault((row["at_once"], name), []).append(row["per_second"])
for connections in sorted({connections for connections, _ in rates}):
    few, many = rates[connections, "few"], rates[connections, "many"]
    for name, values in (("few keys", few), ("1,000 more", many)):
        print(f"{connections} connections, {name}: {statistics.median(values):.0f} requests/s"
              f" ({min(values):.0f}-{max(values):.0f})")
    print(f"{connections} connections, ratio: {statistics.median(many) / statistics.median(few):.3f}")
PYTHON
