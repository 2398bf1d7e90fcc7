//! A gateway that dies on the way leaves the approval unused, or the change made: never both or
//! neither.

use super::*;
use crate::crash::{BOUND, Scene as Crash};
use crate::proxy::{Moment, Plan};

#[tokio::test]
async fn a_gateway_that_dies_executes_it_once_or_not_at_all() {
    let crash = Crash::new();
    let dev = &crash.dev;
    let (asks, approver) = (user(dev, "asks"), user(dev, "approver"));
    let rules = format!("[{}]", rule(&["DisableKey"], 1, &[&user_arn("approver")]));
    let survivor = with_rules(&rules).serve(dev);
    let key = new_key(&asks, &survivor);
    let body = json!({ "KeyId": key });
    let enable = || kms(&asks, &survivor, "EnableKey", &body).done();
    let (mut executed, mut unused) = (0, 0);
    let mut victim = None;
    for moment in [Moment::Before, Moment::After] {
        for at in 1.. {
            assert!(at < BOUND);
            let id = waits(&kms(&asks, &survivor, "DisableKey", &body));
            approve(&approver, &survivor, &id);
            let settings = crash.through_proxy().set("STRONGROOM_APPROVAL", &rules);
            let gateway = victim.take().unwrap_or_else(|| settings.serve(dev));
            crash.proxy.wait_until_quiet();
            crash.proxy.arm(Plan {
                victim: gateway.process(),
                from: "/* approvals::lock_open */",
                at,
                moment,
            });
            let address = gateway.address();
            let answer = asks.try_call(&address, "TrentService.DisableKey", &body.to_string());
            let killed = crash.proxy.disarm();
            let state = key_state(&asks, &survivor, &key);
            let used = sql(
                dev,
                &format!("select state from approval_request where id = '{id}'"),
            );
            println!("{killed:?} {state} {used:?}");
            match used[0].as_str() {
                "EXECUTED" => {
                    assert_eq!(state, "Disabled", "{killed:?}");
                    executed += 1;
                }
                _ => {
                    assert_eq!(state, "Enabled", "{killed:?}");
                    unused += 1;
                    // It is still good: once.
                    kms(&asks, &survivor, "DisableKey", &body).done();
                }
            }
            enable();
            let records = records(dev, "DisableKey");
            let done = records.iter().filter(|record| {
                record["additionalEventData"]["approvalId"] == id.as_str()
                    && record["errorCode"].is_null()
            });
            assert_eq!(done.count(), 1, "{killed:?}");
            if killed.is_none() {
                assert_eq!(answer.expect("an answer").status, 200);
                victim = Some(gateway);
                break;
            }
        }
    }
    assert!(executed >= 3 && unused >= 8, "{executed} {unused}");
    drop((victim, survivor));
    crash.dev.stop();
}
