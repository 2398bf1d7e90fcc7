#!/usr/bin/env bash
# A release build that is laid out for what a gateway does all day: built once to count, run under the load of
# `strongroom bench`, and built again with the counts (profile-guided optimisation), both times as one unit with all
# crates optimised together. The program goes to target/pgo/strongroom. Takes some ten minutes on two cores. Needs an
# `llvm-profdata` that reads what this rustc writes: Debian's llvm-19 or newer, or rustup's llvm-tools.
#
#     scripts/pgo.sh [seconds]
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
seconds=${1:-5} cargo=${CARGO:-cargo} out=$PWD/target/pgo
host=$(rustc -vV | sed -n 's/^host: //p')
profdata=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
[ -x "$profdata" ] || profdata=$(find /usr/bin -name "llvm-profdata-*" | sort -V | tail -1)
[ -n "$profdata" ] || { echo "there is no llvm-profdata: apt-get install llvm-19" >&2; exit 1; }
. scripts/dev.sh

build() { # FLAGS: with --target they are for the program, and not for what builds it
    RUSTFLAGS="${RUSTFLAGS:-} $1" "$cargo" build --quiet --locked --release --target "$host" --target-dir "$out/build"
}
rm -rf "$out/counts"
build "-Cprofile-generate=$out/counts"
cp "$out/build/$host/release/strongroom" "$dir/counting"
start "$dir/counting" dev
for connections in 1 32; do
    # The other side of the load is not what is to be fast.
    LLVM_PROFILE_FILE=/dev/null bench "$dir/counting" dev --rounds 1 --seconds "$seconds" --connections "$connections"
done
end
"$profdata" merge -o "$out/counts.profdata" "$out/counts"
build "-Cprofile-use=$out/counts.profdata"
cp "$out/build/$host/release/strongroom" "$out/strongroom"
echo "$out/strongroom"
