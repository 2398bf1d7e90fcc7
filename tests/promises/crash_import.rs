//! An import by a gateway that dies at any moment leaves the key with its material or without.

use crate::deletion::set_database_clock;
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::import::{MATERIAL, OFTEN, external_symmetric, import, material_of, state, wait_until};
use crate::postgres::{setting, sql};
use crate::proxy::{Moment, Plan, Proxy};
use crate::token::objects;
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::import_key_material::builders::ImportKeyMaterialFluentBuilder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{AlgorithmSpec, ExpirationModelType, KeyState};
use std::collections::BTreeSet;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(60);
const PAST_LEASE: Duration = Duration::from_secs(300);

/// One key, and what it takes to import its material.
struct Scene {
    dev: Dev,
    proxy: Proxy,
    client: Client,
    id: String,
    import: ImportKeyMaterialFluentBuilder,
    /// The gateway's own keys and the wrapping key, whose day has hours to go.
    own: BTreeSet<String>,
    sealed: Blob,
}

impl Scene {
    async fn new() -> Self {
        let dev = Dev::start(&scratch(), &[]);
        let url = setting(&dev, "url");
        let socket = url
            .split_whitespace()
            .find_map(|part| part.strip_prefix("host="));
        let proxy = Proxy::start(&scratch(), socket.unwrap());
        let client = dev.client();
        let id = external_symmetric(&client).await;
        let import = import(&client, &id, AlgorithmSpec::RsaesOaepSha256, &MATERIAL).await;
        let own = objects(&dev).into_keys().collect();
        import.clone().send().await.unwrap();
        let sealed = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
        let sealed = sealed.send().await.unwrap().ciphertext_blob.unwrap();
        Self {
            dev,
            proxy,
            client,
            id,
            import,
            own,
            sealed,
        }
    }

    /// What is begun on the token, by a clock that is ahead: all but the wrapping key.
    fn begun(&self, ahead: Duration) -> bool {
        let statement = format!(
            "select count(*) from intent \
             where lease_until < now() + interval '1 hour' + make_interval(secs => {})",
            ahead.as_secs()
        );
        sql(&self.dev, &statement) != ["0"]
    }

    /// One import by a new gateway that is killed on the way; answers where, if it was, and
    /// whether it left something to do.
    async fn import(
        &self,
        from: &'static str,
        at: usize,
        moment: Moment,
    ) -> (Option<String>, bool) {
        let settings = Settings::default().lease(LEASE);
        let settings = settings.every(Duration::from_secs(3600));
        let gateway = settings.quiet().socket(self.proxy.dir()).serve(&self.dev);
        self.proxy.wait_until_quiet();
        self.proxy.arm(Plan {
            victim: gateway.process(),
            from,
            at,
            moment,
        });
        let fields = self.import.as_input().clone().build().unwrap();
        let told = gateway
            .client(&self.dev)
            .import_key_material()
            .key_id(&self.id)
            .import_token(fields.import_token().unwrap().clone())
            .encrypted_key_material(fields.encrypted_key_material().unwrap().clone())
            .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
            .send()
            .await;
        let killed = self.proxy.disarm();
        gateway.kill();
        let left = self.begun(Duration::ZERO);
        if left {
            set_database_clock(&self.dev, PAST_LEASE);
            wait_until("no intents", || !self.begun(PAST_LEASE));
            set_database_clock(&self.dev, Duration::ZERO);
        }
        let when = killed.as_deref().unwrap_or("no kill");
        println!("import: {when}");
        assert!(killed.is_some() || told.is_ok(), "{when}: {told:?}");
        let there = self.check(when).await;
        assert!(there || told.is_err(), "{when}: answered, and lost");
        (killed, left)
    }

    /// Token and rows have the same, and it works; answers whether there is material.
    async fn check(&self, when: &str) -> bool {
        let on_token: BTreeSet<String> = objects(&self.dev).into_keys().collect();
        let imported: BTreeSet<String> = on_token.difference(&self.own).cloned().collect();
        let known = material_of(&self.dev, &self.id);
        assert_eq!(imported, known, "{when}: token, then rows");
        let state = state(&self.client, &self.id).await;
        let there = state == KeyState::Enabled;
        assert_eq!(imported.len(), usize::from(there), "{when}: {state:?}");
        if there {
            let opened = self.client.decrypt().ciphertext_blob(self.sealed.clone());
            let opened = opened.send().await;
            opened.unwrap_or_else(|error| panic!("{when}: {error:?}"));
        }
        there
    }
}

#[tokio::test]
async fn an_import_is_whole_or_has_not_been() {
    let scene = Scene::new().await;
    let other = Settings::default().lease(LEASE).every(OFTEN);
    let other = other.serve(&scene.dev);
    let mut left_behind = 0;
    // The first import of material, all the way.
    for at in (1..).step_by(2) {
        assert!(at < 200);
        let delete = scene.client.delete_imported_key_material();
        delete.key_id(&scene.id).send().await.unwrap();
        let moment = match at % 4 {
            1 => Moment::After,
            _ => Moment::Before,
        };
        let (killed, left) = scene.import("/* intents::begin */", at, moment).await;
        left_behind += usize::from(left);
        if killed.is_none() {
            break;
        }
    }
    assert!(left_behind > 8, "the kills missed: {left_behind}");
    // One that replaces what is there, from where its rows are written.
    let mut seen = Vec::new();
    for at in 1.. {
        assert!(at < 200);
        let from = "/* keys::update_version */";
        match scene.import(from, at, Moment::After).await {
            (Some(when), _) => seen.push(when),
            (None, _) => break,
        }
    }
    for step in ["keys::update", "audit_log::record", "intents::drop"] {
        let reached = seen.iter().any(|when| when.contains(step));
        assert!(reached, "no kill at {step}: {seen:?}");
    }
    // Which statements a connection has prepared before varies, and with it what is counted.
    let (killed, _) = scene
        .import("/* transaction::commit */", 1, Moment::After)
        .await;
    killed.expect("an import is committed");
    drop(other);
    scene.dev.stop();
}
