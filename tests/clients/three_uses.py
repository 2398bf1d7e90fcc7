"""The three uses through boto3."""

import boto3

kms = boto3.client("kms")

key = kms.create_key(Description="boto3")["KeyMetadata"]["Arn"]
sealed = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"a": "b"})
opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})
assert opened["Plaintext"] == b"secret" and opened["KeyId"] == key

try:
    kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])
    raise SystemExit("decrypted without its context")
except kms.exceptions.InvalidCiphertextException:
    pass

data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
open("secrets/data-key", "wb").write(data_key["Plaintext"])
assert kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"])["Plaintext"] == data_key["Plaintext"]

other = kms.create_key()["KeyMetadata"]["KeyId"]
moved = kms.re_encrypt(
    CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext={"a": "b"}, DestinationKeyId=other
)
assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"secret"

signer = kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
signature = kms.sign(KeyId=signer, Message=b"m", SigningAlgorithm="ECDSA_SHA_384")["Signature"]
assert kms.verify(
    KeyId=signer, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_384"
)["SignatureValid"]

listed = [k["KeyId"] for page in kms.get_paginator("list_keys").paginate() for k in page["Keys"]]
assert other in listed and signer in listed
