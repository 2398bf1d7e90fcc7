//! CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant, and GrantTokens.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::create_grant::CreateGrantOutput;
use aws_sdk_kms::operation::create_grant::builders::CreateGrantFluentBuilder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    GrantConstraints, GrantListEntry, GrantOperation as Op, KeySpec, KeyUsageType,
};

const ALICE: &str = "arn:aws:iam::000000000000:user/alice";
const BOB: &str = "arn:aws:iam::000000000000:role/bob";

/// A grant to Alice to decrypt.
fn create(client: &Client, id: &str) -> CreateGrantFluentBuilder {
    let create = client.create_grant().key_id(id);
    create.grantee_principal(ALICE).operations(Op::Decrypt)
}

async fn made(client: &Client, id: &str) -> CreateGrantOutput {
    create(client, id).send().await.unwrap()
}

async fn grants(client: &Client, id: &str) -> Vec<GrantListEntry> {
    let listed = client.list_grants().key_id(id).send().await.unwrap();
    assert!(!listed.truncated());
    listed.grants().to_vec()
}

fn subset(pairs: &[(&str, &str)]) -> GrantConstraints {
    pairs
        .iter()
        .fold(GrantConstraints::builder(), |constraints, (k, v)| {
            constraints.encryption_context_subset(*k, *v)
        })
        .build()
}

#[tokio::test]
async fn a_grant_is_listed_as_it_was_made() {
    let client = client();
    let id = symmetric(&client).await;
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    let grant = create(&client, &arn)
        .operations(Op::ReEncryptTo)
        .operations(Op::Decrypt)
        .operations(Op::CreateGrant)
        .retiring_principal(BOB)
        .name("backups/daily")
        .constraints(subset(&[("department", "\u{0}\u{1f512}"), ("b", "")]))
        .send()
        .await
        .unwrap();
    let grant_id = grant.grant_id().unwrap();
    assert_eq!(grant_id.len(), 64);
    assert!(grant_id.bytes().all(|b| b.is_ascii_hexdigit()));
    let listed = &grants(&client, &id).await[..];
    let [entry] = listed else {
        panic!("{listed:?}");
    };
    assert_eq!(entry.grant_id(), Some(grant_id));
    assert_eq!(entry.key_id(), Some(arn.as_str()));
    assert_eq!(entry.name(), Some("backups/daily"));
    assert_eq!(entry.grantee_principal(), Some(ALICE));
    assert_eq!(entry.retiring_principal(), Some(BOB));
    let root = Some("arn:aws:iam::000000000000:root");
    assert_eq!(entry.issuing_account(), root);
    let operations = [Op::Decrypt, Op::ReEncryptTo, Op::CreateGrant];
    assert_eq!(entry.operations(), operations);
    let expected = subset(&[("department", "\u{0}\u{1f512}"), ("b", "")]);
    assert_eq!(entry.constraints(), Some(&expected));
    assert!(entry.creation_date().unwrap().secs() > 1_700_000_000);
}

