//! Strongroom.SetPrimaryKeyVersion: `docs/key-versions.md`.

use super::{VERSIONED, numbered};
use crate::model::VersionState;
use crate::model::key_id::version_of;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, KeyVersionNumber};
use crate::operation::authorized::arn_of;
use crate::operation::rotation::make_current;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;
use crate::{Error, ErrorCode};

/// See the module.
pub struct SetPrimaryKeyVersion;

input! {
    required {
        key_id: KeyId,
        key_version: KeyVersionNumber,
    }
    optional {}
}

impl Operation for SetPrimaryKeyVersion {
    const NAME: OperationName = OperationName::SetPrimaryKeyVersion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Usable,
            &VERSIONED,
        ))
    }
}

impl Change for SetPrimaryKeyVersion {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let key = call.key(0);
        let known = numbered(key, input.key_version)?;
        if known.state != VersionState::Enabled {
            let message = format!("{} is not enabled.", version_of(&arn_of(key), known.number));
            return Err(Error::new(ErrorCode::KmsInvalidState, message));
        }
        make_current(tx, key, known, |_| {}).await?;
        Ok(())
    }
}
