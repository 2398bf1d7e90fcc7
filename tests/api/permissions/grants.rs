//! Grants in use.

use super::{DENIED, account, allow, allowed, key, key_policy, put_key_policy};
use crate::who::{ALL, Answer, MESSAGE, Who};
use serde_json::{Value, json};

/// A grant of `operations`, with what else its request has.
fn grant(owner: &Who, key: &str, grantee: &str, operations: &[&str], more: Value) -> Value {
    let answer = create(owner, key, grantee, operations, more);
    answer.ok()
}

fn create(who: &Who, key: &str, grantee: &str, operations: &[&str], more: Value) -> Answer {
    let mut request = json!({
        "KeyId": key, "GranteePrincipal": grantee, "Operations": operations,
    });
    let members = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    who.kms("CreateGrant", &request)
}

fn encrypt(who: &Who, key: &str, context: Value) -> bool {
    let request = json!({"KeyId": key, "Plaintext": MESSAGE, "EncryptionContext": context});
    allowed(&who.kms("Encrypt", &request))
}

fn describe(who: &Who, key: &str) -> bool {
    allowed(&who.kms("DescribeKey", &json!({"KeyId": key})))
}

#[test]
fn a_grant_allows_what_it_says_to_whom_it_says() {
    let root = account();
    let (alice, bob) = (root.user(None), root.user(None));
    let (arn, other) = (key(&root, &json!({})), key(&root, &json!({})));
    assert!(!encrypt(&alice, &arn, json!({})));
    let made = grant(&root, &arn, &alice.arn, &["Encrypt"], json!({}));
    assert!(encrypt(&alice, &arn, json!({})));
    assert!(!encrypt(&alice, &other, json!({})));
    assert!(!encrypt(&bob, &arn, json!({})));
    assert!(!describe(&alice, &arn));
    // An explicit deny goes before it, wherever it is.
    let deny = json!({
        "Effect": "Deny", "Principal": {"AWS": alice.arn}, "Action": "kms:Encrypt", "Resource": "*",
    });
    put_key_policy(&root, &arn, &key_policy(&root.arn, &[deny]));
    assert!(!encrypt(&alice, &arn, json!({})));
    put_key_policy(&root, &arn, &key_policy(&root.arn, &[]));
    assert!(encrypt(&alice, &arn, json!({})));
    let revoke = json!({"KeyId": arn, "GrantId": made["GrantId"]});
    root.kms("RevokeGrant", &revoke).ok();
    assert!(!encrypt(&alice, &arn, json!({})));
}

#[test]
fn roles_accounts_and_others_accounts() {
    let (root, theirs) = (account(), account());
    let arn = key(&root, &json!({}));
    let role = root.role(&super::allowing(json!("kms:List*"), json!({})));
    let session = root.user(Some(ALL)).assume(&role, None);
    assert!(!describe(&session, &arn));
    grant(&root, &arn, &role, &["DescribeKey"], json!({}));
    assert!(describe(&session, &arn));
    // A whole account: those in it whom it lets.
    let (may, may_not) = (theirs.user(Some(ALL)), theirs.user(None));
    assert!(!describe(&may, &arn));
    grant(
        &root,
        &arn,
        &theirs.arn,
        &["DescribeKey", "Encrypt"],
        json!({}),
    );
    assert!(describe(&may, &arn) && describe(&theirs, &arn) && !describe(&may_not, &arn));
    // Also those who come later: the account is the same.
    assert!(describe(&theirs.user(Some(ALL)), &arn));
    grant(&root, &arn, &may_not.arn, &["Encrypt"], json!({}));
    assert!(encrypt(&may_not, &arn, json!({})) && !describe(&may_not, &arn));
}

