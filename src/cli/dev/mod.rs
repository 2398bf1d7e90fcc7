//! `strongroom dev`: everything that a gateway needs, kept under one folder.

mod postgres;
mod root_key;
mod softhsm;

use super::{failed, init, logging, runtime, serve};
use crate::Error;
use crate::config::{self, Config};
use crate::gateway::{Gateway, initialise};
use crate::model::{Region, hex};
use postgres::Cluster;
use root_key::RootKey;
use secrecy::SecretString;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the folder and the command line decide, whatever the environment says.
const OURS: [&str; 11] = [
    "STRONGROOM_CLUSTERS",
    "STRONGROOM_SERVER_LISTEN",
    "STRONGROOM_SERVER_ADMIN_LISTEN",
    "STRONGROOM_TOKEN_MODULE",
    "STRONGROOM_TOKEN_LABEL",
    "STRONGROOM_TOKEN_SERIAL",
    "STRONGROOM_TOKEN_PIN",
    "STRONGROOM_TOKEN_PIN_FILE",
    "STRONGROOM_DATABASE_URL",
    "STRONGROOM_DATABASE_URL_FILE",
    "STRONGROOM_GATEWAY_REGIONS",
];

/// Options of `dev`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where everything is kept.
    #[arg(long, default_value = ".strongroom")]
    data_dir: PathBuf,
    /// The API's address.
    #[arg(long, default_value = "127.0.0.1:7700")]
    listen: SocketAddr,
    /// The address of health and metrics.
    #[arg(long, default_value = "127.0.0.1:7701")]
    admin_listen: SocketAddr,
    /// The account, 12 digits.
    #[arg(long, default_value = "000000000000")]
    account_id: String,
    /// The Region that the env file names; any is answered for.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Further tokens, to make custom key stores of.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    key_stores: u8,
    /// The root access key's id; made up where it is left out.
    #[arg(
        long,
        env = "STRONGROOM_DEV_ACCESS_KEY_ID",
        requires = "secret_access_key"
    )]
    access_key_id: Option<String>,
    /// The root access key's secret. Others on this machine can read a command line.
    #[arg(
        long,
        env = "STRONGROOM_DEV_SECRET_ACCESS_KEY",
        hide_env_values = true,
        requires = "access_key_id"
    )]
    secret_access_key: Option<String>,
}

/// Serves until SIGTERM or SIGINT, then stops all of it.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub fn run(mut arguments: Arguments) -> Result<(), Error> {
    let account = init::account(&arguments.account_id)?;
    let region = Region::parse(&arguments.region)
        .ok_or_else(|| failed(format!("{:?} is no Region's name", arguments.region)))?;
    let dir = data_dir(&arguments.data_dir)?;
    softhsm::enter_environment(&dir)?;
    let _lock = lock(&dir)?;
    let runtime = runtime()?;
    let mut signals = serve::Signals::listen(&runtime)?;
    let root = RootKey::choose(&arguments, &dir.join("root-key"))?;
    // It says where a gateway is: until one is ready, nowhere.
    let _ = fs::remove_file(dir.join("env"));
    softhsm::provision(&dir)?;
    arguments.key_stores = softhsm::provision_clusters(&dir, arguments.key_stores)?;
    let cluster = Cluster::start(&dir)?;
    let served = configure(&dir, &cluster, &arguments).and_then(|config| {
        logging::configure(&config.log);
        runtime.block_on(async {
            let root = root_key(&config, &dir, &account, root).await?;
            if signals.come() {
                return Ok(()); // during the start
            }
            let ready =
                |gateway: &Gateway| announce(gateway, &dir, &region, &root, arguments.key_stores);
            let nothing = async |_: &Gateway| std::future::pending().await;
            serve::until_stopped(&config, &mut signals, ready, nothing).await
        })
    });
    let stopped = cluster.stop();
    served.and(stopped)
}

/// Writes the configuration file and reads it back as any other, with what the environment tunes.
fn configure(dir: &Path, cluster: &Cluster, arguments: &Arguments) -> Result<Config, Error> {
    let file = dir.join("strongroom.toml");
    write_private(&file, &configuration(dir, &cluster.url(), arguments)?)?;
    let mut environment = config::environment()?;
    // What a shell has exported for a real deployment must not be mixed with this one.
    environment
        .retain(|name, _| !OURS.contains(&name.as_str()) && !name.starts_with("STRONGROOM_TLS_"));
    Config::load_with(&file, environment)
}

