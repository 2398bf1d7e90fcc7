#!/usr/bin/env bash
# Makes the Debian package of a binary that is there already: deb.sh BINARY FOLDER [VERSION]. What is in the package
# is said in Cargo.toml; `cargo deb` is installed where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1 folder=$2 version=${3:-}
cargo=${CARGO:-cargo}

# Built for scripts/audit-cost.sh: it keeps no audit log.
says=$("$binary" --version)
case $says in
*unaudited*)
    echo "$binary keeps no audit log: it is for benchmarks, and for no package" >&2
    exit 1
    ;;
esac

version_of_cargo_deb=3.8.0

tool=target/cargo-deb/bin/cargo-deb
if [ "$("$tool" --version 2>/dev/null)" != "$version_of_cargo_deb" ]; then
    "$cargo" install --quiet --locked --debug --root target/cargo-deb "cargo-deb@$version_of_cargo_deb"
fi
# It takes binaries from the folder of a release build.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/release"
cp "$binary" "$stage/release/strongroom"
CARGO_TARGET_DIR=$stage "$tool" --no-build --fast --strip --output "$folder" ${version:+--deb-version "$version"}
