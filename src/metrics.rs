//! What is counted and measured, as Prometheus reads it; `docs/metrics.md` lists all of it.
//!
//! Each layer has a set of its own and keeps the handles of what it counts, so that counting is an
//! addition to an atomic number and no look-up; the gateway puts the sets together when it is asked.
//! A label has few values, known when the gateway is built or configured: no caller chooses one.

use prometheus::core::Collector;
use prometheus::proto::LabelPair;
use prometheus::{Encoder, HistogramOpts, Opts, Registry, TextEncoder};
use std::collections::BTreeMap;

pub use prometheus::proto::MetricFamily;
pub use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramTimer, HistogramVec, IntCounter, IntCounterVec, IntGauge,
};

/// Bounds of what takes time, in seconds: from a call that stays in this machine to an RSA-4096 pair.
const SECONDS: [f64; 18] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];
/// Bounds of how many there are of something at once.
const MANY: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The metrics of one layer. Cheap to clone: the clones are one set.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Registry);

impl Metrics {
    /// A number that only grows.
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help))
    }

    /// One for each value of a label.
    pub fn counters<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: [&str; N],
    ) -> [IntCounter; N] {
        values.map(|value| {
            self.add(IntCounter::with_opts(
                Opts::new(name, help).const_label(label, value),
            ))
        })
    }

    /// One for each combination of labels that comes to be.
    pub fn counter_vec(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.add(Gauge::new(name, help))
    }

    /// One for each value of a label.
    pub fn gauges<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: [&str; N],
    ) -> [Gauge; N] {
        values.map(|value| {
            self.add(Gauge::with_opts(
                Opts::new(name, help).const_label(label, value),
            ))
        })
    }

    /// One for each combination of labels that comes to be.
    pub fn gauge_vec(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.add(GaugeVec::new(Opts::new(name, help), labels))
    }

    /// How long something takes, in seconds.
    pub fn seconds(&self, name: &str, help: &str) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.into());
        self.add(Histogram::with_opts(options))
    }

    /// One for each value of a label.
    pub fn seconds_by<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: [&str; N],
    ) -> [Histogram; N] {
        values.map(|value| {
            let options = HistogramOpts::new(name, help).buckets(SECONDS.into());
            self.add(Histogram::with_opts(options.const_label(label, value)))
        })
    }

    /// One for each value of a label that comes to be.
    pub fn seconds_vec(&self, name: &str, help: &str, label: &str) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.into());
        self.add(HistogramVec::new(options, &[label]))
    }

    /// How many there are of something at once.
    pub fn many(&self, name: &str, help: &str) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(MANY.into());
        self.add(Histogram::with_opts(options))
    }

    /// Which build this is.
    pub fn build(&self, version: &str) {
        let name = "strongroom_build_info";
        let help = "1; the label says which version runs.";
        let [build] = self.gauges(name, help, "version", [version]);
        build.set(1.0);
    }

    /// Makes a counter part of the set that is not its own.
    pub fn share(&self, counter: &IntCounter) {
        self.add(Ok(counter.clone()));
    }

    fn add<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let added = made.and_then(|metric| {
            self.0.register(Box::new(metric.clone()))?;
            Ok(metric)
        });
        // Unwrap safety: names, labels and bounds are in the source, and every start makes all of them.
        #[allow(clippy::expect_used)]
        added.expect("a metric has a name of its own, and a good one")
    }

    /// All of the set, as it stands.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.0.gather()
    }
}

/// Puts a label on all of these: which of several things alike they are about.
pub fn labelled(mut families: Vec<MetricFamily>, name: &str, value: &str) -> Vec<MetricFamily> {
    for metric in families.iter_mut().flat_map(MetricFamily::mut_metric) {
        let mut labels = metric.take_label();
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(value.to_owned());
        labels.insert(0, label);
        metric.set_label(labels);
    }
    families
}

/// Prometheus's text format of several sets together.
pub fn text(families: impl IntoIterator<Item = MetricFamily>) -> String {
    let mut by_name: BTreeMap<String, MetricFamily> = BTreeMap::new();
    for mut family in families {
        match by_name.get_mut(family.name()) {
            Some(known) => known.mut_metric().append(family.mut_metric()),
            None => drop(by_name.insert(family.name().to_owned(), family)),
        }
    }
    let families: Vec<MetricFamily> = by_name.into_values().collect();
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
        log::error!("metrics: {error}");
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_things_alike_are_one_family() {
        let sets = ["home", "cluster-abcdefghijk"].map(|token| {
            let set = Metrics::default();
            let [_, busy] = set.counters("errors_total", "Errors.", "class", ["lost", "busy"]);
            busy.inc();
            labelled(set.gather(), "token", token)
        });
        let text = text(sets.into_iter().flatten());
        assert_eq!(
            text.matches("# TYPE errors_total counter").count(),
            1,
            "{text}"
        );
        assert!(
            text.contains("errors_total{token=\"home\",class=\"busy\"} 1"),
            "{text}"
        );
        let other = "errors_total{token=\"cluster-abcdefghijk\",class=\"lost\"} 0";
        assert!(text.contains(other), "{text}");
    }
}
