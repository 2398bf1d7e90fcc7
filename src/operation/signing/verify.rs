//! Verify: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html>.

use crate::model::member::input;
use crate::model::shapes::{Ciphertext, Flag, GrantTokens, KeyId, Plaintext};
use crate::model::{MessageType, SigningAlgorithm};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use crate::{Error, ErrorCode};

/// See the module.
pub struct Verify;

input! {
    required {
        key_id: KeyId,
        message: Plaintext,
        signature: Ciphertext,
        signing_algorithm: SigningAlgorithm,
    }
    optional {
        message_type: MessageType,
        grant_tokens: GrantTokens,
        dry_run: Flag,
    }
}

/// The operation's answer: an invalid signature is an exception, never `false`.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub signature_valid: bool,
    pub signing_algorithm: SigningAlgorithm,
}

impl Operation for Verify {
    const NAME: OperationName = OperationName::Verify;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::using(
            &input.key_id,
            Purpose::Signing(input.signing_algorithm),
        ))
    }
}

impl Use for Verify {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let algorithm = input.signing_algorithm;
        let spec = call.key(0).spec;
        let signed = super::signed(&input.message, input.message_type, algorithm, spec)?;
        let token = cx.tokens.of(call.key(0))?;
        for key in call.checking(0)? {
            let (signed, signature) = (signed.clone(), input.signature.to_vec());
            if token.verify(&key, algorithm, signed, signature).await? {
                return Ok(Output {
                    key_id: arn_of(call.key(0)),
                    signature_valid: true,
                    signing_algorithm: algorithm,
                });
            }
        }
        Err(Error::new(ErrorCode::KmsInvalidSignature, ""))
    }
}
