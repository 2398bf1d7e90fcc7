//! Strongroom.ListKeyVersions: `docs/key-versions.md`. Of every kind of key.

use super::KeyVersionListEntry;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, Limit, Marker};
use crate::operation::authorized::arn_of;
use crate::operation::page::{DEFAULT_LIMIT, Page};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListKeyVersions;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        limit: Limit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub key_versions: Vec<KeyVersionListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl Operation for ListKeyVersions {
    const NAME: OperationName = OperationName::ListKeyVersions;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for ListKeyVersions {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let key = call.key(0);
        let versions = key.versions.iter();
        let entries = versions.map(|version| KeyVersionListEntry::new(key, version));
        let (key_versions, next_marker) =
            page.of(entries.collect(), |entry| &entry.key_version_arn)?;
        Ok(Output {
            key_id: arn_of(key),
            key_versions,
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
