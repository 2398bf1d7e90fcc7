#!/usr/bin/env bash
# A certificate authority, and from it the gateway's certificate and one of a client, "application".
# usage: certificates.sh OPERATOR GATEWAY: folders; the authority's key stays in the first.
# TLS_NAMES: what else the gateway's certificate is for, as OpenSSL writes subject alternative names.
set -euo pipefail
umask 077
operator=$1 gateway=$2
names=DNS:localhost,DNS:gateway,DNS:proxy,IP:127.0.0.1${TLS_NAMES:+,$TLS_NAMES}
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
days=397 renew_seconds=$((30 * 24 * 3600))
cd "$operator"

if [ ! -s ca.crt ]; then
    openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=Strongroom CA" -keyout ca.key -out ca.new
    mv ca.new ca.crt
fi
cp ca.crt "$gateway/ca.crt"

# issue FOLDER NAME EXTENSION…: FOLDER/NAME.key and .crt, unless there is one with these extensions that is good for a while.
issue() {
    local folder=$1 name=$2 extensions
    extensions=$(printf '%s\n' "${@:3}")
    if openssl x509 -in "$folder/$name.crt" -noout -checkend "$renew_seconds" >/dev/null 2>&1 \
        && [ "$extensions" = "$(cat "$name.ext")" ]; then
        return
    fi
    printf '%s\n' "$extensions" >"$name.ext.new"
    openssl req "${key[@]}" -subj "/O=Strongroom/CN=$name" -keyout "$folder/$name.key.new" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$days" \
        -extfile "$name.ext.new" -out "$folder/$name.crt.new"
    mv "$folder/$name.key.new" "$folder/$name.key"
    mv "$folder/$name.crt.new" "$folder/$name.crt"
    mv "$name.ext.new" "$name.ext"
    rm "$name.csr"
}
issue "$gateway" tls "subjectAltName=$names" extendedKeyUsage=serverAuth keyUsage=critical,digitalSignature
issue "$operator" application subjectAltName=URI:spiffe://strongroom/application extendedKeyUsage=clientAuth \
    keyUsage=critical,digitalSignature
