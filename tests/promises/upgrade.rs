//! Upgrades: what an earlier version left is brought up to date and used; and whatever that version
//! asks of its database it can ask of the new schema, while both run. `upgrade/README.md` says what lies
//! there.

use crate::gateway::Settings;
use crate::installation::{Installation, commands};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Credentials, Region, retry::RetryConfig};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    EncryptionAlgorithmSpec, KeyState, MacAlgorithmSpec, SigningAlgorithmSpec,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const OFTEN: Duration = Duration::from_millis(50);

fn left(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/promises/upgrade").join(name)
}

/// As it was left, and as soon after: an import's wrapping key was wanted for a day then, and is now.
fn installation() -> Installation {
    let installation = Installation::new("");
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(left("token.tar.gz"))
        .arg("-C")
        .arg(&installation.dir)
        .status();
    assert!(unpacked.unwrap().success());
    let file = ("DUMP", left("dump.sql").display().to_string());
    let load = r#"psql --no-psqlrc -q -v ON_ERROR_STOP=1 -d "$DATABASE" -f "$DUMP""#;
    installation.shell(load, &[file]).expect(0);
    installation.sql("update intent set lease_until = now() + (lease_until - created)");
    installation
}

fn schema(installation: &Installation) -> u32 {
    let version = installation.sql("select max(version) from refinery_schema_history");
    version[0].parse().unwrap()
}

fn upgrade(installation: &Installation) {
    let [migrate, examine]: [String; 2] = commands("upgrade.md").try_into().unwrap();
    let old = schema(installation);
    let account = ("ACCOUNT", "000000000000".to_owned());
    installation.shell(&migrate, &[account]).expect(0);
    assert!(schema(installation) > old, "an older schema");
    installation.shell(&examine, &[]).expect(0);
}

struct Before(Value);

impl Before {
    fn read() -> Self {
        let text = std::fs::read_to_string(left("before.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    fn text(&self, name: &str) -> String {
        self.0[name].as_str().unwrap().to_owned()
    }

    fn blob(&self, name: &str) -> Blob {
        Blob::new(STANDARD.decode(self.text(name)).unwrap())
    }

    fn client(&self, address: String) -> Client {
        let (id, secret) = (self.text("access_key_id"), self.text("secret_access_key"));
        let config = aws_sdk_kms::Config::builder()
            .behavior_version_latest()
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(address)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(id, secret, None, None, "before"))
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }
}

#[tokio::test]
async fn what_an_earlier_version_left_is_used() {
    let installation = installation();
    upgrade(&installation);
    let settings = Settings::default().every(OFTEN);
    let settings = settings.set("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", 1);
    let gateway = installation.serve(&settings, &installation.dir);
    let before = Before::read();
    let client = before.client(gateway.address());
    for ciphertext in ["ciphertext_1", "ciphertext_2"] {
        let opened = client
            .decrypt()
            .ciphertext_blob(before.blob(ciphertext))
            .encryption_context("purpose", "upgrade")
            .send()
            .await
            .unwrap();
        assert_eq!(opened.plaintext().unwrap().as_ref(), b"from before");
    }
    let opened = client
        .decrypt()
        .key_id(before.text("rsa"))
        .ciphertext_blob(before.blob("rsa_ciphertext"))
        .encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256)
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"from before");
    let verified = client
        .verify()
        .key_id(before.text("ec"))
        .message(Blob::new("from before"))
        .signature(before.blob("signature"))
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
        .send()
        .await
        .unwrap();
    assert!(verified.signature_valid());
    let mac = client
        .verify_mac()
        .key_id(before.text("mac_key"))
        .message(Blob::new("from before"))
        .mac(before.blob("mac"))
        .mac_algorithm(MacAlgorithmSpec::HmacSha256)
        .send()
        .await
        .unwrap();
    assert!(mac.mac_valid());
    let encrypted = client.encrypt().key_id("alias/invoices");
    let encrypted = encrypted.plaintext(Blob::new("from after"));
    encrypted.send().await.unwrap();
    let key = before.text("aes");
    let grants = client.list_grants().key_id(&key).send().await.unwrap();
    assert_eq!(grants.grants()[0].grant_id().unwrap(), before.text("grant"));
    let disabled = client.enable_key().key_id(before.text("disabled"));
    disabled.send().await.unwrap();
    let mrk = client.rotate_key_on_demand().key_id(before.text("mrk"));
    mrk.send().await.unwrap();
    let waits = client.describe_key().key_id(before.text("awaits_import"));
    let waits = waits.send().await.unwrap();
    let state = waits.key_metadata().unwrap().key_state();
    assert_eq!(state, Some(&KeyState::PendingImport));
    client.create_key().send().await.unwrap();
    installation
        .shell("strongroom reconcile --config \"$CONFIG\"", &[])
        .expect(0);
    is_one_log(&installation).await;
}

