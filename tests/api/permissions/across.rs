//! From one account to another: what both sides allow, and that nothing else is learned.

use super::{DENIED, account, allow, key, key_policy, put_key_policy};
use crate::dev::SHARED;
use crate::who::{ALL, Answer, Who, body};
use aws_sdk_kms::primitives::Blob;
use serde_json::{Value, json};
use strongroom::operation::OperationName;

#[tokio::test]
async fn what_both_sides_allow() {
    let (ours, theirs) = (account(), account());
    let arn = key(&ours, &json!({}));
    let alias = format!("arn:aws:kms:us-east-1:{}:alias/shared", ours.account);
    ours.kms(
        "CreateAlias",
        &json!({"AliasName": "alias/shared", "TargetKeyId": arn}),
    )
    .ok();
    let user = theirs.user(None);
    let client = SHARED.client_of(&user.id, &user.secret);
    let encrypt = |name: &str| {
        client
            .encrypt()
            .key_id(name)
            .plaintext(Blob::new("x"))
            .send()
    };
    let refused = |answer: Result<_, _>| crate::code(answer) == DENIED;
    // Neither, then each alone.
    assert!(refused(encrypt(&arn).await));
    theirs.put_policy(&user, ALL);
    assert!(refused(encrypt(&arn).await));
    let named = allow(
        &user.arn,
        json!(["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*"]),
    );
    put_key_policy(&ours, &arn, &key_policy(&ours.arn, &[named]));
    let delete = json!({"UserName": user.name(), "PolicyName": "p"});
    theirs.own("DeleteUserPolicy", &delete).ok();
    assert!(refused(encrypt(&arn).await));
    // Both: by the key's ARN, and its alias's.
    theirs.put_policy(&user, ALL);
    let blob = encrypt(&arn).await.unwrap().ciphertext_blob.unwrap();
    encrypt(&alias).await.unwrap();
    let decrypt = || client.decrypt().ciphertext_blob(blob.clone());
    let opened = decrypt().send().await.unwrap();
    assert_eq!(opened.key_id(), Some(&*arn));
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"x");
    // From their key to one of the caller's own.
    let own = key(&theirs, &json!({}));
    let again = client.re_encrypt().ciphertext_blob(blob.clone());
    let again = again.destination_key_id(&own).send().await.unwrap();
    assert_eq!(again.source_key_id(), Some(&*arn));
    assert_eq!(again.key_id(), Some(&*own));
    // What the key's policy does not allow, and what nobody may from another account.
    let describe = client.describe_key().key_id(&arn).send().await;
    assert_eq!(crate::code(describe), DENIED);
    put_key_policy(
        &ours,
        &arn,
        &key_policy(&ours.arn, &[allow(&user.arn, json!("kms:*"))]),
    );
    client.describe_key().key_id(&arn).send().await.unwrap();
    let disable = client.disable_key().key_id(&arn).send().await;
    assert_eq!(crate::code(disable), DENIED);
    // Who is let in is told what is wrong with the key.
    ours.kms("DisableKey", &json!({"KeyId": arn})).ok();
    assert_eq!(crate::code(encrypt(&arn).await), "DisabledException");
    // And who is not let in any more is not.
    put_key_policy(&ours, &arn, &key_policy(&ours.arn, &[]));
    assert!(refused(encrypt(&arn).await));
    let refused = decrypt().send().await;
    let sentence = "The ciphertext refers to a customer master key that does not exist, does not exist \
                    in this region, or you are not allowed to access.";
    assert_eq!(crate::message(refused), sentence);
}

/// Keys of an account in every shape that might show through.
fn shapes(ours: &Who, theirs: &Who) -> Vec<String> {
    let made = |parameters: Value, policy: &[Value]| {
        let arn = key(ours, &parameters);
        put_key_policy(ours, &arn, &key_policy(&ours.arn, policy));
        arn
    };
    let deny = json!({
        "Effect": "Deny", "Principal": {"AWS": theirs.account}, "Action": "kms:*", "Resource": "*",
    });
    let disabled = made(json!({}), &[]);
    ours.kms("DisableKey", &json!({"KeyId": disabled})).ok();
    let pending = made(json!({}), &[]);
    ours.kms("ScheduleKeyDeletion", &json!({"KeyId": pending}))
        .ok();
    let nobody = format!("arn:aws:kms:us-east-1:{}:key/", ours.account);
    vec![
        nobody + "00000000-0000-0000-0000-000000000000",
        made(json!({}), &[]),
        made(
            json!({}),
            &[allow(&theirs.arn, json!("kms:ListKeys")), deny],
        ),
        disabled,
        pending,
        made(
            json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}),
            &[],
        ),
        made(
            json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
            &[],
        ),
        made(json!({"Origin": "EXTERNAL"}), &[]),
        made(json!({"MultiRegion": true}), &[]),
    ]
}

/// The one answer to all, with the key's name taken out.
fn alike(asked: &[(String, Answer)]) -> String {
    let plain = |(arn, answer): &(String, Answer)| {
        (answer.status, answer.text.replace(arn.as_str(), "ARN"))
    };
    let first = plain(&asked[0]);
    for one in asked {
        assert_eq!(plain(one), first, "{}", one.0);
    }
    first.1
}

