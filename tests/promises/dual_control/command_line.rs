//! From the command line alone: the AWS CLI asks, `strongroom admin approval` decides.

use super::*;
use crate::deletion::set_database_clock;
use crate::dev::scratch;
use std::path::Path;
use std::time::Duration;

/// Somebody at a terminal.
struct Terminal<'a> {
    caller: &'a Caller,
    gateway: &'a Gateway,
}

impl Terminal<'_> {
    /// Types a command; answers what it printed and where it failed, what it said.
    fn types(&self, program: &Path, words: &str) -> Result<String, String> {
        let output = Command::new(program)
            .args(words.split_whitespace())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("AWS_ENDPOINT_URL_KMS", self.gateway.address())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &self.caller.id)
            .env("AWS_SECRET_ACCESS_KEY", &self.caller.secret)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        match output.status.success() {
            true => Ok(text(output.stdout)),
            false => Err(text(output.stderr)),
        }
    }

    fn aws(&self, words: &str) -> Result<String, String> {
        let aws = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/bin/aws");
        assert!(aws.exists(), "no AWS CLI: run `make clients`");
        self.types(&aws, words)
    }

    fn approval(&self, words: &str) -> Result<String, String> {
        let strongroom = Path::new(env!("CARGO_BIN_EXE_strongroom"));
        self.types(strongroom, &format!("admin approval {words}"))
    }
}

/// The id in what the AWS CLI says.
fn asked(said: Result<String, String>) -> String {
    let said = said.unwrap_err();
    assert!(said.contains("(ApprovalRequiredException)"), "{said}");
    let (_, rest) = said.split_once("approval request ").unwrap();
    rest.split('.').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_deletion_is_asked_for_approved_and_executed_once() {
    let dev = Dev::start(&scratch(), &[]);
    let scene = Scene::new(&dev, "cli", &["ScheduleKeyDeletion"], 2, 2);
    let terminal = |caller| Terminal {
        caller,
        gateway: &scene.gateway,
    };
    let (carol, alice, bob) = (
        terminal(&scene.asks),
        terminal(&scene.approvers[0]),
        terminal(&scene.approvers[1]),
    );
    let key = scene.new_key();
    let command = format!("kms schedule-key-deletion --key-id {key} --pending-window-in-days 7");
    let id = asked(carol.aws(&command));

    let listed = alice.approval("list").unwrap();
    let line = listed.lines().find(|line| line.starts_with(&id)).unwrap();
    assert!(
        line.contains("PENDING") && line.contains("kms:ScheduleKeyDeletion"),
        "{line}"
    );
    let shown = alice.approval(&format!("show {id}")).unwrap();
    assert!(
        shown.contains(&key) && shown.contains("\"pendingWindowInDays\":7"),
        "{shown}"
    );

    // She cannot approve it herself, nor can Alice twice.
    let own = carol.approval(&format!("approve {id}")).unwrap_err();
    assert!(
        own.contains("AccessDeniedException") && own.contains("it is the requester"),
        "{own}"
    );
    for _ in 0..2 {
        let approved = alice.approval(&format!("approve {id}")).unwrap();
        assert!(approved.contains("PENDING"), "{approved}");
    }
    assert_eq!(asked(carol.aws(&command)), id);
    let approved = bob.approval(&format!("approve {id} --json")).unwrap();
    let approved: Value = serde_json::from_str(&approved).unwrap();
    assert_eq!(approved["Status"], "APPROVED");

    // What is approved is nothing else.
    let longer = command.replace("days 7", "days 8");
    assert_ne!(asked(carol.aws(&longer)), id);
    let other = command.replace(&key, &scene.new_key());
    assert_ne!(asked(carol.aws(&other)), id);
    let done: Value = serde_json::from_str(&carol.aws(&command).unwrap()).unwrap();
    assert_eq!(done["KeyState"], "PendingDeletion");

    // Once.
    carol
        .aws(&format!("kms cancel-key-deletion --key-id {key}"))
        .unwrap();
    let again = asked(carol.aws(&command));
    assert_ne!(again, id);
    let late = bob.approval(&format!("approve {id}")).unwrap_err();
    assert!(late.contains("executed already"), "{late}");
    assert!(!alice.approval("list").unwrap().contains(&id));
    assert!(alice.approval("list --all").unwrap().contains("EXECUTED"));

    // A no, and what is too late.
    let denied = bob.approval(&format!("deny {again}")).unwrap();
    assert!(
        denied.contains("DENIED") && denied.contains(&user_arn("cli-1")),
        "{denied}"
    );
    let told = carol.aws(&command).unwrap_err();
    assert!(
        told.contains("(AccessDeniedException)") && told.contains("was denied by"),
        "{told}"
    );
    let late = asked(carol.aws(&longer));
    alice.approval(&format!("approve {late}")).unwrap();
    set_database_clock(&dev, Duration::from_secs(86_401));
    let expired = bob.approval(&format!("approve {late}")).unwrap_err();
    assert!(expired.contains("has expired"), "{expired}");
    assert_ne!(asked(carol.aws(&longer)), late);
    assert_eq!(scene.key_state(&key), "Disabled");
    drop(scene);
    dev.stop();
}
