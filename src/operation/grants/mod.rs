//! Grants: who else may use a key, and for what. They are made, listed and removed here.

pub mod create_grant;
pub mod list_grants;
pub mod list_retirable_grants;
pub mod retire_grant;
pub mod revoke_grant;

use super::page::Page;
use super::{Authorized, Operation};
use crate::model::arn::{key_arn, principal_account, root_arn};
use crate::model::shapes::Timestamp;
use crate::model::{Constraints, GrantOperationSet};
use crate::store::{Grant, Transaction};
use crate::{Error, ErrorCode};

/// AWS's page length of lists of grants where the caller names none.
const DEFAULT_LIMIT: i64 = 50;

/// The answer of ListGrants and ListRetirableGrants.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GrantList {
    pub grants: Vec<GrantListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl GrantList {
    /// Of one grant more than the page has, where more follow.
    fn new(mut grants: Vec<Grant>, page: &Page) -> Self {
        let next_marker = page.cut(&mut grants, |grant| &grant.grant_id);
        Self {
            grants: grants.into_iter().map(GrantListEntry::from).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        }
    }
}

/// One grant.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GrantListEntry {
    pub key_id: String,
    pub grant_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub creation_date: Timestamp,
    #[serde(flatten)]
    pub grantee: Grantee,
    #[serde(flatten)]
    pub retiring: Option<Retiring>,
    pub issuing_account: String,
    pub operations: GrantOperationSet,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Constraints>,
}

/// Who gets the permissions.
#[derive(serde::Serialize)]
#[allow(missing_docs)]
pub enum Grantee {
    GranteePrincipal(String),
    GranteeServicePrincipal(String),
}

/// Who may retire the grant.
#[derive(serde::Serialize)]
#[allow(missing_docs)]
pub enum Retiring {
    RetiringPrincipal(String),
    RetiringServicePrincipal(String),
}

impl From<Grant> for GrantListEntry {
    fn from(grant: Grant) -> Self {
        // The name of a service has no colon.
        let is_arn = |text: &str| text.contains(':');
        Self {
            key_id: key_arn(&grant.account, &grant.region, &grant.key_id),
            grant_id: grant.grant_id,
            name: grant.name,
            creation_date: Timestamp(grant.created),
            grantee: match is_arn(&grant.grantee) {
                true => Grantee::GranteePrincipal(grant.grantee),
                false => Grantee::GranteeServicePrincipal(grant.grantee),
            },
            retiring: grant.retiring.map(|retiring| match is_arn(&retiring) {
                true => Retiring::RetiringPrincipal(retiring),
                false => Retiring::RetiringServicePrincipal(retiring),
            }),
            issuing_account: root_arn(&grant.issuer),
            operations: grant.operations,
            constraints: grant.constraints,
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}

/// A grant id is 64 hexadecimal digits.
///
/// # Errors
/// `InvalidGrantIdException`.
pub(super) fn check_id(grant_id: &str) -> Result<(), Error> {
    let digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if grant_id.len() == 64 && grant_id.bytes().all(digit) {
        return Ok(());
    }
    let message = format!("GrantId '{grant_id}' is not valid.");
    Err(Error::new(ErrorCode::InvalidGrantId, message))
}

/// A principal must be named by its ARN.
///
/// # Errors
/// `InvalidArnException`.
fn check_principal(arn: &str) -> Result<(), Error> {
    match principal_account(arn) {
        Some(_) => Ok(()),
        None => Err(Error::new(
            ErrorCode::InvalidArn,
            format!("'{arn}' is not the ARN of an account, a user or a role."),
        )),
    }
}

/// Filters for services are for services, and none of them calls a gateway.
///
/// # Errors
/// `ValidationException`.
fn refuse_service_filter<T>(filter: Option<&T>, name: &str) -> Result<(), Error> {
    match filter {
        None => Ok(()),
        Some(_) => Err(invalid(format!(
            "{name} can only be used by callers in a service principal."
        ))),
    }
}

/// Removes the grant by which the call's key was named.
async fn remove<O: Operation>(call: &Authorized<O>, tx: &Transaction<'_>) -> Result<(), Error> {
    let grant = call
        .grant(0)
        .ok_or_else(|| Error::internal("a grant without its row"))?;
    tx.delete_grant(grant).await
}
