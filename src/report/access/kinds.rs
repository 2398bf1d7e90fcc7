//! Kinds of access, and the actions that each is made of.

use crate::model::shapes::GrantOperation;
use crate::model::{KeySpec, KeyUsage};
use crate::operation::OperationName;
use serde::Serialize;

/// What somebody may do to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)]
pub enum Kind {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
    Mac,
    Agree,
    Grant,
    Policy,
    Manage,
    Destroy,
    Read,
}

/// Each kind, its name, and its actions: any of them is enough.
pub const KINDS: &[(Kind, &str, &[&str])] = &[
    (
        Kind::Encrypt,
        "encrypt",
        &[
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyPair",
            "kms:GenerateDataKeyPairWithoutPlaintext",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptTo",
        ],
    ),
    (
        Kind::Decrypt,
        "decrypt",
        &["kms:Decrypt", "kms:ReEncryptFrom"],
    ),
    (Kind::Sign, "sign", &["kms:Sign"]),
    (Kind::Verify, "verify", &["kms:Verify"]),
    (Kind::Mac, "MAC", &["kms:GenerateMac", "kms:VerifyMac"]),
    (
        Kind::Agree,
        "agree",
        &[
            "kms:DeriveSharedSecret",
            "kms:Encapsulate",
            "kms:Decapsulate",
        ],
    ),
    (Kind::Grant, "grant", &["kms:CreateGrant"]),
    (Kind::Policy, "policy", &["kms:PutKeyPolicy"]),
    (
        Kind::Manage,
        "manage",
        &[
            "kms:CancelKeyDeletion",
            "kms:CreateAlias",
            "kms:CreateKeyVersion",
            "kms:DeleteAlias",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:DisableKeyVersion",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:EnableKeyVersion",
            "kms:ImportKeyMaterial",
            "kms:ReplicateKey",
            "kms:RevokeGrant",
            "kms:RotateKeyOnDemand",
            "kms:SetPrimaryKeyVersion",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateAlias",
            "kms:UpdateKeyDescription",
            "kms:UpdatePrimaryRegion",
        ],
    ),
    (
        Kind::Destroy,
        "destroy",
        &["kms:DeleteImportedKeyMaterial", "kms:ScheduleKeyDeletion"],
    ),
    (
        Kind::Read,
        "read",
        &[
            "kms:DescribeKey",
            "kms:GetKeyAttestation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:GetPublicKey",
            "kms:ListGrants",
            "kms:ListResourceTags",
        ],
    ),
];

/// Whether an action can be done to a key of this spec and usage at all, by a principal of its account
/// or of another.
pub(super) fn can_be(action: &str, spec: KeySpec, usage: KeyUsage, own: bool) -> bool {
    let name = action.strip_prefix("kms:").unwrap_or(action);
    let granted = name.parse::<GrantOperation>().ok();
    let crosses = OperationName::parse(name).is_none_or(OperationName::across_accounts);
    (own || crosses) && granted.is_none_or(|operation| operation.suits(spec, usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_one_of_an_operation() {
        for action in KINDS.iter().flat_map(|(_, _, actions)| *actions) {
            let name = action.strip_prefix("kms:").unwrap();
            let operation = OperationName::parse(name).map(OperationName::action);
            let halves = ["ReEncryptTo", "ReEncryptFrom"].contains(&name);
            assert!(halves || operation == Some(action), "{action}");
        }
    }

    #[test]
    fn every_change_of_a_key_is_of_a_kind() {
        // What comes to no key, or to a grant that says itself who may.
        let others = [
            "ConnectCustomKeyStore",
            "CreateCustomKeyStore",
            "CreateKey",
            "DeleteCustomKeyStore",
            "DisconnectCustomKeyStore",
            "RetireGrant",
            "UpdateCustomKeyStore",
        ];
        let kms = OperationName::ALL
            .iter()
            .filter(|operation| operation.is_change() && operation.action().starts_with("kms:"));
        for operation in kms {
            let mut actions = KINDS.iter().flat_map(|(_, _, actions)| *actions);
            let known = actions.any(|action| *action == operation.action());
            assert!(
                known || others.contains(&operation.as_str()),
                "{operation} is of no kind"
            );
        }
    }

    #[test]
    fn a_key_is_asked_for_what_it_can_do() {
        let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
        assert!(can_be("kms:Encrypt", spec, usage, false));
        assert!(!can_be("kms:Sign", spec, usage, true));
        assert!(can_be("kms:PutKeyPolicy", spec, usage, true));
        assert!(!can_be("kms:PutKeyPolicy", spec, usage, false));
        assert!(can_be("kms:ReEncryptFrom", spec, usage, false));
    }
}
