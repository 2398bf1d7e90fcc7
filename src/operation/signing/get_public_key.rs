//! GetPublicKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>.

use crate::Error;
use crate::model::key_id::KeyForms;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Blob, GrantTokens, KeyId};
use crate::model::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeySpec, KeyUsage,
    SigningAlgorithm,
};
use crate::operation::access::{Access, By, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetPublicKey;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        grant_tokens: GrantTokens,
    }
}

/// The operation's answer; the public key is a DER SubjectPublicKeyInfo (RFC 5280).
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub public_key: Blob,
    pub customer_master_key_spec: KeySpec,
    pub key_spec: KeySpec,
    pub key_usage: KeyUsage,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encryption_algorithms: &'static [EncryptionAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub signing_algorithms: &'static [SigningAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub key_agreement_algorithms: &'static [KeyAgreementAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encapsulation_algorithms: &'static [EncapsulationAlgorithm],
}

impl Operation for GetPublicKey {
    const NAME: OperationName = OperationName::GetPublicKey;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let by = By::Name(&input.key_id, KeyForms::Any);
        Ok(Access::one(by, StateRule::Usable, Purpose::PublicKey))
    }
}

impl Use for GetPublicKey {
    async fn execute(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let public_key = call.chosen(0)?.public_key.as_ref();
        let public_key = public_key
            .ok_or_else(|| Error::internal("an asymmetric key without its public key"))?;
        Ok(Output {
            key_id: arn_of(key),
            public_key: public_key.to_vec().into(),
            customer_master_key_spec: key.spec,
            key_spec: key.spec,
            key_usage: key.usage,
            encryption_algorithms: key.spec.encryption_algorithms(key.usage),
            signing_algorithms: key.spec.signing_algorithms(key.usage),
            key_agreement_algorithms: key.spec.key_agreement_algorithms(key.usage),
            encapsulation_algorithms: key.spec.encapsulation_algorithms(key.usage),
        })
    }
}
