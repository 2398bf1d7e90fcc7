#!/usr/bin/env bash
# `make test-compose`, where there is Docker.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1 DOCKER_BUILDKIT=1 STRONGROOM_IMAGE=strongroom-softhsm:test
# Later clients need a plugin for BuildKit; Debian's does not.
docker buildx version >/dev/null 2>&1 || PATH=/usr/bin:$PATH

tests/compose/images.sh
# The binary of the other tests, where it is linked with what the images have; elsewhere the Dockerfile compiles one.
if grep -q VERSION_CODENAME=bookworm /etc/os-release; then
    export STRONGROOM_BINARY=strongroom-binary
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    strip -o "$folder/strongroom" target/debug/strongroom
    tar --create --directory "$folder" strongroom | docker import - "$STRONGROOM_BINARY" >/dev/null
fi
target/clients/bin/python3 tests/compose/main.py
