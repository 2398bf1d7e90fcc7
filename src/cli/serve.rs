//! `strongroom serve`: on a given token and Postgres.

use super::{failed, runtime};
use crate::Error;
use crate::config::Config;
use crate::gateway::Gateway;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Options of `serve`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    pub config: PathBuf,
}

/// Serves until SIGTERM or SIGINT, then drains and stops.
///
/// # Errors
/// What keeps it from starting.
pub fn run(arguments: &Arguments) -> Result<(), Error> {
    let config = Config::load(&arguments.config)?;
    runtime()?.block_on(until_stopped(&config, |gateway| {
        log::info!(
            "serving on http://{}, health on http://{}",
            gateway.api_addr(),
            gateway.admin_addr()
        );
        Ok(())
    }))
}

/// Starts a gateway, tells `ready`, and stops it on a signal.
pub(super) async fn until_stopped(
    config: &Config,
    ready: impl FnOnce(&Gateway) -> Result<(), Error>,
) -> Result<(), Error> {
    // Before anything else: a signal during the start must not be lost.
    let listen = |kind| signal(kind).map_err(|error| failed(format!("signals: {error}")));
    let (mut terminate, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    let gateway = Gateway::start(config).await?;
    let told = ready(&gateway);
    if told.is_ok() {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        log::info!("stopping: waiting for the requests under way");
    }
    gateway.stop().await;
    told
}
