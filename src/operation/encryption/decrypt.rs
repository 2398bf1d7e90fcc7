//! Decrypt: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>.

use crate::Error;
use crate::model::member::{Decode, input};
use crate::model::shapes::{
    Blob, Ciphertext, DryRunModifiers, Flag, GrantTokens, KeyId, RecipientInfo,
};
use crate::model::{EncryptionAlgorithm, EncryptionContext, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

/// See the module.
pub struct Decrypt;

input! {
    required {}
    optional {
        ciphertext_blob: Ciphertext,
        encryption_context: EncryptionContext,
        grant_tokens: GrantTokens,
        key_id: KeyId,
        encryption_algorithm: EncryptionAlgorithm,
        recipient: RecipientInfo,
        dry_run: Flag,
        dry_run_modifiers: DryRunModifiers,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub plaintext: Blob,
    pub encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

fn algorithm(input: &Input) -> EncryptionAlgorithm {
    input
        .encryption_algorithm
        .unwrap_or(EncryptionAlgorithm::SymmetricDefault)
}

impl Operation for Decrypt {
    const NAME: OperationName = OperationName::Decrypt;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        super::refuse_recipient(input.recipient.as_ref())?;
        super::source(
            input.dry_run(),
            input.key_id.as_deref(),
            input.ciphertext_blob.as_deref(),
            algorithm(input),
        )
    }

    fn parameters(input: &Input) -> Map<String, Value> {
        let algorithm = ("encryptionAlgorithm", algorithm(input));
        super::parameters(input, [algorithm])
    }
}

impl Use for Decrypt {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let ciphertext = super::required(input.ciphertext_blob.as_deref(), "ciphertext_blob")?;
        let context = input
            .encryption_context
            .as_ref()
            .unwrap_or(EncryptionContext::NONE);
        let opened = super::open(call, 0, algorithm(input), context, ciphertext, cx).await?;
        Ok(Output {
            key_id: arn_of(call.key(0)),
            plaintext: opened.plaintext.expose_secret().to_vec().into(),
            encryption_algorithm: algorithm(input),
            key_material_id: opened.version.map(key_material_id),
        })
    }
}
