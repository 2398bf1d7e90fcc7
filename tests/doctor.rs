//! `strongroom doctor`: says what is wrong, and what to do.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

use dev::{Dev, scratch};
use std::process::Command;

/// Exit code and table.
fn doctor(dev: &Dev, environment: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["doctor", "--config"])
        .arg(dev.dir.join("strongroom.toml"))
        .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
        .env("RUST_LOG", "off")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap(), table)
}

/// `pkcs11-tool`, logged in.
fn pkcs11_tool(dev: &Dev, arguments: &[&str]) {
    let output = Command::new("pkcs11-tool")
        .args([
            "--module",
            "/usr/lib/softhsm/libsofthsm2.so",
            "--login",
            "--pin",
            "env:PIN",
        ])
        .args(arguments)
        .env("PIN", std::fs::read_to_string(dev.dir.join("pin")).unwrap())
        .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn line<'t>(table: &'t str, what: &str) -> &'t str {
    table
        .lines()
        .find(|line| line.contains(what))
        .unwrap_or_else(|| panic!("no {what:?} in\n{table}"))
}

/// The highest number of a file in `sql/`.
fn newest_migration() -> u32 {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (number, _) = name.strip_prefix('V')?.split_once("__")?;
        number.parse().ok()
    };
    let files = std::fs::read_dir(folder).unwrap();
    files.filter_map(number).max().unwrap()
}

#[tokio::test]
async fn a_sound_deployment_and_what_can_happen_to_it() {
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let made = client.create_key().send().await.unwrap();
    assert!(made.key_metadata().is_some());
    let (code, table) = doctor(&dev, &[]);
    assert_eq!(code, 0, "{table}");
    assert!(line(&table, "CKM_AES_GCM").starts_with("ok"), "{table}");
    assert!(line(&table, "token against database").starts_with("ok"));
    let schema = format!("schema {},", newest_migration());
    assert!(line(&table, "Postgres 1").contains(&schema), "{table}");

    let stranger = "00112233445566778899aabbccddeeff";
    pkcs11_tool(
        &dev,
        &["--keygen", "--key-type", "aes:32", "--id", stranger],
    );
    let (code, table) = doctor(&dev, &[]);
    assert_eq!(
        code, 0,
        "another program's is none of its business:\n{table}"
    );
    assert!(line(&table, stranger).contains("left alone"), "{table}");
    let unknown = "ffeeddccbbaa99887766554433221100";
    let keygen = ["--keygen", "--key-type", "aes:32", "--id", unknown];
    let label = ["--label", "strongroom key of nobody's"];
    pkcs11_tool(&dev, &[&keygen[..], &label[..]].concat());
    let (code, table) = doctor(&dev, &[]);
    assert_eq!(code, 1);
    assert!(line(&table, unknown).contains("no row knows"), "{table}");
    pkcs11_tool(
        &dev,
        &["--delete-object", "--type", "secrkey", "--id", unknown],
    );
    assert_eq!(
        doctor(&dev, &[]).0,
        0,
        "it was named, and left alone until then"
    );

    let (code, table) = doctor(
        &dev,
        &[("STRONGROOM_DATABASE_URL", "host=/nowhere dbname=x")],
    );
    assert_eq!(code, 1);
    assert!(line(&table, "database").starts_with("BAD"), "{table}");
    assert!(
        line(&table, "can be a home").starts_with("ok"),
        "the rest is looked at all the same"
    );

    let (code, table) = doctor(&dev, &[("STRONGROOM_TOKEN_LABEL", "no-such-token")]);
    assert_eq!(code, 1);
    assert!(line(&table, "refused").contains("no-such-token"), "{table}");

    let (code, table) = doctor(&dev, &[("STRONGROOM_TOKEN_MODULE", "/nowhere.so")]);
    assert_eq!(code, 1);
    assert!(line(&table, "module").contains("does not exist"), "{table}");

    let wrong = dev.dir.join("wrong-pin");
    std::fs::copy(dev.dir.join("pin"), &wrong).unwrap(); // for its mode
    std::fs::write(&wrong, "not the pin").unwrap();
    let (code, table) = doctor(
        &dev,
        &[("STRONGROOM_TOKEN_PIN_FILE", wrong.to_str().unwrap())],
    );
    assert_eq!(code, 1);
    assert!(line(&table, "refused").contains("PIN"), "{table}");
    dev.stop();
}

#[tokio::test]
async fn an_object_that_is_gone_is_named() {
    let dev = Dev::start(&scratch(), &[]);
    let made = dev.client().create_key().send().await.unwrap();
    let key_id = made.key_metadata().unwrap().key_id().to_owned();
    let label = format!("strongroom key {key_id}");
    pkcs11_tool(
        &dev,
        &["--delete-object", "--type", "secrkey", "--label", &label],
    );
    let (code, table) = doctor(&dev, &[]);
    assert_eq!(code, 1);
    assert!(
        line(&table, "row-without-object").contains("CKA_ID"),
        "{table}"
    );
    dev.stop();
}

/// NSS softokn wraps and copies keys that it calls non-extractable.
#[test]
fn a_token_that_lets_keys_out_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .output()
            .expect(program);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    std::fs::write(path("pin"), "a pin of its own").unwrap();
    run("chmod", &["600", &path("pin")]);
    std::fs::create_dir(path("db")).unwrap();
    let database = format!("sql:{}", path("db"));
    run("certutil", &["-N", "-d", &database, "-f", &path("pin")]);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/softokn.c");
    run(
        "gcc",
        &[
            "-shared",
            "-fPIC",
            "-o",
            &path("softokn.so"),
            source,
            "-ldl",
        ],
    );
    let configuration = format!(
        "[token]\nmodule = \"{}\"\nlabel = \"NSS Certificate DB\"\npin_file = \"{}\"\n\
         [database]\nurl = \"host=/nowhere dbname=x\"\n",
        path("softokn.so"),
        path("pin")
    );
    std::fs::write(path("strongroom.toml"), configuration).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["doctor", "--config", &path("strongroom.toml")])
        .env("RUST_LOG", "off")
        .env(
            "SOFTOKN_PARAMETERS",
            format!("configdir='{database}' secmod='secmod.db' flags="),
        )
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    for leak in ["C_WrapKey gave it out", "C_CopyObject made one"] {
        assert!(line(&table, leak).starts_with("BAD"), "{table}");
    }
    assert!(
        line(&table, "refused: this token").starts_with("BAD"),
        "{table}"
    );
}
