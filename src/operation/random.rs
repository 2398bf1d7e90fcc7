//! GenerateRandom: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>.

use super::encryption::refuse_recipient;
use super::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::model::key_store::StoreRule;
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
        if input.number_of_bytes.is_none() {
            return Err(Error::new(
                ErrorCode::Validation,
                "NumberOfBytes is required.",
            ));
        }
        Ok(match &input.custom_key_store_id {
            Some(id) => Access::store(id, StoreRule::Connected),
            None => Access::account(),
        })
    }
}

impl Use for GenerateRandom {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let token = match call.key_store() {
            Some(store) => cx.tokens.of_store(store).await?,
            None => cx.tokens.home().clone(),
        };
        let bytes = input.number_of_bytes.map_or(0, |n| n.0);
        let length = usize::try_from(bytes).map_err(Error::internal)?;
        let random = token.random(length).await?;
        Ok(Output {
            plaintext: random.expose_secret().to_vec().into(),
        })
    }
}
