//! `strongroom attest verify`: no gateway, no database and no token.

use super::{DIFFERS, described, is_as_born};
use crate::Error;
use crate::audit::{Note, VerifierKey, origin};
use crate::cli::failed;
use crate::operation::evidence::Attestation;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `attest verify`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The attestations.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The public half of the deployment's audit key, as `audit public-key` gives it: from another
    /// place than the attestations.
    #[arg(long)]
    public_key: PathBuf,
}

/// Says what was attested.
///
/// # Errors
/// What is wrong with the first file that is not to be believed; none after it is looked at.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let key = &arguments.public_key;
    let parsed = VerifierKey::parse(&read(key)?);
    let key = parsed.ok_or_else(|| failed(format!("{} has no public key", key.display())))?;
    let mut exit = ExitCode::SUCCESS;
    for file in &arguments.files {
        let attestation = verified(&read(file)?, &key)
            .map_err(|why| failed(format!("{}: {why}", file.display())))?;
        print!("{}: {}", file.display(), described(&attestation));
        if !is_as_born(&attestation) {
            eprintln!(
                "{}: the signature is right, and the key is not as it was born",
                file.display()
            );
            exit = DIFFERS.into();
        }
    }
    Ok(exit)
}

fn read(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path);
    text.map_err(|error| failed(format!("cannot read {}: {error}", path.display())))
}

/// What is attested, if the key has signed it and it does not contradict itself.
fn verified(note: &str, key: &VerifierKey) -> Result<Attestation, String> {
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    note.verify(key).map_err(|error| error.to_string())?;
    let attestation = Attestation::parse(note.text()).map_err(|error| error.to_string())?;
    let signer = note.signatures().iter().find(|s| key.is_named_by(s));
    let signer = signer.map(|signature| &*signature.name);
    let deployment = origin(attestation.deployment);
    if signer != Some(&deployment) {
        let signer = signer.unwrap_or_default();
        return Err(format!(
            "it is about a key of {deployment}, and {signer} signed it"
        ));
    }
    Ok(attestation)
}
