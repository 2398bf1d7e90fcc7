//! What dashboard and alert rules ask for is there, on a gateway that a Prometheus scrapes.

use crate::expression::{Selector, grouped, selectors};
use crate::gateway::{GATEWAY, admin, ask_all};
use crate::prometheus::Prometheus;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use strongroom::ErrorCode;
use strongroom::operation::OperationName;

/// Something that is asked of Prometheus: where, the expression, and how its results are called.
struct Question {
    place: String,
    expression: String,
    legend: String,
}

fn dashboard() -> Vec<Question> {
    let path = Path::new("observability/grafana/dashboards/strongroom.json");
    let text = std::fs::read_to_string(path).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut questions = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            questions.push(Question {
                place: format!("the panel {}", panel["title"]),
                expression: target["expr"].as_str().unwrap().to_owned(),
                legend: target["legendFormat"].as_str().unwrap().to_owned(),
            });
        }
    }
    assert!(questions.len() > 30, "where are the panels?");
    questions
}

fn rules(prometheus: &Prometheus) -> Vec<Question> {
    let rules = prometheus.rules().into_iter().map(|rule| Question {
        place: format!("the alert {}", rule["name"]),
        expression: rule["query"].as_str().unwrap().to_owned(),
        legend: rule["annotations"]["summary"]
            .as_str()
            .unwrap()
            .replace("$labels.", ""),
    });
    rules.collect()
}

/// The labels that a legend puts in.
fn named(legend: &str) -> BTreeSet<String> {
    let parts = legend.split("{{").skip(1);
    let names = parts.map(|rest| rest.split("}}").next().unwrap().trim());
    let names = names.filter(|name| !name.contains("$value"));
    names.map(str::to_owned).collect()
}

/// Values that come to be with what is asked; the others are there from the start.
fn is_known(label: &str, value: &str) -> bool {
    match label {
        "outcome" | "code" => ErrorCode::ALL.iter().any(|code| code.name() == value),
        "operation" => OperationName::parse(value).is_some(),
        _ => false,
    }
}

/// What is wrong with a selector; else the labels of its metric.
fn check(selector: &Selector, prometheus: &Prometheus) -> Result<BTreeSet<String>, String> {
    let metric = &selector.metric;
    let series = prometheus.series(metric);
    let first = series.first().ok_or(format!("there is no {metric}"))?;
    let labels: BTreeSet<String> = first.as_object().unwrap().keys().cloned().collect();
    for (label, values) in &selector.labels {
        if !labels.contains(label) {
            return Err(format!("{metric} has no label {label}"));
        }
        for value in values {
            let is_there = series.iter().any(|series| series[label] == value.as_str());
            if !is_there && !is_known(label, value) {
                return Err(format!("{metric} has no {label}={value:?}"));
            }
        }
    }
    Ok(labels)
}

#[test]
fn dashboard_and_rules_ask_for_what_there_is() {
    let prometheus = Prometheus::start(&admin(&GATEWAY));
    // A rate takes two scrapes, with something between them.
    prometheus.wait_for("count_over_time(up[1m]) > 1");
    ask_all(&GATEWAY);
    prometheus.wait_for("increase(strongroom_requests_total{operation=\"CreateKey\"}[20s]) > 0");

    let (panels, rules) = (dashboard(), rules(&prometheus));
    let mut wrong = Vec::new();
    for question in panels.iter().chain(&rules) {
        let mut labels = BTreeSet::new();
        let found = selectors(&question.expression);
        if found.is_empty() {
            wrong.push(format!("{}: asks for nothing", question.place));
        }
        for selector in &found {
            match check(selector, &prometheus) {
                Ok(of_metric) => labels.extend(of_metric),
                Err(why) => wrong.push(format!("{}: {why}", question.place)),
            }
        }
        let wanted = grouped(&question.expression);
        for label in wanted.union(&named(&question.legend)) {
            if !labels.contains(label) {
                wrong.push(format!("{}: there is no label {label}", question.place));
            }
        }
    }
    for panel in &panels {
        let expression = panel.expression.replace("$__rate_interval", "20s");
        let expression = expression.replace("$instance", ".*");
        // Nothing has failed, so of that there is nothing to see.
        let failures = expression.contains("KMSInternalException");
        if prometheus.query(&expression).is_empty() && !failures {
            wrong.push(format!("{}: shows nothing: {expression}", panel.place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    prometheus.wait_for("count_over_time(up[1m]) > 5");
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

#[test]
fn what_is_not_there_is_noticed() {
    let prometheus = Prometheus::start(&admin(&GATEWAY));
    prometheus.wait_for("strongroom_keys");
    for (expression, wrong) in [
        ("strongroom_key", Some("there is no strongroom_key")),
        (
            "strongroom_keys{status=\"Enabled\"}",
            Some("no label status"),
        ),
        (
            "strongroom_keys{state=\"Asleep\"}",
            Some("no state=\"Asleep\""),
        ),
        ("strongroom_keys{state=~\"Enabled|Disabled\"}", None),
        (
            "strongroom_requests_total{outcome=\"DisabledException\"}",
            None,
        ),
        (
            "strongroom_requests_total{outcome=\"Nonsense\"}",
            Some("Nonsense"),
        ),
    ] {
        let found = check(&selectors(expression)[0], &prometheus);
        match wrong {
            Some(wrong) => assert!(found.unwrap_err().contains(wrong), "{expression}"),
            None => assert!(found.is_ok(), "{expression}"),
        }
    }
}
