use super::counted::LISTED;
use super::*;
use serde_json::{Value, json};
use time::Duration;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

fn period() -> Period {
    Period::parse("2026-10-01", "2026-10-30").unwrap()
}

fn record(name: &str, more: Value) -> Vec<u8> {
    let mut record = json!({
        "eventName": name, "sourceIPAddress": "10.0.0.1", "requestID": "r",
        "userIdentity": {"type": "IAMUser", "arn": ALICE},
        "requestParameters": {"keyId": "k"},
        "resources": [{"ARN": KEY, "type": "AWS::KMS::Key"}],
    });
    let more = more.as_object().unwrap().clone();
    record.as_object_mut().unwrap().extend(more);
    record.to_string().into_bytes()
}

fn tally(records: &[(i64, Vec<u8>)]) -> Tally {
    let mut tally = Tally::new(period());
    for (day, record) in records {
        tally.add(period().from.0 + Duration::days(*day), record, true);
    }
    tally.finish();
    tally
}

#[test]
fn uses_are_counted_by_key_identity_kind_and_day() {
    let session = json!({"userIdentity": {
        "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r/s",
        "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/r"}},
    }});
    let other = format!("{KEY}2");
    let two = json!({"resources": [{"ARN": KEY}, {"ARN": other}]});
    let tally = tally(&[
        (0, record("Encrypt", json!({}))),
        (0, record("GenerateDataKey", json!({}))),
        (9, record("Decrypt", session)),
        (9, record("ReEncrypt", two)),
        (
            9,
            record("Encrypt", json!({"errorCode": "DisabledException"})),
        ),
        (9, record("DescribeKey", json!({}))),
    ]);
    let key = &tally.keys[KEY];
    assert_eq!(key.uses, [2, 2, 0, 0, 0, 0]);
    assert_eq!(
        (key.over_time.len(), key.over_time[0], key.over_time[9]),
        (30, 2, 2)
    );
    assert_eq!(
        key.by["arn:aws:iam::111122223333:role/r"],
        [0, 1, 0, 0, 0, 0]
    );
    assert_eq!(key.by[ALICE], [2, 1, 0, 0, 0, 0]);
    assert_eq!(tally.keys[&other].uses, [1, 0, 0, 0, 0, 0]);
    assert_eq!(tally.failures["DisabledException"], 1);
    assert_eq!((tally.records, tally.changes.many), (6, 0));
}

#[test]
fn refusals_that_are_alike_stand_together() {
    let denied = |name| record(name, json!({"errorCode": "AccessDeniedException"}));
    let tally = tally(&[
        (1, denied("Sign")),
        (3, denied("Decrypt")),
        (2, denied("Decrypt")),
    ]);
    let group = &tally.denials[0];
    assert_eq!((group.operation.as_str(), group.many), ("Decrypt", 2));
    assert_eq!(
        (group.first.day(), group.last.day()),
        ("2026-10-03".into(), "2026-10-04".into())
    );
    assert_eq!(
        (tally.denials.len(), tally.identities[ALICE].denied),
        (2, 3)
    );
    assert!(tally.keys.is_empty());
}

#[test]
fn changes_and_steps_of_dual_control() {
    let approved = json!({"approvalId": "a", "approvers": ["arn:aws:iam::111122223333:user/bob"]});
    let tally = tally(&[
        (
            0,
            record(
                "ScheduleKeyDeletion",
                json!({
                    "errorCode": "ApprovalRequiredException", "additionalEventData": {"approvalId": "a"},
                }),
            ),
        ),
        (
            1,
            record(
                "ApproveRequest",
                json!({"requestParameters": {"approvalId": "a"}}),
            ),
        ),
        (
            2,
            record(
                "ScheduleKeyDeletion",
                json!({"additionalEventData": approved}),
            ),
        ),
        (
            3,
            record(
                "DeleteKey",
                json!({"userIdentity": {"invokedBy": "strongroom.internal"}}),
            ),
        ),
        (3, record("Encrypt", json!({}))),
    ]);
    let steps = tally.decisions.newest.iter();
    let steps: Vec<_> = steps
        .map(|act| (act.approval.as_deref(), act.approvers.len()))
        .collect();
    assert_eq!(steps, [(Some("a"), 0), (Some("a"), 0), (Some("a"), 1)]);
    let changes = tally.changes.newest.iter().map(|act| &*act.operation);
    let expected = ["ApproveRequest", "ScheduleKeyDeletion", "DeleteKey"];
    assert_eq!(changes.collect::<Vec<_>>(), expected);
    assert_eq!(tally.identities["strongroom.internal"].changes, 1);
}

#[test]
fn a_key_that_was_made_is_named_once_and_in_old_records_too() {
    let resources = |record| {
        let tally = tally(&[(0, record)]);
        tally.changes.newest[0].resources.clone()
    };
    let now = json!({"responseElements": {"keyMetadata": {"arn": KEY}}});
    assert_eq!(resources(record("CreateKey", now)), [KEY]);
    let old = json!({"resources": [], "responseElements": {"KeyMetadata": {"Arn": KEY}}});
    assert_eq!(resources(record("CreateKey", old)), [KEY]);
    let other = format!("{KEY}2");
    let replica = json!({"responseElements": {"replicaKeyMetadata": {"arn": other}}});
    assert_eq!(
        resources(record("ReplicateKey", replica)),
        [KEY, other.as_str()]
    );
}

#[test]
fn what_is_kept_is_bounded_and_what_is_left_out_is_said() {
    let mut tally = Tally::new(period());
    for number in 0..2 * LISTED + 20 {
        let key = json!({"resources": [{"ARN": format!("{KEY}{number}")}]});
        let name = if number % 2 == 0 {
            "Encrypt"
        } else {
            "TagResource"
        };
        tally.add(period().from.0, &record(name, key), false);
    }
    assert_eq!(tally.changes.newest.len(), LISTED);
    assert_eq!(tally.changes.many, LISTED as u64 + 10);
    let deny = |number: usize| {
        let more = json!({"errorCode": "AccessDeniedException", "resources": [{"ARN": number.to_string()}]});
        record("Encrypt", more)
    };
    for number in 0..MOST + 10 {
        tally.add(period().from.0, &deny(number), false);
    }
    assert_eq!((tally.denials.len(), tally.crowded), (MOST, 10));
    tally.add(period().from.0, b"{}", true);
    assert_eq!(
        (tally.unreadable, tally.records - tally.without_leaf),
        (1, 1)
    );
}
