#!/usr/bin/env bash
# How a gateway does with very many keys: KEYS of them in Postgres, TOKEN_KEYS of those on SoftHSM as well. The others
# have rows with genuine MACs and no object: enough for what reads metadata. Prints how long a gateway takes to be ready
# beside the one that is there, what a key in memory costs, what a key costs that was not used before, how long pages of
# ListKeys take, and what the worker reads. With a million keys and ten thousand on the token it takes about an hour.
#
#     scripts/scale.sh [target/release/strongroom] [profile of the tool that fills the database]
set -euo pipefail
cd "$(dirname "$0")/.."

strongroom=${1:-target/release/strongroom} profile=${2:-bench} keys=${KEYS:-1000000} token_keys=${TOKEN_KEYS:-10000}
cargo=${CARGO:-cargo}
dir=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-scale-XXXXXX")
pid=
stop() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    rm -rf "$(readlink -f "$dir/dev/postgres")" "$dir"
}
trap stop EXIT

"$strongroom" dev --data-dir "$dir/dev" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 </dev/null >"$dir/log" 2>&1 &
pid=$!
for _ in $(seq 180); do [ -f "$dir/dev/env" ] && break; sleep 0.5; done
[ -f "$dir/dev/env" ] || { cat "$dir/log" >&2; exit 1; }
. "$dir/dev/env"
export SOFTHSM2_CONF=$dir/dev/softhsm2.conf
url=$(sed -n 's/^url = "\(.*\)"$/\1/p' "$dir/dev/strongroom.toml")
measure() { target/clients/bin/python3 scripts/scale.py "$1" "$strongroom" "$dir" "$url" "${@:2}"; }

measure create "$token_keys"
# The daily scan would tell of every object that is missing.
psql -q -d "$url" -c "update key_scan set after = null, ended = now() + interval '1 day'"
begun=$SECONDS
# No triggers: that of the tally has everybody wait for everybody.
STRONGROOM_DATABASE_URL="$url options='-c session_replication_role=replica'" FILL_CONFIG=$dir/dev/strongroom.toml FILL_KEY=$(cat "$dir/key") FILL_KEYS=$((keys - token_keys)) \
    "$cargo" bench --quiet --locked --profile "$profile" --bench fill
echo "filled in $((SECONDS - begun)) s, with building what fills"
psql -q -d "$url" -c "update tally set many = (select count(*) from kms_key) where kind = 'key'" -c "vacuum analyze"
psql -qAt -d "$url" -c "select 'kms_key: ' || count(*) || ' rows; database: ' ||
    pg_size_pretty(pg_database_size(current_database())) from kms_key"
measure figures "$keys"
