"""Roles by the SDKs' own credential chains, with nothing set but the addresses."""

import json
import os
import subprocess

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

ACCOUNT = "000000000000"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/cluster.example"


def own(operation, **members):
    """One of the gateway's own operations, which boto3 does not know."""
    request = AWSRequest(
        "POST",
        os.environ["AWS_ENDPOINT_URL_KMS"],
        data=json.dumps(members),
        headers={"X-Amz-Target": f"Strongroom.{operation}", "Content-Type": "application/x-amz-json-1.1"},
    )
    SigV4Auth(boto3.Session().get_credentials(), "kms", os.environ["AWS_REGION"]).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text or "{}")


def role(name, principal, action, condition=None):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return own("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]


def keep(name, secret):
    with open(f"secrets/{name}", "w") as file:
        file.write(secret)


# A user assumes a role.
own("CreateUser", UserName="alice")
key = own("CreateAccessKey", UserName="alice")["AccessKey"]
keep("alice", key["SecretAccessKey"])
alice = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
assumable = role("assumable", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}, "sts:AssumeRole")
answer = alice.client("sts").assume_role(RoleArn=assumable, RoleSessionName="by-boto3", DurationSeconds=900)
assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/assumable/by-boto3"
given = answer["Credentials"]
keep("assumed", given["SecretAccessKey"])
keep("assumed-token", given["SessionToken"])
session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
assert session.client("sts").get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
try:
    boto3.client("sts").assume_role(RoleArn=assumable, RoleSessionName="root")
    raise AssertionError("a root assumed a role")
except ClientError as error:
    assert error.response["Error"]["Code"] == "AccessDenied", error

# A pod, by what its service account has.
web = role(
    "web",
    {"Federated": PROVIDER},
    "sts:AssumeRoleWithWebIdentity",
    {"StringEquals": {"cluster.example:sub": "system:serviceaccount:payments:signer"}},
)
key = boto3.client("kms").create_key()["KeyMetadata"]
key_id = key["KeyId"]
allowed = {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": key["Arn"]}
policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
own("PutRolePolicy", RoleName="web", PolicyName="seal", PolicyDocument=policy)
pod = {name: value for name, value in os.environ.items() if "ACCESS_KEY" not in name}
pod |= {
    "AWS_WEB_IDENTITY_TOKEN_FILE": os.environ["TOKEN_FILE"],
    "AWS_ROLE_ARN": web,
    "AWS_ROLE_SESSION_NAME": "pod",
}
script = f"""
import boto3
kms = boto3.client("kms")
sealed = kms.encrypt(KeyId="{key_id}", Plaintext=b"the pod's plaintext")["CiphertextBlob"]
assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"the pod's plaintext"
print(boto3.client("sts").get_caller_identity()["Arn"])
"""
keep("plaintext", "the pod's plaintext")
expected = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/pod"
for command in (
    ["python3", "-c", script],
    ["aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
):
    done = subprocess.run(command, env=pod, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected, done.stdout
pod["AWS_ROLE_ARN"] = assumable
done = subprocess.run(["aws", "sts", "get-caller-identity"], env=pod, capture_output=True, text=True)
assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in done.stderr, done.stderr
