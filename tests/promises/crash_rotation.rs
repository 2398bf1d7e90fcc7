//! Promise 3: a gateway that dies while it rotates leaves the new version or no trace of it.

use crate::crash::{BOUND, LEASE, NEVER, OFTEN, Scene};
use crate::gateway::Settings;
use crate::postgres::sql;
use crate::proxy::{Moment, Plan};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use std::time::Duration;

/// A key, and what was encrypted under its first version.
async fn key(client: &Client) -> (String, Blob) {
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let sealed = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    let sealed = sealed.send().await.unwrap();
    (id, sealed.ciphertext_blob().unwrap().clone())
}

fn versions(scene: &Scene, id: &str) -> usize {
    let count = format!(
        "select count(*) from kms_key k join key_version v on v.material_set = k.material_set \
         where k.key_id = '{id}'"
    );
    sql(&scene.dev, &count)[0].parse().unwrap()
}

/// One rotation by a new gateway that is killed on the way; answers where, if it was.
async fn rotation(
    scene: &mut Scene,
    client: &Client,
    (from, at, moment): (&'static str, usize, Moment),
) -> Option<String> {
    let (id, sealed) = key(client).await;
    let gateway = scene.through_proxy().every(NEVER).serve(&scene.dev);
    let doomed = gateway.client(&scene.dev);
    scene.proxy.wait_until_quiet();
    scene.proxy.arm(Plan {
        victim: gateway.process(),
        from,
        at,
        moment,
    });
    let told = doomed.rotate_key_on_demand().key_id(&id).send().await;
    if matches!(moment, Moment::Later(_)) {
        scene.wait_until("the kill", |scene| scene.proxy.killed_at().is_some());
    }
    let killed_at = scene.proxy.disarm();
    gateway.kill();
    let when = killed_at.clone().unwrap_or_else(|| "no kill".into());
    scene.finish_intents();
    assert!(told.is_ok() || killed_at.is_some(), "{told:?}");
    let versions = versions(scene, &id);
    match &told {
        Ok(_) => assert_eq!(versions, 2, "{when}: a rotation was answered and is lost"),
        Err(_) => assert!((1..=2).contains(&versions), "{when}: {versions} versions"),
    }
    // Token and database have the same versions, and the new material, or the old, works.
    scene.check(client, &when).await;
    let opened = client.decrypt().ciphertext_blob(sealed).send().await;
    opened.unwrap_or_else(|error| panic!("{when}: {error:?}"));
    println!("rotate: {when}: {versions} versions");
    killed_at
}

#[tokio::test]
async fn a_rotation_is_whole_or_has_not_been() {
    let mut scene = Scene::new();
    let client = scene.dev.client();
    let other = Settings::default()
        .lease(LEASE)
        .every(OFTEN)
        .serve(&scene.dev);
    for (first, moment) in [(1, Moment::Before), (2, Moment::After)] {
        let mut last = String::new();
        for at in (first..).step_by(4) {
            assert!(at < BOUND);
            match rotation(&mut scene, &client, ("", at, moment)).await {
                Some(when) => last = when,
                None => break,
            }
        }
        assert!(!last.is_empty(), "the kills missed");
    }
    // From the intent on, message by message: what follows is the token's work, then the rows'.
    for at in (2..16).step_by(2) {
        let place = ("/* intents::begin */", at, Moment::After);
        rotation(&mut scene, &client, place).await;
    }
    let commit = ("/* transaction::commit */", 1);
    for moment in [Moment::Before, Moment::After] {
        let killed = rotation(&mut scene, &client, (commit.0, commit.1, moment)).await;
        killed.expect("a rotation is committed");
    }
    // While the token makes it.
    for us in [0, 500, 1_000, 3_000, 10_000, 30_000] {
        let moment = Moment::Later(Duration::from_micros(us));
        rotation(&mut scene, &client, ("/* intents::begin */", 2, moment)).await;
    }
    drop(other);
    scene.dev.stop();
}

#[tokio::test]
async fn the_worker_s_rotation_is_finished_by_whoever_comes_next() {
    let mut scene = Scene::new();
    let client = scene.dev.client();
    let mut kills = 0;
    // The last of them is about where the rotation is committed.
    for at in (1..40).step_by(4) {
        let (id, sealed) = key(&client).await;
        let reserve = format!(
            "update gcm_reservation set reserved = 2147483648 where version = \
             (select current_version from kms_key where key_id = '{id}')"
        );
        let gateway = scene.through_proxy().every(OFTEN).serve(&scene.dev);
        scene.proxy.arm(Plan {
            victim: gateway.process(),
            from: "/* rotations::lease */",
            at,
            moment: Moment::After,
        });
        // Nobody has the lease: whose worker comes first, that is this one nearly every time.
        sql(&scene.dev, &format!("delete from lease; {reserve}"));
        scene.wait_until("the kill or the rotation", |scene| {
            scene.proxy.killed_at().is_some() || versions(scene, &id) == 2
        });
        let killed_at = scene.proxy.disarm();
        gateway.kill();
        let when = killed_at.clone().unwrap_or_else(|| "no kill".into());
        println!("rotate: {when}: {} versions", versions(&scene, &id));
        let next = Settings::default().lease(LEASE).every(OFTEN);
        let _next = next.serve(&scene.dev);
        scene.finish_intents();
        // The dead gateway's would have to end first.
        sql(&scene.dev, "delete from lease");
        scene.wait_until("the rotation", |scene| versions(scene, &id) == 2);
        scene.wait_until("no intents", |scene| scene.intents() == 0);
        scene.check(&client, &when).await;
        let opened = client.decrypt().ciphertext_blob(sealed).send().await;
        opened.unwrap_or_else(|error| panic!("{when}: {error:?}"));
        kills += usize::from(killed_at.is_some());
    }
    assert!(kills > 5, "the kills missed: {kills}");
    scene.dev.stop();
}
