# curl signs requests by itself: no SDK needed.
set -euo pipefail
printf 'sealed by hand' > secrets/plain
call() {
    curl -sS --fail-with-body "$AWS_ENDPOINT_URL_KMS" \
        --aws-sigv4 "aws:amz:$AWS_REGION:kms" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
        -H 'Content-Type: application/x-amz-json-1.1' -H "X-Amz-Target: TrentService.$1" -d "$2"
}
key=$(call CreateKey '{}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["KeyMetadata"]["KeyId"])')
sealed=$(call Encrypt "{\"KeyId\":\"$key\",\"Plaintext\":\"$(printf 'sealed by hand' | base64)\"}" \
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["CiphertextBlob"])')
call Decrypt "{\"CiphertextBlob\":\"$sealed\"}" \
    | python3 -c 'import base64,json,sys; print(base64.b64decode(json.load(sys.stdin)["Plaintext"]).decode())' \
    | grep -qx 'sealed by hand'
