#!/usr/bin/env bash
# Does a tenant at ten times its quota slow another? A gateway of its own with two accounts: one has its
# Encrypts measured alone and beside the noise of the other in turn, which asks for ten times what it may.
# Prints medians over the rounds, and the ratio of the p99s.
#
#     scripts/noisy-tenant.sh [target/release/strongroom] [quota] [rounds] [seconds] [connections]
set -euo pipefail

strongroom=${1:-target/release/strongroom} quota=${2:-200} rounds=${3:-5} seconds=${4:-3} connections=${5:-1,8}
noisy=111122223333
dir=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-noise-XXXXXX")
stop() {
    kill "$pid" 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap stop EXIT

STRONGROOM_QUOTA_ACCOUNTS="{ $noisy = { requests_per_second = $quota } }" \
    "$strongroom" dev --data-dir "$dir/dev" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
    </dev/null >"$dir/log" 2>&1 &
pid=$!
for _ in $(seq 180); do [ -f "$dir/dev/env" ] && break; sleep 0.5; done
[ -f "$dir/dev/env" ] || { cat "$dir/log" >&2; exit 1; }

SOFTHSM2_CONF="$dir/dev/softhsm2.conf" "$strongroom" init --config "$dir/dev/strongroom.toml" \
    --account-id "$noisy" --out "$dir/noisy.env"
. "$dir/dev/env"
"$strongroom" bench --operations encrypt --connections "$connections" --rounds "$rounds" --seconds "$seconds" \
    --noise "$dir/noisy.env" --noise-per-second $((quota * 10))
