//! The few names and the small alphabets.

pub(super) const OWNER: &str = "111122223333";
pub(super) const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/issuer.example.com";
pub(super) const PRINCIPALS: &[&str] = &[
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/a",
    "arn:aws:iam::111122223333:user/b",
    "arn:aws:sts::111122223333:assumed-role/R/a",
    "arn:aws:sts::111122223333:assumed-role/R/b",
    "arn:aws:iam::444455556666:root",
    "arn:aws:iam::444455556666:user/a",
    "arn:aws:sts::444455556666:assumed-role/R/a",
];
pub(super) const ROLES: &[&str] = &[
    "arn:aws:iam::111122223333:role/R",
    "arn:aws:iam::111122223333:role/p/R",
    "arn:aws:iam::444455556666:role/R",
];
pub(super) const ACTIONS: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:DescribeKey",
    "kms:RetireGrant",
];
pub(super) const ACTION_PATTERNS: &[&str] = &[
    "*",
    "*",
    "*",
    "kms:*",
    "kms:*",
    "kms:*",
    "kms:*",
    "kms:??crypt",
    "kms:D*",
    "kms:GenerateDataKey*",
    "KMS:encrypt",
    "*:*Key*",
    "s3:*",
    "kms:*?t",
];
pub(super) const TRUST_ACTIONS: &[&str] = &["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"];
pub(super) const TRUST_PATTERNS: &[&str] = &["*", "sts:*", "sts:assumerole", "sts:AssumeRole?*"];
pub(super) const KEYS: &[&str] = &[
    "arn:aws:kms:us-west-2:111122223333:key/a",
    "arn:aws:kms:us-west-2:111122223333:key/ab",
];
pub(super) const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "*",
    "*",
    "*",
    "*",
    "*",
    "*",
    "arn:aws:kms:us-west-2:111122223333:key/a",
    "arn:aws:kms:*:111122223333:key/*",
    "arn:aws:kms:us-west-?:*:key/a?",
    "arn:aws:kms:us-west-2:111122223333:key/${aws:username}",
    "arn:aws:kms:us-west-2:111122223333:key/${aws:PrincipalTag/t, 'ab'}",
    "arn:aws:kms:us-west-2:111122223333:key/a${*}",
    "arn:aws:kms:us-west-2:444455556666:key/*",
];
pub(super) const TEXTS: &[&str] = &["a", "A", "b", "ab", "a*", "?", "${aws:username}"];
pub(super) const TEXT_PATTERNS: &[&str] = &[
    "a",
    "b",
    "AB",
    "a*",
    "?",
    "*b",
    "?*?",
    "${aws:username}",
    "${aws:PrincipalTag/t}",
    "${AWS:principaltag/T}*",
    "${kms:KeySpec, 'a'}",
    "${kms:KeySpec, 'b'}?",
    "a${*}",
    "${?}",
    "${$}{aws:username}",
    "${aws:TagKeys}",
];
pub(super) const NUMBERS: &[&str] = &["1", "2", "10", "2.0", "-1", "1.5"];
pub(super) const DATES: &[&str] = &[
    "2020-01-01T00:00:00Z",
    "2020-01-01T01:00:00+01:00",
    "2020-01-01",
    "2020-01-01T00:00Z",
    "1577836800",
    "2020-01-01T00:00:01Z",
    "2019-12-31T23:59:59.5Z",
    "2020-02",
];
pub(super) const ADDRESSES: &[&str] = &["10.0.0.1", "10.0.0.2", "10.128.0.1", "2001:db8::1", "::1"];
pub(super) const RANGES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/31",
    "10.0.0.0/9",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:DB8:0::1",
    "::/0",
];
pub(super) const ARNS: &[&str] = &[
    "arn:aws:sns:us-west-2:111122223333:a",
    "arn:aws:sns:us-west-2:111122223333:a:b",
    "arn:aws:sns:eu:west:111122223333:a",
    "a",
];
pub(super) const ARN_PATTERNS: &[&str] = &[
    "arn:aws:sns:us-west-2:111122223333:a",
    "arn:*:sns:*:111122223333:a*",
    "arn:aws:sns:*:*:*",
    "arn:aws:sns:us-west-?:111122223333:${aws:username}",
    "arn:aws:sns:*:west:*",
];

pub(super) const TEXT_KEYS: &[&str] = &[
    "aws:PrincipalTag/t",
    "kms:KeySpec",
    "aws:username",
    "AWS:PRINCIPALTAG/T",
    "aws:PrincipalType",
];
pub(super) const SETS: &[&str] = &["aws:TagKeys", "kms:EncryptionContextKeys"];
pub(super) const PAIRS: &[&str] = &["kms:EncryptionContext:a", "kms:encryptioncontext:B"];
pub(super) const STRING: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
pub(super) const NUMERIC: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
pub(super) const DATE: &[&str] = &[
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];
pub(super) const ARN: &[&str] = &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"];
pub(super) const WHO: &[&str] = &["aws:PrincipalArn", "aws:SourceArn"];