/// A grant is about who bore the name when it was made.
#[test]
fn who_takes_a_name_over_takes_no_grant_over() {
    let (root, theirs) = (account(), account());
    let arn = key(&root, &json!({}));
    let retire = |who: &Who, made: &Value| {
        let request = json!({"KeyId": arn, "GrantId": made["GrantId"]});
        who.kms("RetireGrant", &request)
    };
    for owner in [&root, &theirs] {
        let first = owner.user(None);
        let new = || {
            let operations = ["DescribeKey", "RetireGrant"];
            grant(&root, &arn, &first.arn, &operations, json!({"Name": "n"}))
        };
        let retiring = || {
            let more = json!({"Name": "r", "RetiringPrincipal": first.arn});
            grant(&root, &arn, &root.arn, &["Encrypt"], more)
        };
        let (used, retired) = (new(), retiring());
        assert_eq!(new()["GrantId"], used["GrantId"]);
        assert!(describe(&first, &arn));

        let second = owner.successor(&first);
        assert_eq!(second.arn, first.arn);
        assert!(!describe(&second, &arn));
        let by_token = json!({"KeyId": arn, "GrantTokens": [used["GrantToken"]]});
        let refused = second.kms("DescribeKey", &by_token).code();
        let own = owner.account == root.account;
        assert_eq!(
            refused,
            if own {
                DENIED
            } else {
                "InvalidGrantTokenException"
            }
        );
        for made in [&used, &retired] {
            assert_eq!(retire(&second, made).code(), DENIED);
        }

        // The same by name is the first's still, until that is revoked: who makes grants learns
        // nothing of whom there are in other accounts.
        assert_eq!(new()["GrantId"], used["GrantId"]);
        assert_eq!(retiring()["GrantId"], retired["GrantId"]);
        assert!(!describe(&second, &arn));
        for made in [&used, &retired] {
            let request = json!({"KeyId": arn, "GrantId": made["GrantId"]});
            root.kms("RevokeGrant", &request).ok();
        }
        let (used, retired) = (new(), retiring());
        assert!(describe(&second, &arn));
        for made in [&used, &retired] {
            retire(&second, made).ok();
        }
    }
    // A role, by itself and by a session's name.
    let user = root.user(Some(ALL));
    let nothing = super::allowing(json!("kms:List*"), json!({}));
    for by_role in [true, false] {
        let role = root.role(&nothing);
        let session = user.assume(&role, None);
        let grantee = if by_role { &role } else { &session.arn };
        grant(&root, &arn, grantee, &["DescribeKey"], json!({}));
        assert!(describe(&session, &arn));
        root.role_again(&role, &nothing);
        let session = user.assume_as(&role, session.name(), None);
        assert!(!describe(&session, &arn), "{}", session.arn);
        grant(&root, &arn, &session.arn, &["DescribeKey"], json!({}));
        assert!(describe(&session, &arn));
    }
}

#[test]
fn constraints() {
    let root = account();
    let arn = key(&root, &json!({}));
    let (subset, equals) = (root.user(None), root.user(None));
    let pair = json!({"team": "a"});
    let operations = ["Encrypt", "DescribeKey"];
    let constraint = json!({"Constraints": {"EncryptionContextSubset": pair}});
    grant(&root, &arn, &subset.arn, &operations, constraint);
    let constraint = json!({"Constraints": {"EncryptionContextEquals": pair}});
    grant(&root, &arn, &equals.arn, &operations, constraint);
    for (context, by_subset, by_equals) in [
        (json!({}), false, false),
        (json!({"team": "a"}), true, true),
        (json!({"Team": "a"}), true, true),
        (json!({"team": "A"}), false, false),
        (json!({"team": "a", "more": "b"}), true, false),
        (json!({"more": "b"}), false, false),
    ] {
        assert_eq!(
            encrypt(&subset, &arn, context.clone()),
            by_subset,
            "{context}"
        );
        assert_eq!(
            encrypt(&equals, &arn, context.clone()),
            by_equals,
            "{context}"
        );
    }
    // They are not about what has no context.
    assert!(describe(&subset, &arn) && describe(&equals, &arn));
}

