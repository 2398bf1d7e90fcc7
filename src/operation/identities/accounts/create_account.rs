//! Strongroom.CreateAccount: `docs/access.md`.

use super::AccountDetail;
use crate::model::AccountId;
use crate::model::arn::root_arn;
use crate::model::member::input;
use crate::model::names;
use crate::model::shapes::Account;
use crate::operation::access::Subject;
use crate::operation::identities::access_keys::{AccessKeyMetadata, CreatedAccessKey, Made};
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::store::Transaction;
use crate::{Error, ErrorCode};
use uuid::Uuid;

/// See the module.
pub struct CreateAccount;

input! {
    required {}
    optional {
        account_id: Account,
    }
}

/// The operation's answer: the root's access key is shown this once.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub account: AccountDetail,
    pub access_key: CreatedAccessKey,
}

impl Operation for CreateAccount {
    const NAME: OperationName = OperationName::CreateAccount;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::about(Subject::Deployment))
    }

    fn recorded(output: &Output) -> Result<serde_json::Value, Error> {
        // Without the secret.
        Ok(serde_json::json!({
            "account": names::recorded(&output.account)?,
            "accessKey": names::recorded(&output.access_key.metadata)?,
        }))
    }
}

/// The account's number, and its root's access key.
pub struct Prepared {
    account: AccountId,
    key: Made,
}

fn number(input: &Input) -> Result<AccountId, Error> {
    let number = match &input.account_id {
        Some(given) => given.to_string(),
        // Twelve digits, the first of which is none of a short number's.
        None => (100_000_000_000 + Uuid::new_v4().as_u128() % 900_000_000_000).to_string(),
    };
    AccountId::parse(&number).ok_or_else(|| Error::internal("an account without a number"))
}

impl TokenChange for CreateAccount {
    type Prepared = Prepared;

    async fn prepare(
        input: &Input,
        _: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Prepared, Error> {
        let account = number(input)?;
        let key = Made::new(account.clone(), root_arn(&account), cx).await?;
        Ok(Prepared { account, key })
    }

    async fn apply(
        _: &Input,
        prepared: &Prepared,
        _: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let Prepared { account, key: made } = prepared;
        if !tx.ensure_account(account).await? {
            let message = format!("Account {account} already exists.");
            return Err(Error::new(ErrorCode::EntityAlreadyExists, message));
        }
        let root = tx.share_identity(&root_arn(account)).await?;
        let root = root.ok_or_else(|| Error::internal(format!("{account} has no root")))?;
        let key = made.row(cx.clock.now());
        tx.insert_access_key(&key).await?;
        Ok(Output {
            account: AccountDetail::from(&root),
            access_key: made.shown(AccessKeyMetadata::new(&key, None)),
        })
    }
}
