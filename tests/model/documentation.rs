//! `docs/operations.md` has a row for every operation, and none for what there is not.

use std::collections::BTreeSet;
use strongroom::operation::OperationName;

#[test]
fn every_operation_has_its_row() {
    let page = include_str!("../../docs/operations.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|row: &Vec<&str>| row[0] != "operation" && row[0] != "---")
        .collect();
    for row in &rows {
        assert_eq!(row.len(), 3, "{row:?}");
    }
    let documented: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(documented.len(), rows.len(), "an operation has two rows");
    let all = OperationName::ALL.iter().map(|name| name.as_str());
    assert_eq!(documented, all.collect());
    let own = |name: &&OperationName| !name.is_aws() && !name.is_sts();
    for name in OperationName::ALL.iter().filter(own) {
        let own = rows.iter().find(|row| row[0] == name.as_str());
        let said = own.is_some_and(|row| row[2].starts_with("Strongroom's own"));
        assert!(said, "{name} is not AWS's, and its row does not say so");
    }
}
