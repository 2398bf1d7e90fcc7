#!/usr/bin/env bash
# What does a gateway do in front of a token that takes its time? SoftHSM behind a module that waits before each call that
# carries data (tests/faults/slow.c), for some delays and numbers of sessions: Encrypts a second, beside what the model of
# docs/performance.md says.
#
#     scripts/slow-token.sh [target/release/strongroom] [seconds]
set -euo pipefail
cd "$(dirname "$0")/.."

strongroom=${1:-target/release/strongroom} seconds=${2:-5}
. scripts/dev.sh

# Serves from the dev gateway's token and database, through the slow module: MILLISECONDS SESSIONS.
serve() {
    local module=$dir/slow-$1.so log=$dir/slow.log
    gcc -shared -fPIC -o "$module" -DMODULE="$softhsm" -DMILLISECONDS="$1" tests/faults/slow.c -ldl
    SOFTHSM2_CONF=$dir/dev/softhsm2.conf STRONGROOM_TOKEN_MODULE=$module STRONGROOM_TOKEN_SESSIONS=$2 \
        "$strongroom" serve --config "$dir/dev/strongroom.toml" </dev/null >"$log" 2>&1 &
    pids+=($!)
    for _ in $(seq 360); do
        read -r url admin < <(sed -n 's/.*serving on \(.*\), health on \(.*\)/\1 \2/p' "$log") && return
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.25
    done
    cat "$log" >&2
    return 1
}

# Has that gateway measured: MILLISECONDS SESSIONS CONNECTIONS. Leaves Encrypts a second in $rate, and in $session for
# how many microseconds each had a session.
measure() {
    serve "$1" "$2"
    bench "$strongroom" dev --endpoint "$url" --metrics "$admin/metrics" --operations encrypt --rounds 1 \
        --seconds "$seconds" --connections "$3" --json "$dir/row.json"
    end
    read -r rate session < <(python3 -c 'import json, sys
row, = json.load(open(sys.argv[1]))
assert row["errors"] == 0, "requests have failed"
print(row["per_second"], row["session_us"])' "$dir/row.json")
}

start "$strongroom" dev
softhsm=$(sed -n 's/^module = //p' "$dir/dev/strongroom.toml")
measure 0 1 1
own=$session
measure 0 4 128
most=$rate
printf 'without delay: a session for %.0f µs, and %.0f Encrypt/s at 128 connections\n' "$own" "$most"
printf '%9s  %8s  %9s  %9s  %5s\n' delay sessions model/s measured ratio
for delay in 5 20; do
    for sessions in 1 8 64; do
        # So many that none of the sessions waits for a request.
        measure "$delay" "$sessions" $((16 + 2 * sessions))
        awk -v delay="$delay" -v sessions="$sessions" -v own="$own" -v most="$most" -v rate="$rate" 'BEGIN {
            model = sessions / (delay / 1e3 + own / 1e6)
            if (model > most) model = most
            printf "%6d ms  %8d  %9.0f  %9.0f  %5.2f\n", delay, sessions, model, rate, rate / model
        }'
    done
done
