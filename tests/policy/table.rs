//! Every case of the table, asked both evaluators.

use crate::case::{self, Case};
use crate::{engine, slow};
use std::collections::BTreeSet;

#[test]
fn the_table_is_whole() {
    let cases = case::table();
    println!("{} cases", cases.len());
    assert!(cases.len() >= 200);
    let mut names = BTreeSet::new();
    let pages: BTreeSet<_> = cases.iter().map(page).collect();
    assert!(pages.len() >= 30, "{pages:#?}");
    for case in &cases {
        assert!(
            names.insert((page(case), &case.name)),
            "{} twice",
            case.name
        );
        assert!(
            page(case).starts_with("https://docs.aws.amazon.com/"),
            "{}",
            case.name
        );
        assert!(!case.rule.is_empty(), "{}", case.name);
    }
}

/// The page, whatever its section.
fn page(case: &Case) -> &str {
    case.page.split('#').next().unwrap_or_default()
}

#[test]
fn the_evaluator_decides_as_the_pages_say() {
    all(engine::decide);
}

#[test]
fn the_slow_evaluator_decides_as_the_pages_say() {
    all(|case| Ok(slow::decide(case)));
}

fn all(decide: impl Fn(&Case) -> Result<&'static str, String>) {
    let wrong = |case: &Case| match decide(case) {
        Ok(answer) if answer == case.expect => None,
        Ok(answer) => Some(format!(
            "{}: {answer} and not {}; {}",
            case.name, case.expect, case.page
        )),
        Err(error) => Some(format!("{}: {error}", case.name)),
    };
    let cases = case::table();
    let wrong: Vec<_> = cases.iter().filter_map(wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}\n",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
