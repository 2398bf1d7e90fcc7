//! What policies can ask of a request: condition keys, with the value that they have where it is met
//! and where it is not.

use super::{account, allowed, allowing, key, key_policy, put_key_policy};
use crate::who::{Who, body};
use serde_json::{Value, json};

/// An action, the condition under which it is allowed, a request that meets it, and one that does
/// not.
type Case = (&'static str, Value, Value, Value);

fn equals(key: &str, value: impl Into<Value>) -> Value {
    json!({"StringEquals": {key: value.into()}})
}

/// Asks for every case by a user whose only permission is the case's.
fn check(root: &Who, cases: Vec<Case>) {
    let user = root.user(None);
    for (operation, condition, met, not_met) in cases {
        let action = match operation {
            "ReEncrypt" => json!("kms:ReEncrypt*"),
            "ReplicateKey" => json!(["kms:ReplicateKey", "kms:CreateKey"]),
            _ => json!(format!("kms:{operation}")),
        };
        root.put_policy(&user, &allowing(action, condition.clone()));
        let answer = user.kms(operation, &met);
        assert!(
            allowed(&answer),
            "{operation} {condition} {met}: {answer:?}"
        );
        let answer = user.kms(operation, &not_met);
        assert!(
            !allowed(&answer),
            "{operation} {condition} {not_met}: {answer:?}"
        );
    }
}

fn with(mut request: Value, member: &str, value: Value) -> Value {
    request[member] = value;
    request
}

#[test]
fn what_a_request_says_of_itself() {
    let root = account();
    let symmetric = key(&root, &json!({}));
    let (primary, external) = (
        key(&root, &json!({"MultiRegion": true})),
        key(&root, &json!({"Origin": "EXTERNAL"})),
    );
    let rsa = json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"});
    let rsa = key(&root, &rsa);
    let encrypt = |context: Value| with(body("Encrypt", &symmetric), "EncryptionContext", context);
    let grant = |member: &str, value: Value| with(body("CreateGrant", &symmetric), member, value);
    let sign = |member: &str, value: Value| with(body("Sign", &rsa), member, value);
    let schedule = |days: Value| {
        let key = key(&root, &json!({}));
        with(json!({"KeyId": key}), "PendingWindowInDays", days)
    };
    let put = |bypass: bool| {
        let policy = key_policy(&root.arn, &[]);
        json!({
            "KeyId": symmetric, "Policy": policy, "BypassPolicyLockoutSafetyCheck": bypass,
        })
    };
    let import =
        |member: &str, value: Value| with(body("ImportKeyMaterial", &external), member, value);
    let parameters =
        |member: &str, value: Value| with(body("GetParametersForImport", &external), member, value);
    let (user, role) = (root.user(None).arn, root.role(crate::who::ALL));
    let later = 4_000_000_000_u64;
    check(
        &root,
        vec![
            (
                "Encrypt",
                equals("kms:EncryptionContext:Team", "a"),
                encrypt(json!({"Team": "a", "b": "c"})),
                encrypt(json!({"b": "a"})),
            ),
            (
                "Encrypt",
                json!({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]},
                       "Null": {"kms:EncryptionContextKeys": "false"}}),
                encrypt(json!({"a": "1"})),
                encrypt(json!({"a": "1", "c": "2"})),
            ),
            (
                "Encrypt",
                equals("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
                encrypt(json!({})),
                with(
                    encrypt(json!({})),
                    "EncryptionAlgorithm",
                    json!("RSAES_OAEP_SHA_1"),
                ),
            ),
            (
                "CreateKey",
                json!({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"},
                       "StringEqualsIgnoreCase": {"kms:KeyUsage": "encrypt_decrypt"}}),
                json!({}),
                json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
            ),
            (
                "CreateKey",
                equals("kms:KeyOrigin", "EXTERNAL"),
                json!({"Origin": "EXTERNAL"}),
                json!({}),
            ),
            (
                "CreateKey",
                json!({"Bool": {"kms:MultiRegion": "true"},
                       "StringEquals": {"kms:MultiRegionKeyType": "PRIMARY"}}),
                json!({"MultiRegion": true}),
                json!({}),
            ),
            (
                "CreateGrant",
                json!({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "DescribeKey"]}}),
                grant("Operations", json!(["Encrypt"])),
                grant("Operations", json!(["Encrypt", "Decrypt"])),
            ),
            (
                "CreateGrant",
                equals("kms:GranteePrincipal", user.as_str()),
                grant("GranteePrincipal", json!(user)),
                grant("GranteePrincipal", json!(role)),
            ),
            (
                "CreateGrant",
                equals("kms:RetiringPrincipal", user.as_str()),
                grant("RetiringPrincipal", json!(user)),
                grant("Name", json!("n")),
            ),
            (
                "CreateGrant",
                equals("kms:GrantConstraintType", "EncryptionContextSubset"),
                grant(
                    "Constraints",
                    json!({"EncryptionContextSubset": {"a": "b"}}),
                ),
                grant(
                    "Constraints",
                    json!({"EncryptionContextEquals": {"a": "b"}}),
                ),
            ),
            (
                "CreateGrant",
                equals("kms:EncryptionContext:a", "b"),
                grant(
                    "Constraints",
                    json!({"EncryptionContextSubset": {"a": "b"}}),
                ),
                grant(
                    "Constraints",
                    json!({"EncryptionContextSubset": {"a": "c"}}),
                ),
            ),
            (
                "Sign",
                equals("kms:SigningAlgorithm", "RSASSA_PSS_SHA_256"),
                sign("SigningAlgorithm", json!("RSASSA_PSS_SHA_256")),
                sign("SigningAlgorithm", json!("RSASSA_PSS_SHA_384")),
            ),
            (
                "Sign",
                equals("kms:MessageType", "RAW"),
                sign("SigningAlgorithm", json!("RSASSA_PSS_SHA_256")),
                sign("MessageType", json!("DIGEST")),
            ),
            (
                "GenerateDataKeyPair",
                equals("kms:DataKeyPairSpec", "ECC_NIST_P256"),
                body("GenerateDataKeyPair", &symmetric),
                with(
                    body("GenerateDataKeyPair", &symmetric),
                    "KeyPairSpec",
                    json!("ECC_NIST_P384"),
                ),
            ),
            (
                "ScheduleKeyDeletion",
                json!({"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}),
                schedule(Value::Null),
                schedule(json!(7)),
            ),
            (
                "EnableKeyRotation",
                json!({"NumericLessThanEquals": {"kms:RotationPeriodInDays": "365"}}),
                json!({"KeyId": symmetric}),
                json!({"KeyId": symmetric, "RotationPeriodInDays": 400}),
            ),
            (
                "PutKeyPolicy",
                json!({"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}),
                put(true),
                put(false),
            ),
            (
                "ReplicateKey",
                equals("kms:ReplicaRegion", "eu-west-1"),
                json!({"KeyId": primary, "ReplicaRegion": "eu-west-1"}),
                json!({"KeyId": primary, "ReplicaRegion": "eu-west-2"}),
            ),
            (
                "UpdatePrimaryRegion",
                equals("kms:PrimaryRegion", "eu-west-1"),
                json!({"KeyId": primary, "PrimaryRegion": "eu-west-1"}),
                json!({"KeyId": primary, "PrimaryRegion": "eu-west-2"}),
            ),
            (
                "ImportKeyMaterial",
                equals("kms:ExpirationModel", "KEY_MATERIAL_EXPIRES"),
                with(
                    import("ValidTo", json!(later)),
                    "ExpirationModel",
                    json!("KEY_MATERIAL_EXPIRES"),
                ),
                import("ExpirationModel", json!("KEY_MATERIAL_DOES_NOT_EXPIRE")),
            ),
            (
                "ImportKeyMaterial",
                json!({"DateLessThan": {"kms:ValidTo": "2090-01-01T00:00:00Z"}}),
                with(
                    import("ValidTo", json!(3_000_000_000_u64)),
                    "ExpirationModel",
                    Value::Null,
                ),
                with(
                    import("ValidTo", json!(later)),
                    "ExpirationModel",
                    Value::Null,
                ),
            ),
            (
                "GetParametersForImport",
                json!({"StringEquals": {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_1",
                                        "kms:WrappingKeySpec": "RSA_2048"}}),
                parameters("WrappingAlgorithm", json!("RSAES_OAEP_SHA_1")),
                parameters("WrappingAlgorithm", json!("RSAES_OAEP_SHA_256")),
            ),
        ],
    );
}

#[test]
fn what_a_key_is_and_how_it_is_called() {
    let root = account();
    let tagged = key(
        &root,
        &json!({"Tags": [{"TagKey": "Team", "TagValue": "a"}]}),
    );
    let other = key(
        &root,
        &json!({"Tags": [{"TagKey": "Team", "TagValue": "b"}]}),
    );
    let mac = json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"});
    let mac = key(&root, &mac);
    let primary = key(&root, &json!({"MultiRegion": true}));
    let alias = |name: &str, key: &str| {
        let create = json!({"AliasName": name, "TargetKeyId": key});
        root.kms("CreateAlias", &create).ok();
    };
    alias("alias/one", &tagged);
    alias("alias/two", &tagged);
    let describe = |name: &str| json!({"KeyId": name});
    let encrypted = root.kms("Encrypt", &body("Encrypt", &tagged)).ok();
    let blob = &encrypted["CiphertextBlob"];
    let re_encrypt = |to: &str| json!({"CiphertextBlob": blob, "DestinationKeyId": to});
    check(
        &root,
        vec![
            (
                "DescribeKey",
                equals("aws:ResourceTag/team", "a"),
                describe(&tagged),
                describe(&other),
            ),
            (
                "DescribeKey",
                json!({"StringEquals": {"kms:KeySpec": "HMAC_256", "kms:KeyOrigin": "AWS_KMS",
                                        "kms:KeyUsage": "GENERATE_VERIFY_MAC"}}),
                describe(&mac),
                describe(&tagged),
            ),
            (
                "DescribeKey",
                json!({"Bool": {"kms:MultiRegion": "true"},
                       "StringEquals": {"kms:MultiRegionKeyType": "PRIMARY"}}),
                describe(&primary),
                describe(&tagged),
            ),
            (
                "DescribeKey",
                equals("kms:RequestAlias", "alias/one"),
                describe("alias/one"),
                describe(&tagged),
            ),
            (
                "DescribeKey",
                json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/t*"}}),
                describe(&tagged),
                describe(&other),
            ),
            (
                "GenerateMac",
                equals("kms:MacAlgorithm", "HMAC_SHA_256"),
                body("GenerateMac", &mac),
                with(
                    body("GenerateMac", &mac),
                    "MacAlgorithm",
                    json!("HMAC_SHA_384"),
                ),
            ),
            (
                "ReEncrypt",
                json!({"Bool": {"kms:ReEncryptOnSameKey": "true"}}),
                re_encrypt(&tagged),
                re_encrypt(&other),
            ),
            (
                "TagResource",
                equals("aws:RequestTag/Cost", "1"),
                with(
                    describe(&mac),
                    "Tags",
                    json!([{"TagKey": "Cost", "TagValue": "1"}]),
                ),
                with(
                    describe(&mac),
                    "Tags",
                    json!([{"TagKey": "Cost", "TagValue": "2"}]),
                ),
            ),
            (
                "UntagResource",
                json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["Cost"]}}),
                with(describe(&mac), "TagKeys", json!(["Cost"])),
                with(describe(&mac), "TagKeys", json!(["Cost", "Team"])),
            ),
        ],
    );
}

