//! DeriveSharedSecret: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId, PublicKey, RecipientInfo};
use crate::model::{KeyAgreementAlgorithm, Origin};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::encryption::refuse_recipient;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};
use secrecy::ExposeSecret;

/// See the module.
pub struct DeriveSharedSecret;

input! {
    required {
        key_id: KeyId,
        key_agreement_algorithm: KeyAgreementAlgorithm,
        public_key: PublicKey,
    }
    optional {
        grant_tokens: GrantTokens,
        dry_run: Flag,
        recipient: RecipientInfo,
    }
}

/// The operation's answer: the raw secret, as NIST SP 800-56A has it, before any derivation.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub shared_secret: Blob,
    pub key_agreement_algorithm: KeyAgreementAlgorithm,
    pub key_origin: Origin,
}

impl Operation for DeriveSharedSecret {
    const NAME: OperationName = OperationName::DeriveSharedSecret;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_recipient(input.recipient.as_ref())?;
        let purpose = Purpose::Agreement(input.key_agreement_algorithm);
        Ok(Access::using(&input.key_id, purpose))
    }
}

impl Use for DeriveSharedSecret {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.current(0)?;
        let peer = input.public_key.to_vec();
        let secret = cx.tokens.of(call.key(0))?.derive(&key, peer).await?;
        Ok(Output {
            key_id: arn_of(call.key(0)),
            shared_secret: secret.expose_secret().to_vec().into(),
            key_agreement_algorithm: input.key_agreement_algorithm,
            key_origin: call.key(0).origin,
        })
    }
}
