//! The SoftHSM2 token of `strongroom dev`.

use super::{failed, random_hex, write_private};
use crate::Error;
use crate::token::provision as initialise_token;
use secrecy::{ExposeSecret, SecretString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The token's label.
pub(super) const LABEL: &str = "strongroom-dev";
const VARIABLE: &str = "SOFTHSM2_CONF";
const TEMPLATE: &str = include_str!("../../../softhsm/softhsm2.conf");
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM finds its configuration by an environment variable of the process, which cannot be set
/// safely from inside it: where it is not set to ours, this process starts over with it set.
///
/// # Errors
/// The configuration cannot be written, or this program not be started.
pub(super) fn enter_environment(dir: &Path) -> Result<(), Error> {
    let conf = dir.join("softhsm2.conf");
    let tokens = dir.join("tokens");
    if !tokens.exists() {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&tokens)
            .map_err(|error| failed(format!("cannot make {}: {error}", tokens.display())))?;
    }
    write_private(
        &conf,
        &TEMPLATE.replace("@TOKENDIR@", &tokens.to_string_lossy()),
    )?;
    if std::env::var_os(VARIABLE).is_some_and(|value| value == conf.as_os_str()) {
        return Ok(());
    }
    let this = std::env::current_exe().map_err(Error::internal)?;
    let error = Command::new(this)
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, conf)
        .exec();
    Err(failed(format!(
        "cannot start over with {VARIABLE} set: {error}"
    )))
}

/// Where SoftHSM's module is.
///
/// # Errors
/// It is not installed.
pub(super) fn module() -> Result<PathBuf, Error> {
    MODULES
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .ok_or_else(|| {
            failed("SoftHSM2 is not installed: `make setup`, or apt-get install softhsm2")
        })
}

/// Initialises the token with random PINs, unless it is there.
///
/// # Errors
/// The token refuses.
pub(super) fn provision(dir: &Path) -> Result<(), Error> {
    let present =
        fs::read_dir(dir.join("tokens")).is_ok_and(|mut entries| entries.next().is_some());
    for name in ["pin", "so-pin"] {
        if present && !dir.join(name).exists() {
            return Err(failed(format!(
                "{} has a token, but its {name} is gone: put {} back, or remove {} to start \
                 without its keys",
                dir.join("tokens").display(),
                dir.join(name).display(),
                dir.display()
            )));
        }
    }
    let pin = secret(&dir.join("pin"))?;
    let so_pin = secret(&dir.join("so-pin"))?;
    let token = initialise_token(&module()?, LABEL, &so_pin, &pin)?;
    if token.created {
        log::info!("initialised the token {LABEL}, serial {}", token.serial);
    }
    Ok(())
}

/// As many as there are letters for, and a token directory is good for.
pub(super) const MAX_CLUSTERS: u8 = 8;

/// The tokens beside the gateway's own: the names, which are also their labels, of the first
/// `count`.
pub(super) fn clusters(count: u8) -> impl Iterator<Item = String> {
    ('a'..)
        .take(count.into())
        .map(|letter| format!("cluster-strongroomdev{letter}"))
}

/// Where a cluster's PIN is kept.
pub(super) fn pin_of(dir: &Path, cluster: &str) -> PathBuf {
    dir.join(format!("{cluster}.pin"))
}

/// Initialises `count` tokens beside the gateway's own, unless they are there; answers how many
/// there are, for those of an earlier start may have keys.
///
/// # Errors
/// A token refuses.
pub(super) fn provision_clusters(dir: &Path, count: u8) -> Result<u8, Error> {
    let so_pin = secret(&dir.join("so-pin"))?;
    let mut there = 0;
    for cluster in clusters(MAX_CLUSTERS) {
        if there >= count && !pin_of(dir, &cluster).exists() {
            break;
        }
        let pin = secret(&pin_of(dir, &cluster))?;
        initialise_token(&module()?, &cluster, &so_pin, &pin)?;
        there += 1;
    }
    Ok(there)
}

/// A secret kept in a file, made at first.
fn secret(path: &Path) -> Result<SecretString, Error> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Err(failed(format!("{} is empty", path.display()))),
        Ok(text) => Ok(text.trim().into()),
        // Anything else may pass; a new PIN in its place would lock the token for good.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let new = random_hex()?;
            write_private(path, new.expose_secret())?;
            Ok(new)
        }
        Err(error) => Err(failed(format!("cannot read {}: {error}", path.display()))),
    }
}