#[tokio::test]
async fn a_grant_to_a_service_needs_a_source() {
    let client = client();
    let id = symmetric(&client).await;
    let service = || {
        client
            .create_grant()
            .key_id(&id)
            .operations(Op::Decrypt)
            .grantee_service_principal("backup.amazonaws.com")
    };
    let source = "arn:aws:ec2:us-east-1:000000000000:volume/vol-1";
    let constraint = || GrantConstraints::builder().source_arn(source).build();
    let lacking = service().retiring_principal(BOB).send().await;
    assert_eq!(
        message(lacking),
        "A GranteeServicePrincipal needs a SourceArn constraint."
    );
    let lacking = service().constraints(constraint()).send().await;
    assert_eq!(code(lacking), "ValidationException");
    service()
        .constraints(constraint())
        .retiring_service_principal("backup.amazonaws.com")
        .send()
        .await
        .unwrap();
    let entry = &grants(&client, &id).await[0];
    let name = Some("backup.amazonaws.com");
    assert_eq!(entry.grantee_service_principal(), name);
    assert_eq!(entry.retiring_service_principal(), name);
    assert_eq!(entry.grantee_principal(), None);
    assert_eq!(entry.constraints(), Some(&constraint()));
    let both = service().grantee_principal(ALICE).send().await;
    assert_eq!(
        message(both),
        "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both."
    );
    for bad in ["amazonaws.com", "a..com", "backup.amazonaws.com:x"] {
        let refused = service().grantee_service_principal(bad).send().await;
        assert!(
            message(refused).contains("'granteeServicePrincipal' failed"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_same_name_and_parameters_are_the_same_grant() {
    let client = client();
    let id = symmetric(&client).await;
    let named = || create(&client, &id).name("n").operations(Op::Encrypt);
    let first = named().send().await.unwrap();
    let again = named().send().await.unwrap();
    assert_eq!(again.grant_id(), first.grant_id());
    assert_ne!(again.grant_token(), first.grant_token());
    for other in [
        named().operations(Op::DescribeKey),
        named().grantee_principal(BOB),
        named().retiring_principal(BOB),
        named().constraints(subset(&[("a", "b")])),
        named().name("m"),
    ] {
        let other = other.send().await.unwrap();
        assert_ne!(other.grant_id(), first.grant_id());
    }
    assert_eq!(grants(&client, &id).await.len(), 6);
    // Without a name each is another.
    let (a, b) = (made(&client, &id).await, made(&client, &id).await);
    assert_ne!(a.grant_id(), b.grant_id());
    // A crowd that makes the same grant makes one.
    let crowd = (0..8).map(|_| create(&client, &id).name("crowd").send());
    let made = futures_util::future::try_join_all(crowd).await.unwrap();
    assert!(made.iter().all(|g| g.grant_id() == made[0].grant_id()));
}

#[tokio::test]
async fn grants_that_cannot_be_made() {
    let client = client();
    let id = symmetric(&client).await;
    let bare = || client.create_grant().key_id(&id);
    assert_eq!(
        message(bare().grantee_principal(ALICE).send().await),
        "1 validation error detected: Value null at 'operations' failed to satisfy constraint: \
         Member must not be null"
    );
    let bogus = create(&client, &id).operations(Op::from("ListKeys")).send();
    assert!(message(bogus.await).starts_with(
        "1 validation error detected: Value '[Decrypt, ListKeys]' at 'operations' failed to \
         satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: \
         [Decrypt, Encrypt, "
    ));
    let nobody = bare().operations(Op::Decrypt).send().await;
    assert_eq!(code(nobody), "ValidationException");
    let alone = bare().grantee_principal(ALICE).operations(Op::CreateGrant);
    assert_eq!(
        message(alone.send().await),
        "Grants must not contain only the CreateGrant operation."
    );
    let none = bare().grantee_principal(ALICE).set_operations(Some(vec![]));
    assert_eq!(code(none.send().await), "ValidationException");
    for (principal, expected) in [
        ("alice", "InvalidArnException"),
        ("000000000000", "InvalidArnException"),
        ("arn:aws:iam::000000000000:group/g", "InvalidArnException"),
        ("arn:aws:iam::000000000000:user/a b", "ValidationException"),
    ] {
        let grantee = create(&client, &id).grantee_principal(principal).send();
        assert_eq!(code(grantee.await), expected, "{principal}");
        let retiring = create(&client, &id).retiring_principal(principal).send();
        assert_eq!(code(retiring.await), expected, "{principal}");
    }
    let name = create(&client, &id).name("with space").send().await;
    assert!(message(name).contains("at 'name' failed to satisfy constraint"));
    let both = GrantConstraints::builder()
        .encryption_context_equals("a", "b")
        .encryption_context_subset("a", "b")
        .build();
    let both = create(&client, &id).constraints(both).send().await;
    assert_eq!(message(both), "More than one constraint supplied");
    let nine: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    let nine: Vec<(&str, &str)> = nine.iter().map(|n| (n.as_str(), "")).collect();
    let many = create(&client, &id).constraints(subset(&nine)).send().await;
    assert!(message(many).contains("'constraints.encryptionContextSubset' failed"));
    let long = subset(&[("a", &"v".repeat(385))]);
    let long = create(&client, &id).constraints(long).send().await;
    assert!(message(long).contains("have length less than or equal to 384"));
    let source = GrantConstraints::builder()
        .source_arn("arn:aws:s3:::a-bucket-without-account")
        .build();
    let source = create(&client, &id).constraints(source).send().await;
    assert!(message(source).contains("'constraints.sourceArn' failed"));
    let alias = create(&client, "alias/any").send().await;
    assert_eq!(
        message(alias),
        "Key Aliases are not supported for this operation."
    );
    let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!(
        code(create(&client, missing).send().await),
        "NotFoundException"
    );
    assert!(grants(&client, &id).await.is_empty());
}

#[tokio::test]
async fn a_grant_permits_only_what_its_key_can_do() {
    let client = client();
    use KeySpec as S;
    use KeyUsageType as U;
    let management = [Op::CreateGrant, Op::RetireGrant, Op::DescribeKey];
    let encryption = [Op::Decrypt, Op::Encrypt, Op::ReEncryptFrom, Op::ReEncryptTo];
    let data_keys = [
        Op::GenerateDataKey,
        Op::GenerateDataKeyWithoutPlaintext,
        Op::GenerateDataKeyPair,
        Op::GenerateDataKeyPairWithoutPlaintext,
    ];
    for (spec, usage, able) in [
        (
            S::SymmetricDefault,
            U::EncryptDecrypt,
            [&encryption[..], &data_keys].concat(),
        ),
        (
            S::Rsa2048,
            U::EncryptDecrypt,
            [&encryption[..], &[Op::GetPublicKey]].concat(),
        ),
        (
            S::EccNistP256,
            U::SignVerify,
            vec![Op::Sign, Op::Verify, Op::GetPublicKey],
        ),
        (
            S::Hmac256,
            U::GenerateVerifyMac,
            vec![Op::GenerateMac, Op::VerifyMac],
        ),
    ] {
        let id = key(&client, spec.clone(), usage).await;
        for operation in Op::values().iter().map(|name| Op::from(*name)) {
            // With one that always suits, since CreateGrant alone is refused.
            let grant = client
                .create_grant()
                .key_id(&id)
                .grantee_principal(ALICE)
                .operations(Op::DescribeKey)
                .operations(operation.clone());
            let expected = able.contains(&operation) || management.contains(&operation);
            match grant.send().await {
                Ok(_) => assert!(expected, "{spec:?} {operation:?}"),
                refused => {
                    assert!(!expected, "{spec:?} {operation:?}");
                    assert_eq!(code(refused), "ValidationException");
                }
            }
        }
        let context = create(&client, &id)
            .set_operations(Some(vec![Op::DescribeKey]))
            .constraints(subset(&[("a", "b")]))
            .send()
            .await;
        match spec == S::SymmetricDefault {
            true => drop(context.unwrap()),
            false => assert_eq!(code(context), "ValidationException"),
        }
    }
}

#[tokio::test]
async fn the_state_of_the_key_decides() {
    let client = client();
    let id = symmetric(&client).await;
    let grant = made(&client, &id).await;
    client.disable_key().key_id(&id).send().await.unwrap();
    let refused = create(&client, &id).send().await;
    assert_eq!(code(refused), "DisabledException");
    client
        .schedule_key_deletion()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let refused = create(&client, &id).send().await;
    assert_eq!(code(refused), "KMSInvalidStateException");
    // Listed and removed in any state.
    assert_eq!(grants(&client, &id).await.len(), 1);
    let retire = client
        .retire_grant()
        .grant_token(grant.grant_token().unwrap());
    retire.send().await.unwrap();
    assert!(grants(&client, &id).await.is_empty());
}

#[tokio::test]
async fn a_grant_is_retired_or_revoked_once() {
    let client = client();
    let id = symmetric(&client).await;
    let (one, two, three) = (
        made(&client, &id).await,
        made(&client, &id).await,
        made(&client, &id).await,
    );
    let retire = || client.retire_grant();
    let (token, grant_id) = (one.grant_token().unwrap(), one.grant_id().unwrap());
    let by_token = || retire().grant_token(token);
    let dry = by_token().dry_run(true).send().await;
    assert_eq!(code(dry), "DryRunOperationException");
    by_token().send().await.unwrap();
    assert_eq!(code(by_token().send().await), "InvalidGrantTokenException");
    let by_id = |grant_id: &str| retire().key_id(&id).grant_id(grant_id);
    let gone = by_id(grant_id).send().await;
    assert_eq!(code(gone), "NotFoundException");
    by_id(two.grant_id().unwrap()).send().await.unwrap();
    let revoke = |grant_id: &str| client.revoke_grant().key_id(&id).grant_id(grant_id);
    let three = three.grant_id().unwrap();
    let dry = revoke(three).dry_run(true).send().await;
    assert_eq!(code(dry), "DryRunOperationException");
    assert_eq!(grants(&client, &id).await.len(), 1);
    revoke(three).send().await.unwrap();
    assert_eq!(code(revoke(three).send().await), "NotFoundException");
    let dry = revoke(three).dry_run(true).send().await;
    assert_eq!(code(dry), "NotFoundException");
    assert_eq!(code(revoke("abc").send().await), "InvalidGrantIdException");
    assert_eq!(code(retire().send().await), "ValidationException");
    for unclear in [
        retire().key_id(&id),
        retire().grant_id(three),
        retire().key_id(&id).grant_id(three).grant_token(token),
    ] {
        assert_eq!(code(unclear.send().await), "ValidationException");
    }
    // Another key's grant is not this one's.
    let other = symmetric(&client).await;
    let grant = made(&client, &other).await;
    let crossed = revoke(grant.grant_id().unwrap()).send().await;
    assert_eq!(code(crossed), "NotFoundException");
    assert_eq!(grants(&client, &other).await.len(), 1);
}

#[tokio::test]
async fn grants_are_listed_in_pages_and_by_what_they_are() {
    let client = client();
    let id = symmetric(&client).await;
    let retiring = format!("arn:aws:iam::000000000000:role/{id}");
    let (mut all, mut bobs) = (Vec::new(), Vec::new());
    for n in 0..5 {
        let grantee = [ALICE, BOB][n % 2];
        let grant = create(&client, &id)
            .grantee_principal(grantee)
            .retiring_principal(&retiring);
        let grant_id = grant.send().await.unwrap().grant_id.unwrap();
        if grantee == BOB {
            bobs.push(grant_id.clone());
        }
        all.push(grant_id);
    }
    all.sort();
    bobs.sort();
    let ids = |grants: &[GrantListEntry]| -> Vec<String> {
        let ids = grants.iter().map(|grant| grant.grant_id().unwrap());
        ids.map(str::to_owned).collect()
    };
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_grants().key_id(&id).limit(2);
        let page = page.set_marker(marker).send().await.unwrap();
        assert!(page.grants().len() <= 2);
        listed.extend(ids(page.grants()));
        marker = page.next_marker().map(str::to_owned);
        assert_eq!(page.truncated(), marker.is_some());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, all);
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_retirable_grants().retiring_principal(&retiring);
        let page = page.limit(3).set_marker(marker).send().await.unwrap();
        listed.extend(ids(page.grants()));
        marker = page.next_marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, all);

    let list = || client.list_grants().key_id(&id);
    let of_bob = list().grantee_principal(BOB).send().await.unwrap();
    assert_eq!(ids(of_bob.grants()), bobs);
    let one = list().grant_id(&bobs[0]).send().await.unwrap();
    assert_eq!(ids(one.grants()), bobs[..1]);
    let neither = list().grant_id(&bobs[0]).grantee_principal(ALICE);
    assert!(neither.send().await.unwrap().grants().is_empty());
    let unknown = list().grant_id("0".repeat(64)).send().await.unwrap();
    assert!(unknown.grants().is_empty());

    assert_eq!(
        code(list().grant_id("x").send().await),
        "InvalidGrantIdException"
    );
    assert_eq!(
        code(list().marker("%%%").send().await),
        "InvalidMarkerException"
    );
    // base64 of a NUL, which no marker holds.
    assert_eq!(
        code(list().marker("AA").send().await),
        "InvalidMarkerException"
    );
    for limit in [0, 101] {
        let refused = message(list().limit(limit).send().await);
        assert!(refused.contains("at 'limit' failed"), "{refused}");
    }
    let service = list().grantee_service_principal("ec2.amazonaws.com");
    assert_eq!(code(service.send().await), "ValidationException");
    let retirable = || client.list_retirable_grants();
    assert_eq!(code(retirable().send().await), "ValidationException");
    let service = retirable().retiring_service_principal("ec2.amazonaws.com");
    assert_eq!(code(service.send().await), "ValidationException");
    let bad = retirable().retiring_principal("bob").send().await;
    assert_eq!(code(bad), "InvalidArnException");
    let stranger = retirable().retiring_principal("arn:aws:iam::999999999999:root");
    assert_eq!(code(stranger.send().await), "AccessDeniedException");
}

#[tokio::test]
async fn a_token_names_a_grant_and_must_be_genuine() {
    let client = client();
    let id = symmetric(&client).await;
    let grant = made(&client, &id).await;
    let token = grant.grant_token().unwrap();
    let encrypt = |token: &str| {
        let encrypt = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
        encrypt.grant_tokens(token).send()
    };
    encrypt(token).await.unwrap();
    encrypt(token).await.unwrap();
    // Every character counts, and nothing may follow.
    for at in [0, 1, 30, token.len() - 1] {
        let mut forged = token.to_owned();
        let other = if &forged[at..=at] == "Q" { "g" } else { "Q" };
        forged.replace_range(at..=at, other);
        assert_eq!(
            code(encrypt(&forged).await),
            "InvalidGrantTokenException",
            "{at}"
        );
    }
    for malformed in ["x", "AQ", &format!("{token}AAAA"), &"A".repeat(8192)] {
        assert_eq!(code(encrypt(malformed).await), "InvalidGrantTokenException");
    }
    let describe = client.describe_key().key_id(&id).grant_tokens("x");
    assert_eq!(code(describe.send().await), "InvalidGrantTokenException");
    let nested = create(&client, &id)
        .grant_tokens(token)
        .send()
        .await
        .unwrap();
    let bad = create(&client, &id).grant_tokens("x").send().await;
    assert_eq!(code(bad), "InvalidGrantTokenException");
    assert_eq!(
        code(client.retire_grant().grant_token("x").send().await),
        "InvalidGrantTokenException"
    );
    // Revocation is exact: no request after it finds the grant in a cache.
    let revoke = client.revoke_grant().key_id(&id);
    revoke
        .grant_id(grant.grant_id().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(code(encrypt(token).await), "InvalidGrantTokenException");
    encrypt(nested.grant_token().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_makes_no_grant() {
    let client = client();
    let id = symmetric(&client).await;
    let dry = create(&client, &id).dry_run(true).send().await;
    assert_eq!(code(dry), "DryRunOperationException");
    let dry = create(&client, &id).operations(Op::Sign).dry_run(true);
    assert_eq!(code(dry.send().await), "ValidationException");
    assert!(grants(&client, &id).await.is_empty());
}
