//! `strongroom attest`: has a running gateway attest keys, signed with the caller's access key; and
//! verifies what it attested, with nothing but files.

mod verify;

use super::client::{Connection, Endpoint};
use super::{failed, runtime};
use crate::Error;
use crate::operation::evidence::{
    Attestation, AttestedVersion, Exportability, Provenance, Verdict,
};
use clap::Subcommand;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit status where a key is not as it was born.
const DIFFERS: u8 = 2;

/// Options of `attest`. The credentials and the Region come from the environment, as with any AWS
/// client.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    ask: Ask,
}

#[derive(Subcommand)]
enum Command {
    /// Verify attestations: offline, by the deployment's public key.
    Verify(verify::Arguments),
}

#[derive(clap::Args)]
struct Ask {
    /// The key: its id, ARN or alias.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    key: Option<String>,
    /// Every key of the caller's account and Region.
    #[arg(long)]
    all: bool,
    /// Where the attestations are written, one file a key; without it they are printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The gateway, as http://host:port or https://host:port.
    #[arg(long, env = "AWS_ENDPOINT_URL_KMS")]
    endpoint: Option<String>,
}

/// Attests, or verifies; the exit status is 2 where a key is not as it was born.
///
/// # Errors
/// `Code: message` of what the gateway refuses; what keeps it from being asked; what is wrong with a
/// file.
pub fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    match arguments.command {
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        None => ask(&arguments.ask),
    }
}

fn ask(ask: &Ask) -> Result<ExitCode, Error> {
    let endpoint = ask.endpoint.as_ref();
    let endpoint = endpoint
        .ok_or_else(|| failed("no gateway: name it by --endpoint or AWS_ENDPOINT_URL_KMS"))?;
    let endpoint = Endpoint::new(endpoint)?;
    if let Some(out) = &ask.out {
        std::fs::create_dir_all(out).map_err(|error| cannot_write(out, &error))?;
    }
    runtime()?.block_on(async {
        let mut gateway = Connection::open(&endpoint).await?;
        let keys = match &ask.key {
            Some(key) => vec![key.clone()],
            None => keys(&mut gateway).await?,
        };
        let (mut differing, mut refused) = (0, 0);
        for key in &keys {
            match one(&mut gateway, key, ask.out.as_deref()).await {
                Ok(as_born) => differing += usize::from(!as_born),
                // One that may not be seen must not hide the others.
                Err(error) if ask.all => {
                    refused += 1;
                    eprintln!("{key}: {}", error.message());
                }
                Err(error) => return Err(error),
            }
        }
        match (refused, differing) {
            (0, 0) => Ok(ExitCode::SUCCESS),
            (0, _) => Ok(DIFFERS.into()),
            _ => Err(failed(format!("{refused} keys were not attested"))),
        }
    })
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    failed(format!("cannot write {}: {error}", path.display()))
}

/// The ARNs of all keys.
async fn keys(gateway: &mut Connection<'_>) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    let mut input = json!({});
    loop {
        let mut page = gateway.call_json("TrentService.ListKeys", &input).await?;
        let entries = page["Keys"].as_array().into_iter().flatten();
        keys.extend(entries.filter_map(|key| Some(key["KeyArn"].as_str()?.to_owned())));
        match page["NextMarker"].take() {
            Value::Null => return Ok(keys),
            marker => input["Marker"] = marker,
        }
    }
}

/// Attests one key, and says what came of it; answers whether all of it is as it was born.
async fn one(gateway: &mut Connection<'_>, key: &str, out: Option<&Path>) -> Result<bool, Error> {
    let input = json!({"KeyId": key});
    let answer = gateway.call_json("Strongroom.GetKeyAttestation", &input);
    let answer = answer.await?;
    let (Some(arn), Some(note)) = (answer["KeyId"].as_str(), answer["Attestation"].as_str()) else {
        return Err(failed("GetKeyAttestation: the answer has no Attestation"));
    };
    // The signature is for whoever has the public key. What is told here is the gateway's word.
    let (text, _) = note.rsplit_once("\n\n").unwrap_or_default();
    let read = Attestation::parse(&format!("{text}\n"));
    let attestation = read.map_err(|error| failed(format!("{key}: {error}")))?;
    match out {
        Some(out) => {
            let id = arn.rsplit('/').next().unwrap_or_default();
            let path = out.join(format!("{id}.attestation"));
            std::fs::write(&path, note).map_err(|error| cannot_write(&path, &error))?;
            print!("{}: {}", path.display(), described(&attestation));
        }
        None => print!("{note}"),
    }
    Ok(is_as_born(&attestation))
}

fn is_as_born(attestation: &Attestation) -> bool {
    let mut versions = attestation.versions.iter();
    versions.all(|version| version.verdict != Verdict::Differs)
}

/// What is attested, in a few lines.
fn described(attestation: &Attestation) -> String {
    let Attestation {
        deployment,
        time,
        key,
        token,
        versions,
        ..
    } = attestation;
    let mut text = format!(
        "{}\n  {}, {}, {}, {}; attested at {time} by deployment {deployment}\n  on the token with serial \
         number {} ({} {}, firmware {}; {} {}, PKCS#11 {})\n",
        key.arn,
        key.key_spec,
        key.key_usage,
        key.origin,
        key.key_state,
        token.serial,
        token.manufacturer,
        token.model,
        token.firmware_version,
        token.library,
        token.library_version,
        token.cryptoki_version,
    );
    for version in versions {
        let _ = writeln!(text, "  {}", sentence(version)); // a String takes everything
    }
    text
}

fn sentence(version: &AttestedVersion) -> String {
    let number = version.version;
    let current = if version.current { " (current)" } else { "" };
    let came = match version.provenance {
        Provenance::Generated => "generated on a token",
        Provenance::Imported => "imported by its owner",
        Provenance::Adopted => "adopted as it was on the token",
        Provenance::AwaitingImport => return format!("version {number}{current}: has no material"),
    };
    let leaves = match version.exportability {
        Exportability::Never => "could at no time leave the token",
        Exportability::NotNow => {
            "cannot leave the token now; was or could have been elsewhere before"
        }
        Exportability::Exportable => "CAN LEAVE THE TOKEN",
        Exportability::Unknown => "whether it can leave the token is not known",
    };
    let verdict = match version.verdict {
        Verdict::Differs => {
            let deviations = version.deviations.iter().map(ToString::to_string);
            let deviations = deviations.collect::<Vec<_>>().join("; ");
            format!("NOT AS BORN: {deviations}")
        }
        Verdict::AsBorn | Verdict::NoMaterial => "as born".into(),
    };
    format!("version {number}{current}: {came}; {leaves}; {verdict}")
}
