//! GenerateDataKeyPair: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId, RecipientInfo};
use crate::model::{DataKeyPairSpec, EncryptionAlgorithm, EncryptionContext, key_material_id};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::encryption::refuse_recipient;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use secrecy::ExposeSecret;

/// See the module.
pub struct GenerateDataKeyPair;

input! {
    required {
        key_id: KeyId,
        key_pair_spec: DataKeyPairSpec,
    }
    optional {
        encryption_context: EncryptionContext,
        grant_tokens: GrantTokens,
        recipient: RecipientInfo,
        dry_run: Flag,
    }
}

/// The operation's answer: PKCS#8 (RFC 5958) and SubjectPublicKeyInfo (RFC 5280), in DER.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub private_key_ciphertext_blob: Blob,
    pub private_key_plaintext: Blob,
    pub public_key: Blob,
    pub key_id: String,
    pub key_pair_spec: DataKeyPairSpec,
    pub key_material_id: String,
}

impl Operation for GenerateDataKeyPair {
    const NAME: OperationName = OperationName::GenerateDataKeyPair;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_recipient(input.recipient.as_ref())?;
        super::refuse_sm2(input.key_pair_spec)?;
        let purpose = Purpose::Encryption(EncryptionAlgorithm::SymmetricDefault);
        Ok(Access::using(&input.key_id, purpose))
    }

    fn data_key_pair(input: &Input) -> Option<DataKeyPairSpec> {
        Some(input.key_pair_spec)
    }
}

impl Use for GenerateDataKeyPair {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let context = input.encryption_context.as_ref();
        let (pair, blob) = super::generate_pair(call, context, input.key_pair_spec, cx).await?;
        Ok(Output {
            private_key_ciphertext_blob: blob.into(),
            private_key_plaintext: pair.private_key.expose_secret().to_vec().into(),
            public_key: pair.public_key.into(),
            key_id: arn_of(call.key(0)),
            key_pair_spec: input.key_pair_spec,
            key_material_id: key_material_id(call.key(0).current_version),
        })
    }
}
