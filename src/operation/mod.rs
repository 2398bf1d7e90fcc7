//! The operations, and the one pipeline that every request passes.
//!
//! One file per operation, named as AWS names it: `Input`, output, `access`, and what it does.
//! [`Operation`] says what the pipeline needs to know; a [`Use`] reads or uses keys, a [`Change`]
//! changes metadata in a transaction that also holds its audit record.

pub mod access;
pub mod authorized;
pub mod credential;
mod dispatch;
pub mod quota;

pub mod agreement;
pub mod aliases;
pub mod data_keys;
pub mod encryption;
pub mod grants;
pub mod import;
pub mod key_stores;
pub mod keys;
pub mod leftover;
pub mod mac;
pub mod multi_region;
mod page;
pub mod policies;
pub mod random;
pub mod rotation;
pub mod signing;
pub mod tags;
mod tokens;
pub mod usage;
pub mod versions;

pub use access::Access;
pub use authorized::Authorized;
pub use tokens::Tokens;

use crate::audit::Audit;
use crate::authz::Principal;
use crate::clock::Clock;
use crate::model::Region;
use crate::model::member::{Decode, Structure};
use crate::store::{RowVersion, Store, Transaction};
use crate::{Error, ErrorCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a caller whose access key is unknown, disabled or gone is told.
pub fn unrecognized() -> Error {
    let message = "The security token included in the request is invalid.";
    Error::new(ErrorCode::UnrecognizedClient, message)
}

/// What the operations work with.
pub struct Context {
    /// The database.
    pub store: Store,
    /// The tokens.
    pub tokens: Tokens,
    /// The audit log.
    pub audit: Audit,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Rates.
    pub quota: quota::Quota,
    /// The Regions that the deployment answers for; `None` for any.
    pub regions: Option<Vec<Region>>,
    /// How long one execution may take.
    pub deadline: Duration,
    /// Identifies this process among the gateways of a deployment.
    pub gateway: Uuid,
    /// How long a neighbour keeps off a step on the token that this gateway has begun.
    pub lease: Duration,
}

impl Context {
    /// Whether the deployment answers for a Region.
    pub fn serves(&self, region: &Region) -> bool {
        self.regions
            .as_ref()
            .is_none_or(|regions| regions.contains(region))
    }
}

/// An authenticated request.
pub struct Request {
    /// The `x-amzn-RequestId` of the answer.
    pub request_id: Uuid,
    /// Who asks.
    pub principal: Principal,
    /// By which access key.
    pub access_key_id: String,
    /// The access key's row: a result computed for one that has been disabled is withheld.
    pub caller: RowVersion,
    /// From the credential scope.
    pub region: Region,
    /// The peer's address.
    pub source_ip: IpAddr,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The body; may hold plaintext.
    pub body: Zeroizing<Vec<u8>>,
}

/// What every operation says of itself.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its name.
    const NAME: OperationName;
    /// CloudTrail's `readOnly`.
    const READ_ONLY: bool = true;
    /// The request.
    type Input: Decode + Send + Sync + 'static;
    /// The answer; `()` where AWS answers with an empty body.
    type Output: serde::Serialize + Send;
    /// Which keys, by which names, in which states.
    ///
    /// # Errors
    /// What can be refused by looking at the input alone.
    fn access(input: &Self::Input) -> Result<Access<'_>, Error>;

    /// What the audit record of a change shows of the answer; all of it, unless said otherwise.
    ///
    /// # Errors
    /// `KMSInternalException`, should it not serialize.
    fn recorded(output: &Self::Output) -> Result<serde_json::Value, Error> {
        serde_json::to_value(output).map_err(Error::internal)
    }
}

