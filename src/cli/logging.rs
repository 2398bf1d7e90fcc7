//! The log on standard error, for people or for machines: `RUST_LOG` decides how much, or else the
//! configuration.

use crate::config::{LogFormat, LogSection};
use env_logger::fmt::{ConfigurableFormat, Formatter, TimestampPrecision};
use env_logger::{Builder, DEFAULT_FILTER_ENV, Env};
use log::kv::{Error, Key, Source, Value, VisitSource, VisitValue};
use log::{LevelFilter, Record};
use serde::Serialize;
use serde_json::Map;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once the configuration is known; what is said before is for people.
static JSON: AtomicBool = AtomicBool::new(false);

/// Starts the log, before there is a configuration.
pub fn start() {
    let mut text = ConfigurableFormat::default();
    text.timestamp(Some(TimestampPrecision::Millis));
    text.key_values(|out, pairs| {
        for (key, value) in &Pairs::of(pairs)?.0 {
            // Text is quoted, so that none of it passes for another pair.
            write!(out, " {key}={value}")?;
        }
        Ok(())
    });
    let mut builder = Builder::from_env(Env::default());
    builder.format(move |out, record| match JSON.load(Ordering::Relaxed) {
        true => json(out, record),
        false => text.format(out, record),
    });
    if is_filtered() {
        return builder.init();
    }
    // Which of it is said is decided one level below, and may change. What libraries have to say of
    // their work, such as a statement's parameters, is not wanted with it.
    builder
        .filter_level(LevelFilter::Info)
        .filter_module("strongroom", LevelFilter::Trace)
        .init();
    log::set_max_level(LevelFilter::Info);
}

/// As the configuration says.
pub(super) fn configure(section: &LogSection) {
    JSON.store(section.format == LogFormat::Json, Ordering::Relaxed);
    set_level(section);
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

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    message: String,
    #[serde(flatten)]
    pairs: Map<String, serde_json::Value>,
}

fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let line = Line {
        timestamp: out.timestamp_millis().to_string(),
        level: record.level().as_str(),
        target: record.target(),
        message: record.args().to_string(),
        pairs: Pairs::of(record.key_values())?.0,
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

/// What a line says beside its message; what is not there is left out.
#[derive(Default)]
struct Pairs(Map<String, serde_json::Value>);

impl Pairs {
    fn of(source: &dyn Source) -> io::Result<Self> {
        let mut pairs = Self::default();
        source.visit(&mut pairs).map_err(io::Error::other)?;
        Ok(pairs)
    }
}

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut as_json = AsJson(None);
        value.visit(&mut as_json)?;
        if let Some(value) = as_json.0 {
            self.0.insert(key.to_string(), value);
        }
        Ok(())
    }
}

/// A value as JSON has it.
struct AsJson(Option<serde_json::Value>);

impl<'v> VisitValue<'v> for AsJson {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = Some(value.to_string().into());
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_types_and_what_is_not_there_is_left_out() {
        let none: Option<&str> = None;
        let pairs = [
            ("request_id", Value::from("1 \"2\"")),
            ("seconds", Value::from(0.5)),
            ("many", Value::from(3_u64)),
            ("trace_id", log::kv::ToValue::to_value(&none)),
        ];
        let found = Pairs::of(&pairs).unwrap().0;
        let wanted = serde_json::json!({"request_id": "1 \"2\"", "seconds": 0.5, "many": 3});
        assert_eq!(serde_json::Value::from(found), wanted);
    }
}
