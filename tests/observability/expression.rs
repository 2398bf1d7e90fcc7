//! What an expression of Prometheus's asks for, as far as it is needed here: metrics, the labels that it
//! selects and groups by, and the values that it selects.

use std::collections::BTreeSet;

/// A metric in an expression: `strongroom_keys{state="Enabled"}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    /// Labels and the values that one of is wanted, but for those that a variable of Grafana's gives.
    pub labels: Vec<(String, Vec<String>)>,
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Everything before the first letter that is in no name.
fn name(text: &str) -> &str {
    let end = text.find(|letter| !is_name(letter)).unwrap_or(text.len());
    &text[..end]
}

pub fn selectors(expression: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < expression.len() {
        let word = name(&expression[at..]);
        let after = at + word.len();
        let is_metric = word.starts_with("strongroom_") || word == "up";
        let braces = expression[after..].strip_prefix('{');
        let inside = braces.map_or("", |rest| &rest[..rest.find('}').unwrap()]);
        if is_metric {
            let metric = word.to_owned();
            let labels = matchers(inside);
            found.push(Selector { metric, labels });
        }
        at = after.max(at + 1);
    }
    found
}

fn matchers(inside: &str) -> Vec<(String, Vec<String>)> {
    let matchers = inside.split("\",").filter(|text| !text.trim().is_empty());
    let matchers = matchers.map(|matcher| {
        let (left, values) = matcher.split_once('"').unwrap();
        let values = values.trim_end_matches('"');
        let values = match values.starts_with('$') {
            true => Vec::new(),
            false => values.split('|').map(str::to_owned).collect(),
        };
        (name(left.trim()).to_owned(), values)
    });
    matchers.collect()
}

/// What it groups by, but for `le`.
pub fn grouped(expression: &str) -> BTreeSet<String> {
    let groups = expression.split("by (").skip(1);
    let names = groups.flat_map(|rest| rest.split(')').next().unwrap().split(','));
    let names = names.map(|name| name.trim().to_owned());
    names.filter(|name| name != "le").collect()
}

#[test]
fn an_expression_is_read() {
    let text =
        "sum by (step, le) (rate(strongroom_x_bucket{a=~\"b|c\", i=~\"$instance\"}[5m])) / up > 1";
    let selector = |metric: &str, labels| Selector {
        metric: metric.into(),
        labels,
    };
    let labels = vec![
        ("a".to_owned(), vec!["b".to_owned(), "c".to_owned()]),
        ("i".to_owned(), Vec::new()),
    ];
    let wanted = vec![
        selector("strongroom_x_bucket", labels),
        selector("up", vec![]),
    ];
    assert_eq!(selectors(text), wanted);
    assert_eq!(grouped(text), BTreeSet::from(["step".to_owned()]));
}
