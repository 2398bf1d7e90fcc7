//! KeyState, and which operations each state allows.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>.

use super::wire_enum;
use crate::{Error, ErrorCode};

wire_enum! {
    /// `KeyState`.
    KeyState {
        Creating = "Creating",
        Enabled = "Enabled",
        Disabled = "Disabled",
        PendingDeletion = "PendingDeletion",
        PendingImport = "PendingImport",
        PendingReplicaDeletion = "PendingReplicaDeletion",
        Unavailable = "Unavailable",
        Updating = "Updating",
    }
}

wire_enum! {
    /// What may be done with one version of a key.
    VersionState {
        Enabled = "Enabled",
        Disabled = "Disabled",
        PendingImport = "PendingImport",
    }
}

/// The states in which an operation may use a key: a row of AWS's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateRule {
    /// Any state: DescribeKey, aliases' targets being read, lists.
    Any,
    /// Cryptographic operations: `Enabled` only. `Disabled` is `DisabledException`.
    Usable,
    /// Management of a key that is not on its way out: `Enabled` or `Disabled`, whether or not its
    /// custom key store is connected.
    Manageable,
    /// Whatever is not already pending deletion: ScheduleKeyDeletion, UpdateKeyDescription.
    NotPendingDeletion,
    /// CancelKeyDeletion: only what is pending deletion.
    PendingDeletion,
}

impl StateRule {
    /// Whether a key in `state`, named by `key_arn`, may be used.
    ///
    /// # Errors
    /// `DisabledException` or `KMSInvalidStateException`, worded as AWS words them.
    pub fn check(self, state: KeyState, key_arn: &str) -> Result<(), Error> {
        use KeyState as S;
        let allowed = match self {
            StateRule::Any => true,
            StateRule::Usable => state == S::Enabled,
            StateRule::Manageable => {
                matches!(state, S::Enabled | S::Disabled | S::Unavailable)
            }
            StateRule::NotPendingDeletion => {
                !matches!(state, S::PendingDeletion | S::PendingReplicaDeletion)
            }
            StateRule::PendingDeletion => {
                matches!(state, S::PendingDeletion | S::PendingReplicaDeletion)
            }
        };
        if allowed {
            return Ok(());
        }
        Err(match (self, state) {
            (StateRule::Usable, S::Disabled) => {
                Error::new(ErrorCode::Disabled, format!("{key_arn} is disabled."))
            }
            (_, S::PendingDeletion | S::PendingReplicaDeletion) => Error::new(
                ErrorCode::KmsInvalidState,
                format!("{key_arn} is pending deletion."),
            ),
            (_, S::PendingImport) => Error::new(
                ErrorCode::KmsInvalidState,
                format!("{key_arn} is pending import."),
            ),
            (_, S::Unavailable) => Error::new(
                ErrorCode::KmsInvalidState,
                format!("{key_arn} is unavailable."),
            ),
            (StateRule::PendingDeletion, _) => Error::new(
                ErrorCode::KmsInvalidState,
                format!("{key_arn} is not pending deletion."),
            ),
            (_, other) => Error::new(
                ErrorCode::KmsInvalidState,
                format!("{key_arn} is in state {other}, which is not valid for this request."),
            ),
        })
    }
}
