//! The alert rules: each fires in trouble and not in health, and each has its paragraph in the runbook.

use std::collections::BTreeSet;
use std::process::Command;

const RULES: &str = include_str!("../../observability/alerts.yml");
const TESTS: &str = include_str!("../../observability/alerts_test.yml");
const RUNBOOK: &str = include_str!("../../docs/runbook.md");

/// What comes behind `start` on a line.
fn lines(text: &'static str, start: &str) -> Vec<&'static str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter_map(|line| line.strip_prefix(start)).collect()
}

fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir("observability")
        .output()
        .expect("promtool is not there: scripts/setup.sh installs it with prometheus");
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{wrong}");
}

#[test]
fn prometheus_can_read_them() {
    promtool(&["check", "config", "prometheus.yml"]);
}

#[test]
fn each_fires_in_trouble_and_not_in_health() {
    promtool(&["test", "rules", "alerts_test.yml"]);
    let (trouble, health) = TESTS.split_once("- name: health").unwrap();
    let alerts: BTreeSet<_> = lines(RULES, "- alert: ").into_iter().collect();
    let fires = |part: &'static str, is: bool| -> BTreeSet<&str> {
        let tests = part.split("- alertname: ").skip(1);
        let tests = tests.filter(|test| test.contains("- exp_labels:") == is);
        tests.map(|test| test.lines().next().unwrap()).collect()
    };
    assert_eq!(fires(trouble, true), alerts);
    assert_eq!(fires(health, false), alerts);
}

#[test]
fn each_has_a_paragraph_in_the_runbook() {
    assert_eq!(lines(RUNBOOK, "## "), lines(RULES, "- alert: "));
    for paragraph in RUNBOOK.split("\n## ").skip(1) {
        assert!(paragraph.len() > 150, "{paragraph}");
    }
}
