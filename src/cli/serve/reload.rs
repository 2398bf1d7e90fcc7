//! SIGHUP: the configuration is read again, and what can change without a restart does.

use crate::Error;
use crate::cli::{failed, logging};
use crate::config::Config;
use crate::gateway::Gateway;
use std::path::Path;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP, from the moment it is made: one that comes during a start does not end the process.
pub(super) struct Reload<'c> {
    hangup: Signal,
    file: &'c Path,
    started_with: &'c Config,
}

impl<'c> Reload<'c> {
    pub(super) fn listen(
        runtime: &tokio::runtime::Runtime,
        file: &'c Path,
        started_with: &'c Config,
    ) -> Result<Self, Error> {
        let _inside = runtime.enter();
        let hangup = signal(SignalKind::hangup());
        Ok(Self {
            hangup: hangup.map_err(|error| failed(format!("signals: {error}")))?,
            file,
            started_with,
        })
    }

    /// For as long as the gateway is served.
    pub(super) async fn follow(&mut self, gateway: &Gateway) {
        while self.hangup.recv().await.is_some() {
            if let Err(error) = self.once(gateway) {
                log::error!("the configuration stays as it was: {error}");
            }
        }
        std::future::pending().await
    }

    fn once(&self, gateway: &Gateway) -> Result<(), Error> {
        let config = Config::load(self.file)?;
        gateway.reload(&config)?;
        logging::set_level(&config.log);
        log::info!("the configuration was read anew");
        let waiting = self.started_with.waits_for_restart(&config);
        if !waiting.is_empty() {
            let sections = waiting.join("], [");
            log::warn!("what has changed in [{sections}] waits for a restart");
        }
        Ok(())
    }
}
