use super::super::facts::NoFacts;
use super::*;
use crate::authz::PolicyKind;
use crate::model::arn::root_arn;
use crate::model::shapes::GrantOperation;
use Allowed::{Grant, Identity, ResourcePolicy};
use Decision::{Allow, Deny};
use Reason::*;

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";
const ROLE: &str = "arn:aws:iam::111122223333:role/r";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/r/s";
const USER: &str = "arn:aws:iam::111122223333:user/alice";
const FOREIGNER: &str = "arn:aws:iam::444455556666:user/bob";

fn account(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn root() -> Principal {
    Principal::root(&account(OWN))
}

fn user() -> Principal {
    Principal {
        arn: USER.into(),
        kind: PrincipalKind::User,
        ..root()
    }
}

fn session() -> Principal {
    let role = ROLE.to_owned();
    Principal {
        arn: SESSION.into(),
        kind: PrincipalKind::AssumedRole { role },
        ..root()
    }
}

fn foreigner() -> Principal {
    Principal {
        arn: FOREIGNER.into(),
        account: account(OTHER),
        ..user()
    }
}

fn policy(kind: PolicyKind, statements: &[(&str, &str)]) -> Policy {
    let statement = |(effect, principal): &(&str, &str)| {
        let principal = match kind.has_principals() {
            false => String::new(),
            true => format!(r#""Principal": {{"AWS": "{principal}"}},"#),
        };
        format!(r#"{{"Effect": "{effect}", {principal} "Action": "kms:*", "Resource": "*"}}"#)
    };
    let statements: Vec<_> = statements.iter().map(statement).collect();
    let text = format!(r#"{{"Statement": [{}]}}"#, statements.join(","));
    Policy::parse(&text, kind).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn key(statements: &[(&str, &str)]) -> Policy {
    policy(PolicyKind::Key, statements)
}

fn effects(effects: &[&str]) -> Policy {
    let statements: Vec<_> = effects.iter().map(|effect| (*effect, "")).collect();
    match statements.is_empty() {
        // A policy about something else.
        true => Policy::parse(
            r#"{"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}"#,
            PolicyKind::Identity,
        )
        .unwrap(),
        false => policy(PolicyKind::Identity, &statements),
    }
}

fn ask(
    principal: &Principal,
    identity: &[&str],
    session: Option<&[&str]>,
    resource: Option<&Policy>,
    grantees: &[&str],
) -> Decision {
    let identity = [Arc::new(effects(identity))];
    let session = session.map(effects);
    let operations = [GrantOperation::Encrypt].into_iter().collect();
    let grants: Vec<_> = grantees
        .iter()
        .map(|grantee| Permit {
            grantee,
            operations,
            constraints: None,
        })
        .collect();
    let question = Question {
        principal,
        action: "kms:Encrypt",
        resource: KEY,
        owner: &account(OWN),
        facts: &NoFacts,
    };
    let policies = Policies {
        identity: &identity,
        session: session.as_ref(),
        resource,
    };
    decide(&question, &policies, &grants)
}

#[test]
fn in_the_same_account() {
    let delegating = key(&[("Allow", OWN)]);
    let naming = key(&[("Allow", USER)]);
    let everybody = key(&[("Allow", "*")]);
    let other = key(&[("Allow", ROLE)]);
    for (policy, identity, expected) in [
        (Some(&delegating), &[][..], Deny(NoIdentity)),
        (Some(&delegating), &["Allow"], Allow(Identity)),
        (
            Some(&delegating),
            &["Allow", "Deny"],
            Deny(ExplicitIdentity),
        ),
        (Some(&naming), &[], Allow(ResourcePolicy)),
        (Some(&naming), &["Deny"], Deny(ExplicitIdentity)),
        (Some(&everybody), &[], Allow(ResourcePolicy)),
        (Some(&other), &["Allow"], Deny(NoResource)),
        (None, &["Allow"], Allow(Identity)),
        (None, &[], Deny(NoIdentity)),
    ] {
        let decision = ask(&user(), identity, None, policy, &[]);
        assert_eq!(decision, expected, "{policy:?} {identity:?}");
    }
    let denying = key(&[("Allow", "*"), ("Deny", OWN)]);
    for principal in [user(), session(), root()] {
        let decision = ask(&principal, &["Allow"], None, Some(&denying), &[]);
        assert_eq!(decision, Deny(ExplicitResource));
    }
}

#[test]
fn a_root_needs_no_policy_of_its_own_and_a_key_policy_that_lets_it() {
    let by = |policy: Option<&Policy>| ask(&root(), &[], None, policy, &[]);
    assert_eq!(by(None), Allow(Identity));
    assert_eq!(by(Some(&key(&[("Allow", OWN)]))), Allow(ResourcePolicy));
    let arn = root_arn(&account(OWN));
    assert_eq!(by(Some(&key(&[("Allow", &arn)]))), Allow(ResourcePolicy));
    assert_eq!(by(Some(&key(&[("Allow", USER)]))), Deny(NoResource));
    assert_eq!(by(Some(&key(&[("Allow", OTHER)]))), Deny(NoResource));
    let foreign = Principal::root(&account(OTHER));
    let policy = key(&[("Allow", OTHER)]);
    let decision = ask(&foreign, &[], None, Some(&policy), &[]);
    assert_eq!(decision, Allow(ResourcePolicy));
}

#[test]
fn from_another_account() {
    for (principal, identity, expected) in [
        (FOREIGNER, &["Allow"][..], Allow(ResourcePolicy)),
        (OTHER, &["Allow"], Allow(ResourcePolicy)),
        ("*", &["Allow"], Allow(ResourcePolicy)),
        (FOREIGNER, &[], Deny(NoIdentity)),
        (OTHER, &[], Deny(NoIdentity)),
        (FOREIGNER, &["Deny"], Deny(ExplicitIdentity)),
        (OWN, &["Allow"], Deny(NoResource)),
    ] {
        let policy = key(&[("Allow", principal)]);
        let decision = ask(&foreigner(), identity, None, Some(&policy), &[]);
        assert_eq!(decision, expected, "{principal}");
    }
    let decision = ask(&foreigner(), &["Allow"], None, None, &[]);
    assert_eq!(decision, Deny(NoResource));
    let denying = key(&[("Allow", OTHER), ("Deny", FOREIGNER)]);
    let decision = ask(&foreigner(), &["Allow"], None, Some(&denying), &[]);
    assert_eq!(decision, Deny(ExplicitResource));
}

#[test]
fn a_session_is_limited_by_its_policy_but_for_what_it_has_itself() {
    for (principal, identity, session_policy, expected) in [
        (ROLE, &[][..], None, Allow(ResourcePolicy)),
        (ROLE, &[], Some(&["Allow"][..]), Allow(ResourcePolicy)),
        (ROLE, &[], Some(&[]), Deny(NoSession)),
        (ROLE, &[], Some(&["Deny"]), Deny(ExplicitSession)),
        (SESSION, &[], Some(&[]), Allow(ResourcePolicy)),
        (SESSION, &[], Some(&["Deny"]), Deny(ExplicitSession)),
        (OWN, &["Allow"], Some(&["Allow"]), Allow(Identity)),
        (OWN, &["Allow"], Some(&[]), Deny(NoSession)),
        (OWN, &[], Some(&["Allow"]), Deny(NoIdentity)),
        (USER, &["Allow"], Some(&["Allow"]), Deny(NoResource)),
    ] {
        let policy = key(&[("Allow", principal)]);
        let decision = ask(&session(), identity, session_policy, Some(&policy), &[]);
        assert_eq!(decision, expected, "{principal} {session_policy:?}");
    }
    // In another account nothing goes around it.
    let foreign = key(&[("Allow", SESSION)]);
    let (session, identity) = (session(), [Arc::new(effects(&["Allow"]))]);
    let limits = effects(&[]);
    let question = Question {
        principal: &session,
        action: "kms:Encrypt",
        resource: KEY,
        owner: &account(OTHER),
        facts: &NoFacts,
    };
    let policies = Policies {
        identity: &identity,
        session: Some(&limits),
        resource: Some(&foreign),
    };
    assert_eq!(decide(&question, &policies, &[]), Deny(NoSession));
    let silent = key(&[("Allow", OTHER)]);
    let grant = Permit {
        grantee: SESSION,
        operations: [GrantOperation::Encrypt].into_iter().collect(),
        constraints: None,
    };
    let policies = Policies {
        resource: Some(&silent),
        ..policies
    };
    assert_eq!(decide(&question, &policies, &[grant]), Deny(NoSession));
}

#[test]
fn grants() {
    let silent = key(&[("Allow", "arn:aws:iam::111122223333:user/admin")]);
    let by = |principal: &Principal, identity: &[&str], session: Option<&[&str]>, to: &[&str]| {
        ask(principal, identity, session, Some(&silent), to)
    };
    let root = root_arn(&account(OWN));
    assert_eq!(by(&user(), &[], None, &[ROLE, USER]), Allow(Grant(1)));
    assert_eq!(by(&user(), &[], None, &[ROLE]), Deny(NoResource));
    assert_eq!(
        by(&user(), &["Deny"], None, &[USER]),
        Deny(ExplicitIdentity)
    );
    assert_eq!(by(&user(), &[], None, &[&root]), Deny(NoIdentity));
    assert_eq!(by(&user(), &["Allow"], None, &[&root]), Allow(Grant(0)));
    // A grantee of another account needs no policy of its own.
    assert_eq!(by(&foreigner(), &[], None, &[FOREIGNER]), Allow(Grant(0)));
    let limited = by(&session(), &[], Some(&[]), &[ROLE, SESSION]);
    assert_eq!(limited, Allow(Grant(1)));
    assert_eq!(by(&session(), &[], Some(&[]), &[ROLE]), Deny(NoSession));
    assert_eq!(by(&session(), &[], None, &[ROLE]), Allow(Grant(0)));
    let denying = key(&[("Deny", "*")]);
    let denied = ask(&user(), &["Allow"], None, Some(&denying), &[USER]);
    assert_eq!(denied, Deny(ExplicitResource));
}

#[test]
fn a_roles_trust_alone_decides_about_whom_an_issuer_names() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.example.com";
    let web = Principal {
        arn: "arn:aws:sts::111122223333:web-identity".into(),
        kind: PrincipalKind::WebIdentity {
            provider: provider.into(),
        },
        ..root()
    };
    let by = |principal: &str, owner: &str| {
        let text = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "sts:*"}}}}"#
        );
        let policy = Policy::parse(&text, PolicyKind::Trust).unwrap();
        let question = Question {
            principal: &web,
            action: "sts:AssumeRoleWithWebIdentity",
            resource: ROLE,
            owner: &account(owner),
            facts: &NoFacts,
        };
        let policies = Policies {
            identity: &[],
            session: None,
            resource: Some(&policy),
        };
        decide(&question, &policies, &[])
    };
    let named = format!(r#"{{"Federated": "{provider}"}}"#);
    for owner in [OWN, OTHER] {
        assert_eq!(by(&named, owner), Allow(ResourcePolicy));
        assert_eq!(by(r#"{"AWS": "111122223333"}"#, owner), Deny(NoResource));
    }
}
