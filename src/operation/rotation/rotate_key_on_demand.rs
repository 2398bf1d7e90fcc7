//! RotateKeyOnDemand: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html>.
//!
//! AWS rotates in the background and answers `ConflictException` to a second request meanwhile.
//! Here the rotation is done when it is answered: there is no meanwhile, and requests at the same
//! time rotate one after the other.

use super::ON_DEMAND;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::model::{Origin, RotationType, VersionState};
use crate::operation::authorized::arn_of;
use crate::operation::made::Made;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::store::{Key, KeyVersion, Transaction};
use crate::{Error, ErrorCode};

/// AWS's quota, for each key.
const LIMIT: usize = 25;

/// See the module.
pub struct RotateKeyOnDemand;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
}

/// What is refused without asking the token.
fn check(key: &Key) -> Result<(), Error> {
    let on_demand =
        |version: &&KeyVersion| matches!(version.rotation, Some((RotationType::OnDemand, _)));
    if key.versions.iter().filter(on_demand).count() < LIMIT {
        return Ok(());
    }
    let message = format!(
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand \
         rotations can be performed for this key: {}",
        arn_of(key)
    );
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

/// The material that was imported for this.
fn imported(key: &Key) -> Result<&KeyVersion, Error> {
    key.pending_rotation()
        .filter(|version| version.state == VersionState::Enabled)
        .ok_or_else(|| {
            let arn = arn_of(key);
            let message = format!("No available key material pending rotation for the key: {arn}.");
            Error::new(ErrorCode::KmsInvalidState, message)
        })
}

impl Operation for RotateKeyOnDemand {
    const NAME: OperationName = OperationName::RotateKeyOnDemand;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Usable,
            &ON_DEMAND,
        ))
    }
}

impl TokenChange for RotateKeyOnDemand {
    /// What the token has made; `None` where the material was imported.
    type Prepared = Option<Made>;

    async fn prepare(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Option<Made>, Error> {
        let key = call.key(0);
        check(key)?;
        match key.origin {
            Origin::External => imported(key).map(|_| None),
            _ => super::make(key, cx).await.map(Some),
        }
    }

    async fn apply(
        _: &Input,
        made: &Option<Made>,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let (key, now) = (call.key(0), cx.clock.now());
        check(key)?;
        let version = match made {
            Some(made) => super::next_version(key, made, now)?,
            None => imported(key)?.clone(),
        };
        super::rotate(tx, key, version, RotationType::OnDemand, now).await?;
        Ok(Output {
            key_id: key.key_id.to_string(),
        })
    }
}
