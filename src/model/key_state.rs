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

/// A row of AWS's table: the states in which an operation may use a key. Each operation names its
/// own in its `access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateRule {
    /// Whatever is read, or does not touch the key itself: DescribeKey, policies, lists,
    /// RetireGrant, DeleteAlias.
    Any,
    /// Cryptographic operations, and those on what a key is made of: EnableKeyRotation,
    /// RotateKeyOnDemand, ReplicateKey.
    Usable,
    /// CreateGrant: as `Usable`, and also where the key store is disconnected.
    Grantable,
    /// EnableKey, DisableKey.
    Manageable,
    /// GetParametersForImport, ImportKeyMaterial.
    Importable,
    /// DeleteImportedKeyMaterial: also of a key that is pending deletion.
    Deletable,
    /// Whatever is not on its way out: ScheduleKeyDeletion, UpdateKeyDescription, TagResource, the
    /// target of CreateAlias and UpdateAlias.
    NotPendingDeletion,
    /// CancelKeyDeletion: only what is pending deletion.
    PendingDeletion,
}

impl StateRule {
    /// The states that allow it.
    pub const fn states(self) -> &'static [KeyState] {
        use KeyState::{
            Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion,
            Unavailable, Updating,
        };
        match self {
            StateRule::Any => KeyState::ALL,
            StateRule::Usable => &[Enabled, Updating],
            StateRule::Grantable => &[Enabled, Updating, Unavailable],
            StateRule::Manageable => &[Enabled, Disabled, Unavailable],
            StateRule::Importable => &[Enabled, Disabled, PendingImport],
            StateRule::Deletable => &[
                Enabled,
                Disabled,
                PendingImport,
                PendingDeletion,
                PendingReplicaDeletion,
            ],
            StateRule::NotPendingDeletion => &[
                Enabled,
                Disabled,
                PendingImport,
                Unavailable,
                Creating,
                Updating,
            ],
            StateRule::PendingDeletion => &[PendingDeletion, PendingReplicaDeletion],
        }
    }

    /// Whether a key in `state`, named by `key_arn`, may be used.
    ///
    /// # Errors
    /// `DisabledException` or `KMSInvalidStateException`, worded as AWS words them.
    pub fn check(self, state: KeyState, key_arn: &str) -> Result<(), Error> {
        if self.states().contains(&state) {
            return Ok(());
        }
        let code = match state {
            KeyState::Disabled if self != StateRule::PendingDeletion => ErrorCode::Disabled,
            _ => ErrorCode::KmsInvalidState,
        };
        let what = match state {
            _ if self == StateRule::PendingDeletion => "is not pending deletion",
            KeyState::Enabled => "is enabled",
            KeyState::Disabled => "is disabled",
            KeyState::PendingDeletion => "is pending deletion",
            KeyState::PendingReplicaDeletion => "is pending replica deletion",
            KeyState::PendingImport => "is pending import",
            KeyState::Unavailable => "is unavailable",
            KeyState::Creating => "is creating",
            KeyState::Updating => "is updating",
        };
        Err(Error::new(code, format!("{key_arn} {what}.")))
    }
}