#[test]
fn a_grant_that_allows_grants_allows_no_more_than_it_has() {
    let root = account();
    let arn = key(&root, &json!({}));
    let (alice, bob) = (root.user(None), root.user(None));
    let subset = |pairs: Value| json!({"Constraints": {"EncryptionContextSubset": pairs}});
    let operations = ["Encrypt", "Decrypt", "CreateGrant"];
    grant(
        &root,
        &arn,
        &alice.arn,
        &operations,
        subset(json!({"team": "a"})),
    );
    for (operations, more, may) in [
        (&["Encrypt"][..], subset(json!({"team": "a"})), true),
        (
            &["Encrypt", "CreateGrant"],
            subset(json!({"team": "a", "b": "c"})),
            true,
        ),
        (
            &["Encrypt"],
            json!({"Constraints": {"EncryptionContextEquals": {"team": "a"}}}),
            true,
        ),
        (&["Encrypt"], json!({}), false),
        (&["Encrypt"], subset(json!({"team": "b"})), false),
        (
            &["Encrypt", "DescribeKey"],
            subset(json!({"team": "a"})),
            false,
        ),
    ] {
        let answer = create(&alice, &arn, &bob.arn, operations, more.clone());
        assert_eq!(allowed(&answer), may, "{operations:?} {more}: {answer:?}");
    }
    assert!(encrypt(&bob, &arn, json!({"team": "a"})));
    assert!(!encrypt(&bob, &arn, json!({"team": "b"})));
    assert!(!describe(&bob, &arn));
}

/// A token is a name for a grant, which may be its grantee's, and nobody's right.
#[test]
fn tokens() {
    let root = account();
    let arn = key(&root, &json!({}));
    let (alice, bob) = (root.user(None), root.user(None));
    let made = grant(&root, &arn, &alice.arn, &["DescribeKey"], json!({}));
    let with = |who: &Who| {
        let request = json!({"KeyId": arn, "GrantTokens": [made["GrantToken"]]});
        who.kms("DescribeKey", &request)
    };
    with(&alice).ok();
    assert_eq!(with(&bob).code(), DENIED);
    let revoke = json!({"KeyId": arn, "GrantId": made["GrantId"]});
    root.kms("RevokeGrant", &revoke).ok();
    assert_eq!(with(&alice).code(), "InvalidGrantTokenException");
}

#[test]
fn who_may_retire() {
    let (root, theirs) = (account(), account());
    let arn = key(&root, &json!({}));
    let (retiring, grantee, manager) = (theirs.user(None), root.user(None), root.user(None));
    let nobody = root.user(None);
    root.put_policy(
        &manager,
        &super::allowing(json!("kms:RetireGrant"), json!({})),
    );
    // The key's policy has no say in it.
    let named = allow(&nobody.arn, json!("kms:RetireGrant"));
    put_key_policy(&root, &arn, &key_policy(&root.arn, &[named]));
    let new = |operations: &[&str]| {
        let retiring = json!({"RetiringPrincipal": retiring.arn});
        grant(&root, &arn, &grantee.arn, operations, retiring)
    };
    let retire = |who: &Who, made: &Value| {
        let request = json!({"KeyId": arn, "GrantId": made["GrantId"]});
        who.kms("RetireGrant", &request)
    };
    let by_token = |who: &Who, made: &Value| {
        let request = json!({"GrantToken": made["GrantToken"]});
        who.kms("RetireGrant", &request)
    };
    for who in [&retiring, &grantee, &manager, &root] {
        retire(who, &new(&["Encrypt", "RetireGrant"])).ok();
        by_token(who, &new(&["Encrypt", "RetireGrant"])).ok();
    }
    let made = new(&["Encrypt"]);
    for who in [&grantee, &nobody] {
        assert_eq!(retire(who, &made).code(), DENIED);
        assert_eq!(by_token(who, &made).code(), DENIED);
    }
    // Of the other account only the one who is named.
    let stranger = theirs.user(Some(ALL));
    assert_eq!(retire(&stranger, &made).code(), DENIED);
    assert_eq!(
        by_token(&stranger, &made).code(),
        "InvalidGrantTokenException"
    );
    let deny = json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "kms:RetireGrant", "Resource": "*"},
    });
    theirs.put_policy(&retiring, &deny.to_string());
    assert_eq!(retire(&retiring, &made).code(), DENIED);
    // An account that may retire leaves it to those whom it lets.
    let account = json!({"RetiringPrincipal": theirs.arn});
    let made = grant(&root, &arn, &grantee.arn, &["Encrypt"], account);
    assert_eq!(retire(&theirs.user(None), &made).code(), DENIED);
    retire(&stranger, &made).ok();
}
