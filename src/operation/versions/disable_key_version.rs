//! Strongroom.DisableKeyVersion: `docs/key-versions.md`.

use super::{VERSIONED, numbered};
use crate::Error;
use crate::model::VersionState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, KeyVersionNumber};
use crate::operation::rotation::write_version;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{KeyVersion, Transaction};

/// See the module.
pub struct DisableKeyVersion;

input! {
    required {
        key_id: KeyId,
        key_version: KeyVersionNumber,
    }
    optional {}
}

impl Operation for DisableKeyVersion {
    const NAME: OperationName = OperationName::DisableKeyVersion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Manageable,
            &VERSIONED,
        ))
    }
}

impl Change for DisableKeyVersion {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let key = call.key(0);
        let known = numbered(key, input.key_version)?;
        super::refuse_pending_import(key, known)?;
        let version = KeyVersion {
            state: VersionState::Disabled,
            ..known.clone()
        };
        write_version(tx, key, &version, |_| {}).await?;
        Ok(())
    }
}
