//! The results for people: tables, and what has to be said about them.

use super::results::{Results, Row, Who};
use super::sample::Latency;

/// A client that is busy for more of the time may be what limits the rate.
const BUSY: f64 = 0.9;
/// In an open loop, lateness of the client's own that is worth a word, in nanoseconds.
const LATE: u64 = 1_000_000;
/// An open loop answered less than this share of what was asked for did not keep up.
const KEPT_UP: f64 = 0.98;

/// The tables.
pub(super) fn text(results: &Results) -> String {
    let open = results.rows().iter().any(|row| row.subject.rate.is_some());
    let at = if open { "asked/s" } else { "connections" };
    let mut text = String::new();
    let mut table = |title: &str,
                     at: &str,
                     rate: &str,
                     whose: &[Who],
                     cells: &dyn Fn(&Row) -> String,
                     more: &str| {
        let rows: Vec<&Row> = whose.iter().flat_map(|who| results.of(*who)).collect();
        if rows.is_empty() {
            return;
        }
        text += &format!(
            "{title:<18} {at:>11}  {rate:>10}  {:>17}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}{more}\n",
            "min–max", "p50", "p90", "p99", "p99.9", "max"
        );
        for row in rows {
            text += &format!("{}  {}{}\n", head(row), figures(row), cells(row));
            for (operation, latency) in row.parts() {
                let name = format!("  {}", operation.name());
                text += &format!("{name:<59}  {}\n", latencies(latency));
            }
        }
        text += "\n";
    };
    let against = results.of(Who::Transit).next().is_some();
    let asked = |row: &Row| {
        let ratio = results
            .best_direct(row)
            .map(|best| 100.0 * row.rate() / best);
        let direct = ratio.map_or("–".into(), |ratio| format!("{ratio:.1} %"));
        let other = results.counterpart(row, Who::Transit).map(Row::rate);
        let other = other.map_or("–".into(), |other| format!("{:.2} ×", row.rate() / other));
        let other = if against {
            format!("  {other:>9}")
        } else {
            String::new()
        };
        format!("  {:>6}  {direct:>8}{other}", row.errors())
    };
    let more = format!(
        "  {:>6}  {:>8}{}",
        "errors",
        "/ direct",
        if against { "  / transit" } else { "" }
    );
    table(
        "gateway",
        at,
        "requests/s",
        &[Who::Gateway, Who::Beside],
        &asked,
        &more,
    );
    let errors = |row: &Row| format!("  {:>6}", row.errors());
    table(
        "openbao transit",
        at,
        "requests/s",
        &[Who::Transit],
        &errors,
        "  errors",
    );
    table(
        "token alone",
        "threads",
        "ops/s",
        &[Who::Direct],
        &|_| String::new(),
        "",
    );
    text + &costs(results, at) + &notes(results)
}

/// As the tables name it.
fn name(row: &Row) -> String {
    match row.subject.who {
        Who::Beside => format!("{} + noise", row.name),
        _ => row.name.to_owned(),
    }
}

fn load(row: &Row) -> u64 {
    let at_once = row.subject.at_once as u64;
    row.subject.rate.map_or(at_once, u64::from)
}

fn head(row: &Row) -> String {
    format!("{:<18} {:>11}", name(row), load(row))
}

/// Rate, spread and latencies.
fn figures(row: &Row) -> String {
    let (least, most) = row.spread();
    let spread = format!("{least:.0}–{most:.0}");
    let latencies = latencies(row.latency());
    format!("{:>10.0}  {spread:>17}  {latencies}", row.rate())
}

fn latencies(latency: Latency) -> String {
    let shown = latency
        .figures()
        .map(|(_, nanos)| format!("{:>9}", duration(nanos)));
    shown.join("  ")
}

fn duration(nanos: u64) -> String {
    let nanos = nanos as f64;
    if nanos < 1e6 {
        format!("{:.1} µs", nanos / 1e3)
    } else if nanos < 1e9 {
        format!("{:.2} ms", nanos / 1e6)
    } else {
        format!("{:.2} s", nanos / 1e9)
    }
}

