//! Every case of the table.

use crate::{case, slow};

#[test]
fn the_slow_evaluator_decides_as_the_pages_say() {
    let cases = case::table();
    let wrong: Vec<_> = (cases.iter())
        .filter(|case| slow::decide(case) != case.expect)
        .map(|case| {
            format!(
                "{}: {} and not {}",
                case.name,
                slow::decide(case),
                case.expect
            )
        })
        .collect();
    println!("{} cases", cases.len());
    assert!(wrong.is_empty(), "{}\n", wrong.join("\n"));
}