#[test]
fn who_asks_and_from_where() {
    let root = account();
    let arn = key(
        &root,
        &json!({"Tags": [{"TagKey": "team", "TagValue": "a"}]}),
    );
    let user = root.user(None);
    let tags = json!({"UserName": user.name(), "Tags": [{"Key": "team", "Value": "a"}]});
    root.own("TagUser", &tags).ok();
    let describe = || allowed(&user.kms("DescribeKey", &json!({"KeyId": arn})));
    let name = user.name();
    for (condition, may) in [
        (equals("aws:PrincipalTag/team", "a"), true),
        (
            equals("aws:ResourceTag/team", "${aws:PrincipalTag/team}"),
            true,
        ),
        (equals("aws:PrincipalArn", user.arn.as_str()), true),
        (equals("aws:PrincipalAccount", root.account.as_str()), true),
        (equals("aws:ResourceAccount", root.account.as_str()), true),
        (equals("kms:CallerAccount", root.account.as_str()), true),
        (equals("aws:PrincipalType", "User"), true),
        (equals("aws:username", name), true),
        (equals("aws:RequestedRegion", "us-east-1"), true),
        (json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), true),
        (json!({"Bool": {"aws:SecureTransport": "false"}}), true),
        (json!({"Bool": {"aws:ViaAWSService": "false"}}), true),
        (
            json!({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
            true,
        ),
        (
            json!({"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}),
            true,
        ),
        (
            json!({"Null": {"kms:ViaService": "true", "aws:MultiFactorAuthPresent": "true",
                         "aws:TokenIssueTime": "true", "aws:SourceVpc": "true"}}),
            true,
        ),
        (equals("aws:PrincipalTag/team", "b"), false),
        (equals("aws:PrincipalArn", root.arn.as_str()), false),
        (equals("kms:CallerAccount", "000000000000"), false),
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), false),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), false),
        (
            json!({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
            false,
        ),
        (
            equals("kms:ViaService", "s3.us-east-1.amazonaws.com"),
            false,
        ),
    ] {
        root.put_policy(
            &user,
            &allowing(json!("kms:DescribeKey"), condition.clone()),
        );
        assert_eq!(describe(), may, "{condition}");
    }
    // Of a session: the role, and when it began.
    let role = root.role(&allowing(
        json!("kms:DescribeKey"),
        json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"},
               "Null": {"aws:TokenIssueTime": "false", "aws:username": "true"}}),
    ));
    root.put_policy(&user, crate::who::ALL);
    let session = user.assume(&role, None);
    assert!(allowed(&session.kms("DescribeKey", &json!({"KeyId": arn}))));
    let condition = equals("aws:PrincipalArn", role.as_str());
    let only = json!({
        "Effect": "Deny", "Principal": "*", "Action": "kms:DescribeKey", "Resource": "*",
        "Condition": {"StringNotEquals": condition["StringEquals"]},
    });
    put_key_policy(&root, &arn, &key_policy(&root.arn, &[only]));
    assert!(allowed(&session.kms("DescribeKey", &json!({"KeyId": arn}))));
    assert!(!describe());
}

