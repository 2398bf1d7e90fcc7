//! Promise 4: a gateway that dies at any moment leaves a usable key or none at all, and nothing on
//! the token that the database does not know.

use crate::deletion::{AHEAD, schedule, set_database_clock};
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::postgres::{setting, sql};
use crate::proxy::{Moment, Plan, Proxy};
use crate::token::objects;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub const NEVER: Duration = Duration::from_secs(3600);
pub const OFTEN: Duration = Duration::from_millis(50);
/// Longer than the token takes, as it has to be; whoever comes next does not wait for its end, but
/// puts the database's clock ahead.
pub const LEASE: Duration = Duration::from_secs(60);
const PAST_LEASE: Duration = Duration::from_secs(300);
/// More messages than anything here takes.
pub const BOUND: usize = 200;

/// A deployment, and a proxy that leads to it.
pub struct Scene {
    pub dev: Dev,
    pub proxy: Proxy,
    /// What is on the token before there is a key.
    own: BTreeSet<String>,
    proven: BTreeSet<String>,
}

impl Scene {
    pub fn new() -> Self {
        let dev = Dev::start(&scratch(), &[]);
        let own: BTreeSet<String> = objects(&dev).into_keys().collect();
        assert_eq!(own.len(), 3, "the gateway's own keys");
        let url = setting(&dev, "url");
        let socket = url
            .split_whitespace()
            .find_map(|part| part.strip_prefix("host="))
            .unwrap();
        let proxy = Proxy::start(&scratch(), socket);
        Self {
            dev,
            proxy,
            own,
            proven: BTreeSet::new(),
        }
    }

    /// The settings of the gateway that is to die.
    pub fn through_proxy(&self) -> Settings {
        Settings::default()
            .lease(LEASE)
            .quiet()
            .socket(self.proxy.dir())
    }

