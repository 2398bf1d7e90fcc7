//! `strongroom report`, as it is typed beside a gateway: what it says is what happened, in all its files.

#[allow(dead_code)] // each test process uses a part
#[path = "support/admin.rs"]
mod admin;
#[allow(dead_code)]
#[path = "support/dev.rs"]
mod dev;

use admin::{access_key, admin};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{GrantOperation, KeySpec, KeyUsageType, SigningAlgorithmSpec, Tag};
use dev::{Dev, scratch};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = "arn:aws:iam::000000000000:root";
const ALICE: &str = "arn:aws:iam::000000000000:user/alice";
/// A period that has everything in it.
const ALWAYS: &[&str] = &["--from", "2020-01-01", "--to", "2099-12-31"];
/// What a key's owner could write to have it run in an auditor's browser, or spreadsheet.
const HOSTILE: &str = r#"=1+1</td><script>alert("x")</script><img src=x onerror=alert(1)>"#;

fn rules() -> String {
    format!("[{{ operations = ['ScheduleKeyDeletion'], approvals = 1, approvers = ['{ALICE}'] }}]")
}

/// The report's folder, and its data.
struct Made {
    folder: PathBuf,
    data: Value,
}

impl Made {
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    fn key(&self, id: &str) -> &Value {
        let keys = self.data["keys"].as_array().unwrap();
        keys.iter().find(|key| key["keyId"] == id).unwrap()
    }

    fn exceptions(&self, kind: &str) -> Vec<&str> {
        let all = self.data["exceptions"].as_array().unwrap();
        let of_kind = all.iter().filter(|exception| exception["kind"] == kind);
        of_kind
            .map(|exception| exception["subject"].as_str().unwrap())
            .collect()
    }

    /// What a principal can do to a key: kinds, and whether on conditions.
    fn access(&self, key: &str, principal: &str) -> Value {
        let keys = self.data["keys"].as_array().unwrap();
        let at = keys.iter().position(|entry| entry["keyId"] == key).unwrap();
        let map = &self.data["access"];
        let principals = map["principals"].as_array().unwrap();
        let who = principals
            .iter()
            .position(|one| one["name"] == principal)
            .unwrap();
        let patterns = map["patterns"].as_array().unwrap().iter();
        let mut patterns =
            patterns.filter(|pattern| pattern["keys"].as_array().unwrap().contains(&json!(at)));
        let access = patterns.next().unwrap()["access"]
            .as_array()
            .unwrap()
            .iter();
        let mut access = access.filter(|access| access["principal"] == json!(who));
        access
            .next()
            .map_or(Value::Null, |access| access["kinds"].clone())
    }
}

fn command(dev: &Dev, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command
        .args(["report", "--config"])
        .arg(dev.dir.join("strongroom.toml"))
        .arg("--out")
        .arg(out)
        .args(more)
        .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
        .env("STRONGROOM_APPROVAL", rules());
    command
}

fn report(dev: &Dev, more: &[&str]) -> Made {
    let folder = tempfile::tempdir().unwrap().keep();
    let output = command(dev, &folder, more).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let data = std::fs::read(folder.join("report.json")).unwrap();
    // What an auditor takes away is looked through for secrets like all the rest.
    for name in ["report.html", "report.json"] {
        std::fs::copy(folder.join(name), dev.remains.join(name)).unwrap();
    }
    Made {
        data: serde_json::from_slice(&data).unwrap(),
        folder,
    }
}

/// Keys of different kinds, and what was done to them.
struct Done {
    symmetric: String,
    signing: String,
    open: String,
}

async fn created(
    client: &Client,
    spec: KeySpec,
    usage: KeyUsageType,
    policy: Option<String>,
) -> String {
    let key = client
        .create_key()
        .key_spec(spec)
        .key_usage(usage)
        .set_policy(policy);
    let owner = Tag::builder().tag_key("owner").tag_value("payments");
    let key = key.description(HOSTILE).tags(owner.build().unwrap());
    let key = key.send().await.unwrap().key_metadata.unwrap();
    key.key_id
}

