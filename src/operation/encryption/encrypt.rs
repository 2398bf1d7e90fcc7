//! Encrypt: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId, Plaintext};
use crate::model::{EncryptionAlgorithm, EncryptionContext};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use serde_json::{Map, Value};

/// See the module.
pub struct Encrypt;

input! {
    required {
        key_id: KeyId,
        plaintext: Plaintext,
    }
    optional {
        encryption_context: EncryptionContext,
        grant_tokens: GrantTokens,
        encryption_algorithm: EncryptionAlgorithm,
        dry_run: Flag,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub ciphertext_blob: Blob,
    pub key_id: String,
    pub encryption_algorithm: EncryptionAlgorithm,
}

fn algorithm(input: &Input) -> EncryptionAlgorithm {
    input
        .encryption_algorithm
        .unwrap_or(EncryptionAlgorithm::SymmetricDefault)
}

impl Operation for Encrypt {
    const NAME: OperationName = OperationName::Encrypt;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::using(
            &input.key_id,
            Purpose::Encryption(algorithm(input)),
        ))
    }

    fn parameters(input: &Input) -> Map<String, Value> {
        let algorithm = ("encryptionAlgorithm", algorithm(input));
        super::parameters(input, [algorithm])
    }
}

impl Use for Encrypt {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let context = input
            .encryption_context
            .as_ref()
            .unwrap_or(EncryptionContext::NONE);
        let plaintext = input.plaintext.to_vec().into();
        let blob = super::seal(call, 0, algorithm(input), context, plaintext, cx).await?;
        Ok(Output {
            ciphertext_blob: blob.into(),
            key_id: arn_of(call.key(0)),
            encryption_algorithm: algorithm(input),
        })
    }
}