/// Sees to the account and its root access key.
async fn root_key(
    config: &Config,
    dir: &Path,
    account: &crate::model::AccountId,
    chosen: Option<RootKey>,
) -> Result<RootKey, Error> {
    let done = initialise(config, account, chosen.map(RootKey::into_pair), None).await?;
    let root = match done.secret {
        Some(secret) => RootKey::new(done.access_key_id, secret),
        // Its secret is nowhere to be read any more: a new one beside it.
        None => {
            let new = RootKey::generate()?.into_pair();
            let done = initialise(config, account, Some(new.clone()), None).await?;
            RootKey::new(done.access_key_id, new.1)
        }
    };
    write_private(&dir.join("root-key"), &root.exports())?;
    Ok(root)
}

/// Writes the env file and says how to use it.
fn announce(
    gateway: &Gateway,
    dir: &Path,
    region: &Region,
    root: &RootKey,
    key_stores: u8,
) -> Result<(), Error> {
    let path = dir.join("env");
    write_private(&path, &root.env(gateway.api().address, region))?;
    let shown = shorter(&path);
    println!("strongroom is ready on {}", gateway.api().url());
    println!("  health and metrics: {}", gateway.admin().url());
    println!("  use it:             . {shown} && aws kms create-key");
    for cluster in softhsm::clusters(key_stores) {
        let pin = softhsm::pin_of(dir, &cluster);
        println!(
            "  key store:          {cluster}, its password in {}",
            shorter(&pin)
        );
    }
    println!(
        "  check it:           SOFTHSM2_CONF={} strongroom doctor --config {}",
        shorter(&dir.join("softhsm2.conf")),
        shorter(&dir.join("strongroom.toml"))
    );
    Ok(())
}

/// The path as the reader would type it.
fn shorter(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn configuration(dir: &Path, url: &str, arguments: &Arguments) -> Result<String, Error> {
    // A JSON string is a TOML one.
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let module = text(&softhsm::module()?.to_string_lossy());
    let clusters: String = softhsm::clusters(arguments.key_stores)
        .map(|id| {
            format!(
                "\n[clusters.{id}]\nmodule = {module}\nlabel = {}\n",
                text(&id)
            )
        })
        .collect();
    Ok(format!(
        "# Written by `strongroom dev` at every start.\n\
         [server]\nlisten = {}\nadmin_listen = {}\n\n\
         [token]\nmodule = {}\nlabel = {}\npin_file = {}\nimport_through_memory = true\n\n\
         [database]\nurl = {}\n\n\
         [gateway]\nregions = [\"*\"]\n\n\
         # Whoever develops is not throttled.\n\
         [quota]\ndefaults = \"none\"\nfailures_per_second = 1000\nkey_store_passwords_per_hour = 1000\n\
         import_wrapping_keys = 1000\n{clusters}",
        text(&arguments.listen.to_string()),
        text(&arguments.admin_listen.to_string()),
        module,
        text(softhsm::LABEL),
        text(&dir.join("pin").to_string_lossy()),
        text(url),
    ))
}

/// Makes the folder, for its owner alone; answers its absolute path.
fn data_dir(path: &Path) -> Result<PathBuf, Error> {
    let failed = |error| failed(format!("cannot make {}: {error}", path.display()));
    if !path.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
    }
    let path = path.canonicalize().map_err(failed)?;
    // SoftHSM's configuration has a path to the end of its line, and comments.
    match path.to_str() {
        Some(text) if !text.contains(|c: char| c.is_control() || c == '#') => Ok(path),
        _ => Err(super::failed(format!(
            "{path:?} has characters that SoftHSM's configuration cannot hold: name another \
             --data-dir"
        ))),
    }
}

/// Keeps a second `strongroom dev` off the same folder; held until the file is dropped.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = File::create(&path)
        .map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
    file.try_lock().map_err(|_| {
        failed(format!(
            "another `strongroom dev` runs on {}: stop it, or name another --data-dir",
            dir.display()
        ))
    })?;
    Ok(file)
}

/// Replaces a file that only its owner may read, all at once; there still after a power cut, for
/// without its PIN a token is lost.
fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let new = path.with_extension("new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| match path.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        });
    written.map_err(|error| failed(format!("cannot write {}: {error}", path.display())))
}

/// Random text for PINs and names: 32 hexadecimal digits.
fn random_hex() -> Result<SecretString, Error> {
    let mut bytes = zeroize::Zeroizing::new([0u8; 16]);
    openssl::rand::rand_bytes(&mut *bytes).map_err(Error::internal)?;
    Ok(hex::encode(&*bytes).into())
}