async fn act(dev: &Dev) -> Done {
    let root = dev.client();
    let policy = dev.dir.join("policy.json");
    let nearby = json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}});
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["strongroom:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["kms:Encrypt"], "Resource": "*", "Condition": nearby},
    ]});
    std::fs::write(&policy, document.to_string()).unwrap();
    admin(dev, "user create alice");
    admin(
        dev,
        &format!("policy put --user alice own {}", policy.display()),
    );
    let (id, secret) = access_key(dev, "alice");
    let alice = dev.client_of(&id, &secret);

    let (symmetric, signing) = (KeySpec::SymmetricDefault, KeySpec::EccNistP256);
    let seals = KeyUsageType::EncryptDecrypt;
    let open = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"},
    ]});
    let done = Done {
        symmetric: created(&root, symmetric.clone(), seals.clone(), None).await,
        signing: created(&root, signing, KeyUsageType::SignVerify, None).await,
        open: created(&root, symmetric, seals, Some(open.to_string())).await,
    };
    let alias = root.create_alias().alias_name("alias/cards");
    alias.target_key_id(&done.symmetric).send().await.unwrap();
    let grant = root
        .create_grant()
        .key_id(&done.symmetric)
        .grantee_principal(ALICE);
    grant
        .operations(GrantOperation::Decrypt)
        .send()
        .await
        .unwrap();
    for client in [&root, &root, &alice] {
        let sealed = client
            .encrypt()
            .key_id(&done.symmetric)
            .plaintext(Blob::new("x"));
        let sealed = sealed.send().await.unwrap().ciphertext_blob.unwrap();
        alice
            .decrypt()
            .ciphertext_blob(sealed)
            .send()
            .await
            .unwrap();
    }
    let algorithm = SigningAlgorithmSpec::EcdsaSha256;
    let sign = |client: &Client| {
        let sign = client.sign().key_id(&done.signing).message(Blob::new("x"));
        sign.signing_algorithm(algorithm.clone()).send()
    };
    sign(&root).await.unwrap();
    let refused = sign(&alice).await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));

    let schedule = || root.schedule_key_deletion().key_id(&done.signing).send();
    let waits = schedule().await.unwrap_err();
    let message = waits.message().unwrap();
    let approval = message
        .split_once("approval request ")
        .unwrap()
        .1
        .split('.')
        .next()
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["admin", "--json", "approval", "approve", approval])
        .envs(&dev.env)
        .envs([
            ("AWS_ACCESS_KEY_ID", &id),
            ("AWS_SECRET_ACCESS_KEY", &secret),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    schedule().await.unwrap();
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_what_there_is_and_what_happened() {
    let dev = Dev::start_where(&scratch(), &[("STRONGROOM_APPROVAL", &rules())]);
    let done = act(&dev).await;
    let made = report(&dev, ALWAYS);
    inventory(&made, &done);
    access(&made, &done);
    activity(&made, &done);
    the_page_is_one_file_in_which_nothing_runs(&made);

    // A folder that has something in it stays as it is.
    let output = command(&dev, &made.folder, ALWAYS).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains("is not empty"),
        "{told}"
    );
    // A period in which nothing was.
    let before = report(&dev, &["--from", "2019-01-01", "--to", "2019-12-31"]);
    assert_eq!(before.data["log"]["records"], 0);
    assert_eq!(before.data["keys"].as_array().unwrap().len(), 3);

    without_the_token(&dev);
    a_row_that_was_edited(&dev, &done).await;
    dev.stop();
}

fn inventory(made: &Made, done: &Done) {
    let about = &made.data["about"];
    assert_eq!(about["rowsVerified"], true, "{about}");
    let key = made.key(&done.symmetric);
    assert_eq!(key["owner"], "payments");
    assert_eq!(key["description"], HOSTILE);
    assert_eq!(key["aliases"], json!(["alias/cards"]));
    assert_eq!(key["cryptoPeriod"], json!({"days": 730, "by": "SP 800-57"}));
    assert_eq!(made.key(&done.signing)["cryptoPeriod"]["days"], 1095);
    assert_eq!(made.key(&done.signing)["state"], "PendingDeletion");
    let versions = made.data["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3);
    for version in versions {
        assert_eq!(version["shown"], "never", "{version}");
        assert_eq!(version["evidence"], "Token", "{version}");
        assert_eq!(version["now"]["CKA_EXTRACTABLE"], false, "{version}");
        assert_eq!(version["verdict"], "as-born", "{version}");
    }
}

fn access(made: &Made, done: &Done) {
    let both = json!([["Encrypt", "OnConditions"], ["Decrypt", "Always"]]);
    assert_eq!(made.access(&done.symmetric, ALICE), both);
    assert_eq!(made.access(&done.signing, ALICE), Value::Null);
    let root = made.access(&done.signing, ROOT);
    assert!(
        root.as_array()
            .unwrap()
            .contains(&json!(["Sign", "Always"])),
        "{root}"
    );
    let open = made.key(&done.open)["arn"].as_str().unwrap();
    assert_eq!(made.exceptions("OpenToAll"), [open]);
    assert_eq!(made.exceptions("OpenToAccount"), [open]);
    assert_eq!(made.exceptions("RootAccessKey").len(), 1);
    assert!(made.exceptions("Differs").is_empty());
}

fn activity(made: &Made, done: &Done) {
    let log = &made.data["log"];
    let arn = |id: &str| made.key(id)["arn"].as_str().unwrap().to_owned();
    let used = &log["keys"][arn(&done.symmetric)];
    assert_eq!(used["uses"], json!([3, 3, 0, 0, 0, 0]), "{used}");
    assert_eq!(used["by"][ALICE], json!([1, 3, 0, 0, 0, 0]));
    assert_eq!(
        log["keys"][arn(&done.signing)]["uses"],
        json!([0, 0, 1, 0, 0, 0])
    );
    let denials = log["denials"].as_array().unwrap();
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!(denials[0]["identity"], ALICE);
    assert_eq!(denials[0]["resource"], arn(&done.signing));
    assert_eq!(log["changesByOperation"]["CreateKey"], 3);
    let steps = log["decisions"]["newest"].as_array().unwrap();
    let steps: Vec<_> = steps
        .iter()
        .map(|step| step["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "ScheduleKeyDeletion",
            "ApproveRequest",
            "ScheduleKeyDeletion"
        ]
    );
    assert_eq!(log["decisions"]["newest"][2]["approvers"], json!([ALICE]));
    assert_eq!(made.data["rules"][0]["approvers"], json!([ALICE]));
    // What was streamed is as much.
    let lines = |name: &str| made.text(name).lines().count() - 1;
    assert_eq!((lines("denials.csv"), lines("dual-control.csv")), (1, 3));
    assert_eq!(
        lines("changes.csv") as u64,
        log["changes"]["many"].as_u64().unwrap()
    );
    assert_eq!(lines("keys.csv"), 3);
    assert!(made.text("keys.csv").contains(r#""'=1+1</td><script>"#));
}

fn the_page_is_one_file_in_which_nothing_runs(made: &Made) {
    let page = made.text("report.html");
    let found = |what: &str| page.contains(what);
    assert!(found(
        "=1+1&lt;/td&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"
    ));
    assert!(found("alias/cards"));
    for never in [
        "<script",
        "<img",
        "<i>",
        "<link",
        "javascript:",
        " onerror=\"",
        "http://",
        "https://",
    ] {
        assert!(!found(never), "{never}");
    }
    assert!(found("default-src 'none'; style-src 'sha256-"));
    for section in [
        "inventory",
        "protection",
        "access",
        "use",
        "denials",
        "changes",
        "dual-control",
        "checkpoints",
        "exceptions",
    ] {
        assert!(found(&format!("<section id=\"{section}\"")), "{section}");
    }
    let controls = made.data["controls"].as_array().unwrap();
    for standard in [
        "NIST SP 800-57",
        "NIST SP 800-130",
        "PCI PIN",
        "PCI DSS",
        "SOC 2",
        "EN 419 221-5",
    ] {
        let serves = |control: &Value| control["standard"].as_str().unwrap().starts_with(standard);
        assert!(controls.iter().any(serves), "{standard}");
    }
}

fn without_the_token(dev: &Dev) {
    let made = report(dev, &[ALWAYS, &["--without-token"]].concat());
    assert_eq!(made.data["about"]["rowsVerified"], false);
    assert_eq!(made.exceptions("NotVerified"), ["all rows"]);
    assert!(
        made.text("report.html")
            .contains("The token was not read: --without-token was given")
    );
    for version in made.data["versions"].as_array().unwrap() {
        assert_eq!(version["evidence"], "BirthCertificate", "{version}");
        assert_eq!(version["shown"], "never", "{version}");
    }
}

async fn a_row_that_was_edited(dev: &Dev, done: &Done) {
    let statement = format!(
        "update kms_key set description = 'harmless' where key_id = '{}'",
        done.open
    );
    dev.owner().await.batch_execute(&statement).await.unwrap();
    let made = report(dev, ALWAYS);
    let differs = made.exceptions("Differs");
    assert!(
        differs
            .iter()
            .any(|id| id.starts_with("row-refused/kms_key/")),
        "{differs:?}"
    );
    let keys = made.data["keys"].as_array().unwrap();
    assert!(
        keys.iter().all(|key| key["keyId"] != done.open.as_str()),
        "what is not verified is not told"
    );
}
