#!/usr/bin/env bash
# What a client needs, as a tar of a folder: the root access key in `env`, the authority's certificate, and the certificate
# of a client.
set -euo pipefail
umask 077
operator=/var/lib/strongroom/operator
folder=$(mktemp -d)/credentials
mkdir "$folder"
cp "$operator"/{ca.crt,application.crt,application.key} "$folder"
{
    cat "$operator/root-key"
    for service in KMS STS; do
        echo "export AWS_ENDPOINT_URL_$service=https://localhost:${PUBLISH##*:}"
    done
    # AWS's clients take no path that depends on where they run.
    cat <<'END'
export AWS_REGION=us-east-1
export AWS_DEFAULT_REGION=us-east-1
export AWS_CA_BUNDLE=$PWD/credentials/ca.crt
END
} >"$folder/env"
tar --create --directory "$(dirname "$folder")" --owner root --group root credentials
