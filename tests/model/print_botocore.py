"""What botocore knows of AWS KMS, as JSON: the model, the examples, and for every text with a
pattern some values that satisfy it and some that do not, as Python's own `re` finds."""

import gzip, json, pathlib, random, re

import botocore

folder = pathlib.Path(botocore.__file__).parent / "data/kms/2014-11-01"
model = json.loads(gzip.open(folder / "service-2.json.gz").read())
examples = json.loads((folder / "examples-1.json").read_text())

# One of each kind of text that the model describes, to be changed letter by letter.
SEEDS = [
    "alias/a_b-c:D9",
    "default",
    "cluster-abcdefghijk",
    "cluster-ABCDEFGHIJKLM234",
    "111122223333",
    "xks.key_id-1",
    "https://xks.example-1.com",
    "/kms/xks/v1",
    "/a/b_c-d/kms/xks/v12",
    "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f",
    "eu.amazonaws.vpce.us-gov-west-1.vpce-svc-0",
    "0123456789abcdef" * 4,
    "rotated in May: v1.0/a_b",
    "us-east-1",
    "us-gov-west-1",
    "a-b-c-d-1",
    "arn:aws:iam::111122223333:role/A+b=c,d.e@f",
    "sns.us-east-1.amazonaws.com",
    "a.b.c",
    "arn:aws-cn:s3:cn-north-1:111122223333:bucket/x",
    "arn:aws:s3:::bucket-without-account",
    "AB234567AB234567AB234567",
    "Abc/+=" * 8,
    "{\"Version\": \"2012-10-17\"}\r\n\t",
]
LETTERS = " \t\n\x00aZ019:/_-.+=,@\u00e9\u20ac"
PER_SHAPE = 40


def variants():
    for seed in SEEDS:
        yield seed
        for at in range(len(seed)):
            yield seed[:at] + seed[at + 1 :]
            for letter in LETTERS:
                yield seed[:at] + letter + seed[at + 1 :]


def samples(shape):
    fits = re.compile(shape["pattern"], re.ASCII).fullmatch
    least, most = shape.get("min", 0), shape.get("max", 1 << 20)
    values = sorted({v for v in variants() if least <= len(v) <= most})
    random.Random(1).shuffle(values)
    right = [v for v in values if fits(v)][:PER_SHAPE]
    wrong = [v for v in values if not fits(v)][:PER_SHAPE]
    # The longest and the shortest that the lengths allow.
    for value in right[:1]:
        for n in {max(least, 1), most}:
            long = (value * (n // len(value) + 1))[:n]
            (right if fits(long) else wrong).append(long)
    return {"right": right, "wrong": wrong}


print(
    json.dumps(
        {
            "model": model,
            "examples": examples["examples"],
            "samples": {
                name: samples(shape)
                for name, shape in model["shapes"].items()
                if "pattern" in shape
            },
        }
    )
)
