//! GenerateDataKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>.

use crate::Error;
use crate::model::key_material_id;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId, NumberOfBytes, RecipientInfo};
use crate::model::{DataKeySpec, EncryptionAlgorithm, EncryptionContext};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::encryption::refuse_recipient;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use secrecy::ExposeSecret;

/// See the module.
pub struct GenerateDataKey;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        encryption_context: EncryptionContext,
        number_of_bytes: NumberOfBytes,
        key_spec: DataKeySpec,
        grant_tokens: GrantTokens,
        recipient: RecipientInfo,
        dry_run: Flag,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub ciphertext_blob: Blob,
    pub plaintext: Blob,
    pub key_id: String,
    pub key_material_id: String,
}

impl Operation for GenerateDataKey {
    const NAME: OperationName = OperationName::GenerateDataKey;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_recipient(input.recipient.as_ref())?;
        super::length(input.key_spec, input.number_of_bytes)?;
        let purpose = Purpose::Encryption(EncryptionAlgorithm::SymmetricDefault);
        Ok(Access::using(&input.key_id, purpose))
    }
}

impl Use for GenerateDataKey {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let length = super::length(input.key_spec, input.number_of_bytes)?;
        let context = input.encryption_context.as_ref();
        let (plaintext, blob) = super::generate(call, context, length, cx).await?;
        Ok(Output {
            ciphertext_blob: blob.into(),
            plaintext: plaintext.expose_secret().to_vec().into(),
            key_id: arn_of(call.key(0)),
            key_material_id: key_material_id(call.key(0).current_version),
        })
    }
}
