//! Identities and what they prove themselves by.

use crate::model::{AccountId, Region};
use std::borrow::Cow;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// An account's root, a user or a role: what has policies, and access keys or sessions.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// `arn:aws:iam::ACCOUNT:root`, `…:user/PATH/NAME`, `…:role/PATH/NAME`.
    pub arn: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// Which of the three it is.
    pub kind: IdentityKind,
    /// Its name without its path; `None` for a root.
    pub name: Option<String>,
    /// `AIDA…` or `AROA…`, never given to another; `None` for a root.
    pub unique_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its policies: documents by their names.
    pub policies: BTreeMap<String, String>,
    /// Of a role: the trust policy, which says who may assume it.
    pub trust: Option<String>,
    /// Of a role: the longest session, in seconds.
    pub max_session_seconds: Option<i32>,
    /// Of a root: whether its account administers the deployment.
    pub management: bool,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
}

/// The kinds of identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IdentityKind {
    Root,
    User,
    Role,
}

/// An access key; its secret is wrapped under a key on the token.
#[derive(Clone)]
pub struct AccessKey {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// `AKIA…`.
    pub id: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// The principal's ARN.
    pub principal: String,
    /// IV, ciphertext, tag; AAD binds account, principal and id.
    pub wrapped_secret: Vec<u8>,
    /// Whether it may sign requests.
    pub enabled: bool,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the secret, even wrapped.
        f.debug_struct("AccessKey")
            .field("row", &self.row)
            .field("row_version", &self.row_version)
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A use of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyUse {
    /// When.
    pub at: OffsetDateTime,
    /// The service that it was used with: the prefix of the action.
    pub service: Cow<'static, str>,
    /// The Region that the request named.
    pub region: Region,
}
