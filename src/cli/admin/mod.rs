//! `strongroom admin`: who may do what, on a running gateway. A client of the operations that the
//! gateway has beside AWS's, signed with the caller's access key.

mod access_key;
mod account;
mod approval;
mod entity;
mod policy;
mod table;

use super::client::{self, Connection, Endpoint};
use super::{failed, runtime};
use crate::Error;
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use table::Column;

/// Options of `admin`. The credentials and the Region come from the environment, as with any AWS
/// client.
#[derive(clap::Args)]
pub struct Arguments {
    /// The gateway, as http://host:port or https://host:port.
    #[arg(long, env = "AWS_ENDPOINT_URL_KMS", global = true)]
    endpoint: Option<String>,
    /// Print what the gateway answers, as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Accounts: for the management account, which `init` has made.
    #[command(subcommand)]
    Account(account::Command),
    /// Users.
    #[command(subcommand)]
    User(entity::User),
    /// Roles.
    #[command(subcommand)]
    Role(entity::Role),
    /// The policies of users and roles.
    #[command(subcommand)]
    Policy(policy::Command),
    /// The access keys of users, and of whoever asks.
    #[command(subcommand)]
    AccessKey(access_key::Command),
    /// Say who it is that asks.
    Whoami,
    /// Calls that wait for approvals: dual control.
    #[command(subcommand)]
    Approval(approval::Command),
}

/// Does it, and prints what there is to say.
///
/// # Errors
/// `Code: message` of what the gateway refuses; what keeps it from being asked.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let endpoint = arguments
        .endpoint
        .ok_or_else(|| failed("no gateway: name it by --endpoint or AWS_ENDPOINT_URL_KMS"))?;
    let endpoint = Endpoint::new(&endpoint)?;
    runtime()?.block_on(async {
        let mut gateway = Gateway {
            connection: Connection::open(&endpoint).await?,
            json: arguments.json,
        };
        match arguments.command {
            Command::Account(command) => account::run(command, &mut gateway).await,
            Command::User(command) => entity::run_user(command, &mut gateway).await,
            Command::Role(command) => entity::run_role(command, &mut gateway).await,
            Command::Policy(command) => policy::run(command, &mut gateway).await,
            Command::AccessKey(command) => access_key::run(command, &mut gateway).await,
            Command::Whoami => whoami(&mut gateway).await,
            Command::Approval(command) => approval::run(command, &mut gateway).await,
        }
    })
}

/// The gateway, and how its answers are shown.
struct Gateway<'e> {
    connection: Connection<'e>,
    json: bool,
}

impl Gateway<'_> {
    /// Calls one of the gateway's own operations.
    ///
    /// # Errors
    /// As [`run`].
    async fn call(&mut self, operation: &str, input: &Value) -> Result<Value, Error> {
        let target = format!("Strongroom.{operation}");
        self.connection.call_json(&target, input).await
    }

    /// All pages of a list, whose items are the answer's member `list`.
    ///
    /// # Errors
    /// As [`run`].
    async fn list(
        &mut self,
        operation: &str,
        mut input: Value,
        list: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        loop {
            let mut page = self.call(operation, &input).await?;
            match page[list].take() {
                Value::Array(items) => all.extend(items),
                _ => return Err(failed(format!("{operation}: the answer has no {list}"))),
            }
            match page["NextMarker"].take() {
                Value::Null => return Ok(all),
                marker => input["Marker"] = marker,
            }
        }
    }

    /// Prints the items of a list.
    fn show_list(&self, list: &str, items: Vec<Value>, columns: &[Column]) {
        match self.json {
            true => print_json(&json!({list: items})),
            false => print!("{}", table::of(&items, columns)),
        }
    }

    /// Prints one thing: the answer's member `member`.
    fn show(&self, answer: &Value, member: &str, columns: &[Column]) {
        match self.json {
            true => print_json(answer),
            false => print!("{}", table::one(&answer[member], columns)),
        }
    }
}

async fn whoami(gateway: &mut Gateway<'_>) -> Result<(), Error> {
    let xml = gateway.connection.call_sts("GetCallerIdentity").await?;
    let said = |name: &str| client::element(&xml, name).unwrap_or_default();
    let caller = json!({
        "Account": said("Account"), "Arn": said("Arn"), "UserId": said("UserId"),
    });
    match gateway.json {
        true => print_json(&caller),
        false => print!("{}", table::one(&caller, CALLER)),
    }
    Ok(())
}

const CALLER: &[Column] = &[("ACCOUNT", "Account"), ("ARN", "Arn"), ("ID", "UserId")];

fn print_json(value: &Value) {
    println!("{value:#}");
}

/// A document from a file, or from standard input, which is called `-`.
///
/// # Errors
/// It cannot be read.
fn document(path: &Path) -> Result<String, Error> {
    let read = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(path),
    };
    read.map_err(|error| failed(format!("{}: {error}", path.display())))
}
