//! `strongroom init`: what a deployment needs, made once; safe to run again, and twice at once.

use super::{failed, runtime};
use crate::Error;
use crate::config::Config;
use crate::gateway::{Initialised, initialise};
use crate::model::AccountId;
use secrecy::ExposeSecret;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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
}

/// Makes what is missing; shows the root access key's secret where it was made just now.
///
/// # Errors
/// What keeps it from that.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let config = Config::load(&arguments.config)?;
    let account = account(&arguments.account_id)?;
    // Before the key is made: its secret is shown once, so it must have somewhere to go.
    let mut out = arguments.out.as_deref().map(Out::create).transpose()?;
    let done = runtime()?.block_on(initialise(&config, &account, None))?;
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
    } = &done;
    let text = format!(
        "export AWS_ACCESS_KEY_ID={access_key_id}\nexport AWS_SECRET_ACCESS_KEY={}\n",
        secret.expose_secret()
    );
    match &mut out {
        None => {
            println!("# deployment {deployment}, account {account}: the secret is shown this once");
            print!("{text}");
        }
        Some(out) => {
            out.keep(&text)?;
            println!(
                "deployment {deployment}, account {account}: root access key in {}",
                out.path.display()
            );
        }
    }
    Ok(())
}

/// A new file under a name of its own until there is something to keep in it, so that a file which
/// is there already is neither needed nor overwritten.
struct Out {
    path: PathBuf,
    new: PathBuf,
    file: File,
    kept: bool,
}

impl Out {
    fn create(path: &Path) -> Result<Self, Error> {
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}", std::process::id()));
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            new: new.into(),
            file,
            kept: false,
        })
    }

    fn keep(&mut self, text: &str) -> Result<(), Error> {
        let (path, new) = (self.path.display(), self.new.display());
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_all())
            .map_err(|error| failed(format!("cannot write {path}: {error}")))?;
        self.kept = true;
        // Unlike a rename, a link replaces nothing.
        std::fs::hard_link(&self.new, &self.path).map_err(|error| {
            failed(format!(
                "cannot write {path}: {error}; the root access key is in {new}"
            ))
        })?;
        self.kept = false;
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.new); // empty, or linked under its name
        }
    }
}

/// An account id from the command line.
pub(super) fn account(text: &str) -> Result<AccountId, Error> {
    AccountId::parse(text).ok_or_else(|| failed(format!("{text:?} is no account id: 12 digits")))
}
