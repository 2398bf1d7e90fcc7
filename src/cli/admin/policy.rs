//! `strongroom admin policy`: the policies that users and roles have of their own.

use super::table::Column;
use super::{Gateway, document, print_json};
use crate::Error;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What is done with policies.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Give it a policy, in the place of the one of that name.
    Put {
        #[command(flatten)]
        owner: Owner,
        /// The policy's name.
        name: String,
        /// The document: a file, or - for standard input.
        document: PathBuf,
    },
    /// Print a policy.
    Get {
        #[command(flatten)]
        owner: Owner,
        /// The policy's name.
        name: String,
    },
    /// List the policies' names.
    List {
        #[command(flatten)]
        owner: Owner,
    },
    /// Take a policy away.
    Delete {
        #[command(flatten)]
        owner: Owner,
        /// The policy's name.
        name: String,
    },
}

/// Whose it is.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Owner {
    /// A user's.
    #[arg(long)]
    user: Option<String>,
    /// A role's.
    #[arg(long)]
    role: Option<String>,
}

impl Owner {
    /// As operations are named after it.
    fn noun(&self) -> &'static str {
        match self.user {
            Some(_) => "User",
            None => "Role",
        }
    }

    fn input(&self) -> Value {
        let name = self.user.as_ref().or(self.role.as_ref());
        json!({format!("{}Name", self.noun()): name})
    }

    fn named(&self, policy: &str) -> Value {
        let mut input = self.input();
        input["PolicyName"] = policy.into();
        input
    }
}

const COLUMNS: &[Column] = &[("POLICY", "")];

pub(super) async fn run(command: Command, gateway: &mut Gateway<'_>) -> Result<(), Error> {
    match command {
        Command::Put {
            owner,
            name,
            document: path,
        } => {
            let mut input = owner.named(&name);
            input["PolicyDocument"] = document(&path)?.into();
            let operation = format!("Put{}Policy", owner.noun());
            gateway.call(&operation, &input).await?;
        }
        Command::Get { owner, name } => {
            let operation = format!("Get{}Policy", owner.noun());
            let answer = gateway.call(&operation, &owner.named(&name)).await?;
            match gateway.json {
                true => print_json(&answer),
                // As it was given, to be put again.
                false => println!("{}", answer["PolicyDocument"].as_str().unwrap_or_default()),
            }
        }
        Command::List { owner } => {
            let operation = format!("List{}Policies", owner.noun());
            let names = gateway
                .list(&operation, owner.input(), "PolicyNames")
                .await?;
            gateway.show_list("PolicyNames", names, COLUMNS);
        }
        Command::Delete { owner, name } => {
            let operation = format!("Delete{}Policy", owner.noun());
            gateway.call(&operation, &owner.named(&name)).await?;
        }
    }
    Ok(())
}
