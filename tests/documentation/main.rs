//! What the documentation says to type is typed, against a `strongroom dev`: the blocks of a page, in their order.
//! `extract.py` says which those are.

#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;
mod kubernetes;
mod seal;

use dev::SHARED;
use std::collections::HashMap;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What is not run page by page: a document, a section of it or all, and why.
const NOT_HERE: &[(&str, &str, &str)] = &[
    ("README.md", "01-two-commands", "CI runs both"),
    (
        "README.md",
        "04-in-front-of-your-own-hsm-and-postgres",
        "docs/debian.md does it: make test-deb",
    ),
    (
        "README.md",
        "03-who-may-use-it",
        "docs/access.md says it in full",
    ),
    (
        "docs/access.md",
        "02-access-keys",
        "it is about keys with names of their own: tests/admin.rs",
    ),
    ("docs/adoption.md", "", "tests/api/adoption.rs"),
    ("docs/attestation.md", "", "tests/promises/attestation.rs"),
    ("docs/audit.md", "", "tests/audit/evidence.rs"),
    ("docs/backup.md", "", "tests/promises/backup.rs"),
    ("docs/ceremony.md", "", "tests/promises/ceremony.rs"),
    ("docs/compose.md", "", "make test-compose"),
    ("docs/custom-key-stores.md", "", "tests/api/key_stores.rs"),
    ("docs/debian.md", "", "make test-deb"),
    ("docs/disaster-recovery.md", "", "tests/promises/backup.rs"),
];

/// A folder with what is on a page: files, and the commands of each section.
fn extracted(document: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let extract = Path::new(ROOT).join("tests/documentation/extract.py");
    let output = Command::new("python3")
        .args([&extract, &Path::new(ROOT).join(document)])
        .arg(folder.path())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    folder
}

/// The sections' commands, in their order.
fn commands(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut commands: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    commands.sort();
    commands
}

fn skipped(document: &str, section: &Path) -> bool {
    let name = section.file_stem().unwrap();
    NOT_HERE
        .iter()
        .any(|(page, section, _)| *page == document && (section.is_empty() || name == *section))
}

/// A page's addresses on loopback, each with a port that nobody has.
fn with_free_ports(text: &str, ports: &mut HashMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = ["127.0.0.1:", "localhost:"]
        .iter()
        .filter_map(|host| Some(rest.find(host)? + host.len()))
        .min()
    {
        let digits = rest[at..].bytes().take_while(u8::is_ascii_digit).count();
        let port = &rest[at..at + digits];
        out.push_str(&rest[..at]);
        // The gateway's own are in its env file.
        if port.len() == 4 && !port.starts_with("770") {
            out.push_str(ports.entry(port.into()).or_insert_with(|| {
                let free = TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port().to_string()
            }));
        } else {
            out.push_str(port);
        }
        rest = &rest[at + digits..];
    }
    out + rest
}

