#!/usr/bin/env bash
# Makes a SoftHSM token, once: FOLDER/tokens, with a random PIN and SO PIN in the files named.
# usage: initialise.sh FOLDER LABEL PIN_FILE SO_PIN_FILE
set -euo pipefail
umask 077
folder=$1 label=$2 pin_file=$3 so_pin_file=$4
module=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}

if [ -d "$folder/tokens" ]; then
    # A new PIN would open nothing: whoever lost it must decide.
    [ -s "$pin_file" ] || { echo "$folder has a token, but $pin_file is gone: put it back" >&2; exit 1; }
    exit 0
fi
for file in "$pin_file" "$so_pin_file"; do
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > "$file"
done
# Under another name until it is complete.
rm -rf "$folder/tokens.new"
mkdir "$folder/tokens.new"
SOFTHSM2_CONF=$(mktemp)
PIN=$(cat "$pin_file") SO_PIN=$(cat "$so_pin_file")
export SOFTHSM2_CONF PIN SO_PIN
sed "s|@TOKENDIR@|$folder/tokens.new|" "$(dirname "$0")/softhsm2.conf" > "$SOFTHSM2_CONF"
# softhsm2-util would show the PINs to every process of the machine, as arguments.
pkcs11-tool --module "$module" --slot-index 0 --init-token --label "$label" --so-pin env:SO_PIN
pkcs11-tool --module "$module" --token-label "$label" --login --login-type so --so-pin env:SO_PIN \
    --init-pin --new-pin env:PIN
rm "$SOFTHSM2_CONF"
sync
mv "$folder/tokens.new" "$folder/tokens"
