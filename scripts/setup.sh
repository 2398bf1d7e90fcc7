#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing; with sudo where not root.
set -euo pipefail

if ! "${CARGO:-cargo}" --version >/dev/null 2>&1; then
    echo "There is no Rust toolchain: install one (https://rustup.rs), then run this again." >&2
    exit 1
fi

packages=(
    gcc libc6-dev libssl-dev pkg-config   # to build
    softhsm2 postgresql                   # to run `strongroom dev`
    opensc openssl curl faketime          # to test
    python3 python3-venv procps libnss3-tools prometheus valgrind
    debootstrap dpkg-dev iproute2         # to make the package and test it
)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "Install the equivalents of these Debian packages, then run this again: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Run as root: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "installing ${missing[*]}"
# Strongroom has a cluster of its own: Debian's need not be made and started.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
# Nor does Prometheus: the tests start one of their own. Who has such a policy already keeps it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
