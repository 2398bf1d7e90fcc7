//! The log, on standard error: `RUST_LOG` decides how much, or else the configuration.

use crate::config::LogSection;
use env_logger::{Builder, DEFAULT_FILTER_ENV, Env};
use log::LevelFilter;

/// Starts it, before there is a configuration.
pub fn start() {
    let mut builder = Builder::from_env(Env::default());
    builder.format_timestamp_millis();
    if is_filtered() {
        return builder.init();
    }
    // Which of it is said is decided one level below, and may change.
    builder.filter_level(LevelFilter::Trace).init();
    log::set_max_level(LevelFilter::Info);
}

/// As much as the configuration says.
pub(super) fn set_level(section: &LogSection) {
    if !is_filtered() {
        log::set_max_level(section.level.into());
    }
}

fn is_filtered() -> bool {
    std::env::var_os(DEFAULT_FILTER_ENV).is_some()
}
