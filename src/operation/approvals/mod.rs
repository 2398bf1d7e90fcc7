//! Dual control: calls that a rule of the configuration holds back until enough of the approvers
//! whom it names have approved them. The gateway's own, see `docs/dual-control.md`.

pub mod approve_request;
pub mod deny_request;
pub mod describe_approval_request;
pub mod list_approval_requests;

mod approvers;
mod description;
mod gate;
mod rules;

pub(super) use gate::{Asked, ask, consume, guard, is_approved};
pub use rules::{Rule, Rules};

use super::Context;
use super::authorized::Source;
use crate::model::shapes::ApprovalId;
use crate::store::{ApprovalRequest, Identity, Transaction};
use crate::{Error, ErrorCode};
use std::sync::Arc;
use uuid::Uuid;

/// The row that an id names; one that is no UUID names none.
fn row_of(id: &ApprovalId) -> Uuid {
    Uuid::parse_str(id).unwrap_or_default()
}

/// What is said of a request that is not there, and of one that is none of the caller's business.
fn not_found(id: &ApprovalId) -> Error {
    let message = format!("Approval request '{}' does not exist", &**id);
    Error::new(ErrorCode::NotFound, message)
}

/// The request that an id names, locked, if the caller may see it.
///
/// # Errors
/// `NotFoundException`; those of the database.
async fn lock(
    id: &ApprovalId,
    identity: &Identity,
    tx: &Transaction<'_>,
    cx: &Context,
) -> Result<ApprovalRequest, Error> {
    let found = tx.lock_approval_request(row_of(id)).await?;
    let found = found.ok_or_else(|| not_found(id))?;
    match approvers::may_see(identity, &found, Source::Locked(tx), cx).await? {
        true => Ok(found),
        false => Err(not_found(id)),
    }
}

/// The caller's identity: whoever has none here, decides on nothing and asks for nothing.
fn own(identity: Option<&Arc<Identity>>) -> Result<&Identity, Error> {
    identity.map(|identity| &**identity).ok_or_else(|| {
        let message = "Approvals are between identities of this deployment.";
        Error::new(ErrorCode::AccessDenied, message)
    })
}

/// Whether two may be one person: by whatever access key, in whatever session of whatever role.
fn share_a_hand(some: &[String], others: &[String]) -> bool {
    some.iter().any(|hand| others.contains(hand))
}

/// What has been decided is not decided again.
fn check_open(request: &ApprovalRequest) -> Result<(), Error> {
    use crate::store::ApprovalState::{Denied, Executed, Expired, Pending};
    let what = match request.state {
        Pending | Denied if request.expired => "has expired",
        Expired => "has expired",
        Executed => "was approved and executed already",
        Denied => "was denied",
        Pending => return Ok(()),
    };
    let message = format!("Approval request {} {what}.", request.row);
    Err(Error::new(ErrorCode::KmsInvalidState, message))
}
