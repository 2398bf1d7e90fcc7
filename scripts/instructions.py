"""Counts for instructions.sh: asks a gateway under callgrind for each operation so many times, and prints how many
instructions one has taken. That is the median over some batches: in one of them the gateway may do something else, too."""

import json
import os
import re
import statistics
import subprocess
import sys
import time

import boto3
from botocore.config import Config

PREFIX, OUT = sys.argv[1:]
BATCHES, REQUESTS, IDLE_SECONDS = 5, 20, 5
kms = boto3.client("kms", endpoint_url=os.environ["AWS_ENDPOINT_URL_KMS"],
                   config=Config(retries={"total_max_attempts": 1}, read_timeout=120))
context = {"tenant": "4711", "purpose": "invoices"}
key = kms.create_key()["KeyMetadata"]["KeyId"]
alias = f"alias/{key}"
kms.create_alias(AliasName=alias, TargetKeyId=key)
blob = kms.encrypt(KeyId=key, Plaintext=b"7" * 32, EncryptionContext=context)["CiphertextBlob"]
operations = {
    "Encrypt": lambda: kms.encrypt(KeyId=alias, Plaintext=b"7" * 32, EncryptionContext=context),
    "GenerateDataKey": lambda: kms.generate_data_key(KeyId=alias, KeySpec="AES_256", EncryptionContext=context),
    "Decrypt": lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=context),
}


dumps, dumped = 0, time.monotonic()


def executed():
    """Instructions since it was last called, and seconds."""
    global dumps, dumped
    # vgdb is not to force the gateway to listen, for which it would need ptrace: within a second it does so by itself.
    subprocess.run(["vgdb", f"--vgdb-prefix={PREFIX}", "--max-invoke-ms=0", "dump"], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    dumps, since, dumped = dumps + 1, dumped, time.monotonic()
    with open(f"{OUT}.{dumps}") as dump:
        return int(re.search(r"^(?:totals|summary): (\d+)$", dump.read(), re.MULTILINE)[1]), dumped - since


def batch(ask):
    """Instructions per request."""
    for _ in range(REQUESTS):
        ask()
    instructions, seconds = executed()
    return (instructions - idle * seconds) / REQUESTS


idle, counts = 0, {}
for ask in operations.values():
    batch(ask)  # to warm up
# What it does all the time, a second: on a slow machine a request takes more of that.
time.sleep(IDLE_SECONDS)
instructions, seconds = executed()
idle = instructions / seconds
for name, ask in operations.items():
    counts[name] = statistics.median(batch(ask) for _ in range(BATCHES))
print(json.dumps(counts))
