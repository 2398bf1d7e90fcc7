//! Strongroom.CreateKeyVersion: `docs/key-versions.md`.

use super::{KeyVersionListEntry, MADE_HERE, MAX_VERSIONS, refuse_another};
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Flag, KeyId};
use crate::operation::authorized::arn_of;
use crate::operation::made::Made;
use crate::operation::rotation;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::store::{Key, Transaction};
use crate::{Error, ErrorCode};

/// See the module.
pub struct CreateKeyVersion;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        set_primary: Flag,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    #[serde(flatten)]
    pub version: KeyVersionListEntry,
}

/// What is refused without asking the token.
fn check(key: &Key) -> Result<(), Error> {
    refuse_another(key)?;
    if key.versions.len() < MAX_VERSIONS {
        return Ok(());
    }
    let message = format!(
        "{} has {MAX_VERSIONS} versions, and may not have more: create another key.",
        arn_of(key)
    );
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

impl Operation for CreateKeyVersion {
    const NAME: OperationName = OperationName::CreateKeyVersion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Usable,
            &MADE_HERE,
        ))
    }
}

impl TokenChange for CreateKeyVersion {
    type Prepared = Made;

    async fn prepare(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Made, Error> {
        check(call.key(0))?;
        rotation::make(call.key(0), cx).await
    }

    async fn apply(
        input: &Input,
        made: &Made,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        check(key)?;
        let version = rotation::next_version(key, made, cx.clock.now())?;
        let primary = input.set_primary.is_none_or(|flag| flag.0);
        if primary {
            rotation::make_current(tx, key, &version, |_| {}).await?;
        } else {
            rotation::write_version(tx, key, &version, |_| {}).await?;
        }
        Ok(Output {
            key_id: arn_of(key),
            version: KeyVersionListEntry {
                primary,
                ..KeyVersionListEntry::new(key, &version)
            },
        })
    }
}