#[test]
fn another_accounts_keys_are_all_answered_alike() {
    let (ours, theirs) = (account(), account());
    let users = [
        theirs.clone(),
        theirs.user(Some(ALL)),
        theirs.user(None),
        theirs.user(Some(ALL)).assume(&theirs.role(ALL), None),
    ];
    let mut keys = shapes(&ours, &theirs);
    let mut aliases = vec![format!(
        "arn:aws:kms:us-east-1:{}:alias/nobody",
        ours.account
    )];
    for (at, key) in keys.iter().enumerate().skip(1) {
        let alias = format!("alias/{at}");
        let create = json!({"AliasName": alias, "TargetKeyId": key});
        if ours.kms("CreateAlias", &create).status == 200 {
            aliases.push(format!("arn:aws:kms:us-east-1:{}:{alias}", ours.account));
        }
    }
    keys.truncate(9);
    let on_keys = OperationName::ALL.iter().filter(|name| {
        let mut members = name.members().iter();
        members.any(|(member, _)| ["key_id", "target_key_id"].contains(member))
            && !["UpdateAlias"].contains(&name.as_str())
            || name.as_str() == "ReEncrypt"
    });
    let on_keys: Vec<_> = on_keys.collect();
    assert!(on_keys.len() > 45, "{}", on_keys.len());
    for name in on_keys {
        let call = |who: &Who, key: &String| {
            let request = body(name.as_str(), key);
            let answer = match name.is_aws() {
                true => who.kms(name.as_str(), &request),
                false => who.own(name.as_str(), &request),
            };
            (key.clone(), answer)
        };
        for user in &users {
            let asked: Vec<_> = keys.iter().map(|key| call(user, key)).collect();
            let answer = alike(&asked);
            let expected = format!("User: {} is not authorized to perform: ", user.arn);
            assert!(answer.contains(&expected), "{name}: {answer}");
            let asked: Vec<_> = aliases.iter().map(|alias| call(user, alias)).collect();
            let of_alias = alike(&asked);
            if of_alias.contains(DENIED) {
                assert_eq!(of_alias, answer, "{name}");
            }
        }
    }
}

#[test]
fn so_are_ciphertexts_and_grants() {
    let (ours, theirs) = (account(), account());
    let user = theirs.user(Some(ALL));
    let keys = shapes(&ours, &theirs);
    let encrypt = json!({"KeyId": keys[1], "Plaintext": "eA=="});
    let blob = ours.kms("Encrypt", &encrypt).ok()["CiphertextBlob"].clone();
    // The version is in the second to the seventeenth byte: of no key, if one of them is another.
    let mut text = blob.as_str().unwrap().to_owned();
    let other = if text.as_bytes()[8] == b'A' { "B" } else { "A" };
    text.replace_range(8..9, other);
    let own = key(&theirs, &json!({}));
    for operation in ["Decrypt", "ReEncrypt"] {
        let call = |blob: &Value| {
            let request = json!({"CiphertextBlob": blob, "DestinationKeyId": own});
            (String::from("-"), user.kms(operation, &request))
        };
        let answer = alike(&[call(&blob), call(&json!(text))]);
        assert!(answer.contains("The ciphertext refers to"), "{answer}");
    }
    // A grant of another account's key, to somebody else there, and its token.
    let grant = json!({
        "KeyId": keys[1], "Operations": ["Decrypt"],
        "GranteePrincipal": ours.user(None).arn,
    });
    let made = ours.kms("CreateGrant", &grant).ok();
    for operation in ["RetireGrant", "RevokeGrant"] {
        let call = |key: &String, id: &Value| {
            let request = json!({"KeyId": key, "GrantId": id});
            (key.clone(), user.kms(operation, &request))
        };
        let none = json!("0".repeat(64));
        let id = &made["GrantId"];
        alike(&[
            call(&keys[1], id),
            call(&keys[1], &none),
            call(&keys[0], &none),
            call(&keys[3], id),
        ]);
    }
    let token = made["GrantToken"].clone();
    let retire = || {
        (
            "-".into(),
            user.kms("RetireGrant", &json!({"GrantToken": token})),
        )
    };
    let name = || {
        let request = json!({"KeyId": own, "GrantTokens": [token]});
        ("-".into(), user.kms("DescribeKey", &request))
    };
    let (retired, named) = (retire(), name());
    assert_eq!(retired.1.code(), "InvalidGrantTokenException");
    assert_eq!(named.1.code(), "InvalidGrantTokenException");
    let revoke = json!({"KeyId": keys[1], "GrantId": made["GrantId"]});
    ours.kms("RevokeGrant", &revoke).ok();
    alike(&[retired, retire()]);
    alike(&[named, name()]);
    // Who could retire grants may be asked only in one's own account.
    let list = |arn: &str| {
        let request = json!({"RetiringPrincipal": arn});
        (arn.to_owned(), user.kms("ListRetirableGrants", &request))
    };
    let nobody = format!("arn:aws:iam::{}:user/nobody", ours.account);
    let answer = alike(&[list(&ours.arn), list(&nobody)]);
    assert!(answer.contains(DENIED), "{answer}");
}