/// An operation that reads metadata or uses keys. It may run more than once for one request.
pub trait Use: Operation {
    /// Does it.
    fn execute(
        input: &Self::Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// An operation that changes metadata.
pub trait Change: Operation {
    /// The change, on locked rows; runs again if the transaction must be retried.
    fn apply(
        input: &Self::Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// A change that begins on the token: every [`Change`] is one, with nothing to do there.
pub trait TokenChange: Operation {
    /// What was done on the token beforehand.
    type Prepared: Send + Sync + 'static;

    /// What must happen on the token before the transaction; recorded by an intent first.
    fn prepare(
        input: &Self::Input,
        call: &Authorized<Self>,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Prepared, Error>> + Send;

    /// As [`Change::apply`].
    fn apply(
        input: &Self::Input,
        prepared: &Self::Prepared,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

impl<O: Change> TokenChange for O {
    type Prepared = ();

    async fn prepare(_: &O::Input, _: &Authorized<O>, _: &Context) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(
        input: &O::Input,
        (): &(),
        call: &Authorized<O>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<O::Output, Error> {
        <O as Change>::apply(input, call, request, tx, cx).await
    }
}

const fn members<O: Operation>() -> &'static [(&'static str, bool)] {
    <O::Input as Structure>::MEMBERS
}

/// The one list of operations: how each is run, where it is, and under which prefix it is called.
macro_rules! operations {
    (
        use { $($use:ident: $use_path:path,)* }
        change { $($change:ident: $change_path:path,)* }
        strongroom use { $($own_use:ident: $own_use_path:path,)* }
        strongroom change { $($own_change:ident: $own_change_path:path,)* }
    ) => {
        /// The name of an operation, as `X-Amz-Target` has it behind its prefix: `TrentService.`
        /// for AWS's, `Strongroom.` for the gateway's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // AWS's own names, documented by AWS
        pub enum OperationName { $($use,)* $($change,)* $($own_use,)* $($own_change,)* }

        impl OperationName {
            /// Every operation.
            pub const ALL: &'static [OperationName] = &[
                $(OperationName::$use,)* $(OperationName::$change,)*
                $(OperationName::$own_use,)* $(OperationName::$own_change,)*
            ];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(OperationName::$use => stringify!($use),)*
                    $(OperationName::$change => stringify!($change),)*
                    $(OperationName::$own_use => stringify!($own_use),)*
                    $(OperationName::$own_change => stringify!($own_change),)*
                }
            }

            /// The members of its request in snake_case, and whether they are required.
            pub const fn members(self) -> &'static [(&'static str, bool)] {
                match self {
                    $(OperationName::$use => members::<$use_path>(),)*
                    $(OperationName::$change => members::<$change_path>(),)*
                    $(OperationName::$own_use => members::<$own_use_path>(),)*
                    $(OperationName::$own_change => members::<$own_change_path>(),)*
                }
            }

            /// Whether AWS KMS has it; else it is the gateway's own.
            pub const fn is_aws(self) -> bool {
                match self {
                    $(OperationName::$use => true,)*
                    $(OperationName::$change => true,)*
                    #[allow(unreachable_patterns)]
                    _ => false,
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

        /// Answers a request: the JSON body, empty where AWS's is.
        ///
        /// # Errors
        /// What the caller is to be told.
        pub async fn answer(name: OperationName, request: Request, cx: &Arc<Context>) -> Result<Vec<u8>, Error> {
            match name {
                $(OperationName::$use => dispatch::run_use::<$use_path>(&request, cx).await,)*
                $(OperationName::$own_use => dispatch::run_use::<$own_use_path>(&request, cx).await,)*
                $(OperationName::$change => {
                    dispatch::run_change::<$change_path>(&Arc::new(request), cx).await
                })*
                $(OperationName::$own_change => {
                    dispatch::run_change::<$own_change_path>(&Arc::new(request), cx).await
                })*
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
        ListKeyVersions: versions::list_key_versions::ListKeyVersions,
    }
    strongroom change {
        AdoptKey: keys::adopt_key::AdoptKey,
        CreateKeyVersion: versions::create_key_version::CreateKeyVersion,
        DisableKeyVersion: versions::disable_key_version::DisableKeyVersion,
        EnableKeyVersion: versions::enable_key_version::EnableKeyVersion,
        SetPrimaryKeyVersion: versions::set_primary_key_version::SetPrimaryKeyVersion,
    }
}

impl std::fmt::Display for OperationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
