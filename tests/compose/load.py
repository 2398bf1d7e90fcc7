"""Clients that keep the gateway busy, and remember every answer to be held to it afterwards."""

import hashlib
import os
import random
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

CLIENTS = 4
CONTEXT = {"purpose": "load"}


def client(environment, port=None, attempts=1):
    """A client that knows nothing but the environment; by default one that does not try again."""
    endpoint = environment["AWS_ENDPOINT_URL_KMS"]
    return boto3.client(
        "kms",
        endpoint_url=f"https://localhost:{port}" if port else endpoint,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        verify=environment["AWS_CA_BUNDLE"],
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, connect_timeout=5, read_timeout=30),
    )


def retried(error):
    """Whether this is what SDKs try again: the connection, 5xx, or throttling."""
    if isinstance(error, ClientError):
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return status >= 500 or error.response["Error"]["Code"] == "ThrottlingException"
    return isinstance(error, (ConnectionError, HTTPClientError))


class Load:
    """Runs until it is stopped. Answers that are wrong, and errors that no SDK tries again, are kept in `wrong`."""

    def __init__(self, make_client):
        self.make_client = make_client
        kms = make_client()
        self.key = kms.create_key()["KeyMetadata"]["KeyId"]
        self.signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        self.keys, self.sealed, self.signed = [self.key], [], []
        self.answered, self.failed, self.wrong = 0, [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        kms = self.make_client()
        steps = [self.seal, self.open, self.data_key, self.sign, self.verify] * 4 + [self.make_key]
        while not self.stopping.is_set():
            for step in steps:
                try:
                    step(kms)
                    self.answered += 1
                except Exception as error:
                    (self.failed if retried(error) else self.wrong).append(error)
                    time.sleep(0.05)

    def seal(self, kms):
        plaintext = os.urandom(64)
        answer = kms.encrypt(KeyId=self.key, Plaintext=plaintext, EncryptionContext=CONTEXT)
        self.sealed.append((answer["CiphertextBlob"], plaintext))

    def open(self, kms):
        if self.sealed:
            self.check_sealed(kms, *random.choice(self.sealed))

    def data_key(self, kms):
        answer = kms.generate_data_key(KeyId=self.key, KeySpec="AES_256", EncryptionContext=CONTEXT)
        self.sealed.append((answer["CiphertextBlob"], answer["Plaintext"]))

    def sign(self, kms):
        digest = hashlib.sha256(os.urandom(16)).digest()
        answer = kms.sign(KeyId=self.signer, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        self.signed.append((digest, answer["Signature"]))

    def verify(self, kms):
        if self.signed:
            self.check_signed(kms, *random.choice(self.signed))

    def make_key(self, kms):
        self.keys.append(kms.create_key()["KeyMetadata"]["KeyId"])

    @staticmethod
    def check_sealed(kms, blob, plaintext):
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == plaintext, "decrypted wrong"

    def check_signed(self, kms, digest, signature):
        answer = kms.verify(
            KeyId=self.signer, Message=digest, MessageType="DIGEST", Signature=signature, SigningAlgorithm="ECDSA_SHA_256"
        )
        assert answer["SignatureValid"], "verified wrong"

    def progress(self, enough=40):
        """Waits for this many more answers."""
        until, deadline = self.answered + enough, time.monotonic() + 60
        while self.answered < until:
            assert time.monotonic() < deadline, f"no answers any more: {self.failed[-1:]}, {self.wrong[-1:]}"
            time.sleep(0.05)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def check_all(self, kms):
        """Holds the gateway to everything it has answered."""
        assert not self.wrong, self.wrong[:3]
        for blob, plaintext in self.sealed:
            self.check_sealed(kms, blob, plaintext)
        for digest, signature in self.signed:
            self.check_signed(kms, digest, signature)
        for key in self.keys:
            blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
