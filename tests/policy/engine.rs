//! The evaluator that is used, asked a case.

use crate::case::{Case, Kind};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use strongroom::authz::{
    self, ConditionKey, Decision, Facts, Permit, Policies, Policy, PolicyKind, Principal,
    PrincipalKind, Question, Reason, Values,
};
use strongroom::model::shapes::GrantOperation;
use strongroom::model::{AccountId, Constraints, EncryptionContext, GrantOperationSet};

/// The request context, by names in lower case.
struct Context(BTreeMap<String, Value>);

impl Facts for Context {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let value = match &key.part {
            None => self.0.get(&key.name),
            Some(part) => [":", "/"].iter().find_map(|between| {
                let whole = format!("{}{between}{}", key.name, part.to_lowercase());
                self.0.get(&whole)
            }),
        };
        Some(match value? {
            Value::Array(several) => Values::Many(several.iter().map(text).collect()),
            one => Values::One(text(one)),
        })
    }
}

fn text(value: &Value) -> Cow<'_, str> {
    Cow::Borrowed(value.as_str().expect("a string"))
}

/// `Allow`, or the name of the reason not to.
///
/// # Errors
/// Of a policy of the case that does not parse.
pub fn decide(case: &Case) -> Result<&'static str, String> {
    let parse = |document: &Value, kind| {
        let policy = Policy::parse(&document.to_string(), kind);
        policy.map_err(|error| format!("{error}: {document}"))
    };
    let identity = case.identity.iter();
    let identity = identity.map(|policy| Ok(Arc::new(parse(policy, PolicyKind::Identity)?)));
    let identity: Vec<Arc<Policy>> = identity.collect::<Result<_, String>>()?;
    let session = case.session.as_ref();
    let session = session
        .map(|policy| parse(policy, PolicyKind::Session))
        .transpose()?;
    let resource = match (&case.key, &case.trust) {
        (Some(policy), _) => Some(parse(policy, PolicyKind::Key)?),
        (None, Some(policy)) => Some(parse(policy, PolicyKind::Trust)?),
        (None, None) => None,
    };
    let constraints: Vec<_> = case.grants.iter().map(constraints).collect();
    let grants: Vec<_> = (case.grants.iter().zip(&constraints))
        .map(|(grant, constraints)| Permit {
            grantee: &grant.grantee,
            operations: operations(&grant.operations),
            constraints: constraints.as_ref(),
        })
        .collect();
    let decision = authz::decide(
        &Question {
            principal: &principal(case),
            action: &case.action,
            resource: &case.resource,
            owner: &AccountId::parse(&case.owner).expect("an account"),
            facts: &Context(case.facts()),
        },
        &Policies {
            identity: &identity,
            session: session.as_ref(),
            resource: resource.as_ref(),
        },
        &grants,
    );
    Ok(match decision {
        Decision::Allow(_) => "Allow",
        Decision::Deny(Reason::ExplicitIdentity) => "ExplicitIdentity",
        Decision::Deny(Reason::ExplicitResource) => "ExplicitResource",
        Decision::Deny(Reason::ExplicitSession) => "ExplicitSession",
        Decision::Deny(Reason::NoIdentity) => "NoIdentity",
        Decision::Deny(Reason::NoResource) => "NoResource",
        Decision::Deny(Reason::NoSession) => "NoSession",
    })
}

fn principal(case: &Case) -> Principal {
    Principal {
        arn: case.principal.clone(),
        account: AccountId::parse(case.account()).expect("an account"),
        kind: match case.kind() {
            Kind::Root => PrincipalKind::Root,
            Kind::User => PrincipalKind::User,
            Kind::Session => PrincipalKind::AssumedRole {
                role: case.role().expect("a role"),
            },
            Kind::WebIdentity => PrincipalKind::WebIdentity {
                provider: case.principal.clone(),
            },
        },
        user_id: case.user_id(),
    }
}

fn operations(names: &[String]) -> GrantOperationSet {
    let operation = |name: &String| name.parse::<GrantOperation>().expect("an operation");
    names.iter().map(operation).collect()
}

fn constraints(grant: &crate::case::Grant) -> Option<Constraints> {
    let constraints = Constraints {
        encryption_context_subset: grant.subset.clone().map(EncryptionContext),
        encryption_context_equals: grant.equals.clone().map(EncryptionContext),
        source_arn: grant.source_arn.clone(),
    };
    (constraints != Constraints::default()).then_some(constraints)
}
