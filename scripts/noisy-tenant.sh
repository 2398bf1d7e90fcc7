#!/usr/bin/env bash
# Does a tenant at ten times its quota slow another? A gateway of its own with two accounts: one has its
# Encrypts measured alone and beside the noise of the other in turn, which asks for ten times what it may.
# Prints medians over the rounds, and the ratio of the p99s.
#
#     scripts/noisy-tenant.sh [target/release/strongroom] [quota] [rounds] [seconds] [connections]
set -euo pipefail

strongroom=${1:-target/release/strongroom} quota=${2:-200} rounds=${3:-5} seconds=${4:-3} connections=${5:-1,8}
noisy=111122223333
. "$(dirname "$0")/dev.sh"

export STRONGROOM_QUOTA_ACCOUNTS="{ $noisy = { requests_per_second = $quota } }"
start "$strongroom" dev
unset STRONGROOM_QUOTA_ACCOUNTS

SOFTHSM2_CONF="$dir/dev/softhsm2.conf" "$strongroom" init --config "$dir/dev/strongroom.toml" \
    --account-id "$noisy" --out "$dir/noisy.env"
. "$dir/dev/env"
"$strongroom" bench --operations encrypt --connections "$connections" --rounds "$rounds" --seconds "$seconds" \
    --noise "$dir/noisy.env" --noise-per-second $((quota * 10))
