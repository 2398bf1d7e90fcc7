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
    let settings = crash.through_proxy().set("STRONGROOM_APPROVAL", &rules);
    // One execution by a new gateway that is killed on the way; answers whether it was, and
    // whether the change is made.
    let execution = |from, at, moment| {
        let id = waits(&kms(&asks, &survivor, "DisableKey", &body));
        approve(&approver, &survivor, &id);
        let gateway = settings.serve(dev);
        crash.proxy.wait_until_quiet();
        crash.proxy.arm(Plan {
            victim: gateway.process(),
            from,
            at,
            moment,
        });
        let address = gateway.address();
        let answer = asks.try_call(&address, "TrentService.DisableKey", &body.to_string());
        let killed = crash.proxy.disarm();
        crash.wait_for_the_last_messages();
        let state = key_state(&asks, &survivor, &key);
        let used = sql(
            dev,
            &format!("select state from approval_request where id = '{id}'"),
        );
        println!("{killed:?} {state} {used:?}");
        let executed = used[0] == "EXECUTED";
        let expected = if executed { "Disabled" } else { "Enabled" };
        assert_eq!(state, expected, "{killed:?}");
        if !executed {
            // It is still good: once.
            kms(&asks, &survivor, "DisableKey", &body).done();
        }
        kms(&asks, &survivor, "EnableKey", &body).done();
        let records = records(dev, "DisableKey");
        let done = records.iter().filter(|record| {
            record["additionalEventData"]["approvalId"] == id.as_str()
                && record["errorCode"].is_null()
        });
        assert_eq!(done.count(), 1, "{killed:?}");
        if killed.is_none() {
            assert_eq!(answer.expect("an answer").status, 200);
        }
        (killed.is_some(), executed)
    };
    for moment in [Moment::Before, Moment::After] {
        let mut unused = 0;
        for at in 1.. {
            assert!(at < BOUND);
            let (killed, executed) = execution("/* approvals::lock_open */", at, moment);
            if !killed {
                break;
            }
            unused += usize::from(!executed);
        }
        assert!(unused >= 4, "the kills missed: {unused}");
    }
    for (moment, executed) in [(Moment::Before, false), (Moment::After, true)] {
        let commit = execution("/* transaction::commit */", 1, moment);
        assert_eq!(commit, (true, executed));
    }
    drop(survivor);
    crash.dev.stop();
}
