//! ListResourceTags: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>.

use super::Tag;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, Marker, TagLimit};
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// AWS's page length here where the caller names none.
const DEFAULT_LIMIT: i64 = 50;

/// See the module.
pub struct ListResourceTags;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        limit: TagLimit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl Operation for ListResourceTags {
    const NAME: OperationName = OperationName::ListResourceTags;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for ListResourceTags {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        // A key has too few tags for it to matter that the pages before are skipped one by one.
        let after = |key: &str| page.after.as_deref().is_none_or(|after| after < key);
        let tags = call.key(0).tags.iter().filter(|(key, _)| after(key));
        let mut tags: Vec<Tag> = tags.map(Tag::from).collect();
        let next_marker = page.cut(&mut tags, |tag| &tag.tag_key);
        Ok(Output {
            tags,
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
