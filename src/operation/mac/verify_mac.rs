//! VerifyMac: <https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html>.

use crate::model::MacAlgorithm;
use crate::model::member::input;
use crate::model::shapes::{Ciphertext, Flag, GrantTokens, KeyId, Plaintext};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use crate::{Error, ErrorCode};

/// See the module.
pub struct VerifyMac;

input! {
    required {
        message: Plaintext,
        key_id: KeyId,
        mac_algorithm: MacAlgorithm,
        mac: Ciphertext,
    }
    optional {
        grant_tokens: GrantTokens,
        dry_run: Flag,
    }
}

/// The operation's answer: an invalid MAC is an exception, never `false`.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub mac_valid: bool,
    pub mac_algorithm: MacAlgorithm,
}

impl Operation for VerifyMac {
    const NAME: OperationName = OperationName::VerifyMac;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::using(
            &input.key_id,
            Purpose::Mac(input.mac_algorithm),
        ))
    }
}

impl Use for VerifyMac {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let (token, algorithm) = (cx.tokens.of(call.key(0))?, input.mac_algorithm);
        for key in call.checking(0)? {
            let (message, mac) = (input.message.to_vec(), input.mac.to_vec());
            if token.verify_mac(&key, algorithm, message, mac).await? {
                return Ok(Output {
                    key_id: arn_of(call.key(0)),
                    mac_valid: true,
                    mac_algorithm: algorithm,
                });
            }
        }
        Err(Error::new(ErrorCode::KmsInvalidMac, ""))
    }
}
