//! ReEncrypt: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>.

use crate::Error;
use crate::model::member::{Decode, input};
use crate::model::shapes::{Blob, Ciphertext, DryRunModifiers, Flag, GrantTokens, KeyId};
use crate::model::{EncryptionAlgorithm, EncryptionContext, key_material_id};
use crate::operation::access::{Access, Permission, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use serde_json::{Map, Value};

/// See the module.
pub struct ReEncrypt;

input! {
    required {
        destination_key_id: KeyId,
    }
    optional {
        ciphertext_blob: Ciphertext,
        source_encryption_context: EncryptionContext,
        source_key_id: KeyId,
        destination_encryption_context: EncryptionContext,
        source_encryption_algorithm: EncryptionAlgorithm,
        destination_encryption_algorithm: EncryptionAlgorithm,
        grant_tokens: GrantTokens,
        dry_run: Flag,
        dry_run_modifiers: DryRunModifiers,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub ciphertext_blob: Blob,
    pub source_key_id: String,
    pub key_id: String,
    pub source_encryption_algorithm: EncryptionAlgorithm,
    pub destination_encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key_material_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_key_material_id: Option<String>,
}

/// Source and destination.
fn algorithms(input: &Input) -> (EncryptionAlgorithm, EncryptionAlgorithm) {
    let or_default = |a: Option<_>| a.unwrap_or(EncryptionAlgorithm::SymmetricDefault);
    (
        or_default(input.source_encryption_algorithm),
        or_default(input.destination_encryption_algorithm),
    )
}

impl Operation for ReEncrypt {
    const NAME: OperationName = OperationName::ReEncrypt;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let (from, to) = algorithms(input);
        let source = super::source(
            input.dry_run(),
            input.source_key_id.as_deref(),
            input.ciphertext_blob.as_deref(),
            from,
        )?;
        let source = source
            .by_permission(Permission::Action("kms:ReEncryptFrom"))
            .with_context(input.source_encryption_context.as_ref());
        let destination = Access::using(&input.destination_key_id, Purpose::Encryption(to))
            .by_permission(Permission::Action("kms:ReEncryptTo"))
            .with_context(input.destination_encryption_context.as_ref());
        Ok(source.and(destination))
    }

    fn parameters(input: &Input) -> Map<String, Value> {
        let (from, to) = algorithms(input);
        let algorithms = [
            ("sourceEncryptionAlgorithm", from),
            ("destinationEncryptionAlgorithm", to),
        ];
        super::parameters(input, algorithms)
    }
}

impl Use for ReEncrypt {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let (from, to) = algorithms(input);
        let ciphertext = super::required(input.ciphertext_blob.as_deref(), "ciphertext_blob")?;
        let source_context = input
            .source_encryption_context
            .as_ref()
            .unwrap_or(EncryptionContext::NONE);
        let context = input
            .destination_encryption_context
            .as_ref()
            .unwrap_or(EncryptionContext::NONE);
        let opened = super::open(call, 0, from, source_context, ciphertext, cx).await?;
        let blob = super::seal(call, 1, to, context, opened.plaintext, cx).await?;
        let symmetric = to == EncryptionAlgorithm::SymmetricDefault;
        Ok(Output {
            ciphertext_blob: blob.into(),
            source_key_id: arn_of(call.key(0)),
            key_id: arn_of(call.key(1)),
            source_encryption_algorithm: from,
            destination_encryption_algorithm: to,
            source_key_material_id: opened.version.map(key_material_id),
            destination_key_material_id: symmetric
                .then(|| key_material_id(call.key(1).current_version)),
        })
    }
}
