"""Fills a gateway for report-500.sh: 500 keys with their owners, users and roles, by its API; and the
records of 90 days, as a file for Postgres to copy."""

import csv
import datetime
import json
import os
import random
import subprocess
import sys
import uuid

import boto3
from botocore.exceptions import ClientError

STRONGROOM, RECORDS = sys.argv[1:]
KEYS, EVENTS, DAYS, ACCOUNT = 500, 100_000, 90, "000000000000"
TEAMS = ["payments", "identity", "ledger", "archive", "messaging", "analytics"]
random.seed(1)


def kms(access_key=None):
    endpoint = os.environ["AWS_ENDPOINT_URL_KMS"]
    own = {}
    if access_key:
        own = {"aws_access_key_id": access_key["AccessKeyId"], "aws_secret_access_key": access_key["SecretAccessKey"]}
    return boto3.client("kms", endpoint_url=endpoint, **own)


def admin(*words):
    answer = subprocess.run([STRONGROOM, "admin", "--json", *words], check=True, capture_output=True).stdout
    return json.loads(answer) if answer.strip() else None


def policy(name, statements):
    path = f"{os.path.dirname(RECORDS)}/{name}.json"
    with open(path, "w") as file:
        json.dump({"Version": "2012-10-17", "Statement": statements}, file)
    return path


def allow(actions, **more):
    return {"Effect": "Allow", "Action": actions, "Resource": "*", **more}


root = kms()
USE = {
    "ENCRYPT_DECRYPT": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"],
    "SIGN_VERIFY": ["kms:Sign", "kms:Verify", "kms:GetPublicKey", "kms:DescribeKey"],
    "GENERATE_VERIFY_MAC": ["kms:GenerateMac", "kms:VerifyMac", "kms:DescribeKey"],
}
access_keys = {}
for user in ["alice", "bob", "carol"] + [f"{team}-app" for team in TEAMS]:
    admin("user", "create", user)
    access_keys[user] = admin("access-key", "create", "--user", user)["AccessKey"]
admins = policy("admins", [allow("kms:*"), allow("strongroom:*")])
for user in ["alice", "bob", "carol"]:
    admin("policy", "put", "--user", user, "admins", admins)
for team in TEAMS:
    tagged = {"StringEquals": {"aws:ResourceTag/Owner": team}}
    used = sum(USE.values(), [])
    admin("policy", "put", "--user", f"{team}-app", "own-keys", policy(team, [allow(used, Condition=tagged)]))

SPECS = [("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")] * 8 + [
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ("ECC_NIST_P256", "SIGN_VERIFY"),
]
PURPOSES = ["data at rest of {}", "tokens of {}", "backups of {}", "{}: <b>service-to-service</b> & webhooks", "{} exports"]
keys = []
for number in range(KEYS):
    spec, usage = SPECS[number % len(SPECS)]
    team = TEAMS[number % len(TEAMS)]
    made = {
        "KeySpec": spec,
        "KeyUsage": usage,
        "Description": random.choice(PURPOSES).format(team),
        "Tags": [{"TagKey": "Owner", "TagValue": team}, {"TagKey": "environment", "TagValue": "production"}],
    }
    if number % 125 == 7:
        made["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [
            allow("kms:*", Principal={"AWS": ACCOUNT}),
            allow("kms:Decrypt", Principal="*", **({} if number < 200 else {
                "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})),
        ]})
    if number % 50 == 24 and spec == "SYMMETRIC_DEFAULT":
        made["Origin"] = "EXTERNAL"
    key = root.create_key(**made)["KeyMetadata"]
    keys.append((key["Arn"], key["KeyId"], team, usage))
    if number % 3:
        root.create_alias(AliasName=f"alias/{team}/{number:03}", TargetKeyId=key["KeyId"])
    if spec == "SYMMETRIC_DEFAULT" and number % 2 and "Origin" not in made:
        root.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=365)
    if number % 40 == 3:
        root.create_grant(
            KeyId=key["KeyId"],
            GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/{TEAMS[(number + 1) % 6]}-app",
            Operations=["DescribeKey"] + (["Decrypt"] if usage == "ENCRYPT_DECRYPT" else []),
        )
for arn, key_id, _, _ in keys[480:490]:
    root.disable_key(KeyId=key_id)
carol = kms(access_keys["carol"])
for number, (arn, key_id, _, _) in enumerate(keys[490:494]):
    try:
        carol.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    except ClientError as error:
        approval = error.response["Error"]["Message"].split("approval request ")[1].split(".")[0]
    if number < 3:
        admin_environment = {"AWS_ACCESS_KEY_ID": access_keys["alice"]["AccessKeyId"],
                             "AWS_SECRET_ACCESS_KEY": access_keys["alice"]["SecretAccessKey"]}
        verb = "approve" if number < 2 else "deny"
        subprocess.run([STRONGROOM, "admin", "--json", "approval", verb, approval], check=True,
                       capture_output=True, env={**os.environ, **admin_environment})
    if number < 2:
        carol.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)

OPERATIONS = {
    "ENCRYPT_DECRYPT": ["Encrypt", "Decrypt", "Decrypt", "Decrypt", "GenerateDataKey"],
    "SIGN_VERIFY": ["Sign", "Sign", "Verify"],
    "GENERATE_VERIFY_MAC": ["GenerateMac", "VerifyMac"],
}
now = datetime.datetime.now(datetime.timezone.utc)


def when():
    """More by day than by night, less at weekends, and a little more every week."""
    while True:
        back = random.random() ** 1.3 * DAYS
        at = now - datetime.timedelta(days=back)
        keep = (1.0 if 8 <= at.hour < 19 else 0.3) * (0.4 if at.weekday() > 4 else 1.0)
        if random.random() < keep:
            return at


def record(at):
    arn, key_id, team, usage = keys[min(int(random.expovariate(1 / 90)), 470)]
    user, name = f"{team}-app", random.choice(OPERATIONS[usage])
    event = {"eventVersion": "1.11", "eventTime": at.isoformat(), "eventSource": "kms.amazonaws.com",
             "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": f"10.0.{random.randrange(4)}.{random.randrange(250)}",
             "userAgent": "aws-sdk-java/2.31"}
    dice = random.random()
    if dice < 0.004 or (dice < 0.03 and 20 <= (now - at).days <= 22):
        user = random.choice(["analytics-app", "messaging-app", "bob"])
        event |= {"errorCode": "AccessDeniedException", "errorMessage": "User is not authorized"}
    elif dice > 0.997:
        event["errorCode"] = "KMSInvalidStateException"
    elif dice > 0.99:
        user, name = random.choice(["alice", "bob", "carol"]), random.choice(
            ["TagResource", "PutKeyPolicy", "UpdateKeyDescription", "EnableKeyRotation", "UpdateAlias", "PutUserPolicy"])
        event["eventName"] = name
    event |= {
        "userIdentity": {"type": "IAMUser", "principalId": f"AIDA{user.upper()}", "accountId": ACCOUNT,
                         "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}", "userName": user},
        "requestParameters": {"keyId": key_id}, "responseElements": None, "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()), "readOnly": name in ("Decrypt", "Verify", "Encrypt", "Sign"),
        "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn}], "eventType": "AwsApiCall", "recipientAccountId": ACCOUNT,
    }
    return event


times = sorted(when() for _ in range(EVENTS))
with open(RECORDS, "w", newline="") as file:
    rows = csv.writer(file)
    for at in times:
        event = record(at)
        rows.writerow([event["requestID"], at.isoformat(), "\\x" + json.dumps(event).encode().hex()])
