//! Accounts: each is a world of its own keys, aliases, users and roles. Only the management account,
//! which `init` has made, knows of the others.

pub mod create_account;
pub mod list_accounts;

use crate::model::shapes::Timestamp;
use crate::store::Identity;

/// An account, as answers have it.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AccountDetail {
    pub account_id: String,
    /// Of its root.
    pub arn: String,
    pub management: bool,
    pub create_date: Timestamp,
}

impl From<&Identity> for AccountDetail {
    fn from(root: &Identity) -> Self {
        Self {
            account_id: root.account.to_string(),
            arn: root.arn.clone(),
            management: root.management,
            create_date: Timestamp(root.created),
        }
    }
}
