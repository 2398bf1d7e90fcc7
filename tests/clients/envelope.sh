# Use 2: a data key encrypts 100 MB locally; the wrapped data key brings it back.
set -euo pipefail
key=$(aws kms create-key --query KeyMetadata.KeyId --output text)
aws kms generate-data-key --key-id "$key" --key-spec AES_256 > data-key.json
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
field CiphertextBlob < data-key.json | base64 -d > wrapped
field Plaintext < data-key.json | base64 -d > secrets/data-key
data_key=$(od -An -v -tx1 < secrets/data-key | tr -d ' \n')
head -c 100000000 /dev/urandom > bulk
iv=$(openssl rand -hex 16)
openssl enc -aes-256-ctr -K "$data_key" -iv "$iv" -in bulk -out bulk.sealed
unset data_key
again=$(aws kms decrypt --ciphertext-blob fileb://wrapped --query Plaintext --output text \
    | base64 -d | od -An -v -tx1 | tr -d ' \n')
openssl enc -d -aes-256-ctr -K "$again" -iv "$iv" -in bulk.sealed -out bulk.opened
cmp bulk bulk.opened
