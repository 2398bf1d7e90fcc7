//! GetParametersForImport: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html>.
//!
//! The wrapping key pair is made on the token under an intent whose lease is as long as the pair is
//! good: once that is past, the worker destroys it as it does whatever no row knows.

use super::import_token::ImportToken;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Blob, KeyId, Timestamp, WrappingAlgorithm, WrappingKeySpec};
use crate::operation::authorized::arn_of;
use crate::operation::rotation::IMPORTED;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, Use, leftover,
};
use crate::store::{Intent, IntentKind};
use crate::{Error, ErrorCode};
use std::time::Duration;
use uuid::Uuid;

/// How long a wrapping key and its import token are good.
const VALIDITY: Duration = Duration::from_secs(24 * 60 * 60);
/// Wrapping keys of the whole deployment at once, of which an account may have its quota: each stays
/// for a day, and is an object on the token.
const MAX_WRAPPING_KEYS: i64 = 1000;

/// See the module.
pub struct GetParametersForImport;

input! {
    required {
        key_id: KeyId,
        wrapping_algorithm: WrappingAlgorithm,
        wrapping_key_spec: WrappingKeySpec,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub import_token: Blob,
    pub public_key: Blob,
    pub parameters_valid_to: Timestamp,
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorCode::UnsupportedOperation, message)
}

impl Operation for GetParametersForImport {
    const NAME: OperationName = OperationName::GetParametersForImport;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let (algorithm, spec) = (input.wrapping_algorithm, input.wrapping_key_spec);
        if algorithm.parts().is_none() {
            let message = format!("WrappingAlgorithm {algorithm} is not supported.");
            return Err(unsupported(message));
        }
        if spec.key_spec().is_none() {
            let message = format!("WrappingKeySpec {spec} is not supported.");
            return Err(unsupported(message));
        }
        Ok(Access::material(
            &input.key_id,
            StateRule::Importable,
            &IMPORTED,
        ))
    }
}

impl Use for GetParametersForImport {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let (algorithm, spec) = (input.wrapping_algorithm, input.wrapping_key_spec);
        if !algorithm.wraps(key.spec, spec) {
            let message = format!(
                "{} key material cannot be wrapped with WrappingAlgorithm {algorithm} and WrappingKeySpec {spec}.",
                key.spec
            );
            return Err(unsupported(message));
        }
        if cx.store.wrapping_keys().await? >= MAX_WRAPPING_KEYS {
            let message =
                "Too many import tokens are valid at this time. Retry when some have expired.";
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        let home = cx.tokens.of(key)?;
        let id = Uuid::new_v4();
        let valid_to = cx.clock.now() + VALIDITY;
        let intent = Intent {
            version: id,
            token_serial: Some(home.require_serial()?),
            adopted: None,
            kind: IntentKind::Create,
            // Every gateway's: any of them may get the import.
            owner: Uuid::nil(),
            // An import that comes at the last moment is to find it to its end.
            lease: VALIDITY + cx.lease,
        };
        let account = &request.principal.account;
        cx.store.begin_wrapping_key(&intent, account).await?;
        let label = format!("strongroom wrapping key for {}", key.key_id);
        let kind = (spec.key_spec().unwrap_or(key.spec), algorithm);
        let made = home.generate_wrapping_key(id, &label, kind, key.spec);
        let public_key = match made.await {
            Ok(public_key) => public_key,
            Err(error) => {
                // Now, and not a day later.
                leftover::destroy_all(&[intent], cx).await;
                return Err(error.into());
            }
        };
        let token = ImportToken {
            wrapping_key: id,
            key: key.row,
            algorithm,
            spec,
            valid_to,
        };
        Ok(Output {
            key_id: arn_of(key),
            import_token: token.seal(cx).await?.into(),
            public_key: public_key.into(),
            parameters_valid_to: Timestamp(
                valid_to.replace_nanosecond(0).map_err(Error::internal)?,
            ),
        })
    }
}
