#!/usr/bin/env bash
# What the composed gateway needs and no image may have: a token, passwords, certificates. Made where it is missing,
# and certificates anew where they are about to expire; whatever is there stays.
set -euo pipefail
umask 077
here=$(dirname "$0")
base=/var/lib/strongroom

"$here/softhsm/initialise.sh" "$base/softhsm" strongroom "$base/gateway/pin" "$base/operator/so-pin"
"$here/certificates.sh" "$base/operator" "$base/gateway"

# Postgres and the gateway each have it in a volume of their own.
password=$base/postgres/password
if [ ! -s "$password" ]; then
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$password.new"
    chmod 444 "$password.new" # Postgres is another user, and nobody else has this volume
    mv "$password.new" "$password"
fi
# The network between is theirs alone.
printf 'host=postgres user=strongroom dbname=strongroom sslmode=disable password=%s' "$(cat "$password")" >"$base/gateway/database-url.new"
mv "$base/gateway/database-url.new" "$base/gateway/database-url"
