"""Counts for instructions.sh: asks a gateway under callgrind for each operation so many times, and prints how many
instructions one has taken."""

import json
import os
import re
import subprocess
import sys

import boto3
from botocore.config import Config

PID, OUT = sys.argv[1:]
WARM_UP, REQUESTS = 30, 200
kms = boto3.client("kms", endpoint_url=os.environ["AWS_ENDPOINT_URL_KMS"],
                   config=Config(retries={"total_max_attempts": 1}, read_timeout=120))
context = {"tenant": "4711", "purpose": "invoices"}
key = kms.create_key()["KeyMetadata"]["KeyId"]
kms.create_alias(AliasName="alias/app", TargetKeyId=key)
blob = kms.encrypt(KeyId=key, Plaintext=b"7" * 32, EncryptionContext=context)["CiphertextBlob"]
operations = {
    "Encrypt": lambda: kms.encrypt(KeyId="alias/app", Plaintext=b"7" * 32, EncryptionContext=context),
    "GenerateDataKey": lambda: kms.generate_data_key(KeyId="alias/app", KeySpec="AES_256", EncryptionContext=context),
    "Decrypt": lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=context),
}


def callgrind(*command):
    subprocess.run(["vgdb", f"--pid={PID}", *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


counts = {}
for number, (name, ask) in enumerate(operations.items(), 1):
    for _ in range(WARM_UP):
        ask()
    callgrind("zero")
    for _ in range(REQUESTS):
        ask()
    callgrind("dump", name)
    dump = open(f"{OUT}.{number}").read()
    counts[name] = int(re.search(r"^(?:totals|summary): (\d+)$", dump, re.MULTILINE)[1]) / REQUESTS
print(json.dumps(counts))
