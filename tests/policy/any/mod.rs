//! Random questions. Names are few and alphabets small, so that things collide: a policy that
//! nothing ever matches shows nothing.

use crate::case::{Case, Grant};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

mod names;
mod when;

use names::*;
use when::{condition, context};

/// A question about a key or a role, with its policies.
pub fn case() -> BoxedStrategy<Case> {
    prop_oneof![6 => key_case(), 3 => condition_case(), 1 => trust_case()].boxed()
}

fn key_case() -> impl Strategy<Value = Case> {
    let sessions = PRINCIPALS.iter().filter(|arn| arn.contains("assumed-role"));
    let sessions: Vec<&str> = sessions.copied().collect();
    (
        prop_oneof![select(PRINCIPALS), select(sessions)],
        select(ACTIONS),
        select(KEYS),
        context(),
        weighted(0.9, policy(Grammar::Key)),
        vec(policy(Grammar::Identity), 0..3),
        weighted(0.7, policy(Grammar::Identity)),
        vec(grant(), 0..3),
    )
        .prop_map(
            |(who, action, resource, context, key, identity, session, grants)| {
                let mut case = question(who, action, resource, context);
                case.session = session.filter(|_| who.contains("assumed-role"));
                case.identity = if who.ends_with(":root") {
                    Vec::new()
                } else {
                    identity
                };
                // Without a key policy there is no key.
                case.grants = if key.is_some() { grants } else { Vec::new() };
                case.key = key;
                case
            },
        )
}

/// All hangs on one condition.
fn condition_case() -> impl Strategy<Value = Case> {
    let effect = select(&["Allow", "Deny"][..]);
    let parts = (select(PRINCIPALS), context(), effect, condition());
    parts.prop_map(|(who, context, effect, when)| {
        let everybody = |effect: &str, when: Option<Value>| {
            let condition = when.unwrap_or(json!({}));
            json!({"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": condition})
        };
        let mut case = question(who, ACTIONS[0], KEYS[0], context);
        let mut statements = vec![everybody(effect, when)];
        if effect == "Deny" {
            statements.push(everybody("Allow", None));
        }
        case.key = Some(json!({"Version": "2012-10-17", "Statement": statements}));
        case
    })
}

fn trust_case() -> impl Strategy<Value = Case> {
    let who = prop_oneof![2 => select(PRINCIPALS), 1 => Just(PROVIDER)];
    let identity = vec(policy(Grammar::TrustIdentity), 0..2);
    (who, context(), policy(Grammar::Trust), identity).prop_map(
        |(who, context, trust, identity)| {
            let web = usize::from(who == PROVIDER);
            let mut case = question(who, TRUST_ACTIONS[web], ROLES[0], context);
            case.identity = if who.ends_with(":root") || web == 1 {
                Vec::new()
            } else {
                identity
            };
            case.trust = Some(trust);
            case
        },
    )
}

fn question(who: &str, action: &str, resource: &str, context: BTreeMap<String, Value>) -> Case {
    Case {
        name: String::new(),
        page: String::new(),
        rule: String::new(),
        note: None,
        principal: who.to_owned(),
        // One of the roles has a path.
        role: (who == PRINCIPALS[4]).then(|| ROLES[1].to_owned()),
        action: action.to_owned(),
        resource: resource.to_owned(),
        owner: OWNER.to_owned(),
        context,
        key: None,
        trust: None,
        identity: Vec::new(),
        session: None,
        grants: Vec::new(),
        expect: String::new(),
    }
}

/// What a statement has, by the kind of its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grammar {
    Key,
    Identity,
    Trust,
    TrustIdentity,
}

fn policy(grammar: Grammar) -> impl Strategy<Value = Value> {
    let version =
        prop_oneof![8 => Just(Some("2012-10-17")), 1 => Just(Some("2008-10-17")), 1 => Just(None)];
    (version, vec(statement(grammar), 1..4)).prop_map(|(version, statements)| {
        let mut policy = json!({"Statement": statements});
        if let Some(version) = version {
            policy["Version"] = version.into();
        }
        policy
    })
}

