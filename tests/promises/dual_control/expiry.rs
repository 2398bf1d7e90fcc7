//! What is over: by the database's clock, whatever a gateway's says.

use super::*;
use crate::deletion::set_database_clock;
use crate::dev::scratch;
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn what_has_expired_is_not_approved_not_executed_and_in_the_end_forgotten() {
    let dev = Dev::start(&scratch(), &[]);
    let asks = user(&dev, "asks");
    let approver = user(&dev, "approver");
    let rule = rule(&["DisableKey"], 1, &[&user_arn("approver")]);
    let gateway = with_rules(&format!("[{rule}]"))
        .every(Duration::from_millis(100))
        .serve(&dev);
    let key = new_key(&asks, &gateway);
    let body = json!({ "KeyId": key });
    let disable = || kms(&asks, &gateway, "DisableKey", &body);
    let id = waits(&disable());
    approve(&approver, &gateway, &id);
    set_database_clock(&dev, DAY + Duration::from_secs(1));
    let described = decide(&asks, &gateway, "DescribeApprovalRequest", &id).done();
    assert_eq!(described["Status"], "EXPIRED");
    let next = waits(&disable());
    assert_ne!(next, id, "approved, and too late");
    assert_eq!(key_state(&asks, &gateway, &key), "Enabled");
    for operation in ["ApproveRequest", "DenyRequest"] {
        let late = decide(&approver, &gateway, operation, &id);
        assert_eq!(late.code(), "KMSInvalidStateException");
        assert!(
            late.message().ends_with("has expired."),
            "{}",
            late.message()
        );
    }
    // A denial holds as long as the request would have.
    decide(&approver, &gateway, "DenyRequest", &next).done();
    assert_eq!(disable().code(), "AccessDeniedException");
    set_database_clock(&dev, 3 * DAY);
    let third = waits(&disable());
    assert!(third != next && third != id);
    approve(&approver, &gateway, &third);
    disable().done();

    assert_eq!(sql(&dev, "select count(*) from approval_request"), ["3"]);
    set_database_clock(&dev, 40 * DAY);
    let begun = Instant::now();
    while sql(&dev, "select count(*) from approval_request") != ["0"] {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            gateway.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(sql(&dev, "select count(*) from approval"), ["0"]);
    drop(gateway);
    dev.stop();
}
