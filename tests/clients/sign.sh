# Use 3: sign with a key that stays on the token; OpenSSL verifies with the exported public key.
set -euo pipefail
head -c 3000 /dev/urandom > secrets/message
cp secrets/message message
make_key() {
    aws kms create-key --key-spec "$1" --key-usage SIGN_VERIFY --query KeyMetadata.KeyId --output text
}
export_public() {
    aws kms get-public-key --key-id "$1" --query PublicKey --output text | base64 -d > public.der
    openssl pkey -pubin -inform DER -in public.der -out public.pem
}
sign() {
    aws kms sign --key-id "$1" --message fileb://message --message-type RAW \
        --signing-algorithm "$2" --query Signature --output text | base64 -d > signature
    aws kms verify --key-id "$1" --message fileb://message --message-type RAW \
        --signing-algorithm "$2" --signature fileb://signature --query SignatureValid --output text \
        | grep -qx True
}

rsa=$(make_key RSA_2048)
export_public "$rsa"
sign "$rsa" RSASSA_PSS_SHA_256
openssl dgst -sha256 -verify public.pem -signature signature \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest message

ec=$(make_key ECC_NIST_P256)
export_public "$ec"
sign "$ec" ECDSA_SHA_256
openssl dgst -sha256 -verify public.pem -signature signature message

echo tampered >> message
if openssl dgst -sha256 -verify public.pem -signature signature message; then exit 1; fi
