//! Strongroom.DisableKeyVersion: `docs/key-versions.md`.

use super::{VERSIONED, set_state, with_material};
use crate::Error;
use crate::model::VersionState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, KeyVersionNumber};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

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
        let known = with_material(key, input.key_version)?;
        set_state(tx, key, known, VersionState::Disabled).await
    }
}
