//! `docs/metrics.md` has every metric, of the right kind and with the right labels, and no other.

use crate::gateway::{GATEWAY, admin, get};
use std::collections::{BTreeMap, BTreeSet};

/// Kind and labels of metrics, by their names.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

/// What the tables of the page say.
fn documented() -> Metrics {
    let page = include_str!("../../docs/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let quoted = |cell: &str| -> BTreeSet<String> {
            let names = cell.split(", ").filter(|name| !name.is_empty());
            names.map(|name| name.trim_matches('`').into()).collect()
        };
        let name = cells[1].trim_matches('`').to_owned();
        (name, (cells[2].to_owned(), quoted(cells[3])))
    })
    .collect()
}

/// The labels of a sample, `strongroom_keys{state="Enabled"} 1`.
fn labels(sample: &str) -> BTreeSet<String> {
    let Some((_, rest)) = sample.split_once('{') else {
        return BTreeSet::new();
    };
    let (labels, _) = rest.rsplit_once('}').unwrap();
    let names = labels
        .split(',')
        .filter_map(|label| label.split_once("=\""));
    let names = names.map(|(name, _)| name.to_owned());
    names.filter(|name| name != "le").collect()
}

fn scraped(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    for (name, kind) in types.filter_map(|line| line.split_once(' ')) {
        let mut samples = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ', '_']))
        });
        let sample = samples
            .next()
            .unwrap_or_else(|| panic!("{name} has no samples"));
        metrics.insert(name.into(), (kind.into(), labels(sample)));
    }
    metrics
}

#[allow(clippy::disallowed_methods)] // the test has a clock of its own
fn now() -> f64 {
    let since = std::time::UNIX_EPOCH.elapsed();
    since.unwrap().as_secs_f64()
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let text = get(&admin(&GATEWAY), "/metrics");
    assert_eq!(scraped(&text), documented());
    let expires = text.lines().find_map(|line| {
        line.strip_prefix("strongroom_tls_certificate_expiry_timestamp_seconds{section=\"tls\"} ")
    });
    let left = expires.unwrap().parse::<f64>().unwrap() - now();
    assert!((3000.0..=3600.0).contains(&left), "{left} seconds");
}
