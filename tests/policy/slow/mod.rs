//! The rules of AWS's pages, written down so that one sees that they are these rules: no compiled
//! form, every statement read anew, every wildcard tried every way. It takes policies that parse.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>.

mod condition;
mod grant;
mod text;
mod value;

use crate::case::{Case, Kind};
use serde_json::Value;
use std::collections::BTreeMap;
use text::{Glyph, expand, like};

pub(crate) type Facts = BTreeMap<String, Value>;

/// How far a resource's policy comes to the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nobody,
    /// Its account is named: its identity policies decide.
    Account,
    /// Its role is named.
    Role,
    /// It is named itself, or everybody is.
    Itself,
}

/// `Allow`, or the name of the reason not to.
pub fn decide(case: &Case) -> &'static str {
    let facts = case.facts();
    let identity = |effect| {
        let mut policies = case.identity.iter();
        policies.any(|policy| says(case, &facts, policy, effect))
    };
    let session = |effect| {
        let policy = case.session.as_ref();
        policy.map(|policy| says(case, &facts, policy, effect))
    };
    let resource = |effect| {
        let policy = case.resource_policy();
        policy.map(|policy| reach(case, &facts, policy, effect))
    };

    if identity("Deny") {
        return "ExplicitIdentity";
    }
    if resource("Deny").is_some_and(|reach| reach > Reach::Nobody) {
        return "ExplicitResource";
    }
    if session("Deny") == Some(true) {
        return "ExplicitSession";
    }

    let identity = identity("Allow") || case.kind() == Kind::Root;
    let granted = case.grants.iter().any(|grant| grant.allows(case, &facts));
    let granted_to_session = (case.grants.iter())
        .any(|grant| grant.grantee == case.principal && grant.allows(case, &facts));
    let within_session = session("Allow") != Some(false);

    // What the session has by itself, what it has as far as the session policy lets it, and what
    // is missing where it has neither. Beside a policy of another account the caller's own must
    // allow, within whatever limits it; a grant is that account's agreement with the grantee.
    let same_account = case.account() == case.owner;
    let (itself, limited, missing) = match resource("Allow") {
        None => (
            false,
            same_account && identity,
            if same_account {
                "NoIdentity"
            } else {
                "NoResource"
            },
        ),
        Some(Reach::Nobody) => (false, false, "NoResource"),
        Some(Reach::Account) => (false, identity, "NoIdentity"),
        Some(Reach::Role) => (false, same_account || identity, "NoIdentity"),
        Some(Reach::Itself) => (same_account, identity, "NoIdentity"),
    };
    if itself || granted_to_session && same_account {
        "Allow"
    } else if !limited && !granted {
        missing
    } else if within_session {
        "Allow"
    } else {
        "NoSession"
    }
}

/// Whether a policy without principals has a statement of this effect for the request.
fn says(case: &Case, facts: &Facts, policy: &Value, effect: &str) -> bool {
    let mut statements = statements(policy).into_iter();
    statements
        .any(|statement| statement["Effect"] == effect && applies(case, facts, policy, statement))
}

/// How far the statements of this effect that are for the request come to who asks.
fn reach(case: &Case, facts: &Facts, policy: &Value, effect: &str) -> Reach {
    let statements = statements(policy).into_iter();
    let applying = statements.filter(|statement| {
        statement["Effect"] == effect && applies(case, facts, policy, statement)
    });
    let reach = applying.map(|statement| named(case, statement));
    reach.max().unwrap_or(Reach::Nobody)
}

fn statements(policy: &Value) -> Vec<&Value> {
    list(&policy["Statement"])
}

/// One or several.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(several) => several.iter().collect(),
        one => vec![one],
    }
}

/// Action, resource and condition. A trust policy has no resource: the role is it. A statement of
/// a key policy without an action or a resource has no effect.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html#key-policy-elements>.
fn applies(case: &Case, facts: &Facts, policy: &Value, statement: &Value) -> bool {
    let variables = policy["Version"] == "2012-10-17";
    let is_action = |pattern: &&Value| {
        let pattern = pattern.as_str().expect("an action").to_lowercase();
        like(&text::plain(&pattern), &case.action.to_lowercase())
    };
    let is_resource = |pattern: &&Value| {
        let pattern = pattern.as_str().expect("a resource");
        let pattern: Option<Vec<Glyph>> = expand(pattern, variables, facts);
        pattern.is_some_and(|pattern| like(&pattern, &case.resource))
    };
    let action = match statement.get("NotAction") {
        Some(not) => !list(not).iter().any(is_action),
        None => list(&statement["Action"]).iter().any(is_action),
    };
    let resource = match (statement.get("NotResource"), statement.get("Resource")) {
        (Some(not), _) => !list(not).iter().any(is_resource),
        (None, Some(resources)) => list(resources).iter().any(is_resource),
        (None, None) => case.trust.is_some(),
    };
    action && resource && condition::holds(&statement["Condition"], variables, facts)
}

/// How far one statement comes.
fn named(case: &Case, statement: &Value) -> Reach {
    let Some(not) = statement.get("NotPrincipal") else {
        let entries = entries(&statement["Principal"]).into_iter();
        let deny = statement["Effect"] == "Deny";
        let reach = entries.map(|(kind, name)| entry(case, deny, kind, name));
        return reach.max().unwrap_or(Reach::Nobody);
    };
    // It is for denials. What a principal is: its account, then its role, then it itself; AWS
    // validates each of them, so that an exception must name each.
    let account = format!("arn:aws:iam::{}:root", case.account());
    let mut levels = vec![account, case.principal.clone()];
    levels.extend(case.role());
    let is_named = |level: &String| {
        let mut entries = entries(not).into_iter();
        entries.any(|(_, name)| {
            let short = format!("arn:aws:iam::{name}:root");
            name == "*" || name == level || short == *level
        })
    };
    if levels.iter().all(is_named) {
        Reach::Nobody
    } else {
        Reach::Itself
    }
}

/// The kinds and names of a principal element.
fn entries(element: &Value) -> Vec<(&str, &str)> {
    let Value::Object(map) = element else {
        return list(element)
            .iter()
            .map(|name| ("AWS", name.as_str().expect("*")))
            .collect();
    };
    let names = |names| {
        list(names)
            .into_iter()
            .map(|name| name.as_str().expect("a name"))
    };
    let kinds = map.iter();
    kinds
        .flat_map(|(kind, value)| names(value).map(move |name| (kind.as_str(), name)))
        .collect()
}

/// Everybody is an AWS principal, unless they are denied: then a web identity is one of them.
fn entry(case: &Case, deny: bool, kind: &str, name: &str) -> Reach {
    let root = format!("arn:aws:iam::{}:root", case.account());
    match (kind, case.kind()) {
        ("Federated", Kind::WebIdentity) if name == case.principal => Reach::Itself,
        ("AWS", Kind::WebIdentity) if name == "*" && deny => Reach::Itself,
        (_, Kind::WebIdentity) => Reach::Nobody,
        ("AWS", _) if name == "*" || name == case.principal => Reach::Itself,
        ("AWS", Kind::Root) if name == case.account() => Reach::Itself,
        ("AWS", _) if Some(name) == case.role().as_deref() => Reach::Role,
        ("AWS", _) if name == root || name == case.account() => Reach::Account,
        _ => Reach::Nobody,
    }
}
