//! Random policies: the evaluator that is used and the one that is slow and obvious agree.

use crate::{any, engine, slow};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How many questions, unless `PROPTEST_CASES` says.
const CASES: u32 = 2_000;

/// Every answer that there is.
const ANSWERS: [&str; 7] = [
    "Allow",
    "ExplicitIdentity",
    "ExplicitResource",
    "ExplicitSession",
    "NoIdentity",
    "NoResource",
    "NoSession",
];

#[test]
fn random_policies_are_decided_as_slowly() {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let cases = config.cases as usize;
    let seen: RefCell<BTreeMap<&str, usize>> = RefCell::default();
    let result = TestRunner::new(config).run(&any::case(), |case| {
        let slow = slow::decide(&case);
        *seen.borrow_mut().entry(slow).or_default() += 1;
        match engine::decide(&case) {
            Ok(fast) if fast == slow => Ok(()),
            Ok(fast) => Err(TestCaseError::fail(format!("{fast}, slowly {slow}"))),
            Err(error) => Err(TestCaseError::fail(error)),
        }
    });
    match result {
        Ok(()) => (),
        Err(TestError::Fail(why, case)) => {
            let case = serde_json::to_string_pretty(&case).expect("JSON");
            panic!("{why}:\n{case}");
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    let seen = seen.into_inner();
    println!("{cases} cases: {seen:?}");
    if cases < CASES as usize {
        return;
    }
    for answer in ANSWERS {
        let seen = seen.get(answer).copied().unwrap_or_default();
        assert!(
            seen * 400 >= cases,
            "{answer} was the answer {seen} times of {cases}"
        );
    }
}
