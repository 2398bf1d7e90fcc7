//! GenerateMac: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html>.

use crate::Error;
use crate::model::MacAlgorithm;
use crate::model::member::input;
use crate::model::shapes::{Blob, Flag, GrantTokens, KeyId, Plaintext};
use crate::operation::access::{Access, Purpose};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GenerateMac;

input! {
    required {
        message: Plaintext,
        key_id: KeyId,
        mac_algorithm: MacAlgorithm,
    }
    optional {
        grant_tokens: GrantTokens,
        dry_run: Flag,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub mac: Blob,
    pub mac_algorithm: MacAlgorithm,
    pub key_id: String,
}

impl Operation for GenerateMac {
    const NAME: OperationName = OperationName::GenerateMac;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::using(
            &input.key_id,
            Purpose::Mac(input.mac_algorithm),
        ))
    }
}

impl Use for GenerateMac {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let message = input.message.to_vec();
        let mac = cx
            .tokens
            .of(call.key(0))?
            .mac(&call.current(0)?, input.mac_algorithm, message)
            .await?;
        Ok(Output {
            mac: mac.into(),
            mac_algorithm: input.mac_algorithm,
            key_id: arn_of(call.key(0)),
        })
    }
}
