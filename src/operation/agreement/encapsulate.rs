//! Encapsulate: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encapsulate.html>.

use crate::Error;
use crate::model::EncapsulationAlgorithm;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use secrecy::ExposeSecret;

/// See the module.
pub struct Encapsulate;

input! {
    required {
        key_id: KeyId,
        encapsulation_algorithm: EncapsulationAlgorithm,
    }
    optional {
        grant_tokens: GrantTokens,
        dry_run: Flag,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub shared_secret: Blob,
    pub shared_secret_ciphertext_blob: Blob,
    pub encapsulation_algorithm: EncapsulationAlgorithm,
}

impl Operation for Encapsulate {
    const NAME: OperationName = OperationName::Encapsulate;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let purpose = Purpose::Encapsulation(input.encapsulation_algorithm);
        Ok(Access::using(&input.key_id, purpose))
    }
}

impl Use for Encapsulate {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.current(0)?;
        let encapsulated = cx.tokens.of(call.key(0))?.encapsulate(&key).await?;
        Ok(Output {
            key_id: arn_of(call.key(0)),
            shared_secret: encapsulated.secret.expose_secret().to_vec().into(),
            shared_secret_ciphertext_blob: encapsulated.ciphertext.into(),
            encapsulation_algorithm: input.encapsulation_algorithm,
        })
    }
}