    pub fn intents(&self) -> usize {
        sql(&self.dev, "select count(*) from intent")[0]
            .parse()
            .unwrap()
    }

    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !condition(self) {
            assert!(begun.elapsed() < Duration::from_secs(60), "not yet: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for what Postgres had got already when a gateway was killed: a commit may go out together
    /// with the message before it.
    pub fn wait_for_the_last_messages(&self) {
        self.wait_until("no transaction", |scene| {
            let open = "select pid from pg_stat_activity where xact_start is not null \
                        and backend_type = 'client backend' and pid <> pg_backend_pid()";
            sql(&scene.dev, open).is_empty()
        });
    }

    /// Lets the leases end, and waits for what follows.
    pub fn finish_intents(&self) {
        if self.intents() > 0 {
            set_database_clock(&self.dev, PAST_LEASE);
            self.wait_until("no intents", |scene| scene.intents() == 0);
            set_database_clock(&self.dev, Duration::ZERO);
        }
    }

    /// Token and database have the same keys, and every key works.
    pub async fn check(&mut self, client: &Client, when: &str) {
        let known: BTreeSet<String> = sql(
            &self.dev,
            "select replace(id::text, '-', '') from key_version",
        )
        .into_iter()
        .collect();
        let on_token: BTreeSet<String> = objects(&self.dev).into_keys().collect();
        let without_own: BTreeSet<String> = on_token.difference(&self.own).cloned().collect();
        assert!(
            self.own.is_subset(&on_token),
            "{when}: the gateway's own keys"
        );
        assert_eq!(without_own, known, "{when}: token, then database");
        let halves = sql(
            &self.dev,
            "select 'version ' || id from key_version v \
             where not exists (select from kms_key k where k.material_set = v.material_set) \
             union all select 'set ' || id from material_set s \
             where not exists (select from kms_key k where k.material_set = s.id)",
        );
        assert_eq!(halves, Vec::<String>::new(), "{when}: half a key");
        let keys = sql(
            &self.dev,
            "select key_id from kms_key where state = 'Enabled' and key_usage = 'ENCRYPT_DECRYPT'",
        );
        for id in keys {
            if self.proven.insert(id.clone()) {
                prove(client, &id, when).await;
            }
        }
    }

    /// Every key once more.
    async fn check_all(&mut self, client: &Client) {
        self.proven.clear();
        self.check(client, "at the end").await;
    }
}

async fn prove(client: &Client, id: &str, when: &str) {
    let spec = spec_of(client, id).await;
    let mut encrypt = client.encrypt().key_id(id).plaintext(Blob::new("x"));
    let mut decrypt = client.decrypt().key_id(id);
    if spec != KeySpec::SymmetricDefault {
        use aws_sdk_kms::types::EncryptionAlgorithmSpec::RsaesOaepSha256;
        encrypt = encrypt.encryption_algorithm(RsaesOaepSha256);
        decrypt = decrypt.encryption_algorithm(RsaesOaepSha256);
    }
    let sealed = encrypt
        .send()
        .await
        .unwrap_or_else(|error| panic!("{when}: {id}: {error:?}"));
    decrypt
        .ciphertext_blob(sealed.ciphertext_blob().unwrap().clone())
        .send()
        .await
        .unwrap_or_else(|error| panic!("{when}: {id}: {error:?}"));
}

async fn spec_of(client: &Client, id: &str) -> KeySpec {
    let described = client.describe_key().key_id(id).send().await.unwrap();
    described
        .key_metadata()
        .unwrap()
        .key_spec()
        .unwrap()
        .clone()
}

/// What a client of the dying gateway was told.
async fn create(client: &Client, spec: KeySpec) -> Option<String> {
    let made = client
        .create_key()
        .key_spec(spec)
        .key_usage(KeyUsageType::EncryptDecrypt)
        .send()
        .await
        .ok()?;
    Some(made.key_metadata().unwrap().key_id().to_owned())
}

/// One CreateKey on a new gateway that is killed on the way; answers where, if it was.
async fn creation(
    scene: &mut Scene,
    settings: &Settings,
    spec: KeySpec,
    (from, at, moment): (&'static str, usize, Moment),
) -> Option<String> {
    let gateway = settings.serve(&scene.dev);
    let client = gateway.client(&scene.dev);
    scene.proxy.wait_until_quiet();
    scene.proxy.arm(Plan {
        victim: gateway.process(),
        from,
        at,
        moment,
    });
    let told = create(&client, spec).await;
    if matches!(moment, Moment::Later(_)) {
        scene.wait_until("the kill", |scene| scene.proxy.killed_at().is_some());
    }
    let killed_at = scene.proxy.disarm();
    gateway.kill();
    scene.wait_for_the_last_messages();
    let when = killed_at.as_deref().unwrap_or("no kill");
    if let Some(id) = &told {
        let found = sql(
            &scene.dev,
            &format!("select count(*) from kms_key where key_id = '{id}'"),
        );
        assert_eq!(found, ["1"], "{when}: a key was answered and is lost");
    } else {
        assert!(killed_at.is_some(), "CreateKey failed:\n{}", gateway.log());
    }
    killed_at
}

#[tokio::test]
async fn creation_is_whole_or_has_not_been() {
    let mut scene = Scene::new();
    let settings = scene.through_proxy();
    let client = scene.dev.client();

    // Once, nobody but the same gateway, started again, clears up what it has left.
    let place = ("/* keys::insert */", 1, Moment::After);
    let first = settings.clone().every(NEVER);
    let killed = creation(&mut scene, &first, KeySpec::SymmetricDefault, place).await;
    let when = killed.expect("CreateKey inserts a key");
    assert_eq!(scene.intents(), 1, "{when}");
    let again = settings.clone().every(OFTEN).serve(&scene.dev);
    scene.finish_intents();
    again.client(&scene.dev).list_keys().send().await.unwrap();
    scene.check(&client, &when).await;
    assert_eq!(
        sql(&scene.dev, "select count(*) from kms_key"),
        ["0"],
        "{when}"
    );
    drop(again);

    // Else it is another gateway.
    let other = Settings::default()
        .lease(LEASE)
        .every(OFTEN)
        .serve(&scene.dev);
    let settings = settings.every(NEVER);
    for moment in [Moment::Before, Moment::After] {
        let mut left_behind = 0;
        // The last of them is about where the key is committed, and once it is just there.
        for place in (1..).map(|at| ("", at, moment)) {
            assert!(place.1 < BOUND);
            let killed = creation(&mut scene, &settings, KeySpec::SymmetricDefault, place).await;
            left_behind += usize::from(scene.intents() > 0);
            scene.finish_intents();
            let when = killed.as_deref().unwrap_or("no kill");
            scene.check(&client, when).await;
            println!("create: {when}");
            if killed.is_none() {
                break;
            }
        }
        assert!(left_behind > 10, "the kills missed: {left_behind}");
        let commit = ("/* transaction::commit */", 1, moment);
        let killed = creation(&mut scene, &settings, KeySpec::SymmetricDefault, commit).await;
        let when = killed.expect("CreateKey commits");
        scene.finish_intents();
        scene.check(&client, &when).await;
    }
    // While the token makes the key.
    for ms in [0, 1, 3, 10, 30, 60, 100, 150, 200, 300] {
        let moment = Moment::Later(Duration::from_millis(ms));
        // The second message of a prepared statement runs it.
        let place = ("/* intents::begin */", 2, moment);
        let killed = creation(&mut scene, &settings, KeySpec::Rsa2048, place).await;
        let when = killed.expect("CreateKey has an intent");
        scene.finish_intents();
        scene.check(&client, &when).await;
        println!("create: {when}");
    }
    scene.check_all(&client).await;
    drop(other);
    scene.dev.stop();
}

/// One deletion by a new gateway that is killed on the way, and what comes after; answers whether
/// it was done by then.
async fn deletion(
    scene: &mut Scene,
    client: &Client,
    spec: KeySpec,
    (from, at, moment): (&'static str, usize, Moment),
) -> bool {
    let doomed = create(client, spec).await.unwrap();
    schedule(client, &doomed).await;
    let gone = format!("select count(*) from kms_key where key_id = '{doomed}'");
    let gone = |scene: &Scene| sql(&scene.dev, &gone) == ["0"];
    set_database_clock(&scene.dev, AHEAD);
    let settings = scene.through_proxy().every(OFTEN).ahead(AHEAD);
    let gateway = settings.start(&scene.dev);
    scene.proxy.arm(Plan {
        victim: gateway.process(),
        from,
        at,
        moment,
    });
    scene.wait_until("the kill", |scene| scene.proxy.killed_at().is_some());
    let when = scene.proxy.disarm().unwrap();
    println!("delete: {when}");
    let done = gone(scene) && scene.intents() == 0;
    if !done {
        // Whatever was begun has lost its lease by then.
        let later = AHEAD + PAST_LEASE;
        set_database_clock(&scene.dev, later);
        let next = Settings::default().lease(LEASE).every(OFTEN).ahead(later);
        let _next = next.start(&scene.dev);
        scene.wait_until("the deletion", |scene| gone(scene) && scene.intents() == 0);
    }
    scene.check(client, &when).await;
    let described = client.describe_key().key_id(&doomed).send().await;
    let error = described.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception(), "{when}: {error:?}");
    set_database_clock(&scene.dev, Duration::ZERO);
    done
}

#[tokio::test]
async fn deletion_is_finished_by_whoever_comes_next() {
    let mut scene = Scene::new();
    let client = scene.dev.client();
    create(&client, KeySpec::SymmetricDefault).await.unwrap();
    for moment in [Moment::Before, Moment::After] {
        for at in 1.. {
            assert!(at < BOUND);
            let place = ("/* intents::claim */", at, moment);
            // The message before this one, or this one, has ended the deletion.
            if deletion(&mut scene, &client, KeySpec::SymmetricDefault, place).await {
                assert!(at > 20, "the kills missed: {at}");
                break;
            }
        }
    }
    // While the token destroys a pair of keys.
    for us in [0, 300, 1_000, 3_000, 10_000] {
        let moment = Moment::Later(Duration::from_micros(us));
        let place = ("/* transaction::commit */", 1, moment);
        deletion(&mut scene, &client, KeySpec::Rsa2048, place).await;
    }
    scene.check_all(&client).await;
    assert_eq!(sql(&scene.dev, "select count(*) from kms_key"), ["1"]);
    scene.dev.stop();
}
