//! A SoftHSM token of its own for each test.
//!
//! SoftHSM reads its configuration's place from the environment, which a process cannot change for
//! itself safely, and a process has a module once. So each test runs in a process
//! of its own: the test starts this executable again, for itself alone, with the variable set.

use secrecy::SecretString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use strongroom::token::{Token, TokenConfig, TokenSelector, provision};

pub const LABEL: &str = "strongroom-test";
const SO_PIN: &str = "so-pin-5678";
const PIN: &str = "1234-user";
const CHILD: &str = "STRONGROOM_TEST_TOKEN_DIR";
/// Another module than SoftHSM's.
pub const MODULE: &str = "STRONGROOM_TEST_MODULE";

/// The SoftHSM module, or the one that the environment names.
pub fn module() -> PathBuf {
    if let Some(other) = std::env::var_os(MODULE) {
        return other.into();
    }
    let places = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.expect("SoftHSM is missing: apt-get install softhsm2")
}

/// What a test is given.
pub struct Sandbox {
    /// SoftHSM's token directory.
    pub tokens: PathBuf,
}

impl Sandbox {
    /// The configuration of the provisioned token.
    pub fn config(&self) -> TokenConfig {
        TokenConfig {
            module: module(),
            select: TokenSelector::Label(LABEL.into()),
            pin: SecretString::from(PIN),
            sessions: 2,
            queue_length: 64,
            deadline: Duration::from_secs(20),
            retry_pin: false,
            import_through_memory: false,
        }
    }

    /// `tests/faults/<name>.c`, built in front of the module. Its macro `HANG` is the path of [`Sandbox::hang`].
    pub fn shim(&self, name: &str) -> PathBuf {
        let built = self.tokens.with_file_name(format!("{name}.so"));
        let faults = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults"));
        let status = Command::new("gcc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&built)
            .arg(format!("-DMODULE={:?}", module()))
            .arg(format!("-DHANG={:?}", self.hang()))
            .arg(faults.join(name).with_extension("c"))
            .arg("-ldl")
            .status();
        assert!(status.expect("gcc").success());
        built
    }

    /// While this file is there, the shim `hang` hangs in the next encryption, until there is the
    /// file with `.over` behind its name.
    pub fn hang(&self) -> PathBuf {
        self.tokens.with_file_name("hang")
    }

    /// Initialises the token.
    pub fn provision(&self) -> bool {
        self.provision_as(LABEL)
    }

    /// Initialises a token of this label.
    pub fn provision_as(&self, label: &str) -> bool {
        provision(
            &module(),
            label,
            &SecretString::from(SO_PIN),
            &SecretString::from(PIN),
        )
        .unwrap()
        .created
    }

    /// A provisioned token, open and ready.
    pub async fn token(&self) -> Token {
        self.token_with(|_| ()).await
    }

    /// The same, with another configuration.
    pub async fn token_with(&self, change: impl FnOnce(&mut TokenConfig)) -> Token {
        self.provision();
        let mut config = self.config();
        change(&mut config);
        let token = Token::open(config).unwrap();
        token.wait_ready(Duration::from_secs(20)).await.unwrap();
        token
    }
}

/// Runs `test` in a process of its own; `name` is the path of the calling test.
pub fn isolated<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Sandbox) -> F) {
    if let Ok(directory) = std::env::var(CHILD) {
        let _ = env_logger::builder().is_test(true).try_init();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let tokens = Path::new(&directory).join("tokens");
        return runtime.block_on(test(Sandbox { tokens }));
    }
    // SoftHSM syncs every object that it makes: to no disk, where that can be.
    let memory = Path::new("/dev/shm");
    let directory = match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let tokens = directory.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = directory.path().join("softhsm2.conf");
    let template = include_str!("../../softhsm/softhsm2.conf");
    std::fs::write(
        &conf,
        template.replace("@TOKENDIR@", tokens.to_str().unwrap()),
    )
    .unwrap();
    let kryoptic = directory.path().join("kryoptic.conf");
    let database = tokens.join("kryoptic.sql");
    let slot = format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = {database:?}\n");
    std::fs::write(&kryoptic, slot).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .arg("--include-ignored")
        .env("SOFTHSM2_CONF", &conf)
        .env("KRYOPTIC_CONF", &kryoptic)
        .env(CHILD, directory.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name} failed ({}):\n{stdout}\n{stderr}",
        output.status
    );
    assert!(
        stdout.contains("1 passed"),
        "no test is named {name}:\n{stdout}"
    );
}
