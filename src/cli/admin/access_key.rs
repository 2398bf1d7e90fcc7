//! `strongroom admin access-key`.

use super::table::Column;
use super::{Gateway, print_json};
use crate::Error;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// What is done with access keys.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make one; shows its secret, this once.
    Create(Owner),
    /// List them, and when they were last used.
    List(Owner),
    /// Let one sign no more, until it is enabled again.
    Disable(Named),
    /// Let one sign again.
    Enable(Named),
    /// Delete one for ever.
    Delete(Named),
}

/// Whose they are.
#[derive(Args)]
pub(super) struct Owner {
    /// The user; whoever asks, if there is none.
    #[arg(long)]
    user: Option<String>,
}

#[derive(Args)]
pub(super) struct Named {
    /// The access key, `AKIA…`.
    access_key_id: String,
    #[command(flatten)]
    owner: Owner,
}

const COLUMNS: &[Column] = &[
    ("ACCESS KEY", "AccessKeyId"),
    ("STATUS", "Status"),
    ("CREATED", "CreateDate"),
    ("LAST USED", "AccessKeyLastUsed/LastUsedDate"),
    ("WITH", "AccessKeyLastUsed/ServiceName"),
];

impl Owner {
    fn input(&self) -> Value {
        match &self.user {
            Some(name) => json!({"UserName": name}),
            None => json!({}),
        }
    }
}

impl Named {
    fn input(&self) -> Value {
        let mut input = self.owner.input();
        input["AccessKeyId"] = self.access_key_id.as_str().into();
        input
    }
}

pub(super) async fn run(command: Command, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    match command {
        Command::Create(owner) => {
            let answer = gateway.call("CreateAccessKey", &owner.input()).await?;
            match gateway.json {
                true => print_json(&answer),
                false => show_created(gateway, &answer),
            }
        }
        Command::List(owner) => {
            const LIST: &str = "AccessKeyMetadata";
            let mut keys = gateway.list("ListAccessKeys", owner.input(), LIST).await?;
            for key in &mut keys {
                let input = json!({"AccessKeyId": key["AccessKeyId"]});
                let mut last = gateway.call("GetAccessKeyLastUsed", &input).await?;
                key["AccessKeyLastUsed"] = last["AccessKeyLastUsed"].take();
            }
            gateway.show_list(LIST, keys, COLUMNS);
        }
        Command::Disable(key) => update(key, "Inactive", gateway).await?,
        Command::Enable(key) => update(key, "Active", gateway).await?,
        Command::Delete(key) => {
            gateway.call("DeleteAccessKey", &key.input()).await?;
        }
    }
    Ok(())
}

async fn update(key: Named, status: &str, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    let mut input = key.input();
    input["Status"] = status.into();
    gateway.call("UpdateAccessKey", &input).await.map(drop)
}

/// Prints, for people, an access key that was made just now, as a shell takes it.
pub(super) fn show_created(gateway: &Gateway<'_>, answer: &Value) {
    if gateway.json {
        return;
    }
    let member = |name: &str| answer["AccessKey"][name].as_str().unwrap_or_default();
    println!("# The secret is shown this once and is kept nowhere: store it now.");
    println!("export AWS_ACCESS_KEY_ID={}", member("AccessKeyId"));
    println!("export AWS_SECRET_ACCESS_KEY={}", member("SecretAccessKey"));
}
