//! `strongroom admin account`.

use super::Gateway;
use super::access_key::show_created;
use super::table::Column;
use crate::Error;
use clap::Subcommand;
use serde_json::json;

/// What is done with accounts.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an account; shows its root's access key, this once.
    Create {
        /// Its number, 12 digits; a random one if there is none.
        account_id: Option<String>,
    },
    /// List the accounts.
    List,
}

const COLUMNS: &[Column] = &[
    ("ACCOUNT", "AccountId"),
    ("ARN", "Arn"),
    ("MANAGEMENT", "Management"),
    ("CREATED", "CreateDate"),
];

pub(super) async fn run(command: Command, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    match command {
        Command::Create { account_id } => {
            let mut input = json!({});
            if let Some(id) = account_id {
                input["AccountId"] = id.into();
            }
            let answer = gateway.call("CreateAccount", &input).await?;
            gateway.show(&answer, "Account", COLUMNS);
            show_created(gateway, &answer);
        }
        Command::List => {
            let accounts = gateway.list("ListAccounts", json!({}), "Accounts").await?;
            gateway.show_list("Accounts", accounts, COLUMNS);
        }
    }
    Ok(())
}