fn statement(grammar: Grammar) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![5 => Just("Allow"), 1 => Just("Deny")];
    let action = match grammar {
        Grammar::Key | Grammar::Identity => one_or_several(&[ACTION_PATTERNS, ACTIONS].concat()),
        _ => one_or_several(&[TRUST_PATTERNS, TRUST_ACTIONS].concat()),
    };
    let resources = match grammar {
        Grammar::TrustIdentity => one_or_several(&["*", ROLES[0], "arn:aws:iam::*:role/?"]),
        _ => one_or_several(RESOURCE_PATTERNS),
    };
    let not = || proptest::bool::weighted(0.1);
    let parts = (
        effect,
        principals(),
        weighted(0.1, exceptions()),
        action,
        not(),
        resources,
        not(),
        condition(),
        weighted(0.03, select(&["Action", "Resource"][..])),
    );
    parts.prop_map(
        move |(
            effect,
            who,
            exceptions,
            action,
            not_action,
            resource,
            not_resource,
            when,
            without,
        )| {
            let name = |element: &str, not| {
                if not {
                    format!("Not{element}")
                } else {
                    element.to_owned()
                }
            };
            let mut statement = Map::new();
            statement.insert("Effect".to_owned(), effect.into());
            if matches!(grammar, Grammar::Key | Grammar::Trust) {
                let exceptions = exceptions.filter(|_| grammar == Grammar::Key && effect == "Deny");
                let not = exceptions.is_some();
                statement.insert(name("Principal", not), exceptions.unwrap_or(who));
            }
            statement.insert(name("Action", not_action), action);
            if grammar != Grammar::Trust {
                statement.insert(name("Resource", not_resource), resource);
            }
            if let Some(element) = without.filter(|_| grammar == Grammar::Key) {
                statement.remove(element);
            }
            if let Some(when) = when {
                statement.insert("Condition".to_owned(), when);
            }
            Value::Object(statement)
        },
    )
}

fn principals() -> BoxedStrategy<Value> {
    let aws = [PRINCIPALS, ROLES, &[OWNER, "444455556666", "*"]].concat();
    prop_oneof![
        3 => Just(json!("*")),
        9 => one_or_several(&aws).prop_map(|names| json!({"AWS": names})),
        1 => Just(json!({"Federated": PROVIDER})),
        1 => one_or_several(&aws).prop_map(|names| json!({"AWS": names, "Federated": [PROVIDER]})),
        1 => Just(json!({"Service": "ec2.amazonaws.com"})),
    ]
    .boxed()
}

/// Who is not denied, with role and account as the page asks, or without one of them.
fn exceptions() -> impl Strategy<Value = Value> {
    let several = vec(select(PRINCIPALS), 1..3);
    (several, weighted(0.3, any::<proptest::sample::Index>())).prop_map(|(several, without)| {
        let mut names = BTreeSet::new();
        for who in several {
            let case = question(who, "", "", BTreeMap::new());
            names.insert(who.to_owned());
            names.insert(format!("arn:aws:iam::{}:root", case.account()));
            names.extend(case.role());
        }
        let mut names = Vec::from_iter(names);
        if let Some(index) = without {
            names.remove(index.index(names.len()));
        }
        match names.is_empty() {
            true => json!({"AWS": OWNER}),
            false => json!({"AWS": names}),
        }
    })
}

fn one_or_several(of: &[&'static str]) -> BoxedStrategy<Value> {
    let of = of.to_vec();
    prop_oneof![
        1 => select(of.clone()).prop_map(Value::from),
        1 => vec(select(of), 1..5).prop_map(Value::from),
    ]
    .boxed()
}

fn grant() -> impl Strategy<Value = Grant> {
    let grantees = [PRINCIPALS, ROLES].concat();
    let grantees = grantees.into_iter().filter(|arn| !arn.ends_with(":root"));
    let operations = ACTIONS
        .iter()
        .filter_map(|action| action.strip_prefix("kms:"));
    let pairs = || {
        let keys = select(&["a", "A", "b"][..]);
        let pairs = vec((keys, select(&["a", "A", "b", "ab"][..])), 1..3);
        weighted(
            0.3,
            pairs.prop_map(|pairs| {
                let mut distinct: BTreeMap<String, String> = BTreeMap::new();
                for (key, value) in pairs {
                    distinct.retain(|other, _| !other.eq_ignore_ascii_case(key));
                    distinct.insert(key.to_owned(), value.to_owned());
                }
                distinct
            }),
        )
    };
    (
        select(grantees.collect::<Vec<_>>()),
        subsequence(operations.collect::<Vec<_>>(), 1..4),
        pairs(),
        pairs(),
        weighted(0.1, Just(ARNS[0].to_owned())),
    )
        .prop_map(|(grantee, operations, subset, equals, source_arn)| Grant {
            grantee: grantee.to_owned(),
            operations: operations.into_iter().map(str::to_owned).collect(),
            subset,
            equals,
            source_arn,
        })
}
