use super::super::facts::Known;
use super::*;
use crate::model::AccountId;
use GrantOperation as O;

const ROLE: &str = "arn:aws:iam::111122223333:role/r";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/r/s";
const ROOT: &str = "arn:aws:iam::111122223333:root";

fn session() -> Principal {
    let mut principal = Principal::root(&AccountId::parse("111122223333").unwrap());
    principal.arn = SESSION.into();
    principal.kind = PrincipalKind::AssumedRole { role: ROLE.into() };
    principal
}

fn set(operations: &[GrantOperation]) -> GrantOperationSet {
    operations.iter().copied().collect()
}

fn context(pairs: &[(&str, &str)]) -> Option<EncryptionContext> {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Some(EncryptionContext(pairs.iter().map(pair).collect()))
}

fn subset(pairs: &[(&str, &str)]) -> Constraints {
    Constraints {
        encryption_context_subset: context(pairs),
        ..Constraints::default()
    }
}

fn equals(pairs: &[(&str, &str)]) -> Constraints {
    Constraints {
        encryption_context_equals: context(pairs),
        ..Constraints::default()
    }
}

fn first(permits: &[Permit<'_>], action: &str, facts: &dyn Facts) -> Option<(usize, Named)> {
    let principal = session();
    let question = Question {
        principal: &principal,
        action,
        resource: "arn:aws:kms:us-east-1:111122223333:key/k",
        owner: &principal.account,
        facts,
    };
    permitting(permits, &question).next()
}

#[test]
fn whom_a_grant_names() {
    let nothing = Known(Vec::new());
    for (grantee, expected) in [
        (SESSION, Some(Named::Itself)),
        (ROLE, Some(Named::Role)),
        (ROOT, Some(Named::Account)),
        ("arn:aws:iam::111122223334:root", None),
        ("arn:aws:iam::111122223333:role/other", None),
        ("arn:aws:sts::111122223333:assumed-role/r/other", None),
        ("arn:aws:iam::111122223333:role/R", None),
        ("111122223333", None),
        ("*", None),
    ] {
        let permit = Permit {
            grantee,
            operations: set(&[O::Encrypt, O::ReEncryptFrom]),
            constraints: None,
        };
        let found = first(&[permit], "kms:Encrypt", &nothing);
        assert_eq!(found, expected.map(|named| (0, named)), "{grantee}");
        for other in [
            "kms:Decrypt",
            "kms:PutKeyPolicy",
            "strongroom:Encrypt",
            "Encrypt",
        ] {
            assert_eq!(first(&[permit], other, &nothing), None, "{other}");
        }
    }
}

#[test]
fn an_identity_of_an_issuer_has_no_grants() {
    let mut principal = session();
    let provider = "accounts.example.com".to_owned();
    principal.kind = PrincipalKind::WebIdentity { provider };
    assert_eq!(grantee(SESSION, &principal), None);
}

#[test]
fn constraints_on_the_context() {
    let request = Known(vec![
        ("kms:EncryptionContextKeys", vec!["Department", "Purpose"]),
        ("kms:EncryptionContext:Department", vec!["IT"]),
        ("kms:EncryptionContext:Purpose", vec!["Test"]),
    ]);
    let department = ("Department", "IT");
    let purpose = ("Purpose", "Test");
    let permits = |constraints: &Constraints, action: &str, facts: &dyn Facts| {
        let permit = Permit {
            grantee: ROLE,
            operations: GrantOperation::ALL.iter().copied().collect(),
            constraints: Some(constraints),
        };
        first(&[permit], action, facts).is_some()
    };
    for (constraints, expected) in [
        (subset(&[department]), true),
        (subset(&[department, purpose]), true),
        (subset(&[("department", "IT")]), true),
        (subset(&[("Department", "it")]), false),
        (subset(&[department, ("Other", "x")]), false),
        (subset(&[]), true),
        (equals(&[department, purpose]), true),
        (equals(&[("DEPARTMENT", "IT"), purpose]), true),
        (equals(&[department]), false),
        (equals(&[department, purpose, ("Other", "x")]), false),
        (equals(&[]), false),
    ] {
        for action in ["kms:Decrypt", "kms:GenerateDataKeyPair", "kms:ReEncryptTo"] {
            let met = permits(&constraints, action, &request);
            assert_eq!(met, expected, "{action} {constraints:?}");
        }
        // What has no context is not restricted by it.
        for action in ["kms:DescribeKey", "kms:RetireGrant", "kms:CreateGrant"] {
            assert!(permits(&constraints, action, &request), "{action}");
        }
    }
    let nothing = Known(Vec::new());
    assert!(!permits(&subset(&[department]), "kms:Decrypt", &nothing));
    assert!(permits(&equals(&[]), "kms:Decrypt", &nothing));
}

#[test]
fn a_constraint_on_the_source() {
    let constraints = Constraints {
        source_arn: Some("arn:aws:dynamodb:us-east-1:111122223333:table/t".into()),
        ..Constraints::default()
    };
    let permit = Permit {
        grantee: ROLE,
        operations: GrantOperation::ALL.iter().copied().collect(),
        constraints: Some(&constraints),
    };
    let from = |arn| Known(vec![("aws:SourceArn", vec![arn])]);
    let right = from("arn:aws:dynamodb:us-east-1:111122223333:table/t");
    assert!(first(&[permit], "kms:DescribeKey", &right).is_some());
    let wrong = from("arn:aws:dynamodb:us-east-1:111122223333:table/u");
    for facts in [wrong, Known(Vec::new())] {
        assert_eq!(first(&[permit], "kms:DescribeKey", &facts), None);
        assert!(first(&[permit], "kms:RetireGrant", &facts).is_some());
    }
}

#[test]
fn what_a_grant_may_be_handed_on_as() {
    let (a, b) = (("a", "1"), ("b", "2"));
    let covers = |own: Option<&Constraints>, child: Option<&Constraints>| {
        let permit = Permit {
            grantee: ROLE,
            operations: set(&[O::CreateGrant, O::Decrypt, O::Encrypt]),
            constraints: own,
        };
        assert!(!permit.covers(set(&[O::Decrypt, O::Sign]), child));
        permit.covers(set(&[O::CreateGrant, O::Decrypt]), child)
    };
    assert!(covers(None, None));
    assert!(covers(None, Some(&subset(&[a]))));
    for (own, child, expected) in [
        (subset(&[a]), subset(&[a]), true),
        (subset(&[a]), subset(&[a, b]), true),
        (subset(&[a, b]), subset(&[a]), false),
        (subset(&[a]), equals(&[a, b]), true),
        (subset(&[a]), equals(&[b]), false),
        (equals(&[a]), equals(&[a]), true),
        (equals(&[a]), equals(&[a, b]), false),
        (equals(&[a]), subset(&[a]), false),
    ] {
        assert_eq!(
            covers(Some(&own), Some(&child)),
            expected,
            "{own:?} {child:?}"
        );
        assert!(!covers(Some(&own), None));
    }
    let source = |arn: &str| Constraints {
        source_arn: Some(arn.into()),
        ..Constraints::default()
    };
    assert!(covers(Some(&source("x")), Some(&source("x"))));
    assert!(!covers(Some(&source("x")), Some(&source("y"))));
    assert!(!covers(Some(&source("x")), None));
}
