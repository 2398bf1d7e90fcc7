//! The one list of operations, and what follows from it: their names, and who answers a request.

use super::{Context, Operation, Request, dispatch};
use super::{
    agreement, aliases, approvals, data_keys, encryption, evidence, grants, identities, import,
    key_stores, keys, mac, multi_region, policies, random, rotation, signing, sts, tags, usage,
    versions,
};
use crate::model::member::{Decode, Structure};
use crate::{Error, ErrorCode};
use serde_json::{Map, Value};
use std::pin::Pin;
use std::sync::Arc;

const fn members<O: Operation>() -> &'static [(&'static str, bool)] {
    <O::Input as Structure>::MEMBERS
}

fn parameters<O: Operation>(body: &[u8]) -> Result<Map<String, Value>, Error> {
    Ok(O::Input::decode(body)?.parameters())
}

/// Each operation's future by itself: the stack of a worker has no room for all of them side by side,
/// which is how a build without optimization lays them out.
#[inline(never)]
fn on_heap<F>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}

/// The one list of operations: how each is run, where it is, and under which prefix it is called.
macro_rules! operations {
    (
        use { $($use:ident: $use_path:path,)* }
        change { $($change:ident: $change_path:path,)* }
        strongroom use { $($own_use:ident: $own_use_path:path,)* }
        strongroom change { $($own_change:ident: $own_change_path:path,)* }
        sts use { $($sts_use:ident: $sts_use_path:path,)* }
    ) => {
        /// The name of an operation, as `X-Amz-Target` has it behind its prefix: `TrentService.`
        /// for AWS's, `Strongroom.` for the gateway's own; or as `Action` has it, for those of STS.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // AWS's own names, documented by AWS
        pub enum OperationName {
            $($use,)* $($change,)* $($own_use,)* $($own_change,)* $($sts_use,)*
        }

        impl OperationName {
            /// Every operation.
            pub const ALL: &'static [OperationName] = &[
                $(OperationName::$use,)* $(OperationName::$change,)*
                $(OperationName::$own_use,)* $(OperationName::$own_change,)*
                $(OperationName::$sts_use,)*
            ];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(OperationName::$use => stringify!($use),)*
                    $(OperationName::$change => stringify!($change),)*
                    $(OperationName::$own_use => stringify!($own_use),)*
                    $(OperationName::$own_change => stringify!($own_change),)*
                    $(OperationName::$sts_use => stringify!($sts_use),)*
                }
            }

            /// The one of this name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|operation| operation.as_str() == name)
            }

            /// The members of its request in snake_case, and whether they are required.
            pub const fn members(self) -> &'static [(&'static str, bool)] {
                match self {
                    $(OperationName::$use => members::<$use_path>(),)*
                    $(OperationName::$change => members::<$change_path>(),)*
                    $(OperationName::$own_use => members::<$own_use_path>(),)*
                    $(OperationName::$own_change => members::<$own_change_path>(),)*
                    $(OperationName::$sts_use => members::<$sts_use_path>(),)*
                }
            }

            /// What the audit record may show of a request body, decoded as the pipeline does it.
            ///
            /// # Errors
            /// `SerializationException`, `ValidationException`.
            pub fn parameters(self, body: &[u8]) -> Result<Map<String, Value>, Error> {
                match self {
                    $(OperationName::$use => parameters::<$use_path>(body),)*
                    $(OperationName::$change => parameters::<$change_path>(body),)*
                    $(OperationName::$own_use => parameters::<$own_use_path>(body),)*
                    $(OperationName::$own_change => parameters::<$own_change_path>(body),)*
                    $(OperationName::$sts_use => parameters::<$sts_use_path>(body),)*
                }
            }

            /// Whether AWS KMS has it; else it is the gateway's own, or of STS.
            pub const fn is_aws(self) -> bool {
                match self {
                    $(OperationName::$use => true,)*
                    $(OperationName::$change => true,)*
                    #[allow(unreachable_patterns)]
                    _ => false,
                }
            }

            /// Whether it changes something: all that approvals can be asked for.
            pub const fn is_change(self) -> bool {
                match self {
                    $(OperationName::$change => true,)*
                    $(OperationName::$own_change => true,)*
                    #[allow(unreachable_patterns)]
                    _ => false,
                }
            }

            /// Whether it is one of STS, which has a protocol of its own.
            pub const fn is_sts(self) -> bool {
                match self {
                    $(OperationName::$sts_use => true,)*
                    #[allow(unreachable_patterns)]
                    _ => false,
                }
            }

            /// The action that policies name it by: its service's prefix, and its name.
            ///
            /// What the gateway's own operations do to a key is KMS's too: the policies of keys speak
            /// of nothing else, and the default one of `kms:*`.
            #[allow(unreachable_patterns)] // the first six, behind the others' rule
            pub const fn action(self) -> &'static str {
                match self {
                    OperationName::CreateKeyVersion => "kms:CreateKeyVersion",
                    OperationName::DisableKeyVersion => "kms:DisableKeyVersion",
                    OperationName::EnableKeyVersion => "kms:EnableKeyVersion",
                    OperationName::GetKeyAttestation => "kms:GetKeyAttestation",
                    OperationName::ListKeyVersions => "kms:ListKeyVersions",
                    OperationName::SetPrimaryKeyVersion => "kms:SetPrimaryKeyVersion",
                    $(OperationName::$use => concat!("kms:", stringify!($use)),)*
                    $(OperationName::$change => concat!("kms:", stringify!($change)),)*
                    $(OperationName::$own_use => concat!("strongroom:", stringify!($own_use)),)*
                    $(OperationName::$own_change => concat!("strongroom:", stringify!($own_change)),)*
                    $(OperationName::$sts_use => concat!("sts:", stringify!($sts_use)),)*
                }
            }

            /// From the value of `X-Amz-Target`.
            ///
            /// # Errors
            /// `UnknownOperationException`.
            pub fn from_target(target: &str) -> Result<Self, Error> {
                match target.split_once('.') {
                    $(Some(("TrentService", stringify!($use))) => Ok(OperationName::$use),)*
                    $(Some(("TrentService", stringify!($change))) => Ok(OperationName::$change),)*
                    $(Some(("Strongroom", stringify!($own_use))) => Ok(OperationName::$own_use),)*
                    $(Some(("Strongroom", stringify!($own_change))) => Ok(OperationName::$own_change),)*
                    _ => Err(Error::new(
                        ErrorCode::UnknownOperation,
                        "X-Amz-Target names no operation of this gateway.",
                    )),
                }
            }
        }

        impl OperationName {
            /// From the value of `Action`.
            ///
            /// # Errors
            /// `UnknownOperationException`.
            pub fn from_action(action: &str) -> Result<Self, Error> {
                match action {
                    $(stringify!($sts_use) => Ok(OperationName::$sts_use),)*
                    _ => Err(Error::new(
                        ErrorCode::UnknownOperation,
                        "Action names no operation of this gateway's STS.",
                    )),
                }
            }
        }

        /// Answers a request: the JSON body, empty where AWS's is.
        ///
        /// # Errors
        /// What the caller is to be told.
        pub async fn answer(name: OperationName, request: Request, cx: &Arc<Context>) -> Result<Vec<u8>, Error> {
            let request = &Arc::new(request);
            match name {
                $(OperationName::$use => on_heap(|| dispatch::run_use::<$use_path>(request, cx)).await,)*
                $(OperationName::$own_use => on_heap(|| dispatch::run_use::<$own_use_path>(request, cx)).await,)*
                $(OperationName::$sts_use => on_heap(|| dispatch::run_use::<$sts_use_path>(request, cx)).await,)*
                $(OperationName::$change => on_heap(|| dispatch::run_change::<$change_path>(request, cx)).await,)*
                $(OperationName::$own_change => on_heap(|| dispatch::run_change::<$own_change_path>(request, cx)).await,)*
            }
        }
    };
}

