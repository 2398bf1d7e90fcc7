//! ListAliases: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>.

use crate::Error;
use crate::model::arn::alias_arn;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, Limit, Marker, Timestamp};
use crate::operation::access::Permission;
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::store::Alias;

/// AWS's page length here where the caller names none.
const DEFAULT_LIMIT: i64 = 50;

/// See the module.
pub struct ListAliases;

input! {
    required {}
    optional {
        key_id: KeyId,
        limit: Limit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub aliases: Vec<AliasListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// One alias.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AliasListEntry {
    pub alias_name: String,
    pub alias_arn: String,
    pub target_key_id: String,
    pub creation_date: Timestamp,
    pub last_updated_date: Timestamp,
}

impl From<Alias> for AliasListEntry {
    fn from(alias: Alias) -> Self {
        Self {
            alias_arn: alias_arn(&alias.account, &alias.region, &alias.name),
            alias_name: alias.name,
            target_key_id: alias.key_id,
            creation_date: Timestamp(alias.created),
            last_updated_date: Timestamp(alias.updated),
        }
    }
}

impl Operation for ListAliases {
    const NAME: OperationName = OperationName::ListAliases;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(match &input.key_id {
            // No permission for the key itself, says AWS's page.
            Some(key_id) => {
                Access::managing(key_id, StateRule::Any).by_permission(Permission::Account)
            }
            None => Access::account(),
        })
    }
}

impl Use for ListAliases {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let (account, region) = (&request.principal.account, &request.region);
        let key_id = input.key_id.as_ref().map(|_| call.key(0).key_id.as_str());
        let after = page.after.as_deref();
        let mut aliases = cx
            .store
            .list_aliases(account, region, key_id, after, page.limit + 1)
            .await?;
        let next_marker = page.cut(&mut aliases, |alias| &alias.name);
        Ok(Output {
            aliases: aliases.into_iter().map(AliasListEntry::from).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
