//! Whoever has a token of an issuer that is configured can name any account. What they ask for costs
//! their address, and the account nothing before one of its roles trusts them.

use super::peer::{Keys, Peer};
use super::*;
use std::time::Instant;

/// How often the roles of the account may be assumed: it gives nothing back in the time of a test.
const BURST: usize = 20;

fn token() -> String {
    let token = ISSUER.token(&ISSUER.claims());
    DEV.overheard.secret("an OIDC token", token.as_bytes());
    token
}

#[tokio::test]
async fn only_whom_a_role_trusts_is_counted_for_its_account() {
    const ACCOUNT: &str = "232323232323";
    let keys = account(ACCOUNT).await;
    let token = token();
    let missing = format!("arn:aws:iam::{ACCOUNT}:role/missing");
    let mut peer = Peer::from("127.0.0.40").await;
    let begun = Instant::now();
    let mut denied = 0;
    for _ in 0..3 * BURST {
        match peer.assume(&missing, &token).await.code() {
            "AccessDenied" => denied += 1,
            "Throttling" => {}
            code => panic!("{code}"),
        }
    }
    // 2 a second, and 10 at once.
    let may = 10 + (2.0 * begun.elapsed().as_secs_f64()).ceil() as usize + 1;
    assert!(denied <= may, "{denied}");

    // The account has all that it had.
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example");
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
    }});
    let role = json!({"RoleName": "web", "AssumeRolePolicyDocument": trust.to_string()});
    let made = keys.done("Strongroom.CreateRole", role).await;
    let role = text(&made["Role"]["Arn"]);
    // Of whom it trusts the account pays, and not the address.
    let mut peer = Peer::from("127.0.0.41").await;
    for n in 0..BURST {
        let answer = peer.assume(&role, &token).await;
        assert_eq!(answer.status, 200, "{n}: {}", answer.body);
        for secret in ["SecretAccessKey", "SessionToken"] {
            let answer = answer.body.as_str().unwrap();
            let secret = answer.split(&format!("<{secret}>")).nth(1).unwrap();
            let secret = secret.split('<').next().unwrap();
            DEV.overheard.secret("of a session", secret.as_bytes());
        }
    }
    assert_eq!(peer.assume(&role, &token).await.code(), "Throttling");
}

/// Half of the places that an account alone can have.
const HANG: i64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_keeps_its_places() {
    let oidc = oidc();
    let in_flight = ("STRONGROOM_SERVER_MAX_IN_FLIGHT", "4");
    let dev = Dev::start_where(&scratch(), &[("STRONGROOM_OIDC", &oidc), in_flight]);
    let keys = Keys {
        id: dev.env["AWS_ACCESS_KEY_ID"].clone(),
        secret: dev.env["AWS_SECRET_ACCESS_KEY"].clone(),
    };
    let mut own = Peer::of(&dev, "127.0.0.2").await;
    let list = json!({});
    let answer = own.ask(&keys, "TrentService.ListKeys", &list).await;
    assert_eq!(answer.status, 200, "{}", answer.body);

    // Whoever looks for a role waits until this ends, and whose record is committed on a principal: that is
    // looked at again after a change.
    let (lock, look) = (dev.owner().await, dev.owner().await);
    look.batch_execute("update last_change set stamp = gen_random_uuid()")
        .await
        .unwrap();
    lock.batch_execute("begin; lock table principal in access exclusive mode")
        .await
        .unwrap();
    let wait_for = async |number: i64| {
        let waiting = "select count(*) from pg_locks where not granted";
        while look.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < number {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let missing = "arn:aws:iam::000000000000:role/missing";
    let mut hanging = Vec::new();
    for _ in 0..HANG {
        let (mut peer, token) = (Peer::of(&dev, "127.0.0.3").await, token());
        let assume = async move { peer.assume(missing, &token).await };
        hanging.push(tokio::spawn(assume));
    }
    wait_for(HANG).await;
    let own = async move { own.ask(&keys, "TrentService.ListKeys", &list).await };
    let mut own = tokio::spawn(own);
    tokio::select! {
        // Its record waits for the table too.
        () = wait_for(HANG + 1) => {}
        answer = &mut own => panic!("{}", answer.unwrap().body),
    }
    lock.batch_execute("rollback").await.unwrap();
    assert_eq!(own.await.unwrap().status, 200);
    for hanging in hanging {
        assert_eq!(hanging.await.unwrap().code(), "AccessDenied");
    }
    dev.stop();
}
