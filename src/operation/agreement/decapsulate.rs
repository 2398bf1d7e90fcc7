//! Decapsulate: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decapsulate.html>.

use crate::model::EncapsulationAlgorithm;
use crate::model::member::input;
use crate::model::shapes::{Blob, Ciphertext, Flag, GrantTokens, KeyId};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use crate::{Error, ErrorCode};
use secrecy::ExposeSecret;

/// See the module.
pub struct Decapsulate;

input! {
    required {
        key_id: KeyId,
        shared_secret_ciphertext_blob: Ciphertext,
        encapsulation_algorithm: EncapsulationAlgorithm,
    }
    optional {
        grant_tokens: GrantTokens,
        dry_run: Flag,
    }
}

/// The operation's answer. By ML-KEM's implicit rejection a ciphertext that was altered or is another
/// key's gives a secret too, which nobody else has.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub shared_secret: Blob,
    pub encapsulation_algorithm: EncapsulationAlgorithm,
}

impl Operation for Decapsulate {
    const NAME: OperationName = OperationName::Decapsulate;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let purpose = Purpose::Encapsulation(input.encapsulation_algorithm);
        Ok(Access::using(&input.key_id, purpose))
    }
}

impl Use for Decapsulate {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.current(0)?;
        let ciphertext = input.shared_secret_ciphertext_blob.to_vec();
        let token = cx.tokens.of(call.key(0))?;
        let secret = token.decapsulate(&key, ciphertext).await?;
        let secret = secret.ok_or_else(|| Error::new(ErrorCode::InvalidCiphertext, ""))?;
        Ok(Output {
            key_id: arn_of(call.key(0)),
            shared_secret: secret.expose_secret().to_vec().into(),
            encapsulation_algorithm: input.encapsulation_algorithm,
        })
    }
}
