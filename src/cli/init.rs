//! `strongroom init`: what a deployment needs, made once; safe to run again, and twice at once.

mod ceremony;

use super::new_file::NewFile;
use super::{failed, runtime};
use crate::Error;
use crate::config::Config;
use crate::gateway::{Initialised, initialise};
use crate::model::AccountId;
use secrecy::ExposeSecret;
use std::path::PathBuf;

/// Options of `init`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
    /// The account to make, 12 digits.
    #[arg(long)]
    account_id: String,
    /// Write the root access key to this new file (0600) instead of standard output.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    ceremony: ceremony::Arguments,
}

/// Makes what is missing; shows the root access key's secret where it was made just now.
///
/// # Errors
/// What keeps it from that.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let config = Config::load(&arguments.config)?;
    let account = account(&arguments.account_id)?;
    let (mut transcript, ceremony) = arguments.ceremony.begin()?.unzip();
    // Before the key is made: its secret is shown once, so it must have somewhere to go.
    let root_key = |path| NewFile::create(path, "the root access key");
    let mut out = arguments.out.as_deref().map(root_key).transpose()?;
    let done = runtime()?.block_on(initialise(&config, &account, None, ceremony))?;
    show(&account, &done, out.as_mut()).and(ceremony::end(transcript.as_mut(), &done))
}

/// The root access key, where it goes to.
fn show(account: &AccountId, done: &Initialised, out: Option<&mut NewFile>) -> Result<(), Error> {
    let Some(secret) = &done.secret else {
        println!(
            "deployment {}: account {account} has its root access key {}",
            done.deployment, done.access_key_id
        );
        return Ok(());
    };
    let Initialised {
        deployment,
        access_key_id,
        ..
    } = done;
    let text = format!(
        "export AWS_ACCESS_KEY_ID={access_key_id}\nexport AWS_SECRET_ACCESS_KEY={}\n",
        secret.expose_secret()
    );
    match out {
        None => {
            println!("# deployment {deployment}, account {account}: the secret is shown this once");
            print!("{text}");
        }
        Some(out) => {
            out.keep(&text)?;
            println!(
                "deployment {deployment}, account {account}: root access key in {}",
                out.path().display()
            );
        }
    }
    Ok(())
}

/// An account id from the command line.
pub(super) fn account(text: &str) -> Result<AccountId, Error> {
    AccountId::parse(text).ok_or_else(|| failed(format!("{text:?} is no account id: 12 digits")))
}
