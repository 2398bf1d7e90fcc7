//! Whoever owns the database approves nothing.

use super::*;
use crate::dev::scratch;

/// What is executed behind the gateway's back: of a request's id, an approved one's, an approver's ARN.
type Edit = fn(&str, &str, &str) -> String;

#[tokio::test]
async fn rows_that_were_edited_approve_nothing() {
    let owned = Dev::start(&scratch(), &[]);
    let dev = &owned;
    let scene = Scene::new(dev, "edited", &["DisableKey"], 2, 3);
    let asked = || {
        let key = scene.new_key();
        let id = waits(&scene.call("DisableKey", &json!({ "KeyId": key })));
        (key, id)
    };
    // One that is approved, to take from.
    let (approved_key, approved) = asked();
    scene.approve(0, &approved);
    scene.approve(1, &approved);
    let arn = user_arn("edited-1");
    let edits: Vec<(&str, Edit)> = vec![
        ("fewer are needed", |id, _, _| {
            format!("update approval_request set needed = 1 where id = '{id}'")
        }),
        ("others are named", |id, _, arn| {
            format!("update approval_request set approvers = '[\"{arn}\"]' where id = '{id}'")
        }),
        ("another approves", |id, _, arn| {
            format!(
                "insert into approval select '{id}', p.id, p.arn, '[]', p.arn, null, now(), a.mac \
                 from principal p, approval a where p.arn = '{arn}' and a.request = '{id}'"
            )
        }),
        ("an approval of another request", |id, approved, arn| {
            format!(
                "insert into approval select '{id}', approver_id, approver, hands, principal, \
                 access_key, created, mac from approval where request = '{approved}' \
                 and approver = '{arn}'"
            )
        }),
        ("another approver's approval", |id, _, arn| {
            format!(
                "insert into approval select request, p.id, p.arn, hands, p.arn, access_key, a.created, \
                 a.mac from approval a, principal p where request = '{id}' and p.arn = '{arn}'"
            )
        }),
        ("nobody's hands", |id, _, _| {
            format!("update approval set hands = '[]' where request = '{id}'")
        }),
        ("nobody asks", |id, _, _| {
            format!("update approval_request set hands = '[]' where id = '{id}'")
        }),
        ("more time", |id, _, _| {
            format!(
                "update approval_request set expires = expires + interval '1 year' where id = '{id}'"
            )
        }),
        ("what is shown", |id, _, _| {
            format!("update approval_request set parameters = '{{}}' where id = '{id}'")
        }),
        // The approvals of one call for another.
        ("another call", |id, approved, _| {
            format!(
                "with a as (delete from approval_request where id = '{id}' returning call) \
                 update approval_request r set call = a.call from a where r.id = '{approved}'"
            )
        }),
    ];
    for (what, edit) in edits {
        let (key, id) = asked();
        scene.approve(0, &id);
        sql(dev, &edit(&id, &approved, &arn));
        let refused = scene.call("DisableKey", &json!({ "KeyId": key }));
        assert_eq!(
            refused.code(),
            "KMSInternalException",
            "{what}: {}",
            refused.body
        );
        assert_eq!(scene.key_state(&key), "Enabled", "{what}");
    }
    // The last edit has made that one worthless, too: its call has to be asked for anew.
    let anew = scene.call("DisableKey", &json!({ "KeyId": approved_key }));
    assert_ne!(waits(&anew), approved);

    // What was executed, or denied, is not open again.
    let (key, id) = asked();
    let body = json!({ "KeyId": key });
    scene.approve(0, &id);
    scene.approve(2, &id);
    scene.call("DisableKey", &body).done();
    scene.call("EnableKey", &body).done();
    sql(
        dev,
        &format!("update approval_request set state = 'PENDING' where id = '{id}'"),
    );
    assert_eq!(
        scene.call("DisableKey", &body).code(),
        "KMSInternalException"
    );
    let (key, id) = asked();
    scene.approve(0, &id);
    scene.approve(2, &id);
    decide(&scene.approvers[1], &scene.gateway, "DenyRequest", &id).done();
    let reopen = "state = 'PENDING', denied_by = null, row_version = 1";
    sql(
        dev,
        &format!("update approval_request set {reopen} where id = '{id}'"),
    );
    let refused = scene.call("DisableKey", &json!({ "KeyId": key }));
    assert_eq!(refused.code(), "KMSInternalException");
    // Nor does it help to take a row away.
    let (key, id) = asked();
    scene.approve(0, &id);
    scene.approve(2, &id);
    sql(
        dev,
        &format!(
            "delete from approval where request = '{id}' and approver = '{}'",
            user_arn("edited-2")
        ),
    );
    assert_eq!(
        waits(&scene.call("DisableKey", &json!({ "KeyId": key }))),
        id
    );
    assert!(scene.gateway.log().contains("of approval_request"));
    drop(scene);
    owned.stop();
}
