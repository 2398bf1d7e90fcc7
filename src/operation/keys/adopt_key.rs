//! Strongroom.AdoptKey: `docs/adoption.md`.
//!
//! Makes a KMS key of an object that already is on the token, without moving or changing it. Nothing
//! happens on the token, so nothing has to be recorded before it does.

use super::KeyMetadata;
use crate::model::arn::key_arn;
use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::{
    CustomKeyStoreId, Description, Flag, ObjectId, ObjectLabel, Policy, Tags,
};
use crate::model::{BareKeyId, KeySpec, KeyUsage, Origin, hex};
use crate::operation::access::Subject;
use crate::operation::made::version_of;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange, policies, tags,
};
use crate::store::{Key, KeyProfile, Transaction};
use crate::token::{Adopted, AdoptedAttributes, Adoption, Locator};
use crate::{Error, ErrorCode};
use uuid::Uuid;

/// See the module.
pub struct AdoptKey;

input! {
    required {
        key_spec: KeySpec,
        key_usage: KeyUsage,
    }
    optional {
        object_id: ObjectId,
        object_label: ObjectLabel,
        allow_extractable: Flag,
        custom_key_store_id: CustomKeyStoreId,
        description: Description,
        policy: Policy,
        tags: Tags,
        bypass_policy_lockout_safety_check: Flag,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_metadata: KeyMetadata,
    pub adopted_object: AdoptedObject,
}

/// What the token says of the object.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AdoptedObject {
    pub object_id: String,
    pub object_label: String,
    pub token_serial: String,
    pub sensitive: bool,
    pub extractable: bool,
    pub always_sensitive: bool,
    pub never_extractable: bool,
    pub local: bool,
    /// The other attributes that are true.
    pub attributes: Vec<String>,
}

/// The object, and the version that it is to be.
#[allow(missing_docs)]
pub struct Found {
    pub key_id: BareKeyId,
    pub version: Uuid,
    pub adopted: Adopted,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}

fn locator(input: &Input) -> Result<Locator, Error> {
    match (&input.object_id, &input.object_label) {
        (Some(id), None) => {
            let id = hex::decode(id).filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| invalid("ObjectId is a CKA_ID in hexadecimal."))?;
            Ok(Locator::Id(id))
        }
        (None, Some(label)) => Ok(Locator::Label(label.to_string())),
        _ => Err(invalid("Specify exactly one of ObjectId and ObjectLabel.")),
    }
}

impl Operation for AdoptKey {
    const NAME: OperationName = OperationName::AdoptKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let (spec, usage) = (input.key_spec, input.key_usage);
        locator(input)?;
        tags::by_key(input.tags.as_ref())?;
        policies::check(input.policy.as_ref())?;
        if !spec.usages().contains(&usage) {
            return Err(invalid(format!(
                "KeyUsage {usage} is not compatible with KeySpec {spec}"
            )));
        }
        let access = match &input.custom_key_store_id {
            Some(id) => Access::store(id, StoreRule::Connected),
            // What the gateway's own token has beside its keys is no account's.
            None => Access::about(Subject::Deployment),
        };
        Ok(access.and_further(tags::tagging(input.tags.as_ref(), None)))
    }

    fn further_resources(_: &Input, output: &Output, _: &Request) -> Vec<String> {
        vec![output.key_metadata.arn.clone()]
    }
}

impl TokenChange for AdoptKey {
    type Prepared = Found;

    async fn prepare(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Found, Error> {
        let token = match call.key_store() {
            Some(store) => cx.tokens.of_store(store).await?,
            None => cx.tokens.home().clone(),
        };
        let (version, key_id) = (Uuid::new_v4(), BareKeyId::of(Uuid::new_v4(), false));
        let (caller, region) = (&request.principal, &request.region);
        let arn = key_arn(&caller.account, region, &key_id);
        let bypass = input.bypass_policy_lockout_safety_check;
        policies::check_lockout(input.policy.as_ref(), bypass, caller, call.policies(), &arn)?;
        let adoption = Adoption {
            locator: locator(input)?,
            version,
            spec: input.key_spec,
            usage: input.key_usage,
            allow_extractable: input.allow_extractable.is_some_and(|flag| flag.0),
        };
        let adopted = token.adopt(adoption).await?;
        Ok(Found {
            key_id,
            version,
            adopted,
        })
    }

    async fn apply(
        input: &Input,
        found: &Found,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let store = call.key_store();
        let created = cx.clock.now();
        let account = request.principal.account.clone();
        let mut version = version_of(found.version, 1, &found.adopted.birth, created)?;
        version.object_id = Some(found.adopted.object_id.as_slice().into());
        let profile = KeyProfile {
            policy: policies::or_default(input.policy.as_ref(), &account).into(),
            account,
            region: request.region.clone(),
            spec: input.key_spec,
            usage: input.key_usage,
            // It is used, rotated and deleted as a key that was made here; that it was not, its birth
            // certificate says.
            origin: match store {
                Some(_) => Origin::AwsCloudHsm,
                None => Origin::AwsKms,
            },
            description: input.description.as_deref().unwrap_or_default().to_owned(),
            tags: tags::by_key(input.tags.as_ref())?,
            deletion: None,
            key_store: store.map(|store| store.row),
            multi_region: false,
            primary_region: None,
            rotation_days: None,
            pending_days: None,
        };
        let key = Key::made(found.key_id.clone(), profile, version, created);
        tx.insert_key(&key).await?;
        Ok(Output {
            key_metadata: KeyMetadata::from(&key).in_store(&key, store.map(|store| &**store)),
            adopted_object: describe(found)?,
        })
    }
}

fn describe(found: &Found) -> Result<AdoptedObject, Error> {
    let birth = &found.adopted.birth;
    let attributes = birth.adopted.clone();
    let AdoptedAttributes {
        id,
        label,
        sensitive,
        extractable,
        flags,
    } = attributes.ok_or_else(|| Error::internal("an adopted object without its attributes"))?;
    Ok(AdoptedObject {
        object_id: id,
        object_label: label,
        token_serial: birth.token_serial.clone(),
        sensitive,
        extractable,
        always_sensitive: birth.always_sensitive,
        never_extractable: birth.never_extractable,
        local: birth.local,
        attributes: flags,
    })
}