/// Types what is on a page, with more in the environment.
fn run_with(document: &str, environment: &[(&str, &str)]) {
    let folder = extracted(document);
    let folder = folder.path();
    let mut ports = HashMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, with_free_ports(&text, &mut ports)).unwrap();
    }
    let script: String = commands(folder)
        .into_iter()
        .filter(|section| !skipped(document, section))
        .map(|section| std::fs::read_to_string(section).unwrap())
        .collect();
    assert!(!script.is_empty(), "{document} has no commands");
    let clients = Path::new(ROOT).join("target/clients");
    assert!(
        clients.join("bin/bao").exists(),
        "clients are missing: run `make clients`"
    );
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
    };
    link(&clients.join("node_modules"), "node_modules");
    link(&SHARED.dir, ".strongroom");
    link(&SHARED.dir.join("strongroom.toml"), "strongroom.toml");
    let built = Path::new(env!("CARGO_BIN_EXE_strongroom"))
        .parent()
        .unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}/bin:{}:{path}", clients.display(), built.display());
    let log = folder.join("log");
    let output = std::fs::File::create(&log).unwrap();
    let mut bash = Command::new("bash")
        .args(["-euxo", "pipefail", "-c", &script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("SOFTHSM2_CONF", SHARED.dir.join("softhsm2.conf"))
        .envs(&SHARED.env)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Group(bash.id());
    let deadline = Instant::now() + Duration::from_secs(120);
    let status = loop {
        if let Some(status) = bash.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > deadline {
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    drop(group); // what it has left in the background, too
    let said = std::fs::read_to_string(log).unwrap();
    assert!(
        status.is_some_and(|status| status.success()),
        "{document}: {status:?}\n{said}"
    );
}

fn run(document: &str) {
    run_with(document, &[]);
}

/// A process group, which ends with its value.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0);
        let _ = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
    }
}

/// A process that ends with its value.
struct Stopping(Child);

impl Drop for Stopping {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

macro_rules! pages {
    ($($test:ident: $document:literal,)*) => {
        /// The pages that are run.
        const PAGES: &[&str] = &[$($document),*];
        $(#[test]
        fn $test() {
            run($document);
        })*
    };
}

pages! {
    readme: "README.md",
    access: "docs/access.md",
    mtls: "docs/mtls.md",
    aws_cli: "docs/clients/aws-cli.md",
    aws_encryption_sdk: "docs/clients/aws-encryption-sdk.md",
    boto3: "docs/clients/boto3.md",
    javascript: "docs/clients/javascript.md",
    openbao: "docs/clients/openbao.md",
    softhsm2: "docs/hsm/softhsm2.md",
    sops: "docs/clients/sops.md",
}

#[tokio::test]
async fn rust() {
    let page = extracted("docs/clients/rust.md");
    let shown = std::fs::read_to_string(page.path().join("seal.rs")).unwrap();
    assert_eq!(
        shown,
        include_str!("seal.rs"),
        "what is shown is what is run"
    );
    let opened = seal::seal_and_open(&seal::client(&SHARED.env), b"4111 1111").await;
    assert_eq!(opened.unwrap(), b"4111 1111");
}

/// The key service over TLS, as libmongocrypt insists, and something that keeps data keys as a MongoDB would.
#[test]
fn mongodb() {
    let files = dev::scratch();
    let file = |name: &str| files.join(name);
    let certificate = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=gateway -addext \
                       subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.crt";
    let made = Command::new("openssl")
        .args(certificate.split_whitespace())
        .current_dir(&files)
        .output()
        .unwrap();
    assert!(made.status.success());
    let log = std::fs::File::create(file("log")).unwrap();
    let gateway = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["serve", "--config"])
        .arg(SHARED.dir.join("strongroom.toml"))
        .env("SOFTHSM2_CONF", SHARED.dir.join("softhsm2.conf"))
        .env("RUST_LOG", "info")
        .env("STRONGROOM_SERVER_LISTEN", "127.0.0.1:0")
        .env("STRONGROOM_SERVER_ADMIN_LISTEN", "127.0.0.1:0")
        .env("STRONGROOM_TLS_CERTIFICATE_FILE", file("tls.crt"))
        .env("STRONGROOM_TLS_KEY_FILE", file("tls.key"))
        .stderr(log)
        .spawn();
    let _gateway = Stopping(gateway.unwrap());
    let vault = Command::new(Path::new(ROOT).join("target/clients/bin/python3"))
        .arg(Path::new(ROOT).join("tests/documentation/key_vault.py"))
        .arg(file("vault"))
        .spawn();
    let _vault = Stopping(vault.expect("clients are missing: run `make clients`"));
    let waited = |name: &str, before: &str| -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = std::fs::read_to_string(file(name)).unwrap_or_default();
            if let Some((_, rest)) = text.split_once(before) {
                return rest.split([',', '\n']).next().unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "no {before:?}:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let bundle = file("tls.crt");
    run_with(
        "docs/clients/mongodb.md",
        &[
            ("KMS_HOST_AND_PORT", &waited("log", "serving on https://")),
            ("MONGODB_URI", &waited("vault", "at ")),
            ("AWS_CA_BUNDLE", bundle.to_str().unwrap()),
        ],
    );
    std::fs::remove_dir_all(files).unwrap();
}

/// A page that is added is run, or somebody has said why not.
#[test]
fn every_page_with_commands_is_known() {
    let pages = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
        entries
            .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display()))
            .filter(|name| name.ends_with(".md"))
            .collect()
    };
    let all = ["docs", "docs/clients", "docs/hsm"].map(pages);
    for document in all.into_iter().flatten().chain(["README.md".into()]) {
        let text = std::fs::read_to_string(Path::new(ROOT).join(&document)).unwrap();
        let known = PAGES.contains(&&*document)
            || document == "docs/clients/mongodb.md"
            || NOT_HERE
                .iter()
                .any(|(page, section, _)| *page == document && section.is_empty());
        if text.contains("\n```sh") && !known {
            assert!(
                commands(extracted(&document).path()).is_empty(),
                "{document} has commands: add it to PAGES, or say \"Not run here: …\" above them"
            );
        }
    }
}

/// The security model names the test behind each claim: `tests/file.rs::name`.
#[test]
fn every_test_that_is_named_exists() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("docs/security-model.md")).unwrap();
    let named: Vec<_> = text
        .split('`')
        .filter(|word| word.starts_with("tests/"))
        .filter_map(|word| word.split_once("::"))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for (file, test) in named {
        let code = std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap_or_default();
        let there = code.contains(&format!("fn {test}("));
        assert!(there, "there is no {file}::{test}");
    }
}
