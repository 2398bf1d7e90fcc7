//! `strongroom audit verify-receipt`: what `prove` wrote, with nothing but the public key.

use super::{PublicKey, WRONG, failed, print, read};
use crate::Error;
use crate::audit::{Growth, Receipt, ReceiptError, VerifierKey};
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `verify-receipt`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The files.
    #[arg(required = true)]
    receipts: Vec<PathBuf>,
    #[command(flatten)]
    public_key: PublicKey,
}

/// Prints what is proven: of a receipt the record.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let key = arguments.public_key.read()?;
    let mut wrong = false;
    for path in &arguments.receipts {
        let text = read(path)?;
        let path = path.display();
        let proven = match text.starts_with('{') {
            true => grown(&text, &key),
            false => included(&text, &key),
        };
        match proven {
            Ok((said, record)) => {
                if let Some(record) = record {
                    print(&record)?;
                }
                eprintln!("{said}");
            }
            Err(error @ ReceiptError::Malformed) => return Err(failed(format!("{path}: {error}"))),
            Err(error) => {
                eprintln!("WRONG: {path}: {error}");
                wrong = true;
            }
        }
    }
    Ok(match wrong {
        true => ExitCode::from(WRONG),
        false => ExitCode::SUCCESS,
    })
}

type Proven = Result<(String, Option<Vec<u8>>), ReceiptError>;

fn included(text: &str, key: &VerifierKey) -> Proven {
    let receipt = Receipt::parse(text)?;
    let checkpoint = receipt.verify(key)?;
    let (leaf, size, log) = (receipt.leaf, checkpoint.size, checkpoint.origin);
    let said = format!("right: this is leaf {leaf} of the {size} of the log {log}");
    Ok((said, Some(receipt.record)))
}

fn grown(text: &str, key: &VerifierKey) -> Proven {
    let (old, new) = Growth::parse(text)?.verify(key)?;
    let (log, old, new) = (new.origin, old.size, new.size);
    let said = format!("right: the {new} leaves of the log {log} begin with those of {old}");
    Ok((said, None))
}