/// The records that the earlier version left have their leaves beside those that came since.
async fn is_one_log(installation: &Installation) {
    let signed =
        "select (select max(size) from audit_checkpoint) = (select count(*) from audit_log)";
    while installation.sql(signed) != ["t"] {
        tokio::time::sleep(OFTEN).await;
    }
    let old = "select request_id from audit_record order by position limit 1";
    let old = ("REQUEST", installation.sql(old).remove(0));
    let audit = r#"
        cd "$(dirname "$CONFIG")"
        strongroom audit public-key --config "$CONFIG" > audit.pub
        strongroom audit export --config "$CONFIG" --out export
        strongroom audit verify export --public-key audit.pub
        strongroom audit prove "$REQUEST" --config "$CONFIG" --out receipts
        strongroom audit verify-receipt receipts/* --public-key audit.pub
        strongroom audit prune --config "$CONFIG" --archive export --public-key audit.pub
        until strongroom audit tail --config "$CONFIG" | grep PruneAuditLog; do sleep 0.1; done
    "#;
    installation.shell(audit, &[old]).expect(0);
    assert_eq!(installation.sql("select count(*) from audit_record"), ["0"]);
}

/// An old gateway that runs on asks what it has always asked.
#[test]
fn an_old_gateway_can_ask_the_new_schema_what_it_asked_the_old() {
    let installation = installation();
    let statements = std::fs::read_to_string(left("statements.sql")).unwrap();
    let statements: Vec<&str> = statements.split(";\n\n").map(str::trim).collect();
    let asked = |installation: &Installation| {
        let prepared = (1..).zip(&statements).filter(|(_, text)| !text.is_empty());
        let prepared = prepared.map(|(n, text)| format!("prepare s{n} as {text};\n"));
        let prepared: Vec<String> = prepared.collect();
        assert!(prepared.len() > 50, "{}", prepared.len());
        installation.sql(&prepared.concat());
    };
    asked(&installation);
    upgrade(&installation);
    asked(&installation);
}

/// What an old gateway writes must find its place, and what it reads must be there.
#[test]
fn migrations_only_add() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sql");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if let Some(narrowing) = narrowing(&text) {
            panic!("{}: {narrowing}", path.display());
        }
    }
    for bad in [
        "alter table a drop column b;",
        "alter table a\n    add column c text,\n    drop column b;",
        "drop table a;",
        "alter table a rename column b to c;",
        "alter table a alter column b set not null;",
        "alter table a alter column b type int;",
        "alter table a add column b text not null;",
        "alter table a add column c text, add column b text not null check (b in ('x', 'y'));",
        "alter table a drop constraint b;",
    ] {
        assert!(narrowing(bad).is_some(), "{bad}");
    }
    for good in [
        "create table a (b text not null);",
        "alter table a add column b text not null default 'x';",
        "alter table a drop constraint b, add constraint d check (c in ('x', 'y'));",
        "drop index a; -- alter table a drop column b;",
        "alter table a alter column b set storage main;",
    ] {
        assert_eq!(narrowing(good), None, "{good}");
    }
}

/// The part of a migration that takes something from the version before.
fn narrowing(text: &str) -> Option<String> {
    let lines = text.lines().map(|line| line.split("--").next().unwrap());
    let code = lines.collect::<Vec<_>>().join(" ").to_lowercase();
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    for statement in code.split(';').map(str::trim) {
        if ["drop table", "drop view", "drop function", "drop schema"]
            .iter()
            .any(|start| statement.starts_with(start))
        {
            return Some(statement.to_owned());
        }
        if !statement.starts_with("alter table") {
            continue;
        }
        for clause in clauses(statement) {
            // Another in its place, in the same breath: that it is wider is for who reads it.
            let replaced =
                clause.starts_with("drop constraint ") && statement.contains(" add constraint ");
            let takes = clause.starts_with("drop ") && !replaced
                || clause.starts_with("rename ")
                || clause.starts_with("alter ") && !clause.contains(" set storage ")
                || clause.starts_with("add column ")
                    && clause.contains(" not null")
                    && !clause.contains(" default ");
            if takes {
                return Some(clause);
            }
        }
    }
    None
}

/// The parts of an `alter table`, which commas outside parentheses separate,
/// without what is in parentheses.
fn clauses(statement: &str) -> Vec<String> {
    let rest = statement.splitn(4, ' ').nth(3).unwrap_or_default();
    let (mut clauses, mut depth) = (vec![String::new()], 0);
    for c in rest.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => clauses.push(String::new()),
            _ if depth == 0 => clauses.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    clauses
        .iter()
        .map(|clause| clause.trim().to_owned())
        .collect()
}