/// An alias is a resource of its own, and it takes permission for both.
#[test]
fn aliases_need_permission_for_alias_and_key() {
    let root = account();
    let (one, two) = (key(&root, &json!({})), key(&root, &json!({})));
    let user = root.user(None);
    let alias = format!("arn:aws:kms:us-east-1:{}:alias/mine/*", root.account);
    let on = |resources: &[&str]| {
        let statement = json!({"Effect": "Allow", "Action": "kms:*Alias", "Resource": resources});
        let policy = json!({"Version": "2012-10-17", "Statement": statement});
        root.put_policy(&user, &policy.to_string());
    };
    let create = |name: &str, key: &str| {
        let request = json!({"AliasName": name, "TargetKeyId": key});
        user.kms("CreateAlias", &request)
    };
    let update = |name: &str, key: &str| {
        let request = json!({"AliasName": name, "TargetKeyId": key});
        user.kms("UpdateAlias", &request)
    };
    for (resources, may) in [
        (&[alias.as_str()][..], false),
        (&[one.as_str()], false),
        (&[alias.as_str(), two.as_str()], false),
        (&[alias.as_str(), one.as_str()], true),
    ] {
        on(resources);
        assert_eq!(allowed(&create("alias/mine/a", &one)), may, "{resources:?}");
    }
    assert!(!allowed(&create("alias/theirs", &one)));
    // Both keys, to point it at another.
    assert!(!allowed(&update("alias/mine/a", &two)));
    on(&[&alias, &two]);
    assert!(!allowed(&update("alias/mine/a", &two)));
    on(&[&alias, &one, &two]);
    update("alias/mine/a", &two).ok();
    let delete = || user.kms("DeleteAlias", &json!({"AliasName": "alias/mine/a"}));
    on(&[&alias, &one]);
    assert!(!allowed(&delete()));
    on(&[&two]);
    assert!(!allowed(&delete()));
    on(&[&alias, &two]);
    delete().ok();
}

