# Use 1: encrypt and decrypt a file with the AWS CLI.
set -euo pipefail
key=$(aws kms create-key --description "secrets" --query KeyMetadata.KeyId --output text)
aws kms create-alias --alias-name "alias/secrets-$key" --target-key-id "$key"
head -c 4096 /dev/urandom > secrets/plain
aws kms encrypt --key-id "alias/secrets-$key" --plaintext fileb://secrets/plain \
    --encryption-context app=billing --query CiphertextBlob --output text | base64 -d > sealed
aws kms decrypt --ciphertext-blob fileb://sealed --encryption-context app=billing \
    --query Plaintext --output text | base64 -d > opened
cmp secrets/plain opened
! cmp -s secrets/plain sealed
if aws kms decrypt --ciphertext-blob fileb://sealed 2> refused; then exit 1; fi
grep -q InvalidCiphertextException refused
