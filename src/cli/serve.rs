//! `strongroom serve`: on a given token and Postgres. SIGHUP has it read its configuration again.

mod reload;

use super::{failed, logging, runtime};
use crate::Error;
use crate::config::Config;
use crate::gateway::Gateway;
use futures_util::FutureExt;
use reload::Reload;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    logging::configure(&config.log);
    let runtime = runtime()?;
    let mut signals = Signals::listen(&runtime)?;
    let mut reload = Reload::listen(&runtime, &arguments.config, &config)?;
    let ready = |gateway: &Gateway| {
        let (api, admin) = (gateway.api().url(), gateway.admin().url());
        log::info!("serving on {api}, health on {admin}");
        Ok(())
    };
    let meanwhile = async |gateway: &Gateway| reload.follow(gateway).await;
    runtime.block_on(until_stopped(&config, &mut signals, ready, meanwhile))
}

/// SIGTERM and SIGINT, from the moment it is made: one that comes during a start is not lost, and
/// does not end the process half way through it.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen(runtime: &tokio::runtime::Runtime) -> Result<Self, Error> {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).map_err(|error| failed(format!("signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Whether one has come.
    pub(super) fn come(&mut self) -> bool {
        self.wait().now_or_never().is_some()
    }
}

/// Starts a gateway, tells `ready`, does `meanwhile`, and stops it on a signal.
pub(super) async fn until_stopped(
    config: &Config,
    signals: &mut Signals,
    ready: impl FnOnce(&Gateway) -> Result<(), Error>,
    meanwhile: impl AsyncFnOnce(&Gateway),
) -> Result<(), Error> {
    let gateway = Gateway::start(config).await?;
    let told = ready(&gateway);
    if told.is_ok() {
        tokio::select! {
            () = signals.wait() => {}
            () = meanwhile(&gateway) => {}
        }
        log::info!("stopping: waiting for the requests under way");
    }
    gateway.stop().await;
    told
}