/// A policy that asks for tags of keys lets nobody tag keys: that is another permission.
#[test]
fn who_makes_a_key_with_tags_may_tag() {
    let root = account();
    let user = root.user(None);
    let tagged = json!({"Tags": [{"TagKey": "team", "TagValue": "a"}]});
    root.put_policy(&user, &allowing(json!("kms:CreateKey"), json!({})));
    user.kms("CreateKey", &json!({})).ok();
    let refused = user.kms("CreateKey", &tagged);
    let message = refused.message();
    assert!(message.contains("kms:TagResource"), "{message}");
    let both = json!(["kms:CreateKey", "kms:TagResource"]);
    root.put_policy(&user, &allowing(both, equals("aws:RequestTag/team", "a")));
    user.kms("CreateKey", &tagged).ok();
    assert!(!allowed(&user.kms("CreateKey", &json!({}))));
    // A replica is a key that is made in its Region.
    let primary = key(&root, &json!({"MultiRegion": true}));
    let replicate = json!({"KeyId": primary, "ReplicaRegion": "eu-west-1"});
    root.put_policy(&user, &allowing(json!("kms:ReplicateKey"), json!({})));
    let message = user.kms("ReplicateKey", &replicate).message();
    assert!(message.contains("kms:CreateKey"), "{message}");
    let statements = json!([
        {"Effect": "Allow", "Action": "kms:ReplicateKey", "Resource": primary},
        {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*",
         "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1",
                                        "kms:MultiRegionKeyType": "REPLICA"}}},
    ]);
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    root.put_policy(&user, &policy.to_string());
    user.kms("ReplicateKey", &replicate).ok();
}
