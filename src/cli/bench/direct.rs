//! The token beside the gateway.

use super::super::failed;
use super::sample::Sample;
use super::workload::Workload;
use crate::Error;
use crate::config::Config;
use crate::gateway::settings;
use crate::token::{Baseline, BaselineOperation as Operation, TokenError};
use std::path::Path;
use std::time::Duration;

/// The token of a configuration, opened without the gateway.
pub(super) struct Direct(Baseline);

impl Direct {
    /// # Errors
    /// What is wrong with the configuration or keeps the token from being used.
    pub(super) fn open(config: &Path, operations: &[Operation]) -> Result<Self, Error> {
        let config = settings::token(&Config::load(config)?);
        Baseline::open(&config, operations)
            .map(Self)
            .map_err(|error| said(&error))
    }

    /// One measurement, by so many threads with a session each.
    ///
    /// # Errors
    /// What the token answers.
    pub(super) fn run(
        &self,
        workload: &Workload,
        threads: usize,
        duration: Duration,
    ) -> Result<Sample, Error> {
        let rates = self.0.run(workload.pattern(), threads, duration);
        let rates = rates.map_err(|error| said(&error))?;
        Ok(Sample::direct(&rates))
    }

    /// Destroys the keys made for it.
    ///
    /// # Errors
    /// What the token answers; keys may then be left.
    pub(super) fn close(self) -> Result<(), Error> {
        self.0.close().map_err(|error| said(&error))
    }
}

/// For an operator, the token's own words.
fn said(error: &TokenError) -> Error {
    failed(format!("the token without the gateway: {error}"))
}
