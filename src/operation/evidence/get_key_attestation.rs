//! Strongroom.GetKeyAttestation: `docs/attestation.md`. Of every kind of key.

use super::attest;
use super::attestation::Verdict;
use super::sign::sign_note;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::operation::authorized::arn_of;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use serde_json::{Value, json};

/// See the module.
pub struct GetKeyAttestation;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    /// A signed note.
    pub attestation: String,
    /// The numbers of the versions that are not as they were born.
    pub differing_versions: Vec<i32>,
}

impl Operation for GetKeyAttestation {
    const NAME: OperationName = OperationName::GetKeyAttestation;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for GetKeyAttestation {
    async fn execute(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let attestation = attest(key, cx).await?;
        let versions = attestation.versions.iter();
        let differing = versions.filter(|version| version.verdict == Verdict::Differs);
        let differing_versions = differing.map(|version| version.version).collect();
        let text = attestation.to_text().map_err(Error::internal)?;
        Ok(Output {
            key_id: arn_of(key),
            attestation: sign_note(cx, text).await?,
            differing_versions,
        })
    }

    fn shown(output: &Output) -> Option<Value> {
        Some(json!({
            "keyId": output.key_id,
            "differingVersions": output.differing_versions,
        }))
    }
}