operations! {
    use {
        Decapsulate: agreement::decapsulate::Decapsulate,
        Decrypt: encryption::decrypt::Decrypt,
        DeriveSharedSecret: agreement::derive_shared_secret::DeriveSharedSecret,
        DescribeCustomKeyStores:
            key_stores::describe_custom_key_stores::DescribeCustomKeyStores,
        DescribeKey: keys::describe_key::DescribeKey,
        Encapsulate: agreement::encapsulate::Encapsulate,
        Encrypt: encryption::encrypt::Encrypt,
        GenerateDataKey: data_keys::generate_data_key::GenerateDataKey,
        GenerateDataKeyPair: data_keys::generate_data_key_pair::GenerateDataKeyPair,
        GenerateDataKeyPairWithoutPlaintext:
            data_keys::generate_data_key_pair_without_plaintext::GenerateDataKeyPairWithoutPlaintext,
        GenerateDataKeyWithoutPlaintext:
            data_keys::generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext,
        GenerateMac: mac::generate_mac::GenerateMac,
        GenerateRandom: random::GenerateRandom,
        GetKeyLastUsage: usage::get_key_last_usage::GetKeyLastUsage,
        GetKeyPolicy: policies::get_key_policy::GetKeyPolicy,
        GetKeyRotationStatus: rotation::get_key_rotation_status::GetKeyRotationStatus,
        GetParametersForImport: import::get_parameters_for_import::GetParametersForImport,
        GetPublicKey: signing::get_public_key::GetPublicKey,
        ListAliases: aliases::list_aliases::ListAliases,
        ListGrants: grants::list_grants::ListGrants,
        ListKeyPolicies: policies::list_key_policies::ListKeyPolicies,
        ListKeyRotations: rotation::list_key_rotations::ListKeyRotations,
        ListKeys: keys::list_keys::ListKeys,
        ListResourceTags: tags::list_resource_tags::ListResourceTags,
        ListRetirableGrants: grants::list_retirable_grants::ListRetirableGrants,
        ReEncrypt: encryption::re_encrypt::ReEncrypt,
        Sign: signing::sign::Sign,
        Verify: signing::verify::Verify,
        VerifyMac: mac::verify_mac::VerifyMac,
    }
    change {
        CancelKeyDeletion: keys::cancel_key_deletion::CancelKeyDeletion,
        ConnectCustomKeyStore: key_stores::connect_custom_key_store::ConnectCustomKeyStore,
        CreateAlias: aliases::create_alias::CreateAlias,
        CreateGrant: grants::create_grant::CreateGrant,
        CreateCustomKeyStore: key_stores::create_custom_key_store::CreateCustomKeyStore,
        CreateKey: keys::create_key::CreateKey,
        DeleteAlias: aliases::delete_alias::DeleteAlias,
        DeleteCustomKeyStore: key_stores::delete_custom_key_store::DeleteCustomKeyStore,
        DeleteImportedKeyMaterial:
            import::delete_imported_key_material::DeleteImportedKeyMaterial,
        DisableKey: keys::disable_key::DisableKey,
        DisableKeyRotation: rotation::disable_key_rotation::DisableKeyRotation,
        DisconnectCustomKeyStore:
            key_stores::disconnect_custom_key_store::DisconnectCustomKeyStore,
        EnableKey: keys::enable_key::EnableKey,
        ImportKeyMaterial: import::import_key_material::ImportKeyMaterial,
        EnableKeyRotation: rotation::enable_key_rotation::EnableKeyRotation,
        PutKeyPolicy: policies::put_key_policy::PutKeyPolicy,
        ReplicateKey: multi_region::replicate_key::ReplicateKey,
        RetireGrant: grants::retire_grant::RetireGrant,
        RevokeGrant: grants::revoke_grant::RevokeGrant,
        RotateKeyOnDemand: rotation::rotate_key_on_demand::RotateKeyOnDemand,
        ScheduleKeyDeletion: keys::schedule_key_deletion::ScheduleKeyDeletion,
        TagResource: tags::tag_resource::TagResource,
        UntagResource: tags::untag_resource::UntagResource,
        UpdateAlias: aliases::update_alias::UpdateAlias,
        UpdateCustomKeyStore: key_stores::update_custom_key_store::UpdateCustomKeyStore,
        UpdateKeyDescription: keys::update_key_description::UpdateKeyDescription,
        UpdatePrimaryRegion: multi_region::update_primary_region::UpdatePrimaryRegion,
    }
    strongroom use {
        DescribeApprovalRequest: approvals::describe_approval_request::DescribeApprovalRequest,
        ListApprovalRequests: approvals::list_approval_requests::ListApprovalRequests,
        GetAccessKeyLastUsed: identities::access_keys::get_access_key_last_used::GetAccessKeyLastUsed,
        GetKeyAttestation: evidence::get_key_attestation::GetKeyAttestation,
        GetRole: identities::roles::get_role::GetRole,
        GetRolePolicy: identities::roles::get_role_policy::GetRolePolicy,
        GetUser: identities::users::get_user::GetUser,
        GetUserPolicy: identities::users::get_user_policy::GetUserPolicy,
        ListAccessKeys: identities::access_keys::list_access_keys::ListAccessKeys,
        ListAccounts: identities::accounts::list_accounts::ListAccounts,
        ListKeyVersions: versions::list_key_versions::ListKeyVersions,
        ListRolePolicies: identities::roles::list_role_policies::ListRolePolicies,
        ListRoles: identities::roles::list_roles::ListRoles,
        ListUserPolicies: identities::users::list_user_policies::ListUserPolicies,
        ListUsers: identities::users::list_users::ListUsers,
    }
    strongroom change {
        AdoptKey: keys::adopt_key::AdoptKey,
        ApproveRequest: approvals::approve_request::ApproveRequest,
        CreateAccessKey: identities::access_keys::create_access_key::CreateAccessKey,
        CreateAccount: identities::accounts::create_account::CreateAccount,
        CreateKeyVersion: versions::create_key_version::CreateKeyVersion,
        CreateRole: identities::roles::create_role::CreateRole,
        CreateUser: identities::users::create_user::CreateUser,
        DeleteAccessKey: identities::access_keys::delete_access_key::DeleteAccessKey,
        DeleteRole: identities::roles::delete_role::DeleteRole,
        DeleteRolePolicy: identities::roles::delete_role_policy::DeleteRolePolicy,
        DeleteUser: identities::users::delete_user::DeleteUser,
        DeleteUserPolicy: identities::users::delete_user_policy::DeleteUserPolicy,
        DenyRequest: approvals::deny_request::DenyRequest,
        DisableKeyVersion: versions::disable_key_version::DisableKeyVersion,
        EnableKeyVersion: versions::enable_key_version::EnableKeyVersion,
        PutRolePolicy: identities::roles::put_role_policy::PutRolePolicy,
        PutUserPolicy: identities::users::put_user_policy::PutUserPolicy,
        SetPrimaryKeyVersion: versions::set_primary_key_version::SetPrimaryKeyVersion,
        TagRole: identities::roles::tag_role::TagRole,
        TagUser: identities::users::tag_user::TagUser,
        UntagRole: identities::roles::untag_role::UntagRole,
        UntagUser: identities::users::untag_user::UntagUser,
        UpdateAccessKey: identities::access_keys::update_access_key::UpdateAccessKey,
        UpdateAssumeRolePolicy: identities::roles::update_assume_role_policy::UpdateAssumeRolePolicy,
    }
    sts use {
        AssumeRole: sts::assume_role::AssumeRole,
        AssumeRoleWithWebIdentity: sts::assume_role_with_web_identity::AssumeRoleWithWebIdentity,
        GetCallerIdentity: sts::get_caller_identity::GetCallerIdentity,
    }
}

impl std::fmt::Display for OperationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
