//! The three uses, by clients that nobody here wrote: the AWS CLI, OpenSSL, SOPS, boto3, curl.
//! Each is a script; it gets the environment of the `env` file and nothing else.

#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;

#[path = "../support/issuer.rs"]
#[allow(dead_code)] // each test process uses a part
mod issuer;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `scripts/clients.sh` installs the AWS CLI, boto3 and SOPS.
fn clients() -> PathBuf {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/bin");
    assert!(
        bin.join("aws").exists(),
        "no AWS CLI in {}: run `make clients`",
        bin.display()
    );
    bin
}

/// Runs a script of this folder with the gateway that the tests share.
fn run(interpreter: &str, script: &str) {
    run_with(&dev::SHARED, &[], interpreter, script);
}

/// Runs a script of this folder in a scratch folder; it must exit with 0. Its secrets are the files
/// that it leaves in `secrets/`, for `tests/hygiene.rs`.
fn run_with(gateway: &dev::Dev, environment: &[(&str, &str)], interpreter: &str, script: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(script);
    let work = tempfile::tempdir().unwrap();
    let secrets = work.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    let path = format!("{}:{}", clients().display(), std::env::var("PATH").unwrap());
    let output = Command::new(interpreter)
        .arg(&script)
        .current_dir(work.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", work.path())
        .envs(&gateway.env)
        .envs(environment.iter().copied())
        .output()
        .expect("the interpreter runs");
    for secret in std::fs::read_dir(secrets).unwrap() {
        let secret = std::fs::read(secret.unwrap().path()).unwrap();
        let name = script.file_name().unwrap().to_string_lossy();
        gateway.overheard.secret(&name, &secret);
    }
    assert!(
        output.status.success(),
        "{} failed:\n{}\n{}",
        script.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn aws_cli_encrypts_a_file() {
    run("bash", "encrypt.sh");
}

#[test]
fn aws_cli_and_openssl_do_envelope_encryption() {
    run("bash", "envelope.sh");
}

#[test]
fn aws_cli_signs_and_openssl_verifies() {
    run("bash", "sign.sh");
}

#[test]
fn sops_encrypts_a_yaml_file() {
    run("bash", "sops.sh");
}

#[test]
fn boto3_does_the_three_uses() {
    let python = clients().join("python3");
    run(python.to_str().unwrap(), "three_uses.py");
}

#[test]
fn curl_signs_by_itself() {
    run("bash", "curl.sh");
}

#[test]
fn aws_cli_asks_who_it_is() {
    run("bash", "caller_identity.sh");
}

/// As a Kubernetes pod does it: a token in a file, a role's ARN, and nothing else.
#[test]
fn boto3_and_the_cli_assume_roles() {
    let issuer = issuer::Issuer::new("https://cluster.example");
    let folder = dev::scratch();
    let jwks = folder.join("jwks.json");
    std::fs::write(&jwks, issuer.jwks()).unwrap();
    let token = folder.join("token");
    std::fs::write(&token, issuer.token(&issuer.claims())).unwrap();
    let oidc = format!(
        r#"{{ cluster = {{ issuer = "{}", audiences = ["sts.amazonaws.com"], jwks_file = "{}" }} }}"#,
        issuer.name,
        jwks.display(),
    );
    let gateway = dev::Dev::start_where(&dev::scratch(), &[("STRONGROOM_OIDC", &oidc)]);
    let python = clients().join("python3");
    let file = token.to_str().unwrap();
    run_with(
        &gateway,
        &[("TOKEN_FILE", file)],
        python.to_str().unwrap(),
        "roles.py",
    );
    gateway.stop();
}
