//! CreateKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>.
//!
//! The token makes the key before the transaction that makes its rows; an intent, committed
//! first, lets the worker remove what a crash between the two leaves behind.

use super::KeyMetadata;
use crate::model::arn::key_arn;
use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::{
    CustomKeyStoreId, CustomerMasterKeySpec, Description, Flag, Policy, Tags, XksKeyId,
};
use crate::model::{BareKeyId, KeySpec, KeyState, KeyUsage, Origin};
use crate::operation::made::{self, Made};
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::operation::{policies, tags};
use crate::store::{Key, KeyProfile, KeyVersion, Transaction};
use crate::{Error, ErrorCode};
use uuid::Uuid;

/// See the module.
pub struct CreateKey;

input! {
    required {}
    optional {
        policy: Policy,
        description: Description,
        key_usage: KeyUsage,
        customer_master_key_spec: CustomerMasterKeySpec,
        key_spec: KeySpec,
        origin: Origin,
        custom_key_store_id: CustomKeyStoreId,
        bypass_policy_lockout_safety_check: Flag,
        tags: Tags,
        multi_region: Flag,
        xks_key_id: XksKeyId,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_metadata: KeyMetadata,
}

/// The key's id, and what the token has made for it; `None` where the material is yet to be imported.
#[allow(missing_docs)]
pub struct Prepared {
    pub key_id: BareKeyId,
    pub made: Option<Made>,
}

fn spec_and_usage(input: &Input) -> Result<(KeySpec, KeyUsage), Error> {
    let invalid = |message: String| Err(Error::new(ErrorCode::Validation, message));
    let spec = match (
        input.key_spec,
        input.customer_master_key_spec.map(KeySpec::from),
    ) {
        (Some(a), Some(b)) if a != b => {
            return invalid(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request.".into(),
            );
        }
        (a, b) => a.or(b).unwrap_or(KeySpec::SymmetricDefault),
    };
    let usage = match input.key_usage {
        Some(usage) => usage,
        // AWS lets it be left out where it says what it is.
        None if spec == KeySpec::SymmetricDefault => KeyUsage::EncryptDecrypt,
        None => {
            let message = format!(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys: {spec}."
            );
            return invalid(message);
        }
    };
    if !spec.usages().contains(&usage) {
        return invalid(format!(
            "KeyUsage {usage} is not compatible with KeySpec {spec}"
        ));
    }
    Ok((spec, usage))
}

fn is_multi_region(input: &Input) -> bool {
    input.multi_region.is_some_and(|flag| flag.0)
}

fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::UnsupportedOperation, message)
}

impl Operation for CreateKey {
    const NAME: OperationName = OperationName::CreateKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let (spec, _) = spec_and_usage(input)?;
        tags::by_key(input.tags.as_ref())?;
        policies::check(input.policy.as_ref())?;
        check_store(input)?;
        if spec == KeySpec::Sm2 {
            let message = "KeySpec SM2 is not supported: PKCS#11 has no mechanism for it.";
            return Err(unsupported(message));
        }
        if input.origin == Some(Origin::External) && !spec.is_importable() {
            let message = format!("KeySpec {spec} is not supported for Origin EXTERNAL.");
            return Err(unsupported(message));
        }
        let access = match &input.custom_key_store_id {
            Some(id) => Access::store(id, StoreRule::Connected),
            None => Access::account(),
        };
        Ok(access.and_further(tags::tagging(input.tags.as_ref(), None)))
    }

    fn further_resources(_: &Input, output: &Output, _: &Request) -> Vec<String> {
        vec![output.key_metadata.arn.clone()]
    }
}

/// What AWS makes in a custom key store: symmetric encryption keys of one Region, from its token.
fn check_store(input: &Input) -> Result<(), Error> {
    let origin = input.origin.unwrap_or(Origin::AwsKms);
    let store = input.custom_key_store_id.is_some();
    let invalid = |message: &str| Err(Error::new(ErrorCode::Validation, message));
    if origin == Origin::ExternalKeyStore {
        let message = "Origin EXTERNAL_KEY_STORE is not supported: a custom key store of this gateway is a \
                       PKCS#11 token.";
        return Err(unsupported(message));
    }
    if input.xks_key_id.is_some() {
        return invalid("XksKeyId is only valid with an Origin of EXTERNAL_KEY_STORE.");
    }
    if store && is_multi_region(input) {
        return Err(unsupported(
            "A multi-Region key cannot be in a custom key store.",
        ));
    }
    if store != (origin == Origin::AwsCloudHsm) {
        return invalid(
            "You must specify CustomKeyStoreId and an Origin of AWS_CLOUDHSM together.",
        );
    }
    if store && spec_and_usage(input)?.0 != KeySpec::SymmetricDefault {
        return Err(unsupported(
            "You can only create symmetric encryption KMS keys in a custom key store.",
        ));
    }
    Ok(())
}

impl TokenChange for CreateKey {
    type Prepared = Prepared;

    async fn prepare(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Prepared, Error> {
        let token = match call.key_store() {
            Some(store) => cx.tokens.of_store(store).await?,
            None => cx.tokens.home().clone(),
        };
        let account = &request.principal.account;
        cx.store
            .check_room_for_key(account, &request.region)
            .await?;
        let (spec, usage) = spec_and_usage(input)?;
        let key_id = BareKeyId::of(Uuid::new_v4(), is_multi_region(input));
        let (caller, region) = (&request.principal, &request.region);
        let arn = key_arn(&caller.account, region, &key_id);
        let bypass = input.bypass_policy_lockout_safety_check;
        policies::check_lockout(input.policy.as_ref(), bypass, caller, call.policies(), &arn)?;
        let made = match input.origin {
            Some(Origin::External) => None,
            _ => Some(made::make(&token, &key_id, spec, usage, cx).await?),
        };
        Ok(Prepared { key_id, made })
    }

    async fn apply(
        input: &Input,
        prepared: &Prepared,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let store = call.key_store();
        let (spec, usage) = spec_and_usage(input)?;
        let created = cx.clock.now();
        let account = request.principal.account.clone();
        let multi_region = is_multi_region(input);
        let (state, version) = match &prepared.made {
            Some(made) => (KeyState::Enabled, made.version(1, created)?),
            None => {
                let version = KeyVersion::awaiting_import(Uuid::new_v4(), 1, created);
                (KeyState::PendingImport, version)
            }
        };
        let profile = KeyProfile {
            policy: policies::or_default(input.policy.as_ref(), &account).into(),
            account,
            region: request.region.clone(),
            spec,
            usage,
            origin: input.origin.unwrap_or(Origin::AwsKms),
            description: input.description.as_deref().unwrap_or_default().to_owned(),
            tags: tags::by_key(input.tags.as_ref())?,
            deletion: None,
            key_store: store.map(|store| store.row),
            multi_region,
            primary_region: multi_region.then(|| request.region.clone()),
            rotation_days: None,
            pending_days: None,
        };
        let mut key = Key::made(prepared.key_id.clone(), profile, version, created);
        key.state = state;
        tx.insert_key(&key).await?;
        Ok(Output {
            key_metadata: KeyMetadata::from(&key).in_store(&key, store.map(|store| &**store)),
        })
    }
}
