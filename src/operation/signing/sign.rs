//! Sign: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId, Plaintext};
use crate::model::{MessageType, SigningAlgorithm};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct Sign;

input! {
    required {
        key_id: KeyId,
        message: Plaintext,
        signing_algorithm: SigningAlgorithm,
    }
    optional {
        message_type: MessageType,
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
    pub signature: Blob,
    pub signing_algorithm: SigningAlgorithm,
}

impl Operation for Sign {
    const NAME: OperationName = OperationName::Sign;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::using(
            &input.key_id,
            Purpose::Signing(input.signing_algorithm),
        ))
    }
}

impl Use for Sign {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let algorithm = input.signing_algorithm;
        let spec = call.key(0).spec;
        let signed = super::signed(&input.message, input.message_type, algorithm, spec)?;
        let signature = cx
            .tokens
            .of(call.key(0))?
            .sign(&call.current(0)?, algorithm, signed)
            .await?;
        Ok(Output {
            key_id: arn_of(call.key(0)),
            signature: signature.into(),
            signing_algorithm: algorithm,
        })
    }
}
