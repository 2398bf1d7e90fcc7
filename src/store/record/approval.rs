//! Calls that wait for approvals.

use crate::model::{AccountId, Region};
use time::OffsetDateTime;
use uuid::Uuid;

/// A call that waits for approvals, or has waited.
#[derive(Debug, Clone)]
pub struct ApprovalRequest {
    /// Identifies the row for ever; the `ApprovalId`.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// The account of whoever asked.
    pub account: AccountId,
    /// The Region that was called.
    pub region: Region,
    /// The operation's name.
    pub operation: String,
    /// The ARN of the principal that asked.
    pub requester: String,
    /// The ARN of its identity: of a session, the role's.
    pub identity: String,
    /// The ARNs of all who asked: that, and of a session, of whoever assumed the role.
    pub hands: Vec<String>,
    /// What [`Store::call`](crate::store::Store::call) made of the call.
    pub call: Vec<u8>,
    /// The text of a JSON object: the parameters that the audit record shows.
    pub parameters: String,
    /// The ARNs of the keys that the call comes to.
    pub resources: Vec<String>,
    /// How many approvals the rule asked for.
    pub needed: i32,
    /// The ARNs of those whom the rule named.
    pub approvers: Vec<String>,
    /// When it was made, by the database's clock.
    pub created: OffsetDateTime,
    /// Until when it is good, by the database's clock.
    pub expires: OffsetDateTime,
    /// What has become of it.
    pub state: ApprovalState,
    /// The ARN of the principal that denied it.
    pub denied_by: Option<String>,
    /// Whether it was past its time when it was read; no column.
    pub expired: bool,
    /// Those given so far; rows of their own.
    pub approvals: Vec<Approval>,
}

/// What has become of an approval request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// It waits.
    Pending,
    /// An approver, or the requester, wants none of it.
    Denied,
    /// The call was executed.
    Executed,
    /// Another request for the same call stands in its place.
    Expired,
}

/// One approval.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The row of the identity that gave it.
    pub identity_row: Uuid,
    /// The identity's ARN: of a session, the role's.
    pub approver: String,
    /// The ARNs of all who gave it: that, and of a session, of whoever assumed the role.
    pub hands: Vec<String>,
    /// The principal's ARN.
    pub principal: String,
    /// The access key that signed it, where one did.
    pub access_key: Option<String>,
    /// When, by the database's clock.
    pub created: OffsetDateTime,
}
