//! GenerateRandom: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>.

use super::encryption::refuse_recipient;
use super::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::model::member::input;
use crate::model::shapes::{Blob, CustomKeyStoreId, NumberOfBytes, RecipientInfo};
use crate::{Error, ErrorCode};
use secrecy::ExposeSecret;

/// See the module.
pub struct GenerateRandom;

input! {
    required {}
    optional {
        number_of_bytes: NumberOfBytes,
        custom_key_store_id: CustomKeyStoreId,
        recipient: RecipientInfo,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub plaintext: Blob,
}

impl Operation for GenerateRandom {
    const NAME: OperationName = OperationName::GenerateRandom;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_recipient(input.recipient.as_ref())?;
        refuse_key_store(input.custom_key_store_id.as_ref())?;
        if input.number_of_bytes.is_none() {
            return Err(Error::new(
                ErrorCode::Validation,
                "NumberOfBytes is required.",
            ));
        }
        Ok(Access::account())
    }
}

/// # Errors
/// `CustomKeyStoreNotFoundException` if one is named: there are none yet.
pub(super) fn refuse_key_store(id: Option<&CustomKeyStoreId>) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let message = format!("Custom key store {} does not exist.", id.0);
    Err(Error::new(ErrorCode::CustomKeyStoreNotFound, message))
}

impl Use for GenerateRandom {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let bytes = input.number_of_bytes.map_or(0, |n| n.0);
        let random = cx
            .tokens
            .home()
            .random(usize::try_from(bytes).map_err(Error::internal)?)
            .await?;
        Ok(Output {
            plaintext: random.expose_secret().to_vec().into(),
        })
    }
}
