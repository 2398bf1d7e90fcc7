//! The policies of users and roles: each has its own, by their names.
//!
//! Quotas: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use super::entity::Entity;
use super::{limit, no_such_entity};
use crate::authz::{self, PolicyKind};
use crate::model::shapes::{InlinePolicyName, Limit, Marker, Policy};
use crate::operation::page::Page;
use crate::operation::{Authorized, Operation};
use crate::store::Transaction;
use crate::{Error, ErrorCode};

/// The most characters of a user's policies together, white space not counted.
const USER_SIZE: usize = 2048;
/// The same of a role's.
const ROLE_SIZE: usize = 10_240;
/// The same of a trust policy.
const TRUST_SIZE: usize = 2048;
/// The most characters of one identity's policies together, white space and all.
const MOST: usize = 64 * 1024;

/// The characters that count.
fn size(document: &str) -> usize {
    let counts = |c: &char| !c.is_whitespace();
    document.chars().filter(counts).count()
}

/// A trust policy.
///
/// # Errors
/// `LimitExceededException`, `MalformedPolicyDocumentException`.
pub(super) fn check_trust(document: &Policy) -> Result<(), Error> {
    check(document, PolicyKind::Trust)?;
    if size(document) > TRUST_SIZE || document.len() > MOST {
        return Err(limit(format!(
            "Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE}"
        )));
    }
    Ok(())
}

/// A policy of a user's or a role's own.
///
/// # Errors
/// `MalformedPolicyDocumentException`.
pub(super) fn check_document(document: &Policy) -> Result<(), Error> {
    check(document, PolicyKind::Identity)
}

fn check(document: &str, kind: PolicyKind) -> Result<(), Error> {
    match authz::Policy::parse(document, kind) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = error.to_string();
            Err(Error::new(ErrorCode::MalformedPolicyDocument, message))
        }
    }
}

/// Puts a policy there, in the place of the one of its name.
///
/// # Errors
/// `NoSuchEntityException`, `LimitExceededException`; those of the database.
pub(super) async fn put<O: Operation>(
    entity: Entity<'_>,
    (name, document): (&InlinePolicyName, &Policy),
    call: &Authorized<O>,
    tx: &Transaction<'_>,
) -> Result<(), Error> {
    let mut identity = entity.of(call)?.clone();
    let policies = &mut identity.policies;
    policies.insert(name.to_string(), document.to_string());
    let most = match entity {
        Entity::User(_) => USER_SIZE,
        Entity::Role(_) => ROLE_SIZE,
    };
    let sizes: usize = policies.values().map(|document| size(document)).sum();
    let lengths: usize = policies.values().map(|document| document.len()).sum();
    if sizes > most || lengths > MOST {
        let (noun, name) = (entity.noun(), identity.name.as_deref().unwrap_or_default());
        return Err(limit(format!(
            "Maximum policy size of {most} bytes exceeded for {noun} {name}"
        )));
    }
    tx.update_identity(&identity).await
}

/// A policy.
///
/// # Errors
/// `NoSuchEntityException`.
pub(super) fn get<O: Operation>(
    entity: Entity<'_>,
    name: &InlinePolicyName,
    call: &Authorized<O>,
) -> Result<String, Error> {
    let identity = entity.of(call)?;
    match identity.policies.get(&**name) {
        Some(document) => Ok(document.clone()),
        None => Err(missing(entity, name)),
    }
}

/// A page of the policies' names.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct PolicyNames {
    pub policy_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// The names of the policies.
///
/// # Errors
/// As [`get`]; `InvalidMarkerException`.
pub(super) fn list<O: Operation>(
    entity: Entity<'_>,
    (limit, marker): (Option<Limit>, Option<&Marker>),
    call: &Authorized<O>,
) -> Result<PolicyNames, Error> {
    let page = Page::new(limit, marker, super::DEFAULT_LIMIT)?;
    let identity = entity.of(call)?;
    let after = |name: &&String| page.after.as_ref().is_none_or(|after| after < *name);
    let names = identity.policies.keys().filter(after).cloned();
    let mut policy_names: Vec<String> = names.collect();
    let next_marker = page.cut(&mut policy_names, |name| name);
    Ok(PolicyNames {
        policy_names,
        truncated: next_marker.is_some(),
        next_marker,
    })
}

/// Takes a policy away.
///
/// # Errors
/// `NoSuchEntityException`; those of the database.
pub(super) async fn delete<O: Operation>(
    entity: Entity<'_>,
    name: &InlinePolicyName,
    call: &Authorized<O>,
    tx: &Transaction<'_>,
) -> Result<(), Error> {
    let mut identity = entity.of(call)?.clone();
    if identity.policies.remove(&**name).is_none() {
        return Err(missing(entity, name));
    }
    tx.update_identity(&identity).await
}

fn missing(entity: Entity<'_>, name: &InlinePolicyName) -> Error {
    let noun = entity.noun();
    no_such_entity(format!(
        "The {noun} policy with name {} cannot be found.",
        &**name
    ))
}