/// What one request costs, of everything that was not called directly.
fn costs(results: &Results, at: &str) -> String {
    let mut text = format!(
        "{:<27} {at:>11}  {:>10}  {:>12}  {:>12}  {:>10}  {:>10}\n",
        "cost of a request",
        "server CPU",
        "Postgres CPU",
        "session time",
        "token jobs",
        "client CPU"
    );
    for who in [Who::Gateway, Who::Transit] {
        for row in results.of(who) {
            let micros =
                |figure: Option<f64>| figure.map_or("–".into(), |it| format!("{it:.1} µs"));
            let jobs = row.median(|sample| sample.cost.jobs);
            let name = match who {
                Who::Transit => format!("{} (transit)", row.name),
                _ => row.name.to_owned(),
            };
            text += &format!(
                "{name:<27} {:>11}  {:>10}  {:>12}  {:>12}  {:>10}  {:>10}\n",
                load(row),
                micros(row.median(|sample| sample.cost.server)),
                micros(row.median(|sample| sample.cost.postgres)),
                micros(row.median(|sample| sample.cost.session)),
                jobs.map_or("–".into(), |it| format!("{it:.2}")),
                micros(row.client(|client| client.cpu)),
            );
        }
    }
    text + "\n"
}

/// What a reader must know to believe the figures.
fn notes(results: &Results) -> String {
    let mut text = String::new();
    for row in results.rows() {
        let at = match row.subject.rate {
            Some(rate) => format!("{} at {rate}/s", name(row)),
            None => format!("{} at {}", name(row), row.subject.at_once),
        };
        let at = match row.subject.who {
            Who::Transit => format!("{at} (transit)"),
            _ => at,
        };
        if let Some(error) = row.first_error() {
            text += &format!("{at}: {error}\n");
        }
        if let Some(busy) = row.client(|client| client.busy).filter(|busy| *busy > BUSY) {
            let busy = 100.0 * busy;
            text += &format!(
                "{at}: the client itself was busy for {busy:.0} % of the time; give it more --threads, or a \
                 machine of its own\n"
            );
        }
        let late = row.client(|client| client.late as f64).unwrap_or(0.0) as u64;
        if late > LATE {
            text += &format!(
                "{at}: the client itself could not keep up: a hundredth of its requests were {} late or more\n",
                duration(late)
            );
        }
        let asked = row.subject.rate.map_or(0.0, f64::from);
        if row.rate() < KEPT_UP * asked {
            let (rate, unanswered) = (row.rate(), row.unanswered());
            let connections = row.subject.at_once;
            text += &format!(
                "{at}: only {rate:.0}/s were answered, {unanswered} not within two seconds of the end: more than \
                 it can do, or than {connections} connections can carry\n"
            );
        }
        if row.subject.who == Who::Beside
            && let Some(alone) = results.counterpart(row, Who::Gateway)
        {
            let ratio = row.latency().p99 as f64 / alone.latency().p99 as f64;
            let (name, connections) = (row.name, row.subject.at_once);
            text += &format!(
                "{name} at {connections}: p99 beside the noise is {ratio:.2} of that alone\n"
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::results::Subject;
    use crate::cli::bench::sample::{Client, Sample};

    fn results(rate: Option<u32>, client: Client) -> Results {
        let mut results = Results::default();
        let subject = Subject {
            who: Who::Gateway,
            at_once: 8,
            rate,
        };
        let sample = |per_second: f64| Sample {
            per_second,
            client: Some(client),
            ..Sample::default()
        };
        results.add("encrypt", subject, sample(900.0));
        results.add("encrypt", subject.of(Who::Transit), sample(300.0));
        let direct = Subject {
            who: Who::Direct,
            at_once: 1,
            rate: None,
        };
        results.add("encrypt", direct, sample(1800.0));
        results
    }

    #[test]
    fn a_row_is_compared_with_the_token_and_the_other() {
        let text = text(&results(None, Client::default()));
        let row = text.lines().find(|line| line.starts_with("encrypt"));
        let row = row.unwrap();
        assert!(row.contains("50.0 %") && row.contains("3.00 ×"), "{text}");
        assert!(!text.contains("client itself"), "{text}");
    }

    #[test]
    fn a_client_that_did_not_keep_up_is_told() {
        let slow = Client {
            busy: 0.97,
            late: 3_000_000,
            ..Client::default()
        };
        let text = text(&results(Some(1000), slow));
        assert!(text.contains("busy for 97 %"), "{text}");
        assert!(text.contains("3.00 ms late"), "{text}");
        assert!(text.contains("only 900/s were answered"), "{text}");
    }
}
