#!/usr/bin/env bash
# Runs a command where there is Docker: installs Debian's where there is none, and where no daemon runs starts one that
# ends with the command.
set -euo pipefail

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Docker needs root: there is no sudo" >&2; exit 1; }
    as_root=(sudo)
fi
packages=(debootstrap) # for what cannot be pulled
command -v dockerd >/dev/null || docker info >/dev/null 2>&1 || packages+=(docker.io iptables)
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || packages+=(docker-compose)
for package in "${packages[@]}"; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
        echo "installing ${packages[*]}"
        "${as_root[@]}" apt-get update -qq
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
        break
    fi
done

answers() { "${as_root[@]}" docker info >/dev/null 2>&1; }
log=$(mktemp)
daemon=
stop() {
    local status=$?
    # sudo passes the signal on.
    [ -z "$daemon" ] || { "${as_root[@]}" kill "$daemon" && wait "$daemon"; } || true
    rm -f "$log"
    exit "$status"
}
trap stop EXIT
if ! answers; then
    # In a session of its own: an interrupt at the terminal is not for it, but for the command.
    setsid "${as_root[@]}" dockerd >"$log" 2>&1 &
    daemon=$!
    for _ in $(seq 60); do
        answers && break
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.5
    done
    answers || { echo "dockerd does not start:" >&2; tail -20 "$log" >&2; exit 1; }
fi
"${as_root[@]}" env PATH="$PATH" "$@"
