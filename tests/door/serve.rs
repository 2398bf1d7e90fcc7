//! A `strongroom serve` with TLS, beside the `strongroom dev` that this process's tests share.

use crate::authority::{Authority, Identity};
use crate::dev::SHARED;
use crate::raw::{Answer, answer};
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslStream, SslVerifyMode};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Stops, hard, when it is dropped.
pub struct Gateway {
    process: Child,
    log: PathBuf,
    files: TempDir,
    pub address: SocketAddr,
    server_ca: Authority,
}

/// How a gateway is started. Its files lie in the folder that `start` makes.
pub struct Settings<'a> {
    /// Of clients.
    pub authority: &'a Authority,
    pub required: bool,
    pub crl: Option<Vec<u8>>,
    /// `[[certificate]]` sections.
    pub certificates: String,
}

impl Settings<'_> {
    pub fn start(&self) -> Gateway {
        let files = tempfile::tempdir().unwrap();
        let server_ca = Authority::new("server CA");
        place(files.path(), &server_ca);
        let file = |name: &str| files.path().join(name);
        std::fs::write(
            file("client-ca.crt"),
            self.authority.certificate().to_pem().unwrap(),
        )
        .unwrap();
        let mut tls = format!(
            "\n[tls]\ncertificate_file = {:?}\nkey_file = {:?}\nclient_ca_file = {:?}\n\
             reload_ms = 100\nclient_certificate = {:?}\n",
            file("tls.crt"),
            file("tls.key"),
            file("client-ca.crt"),
            if self.required {
                "required"
            } else {
                "optional"
            },
        );
        if let Some(crl) = &self.crl {
            std::fs::write(file("crl"), crl).unwrap();
            tls.push_str(&format!("client_crl_file = {:?}\n", file("crl")));
        }
        let shared = std::fs::read_to_string(SHARED.dir.join("strongroom.toml")).unwrap();
        let config = format!("{shared}{tls}{}", self.certificates);
        std::fs::write(file("strongroom.toml"), config).unwrap();
        let (stderr, log) = tempfile::Builder::new()
            .prefix("serve-")
            .tempfile_in(&SHARED.remains)
            .and_then(|log| Ok(log.keep()?))
            .unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .arg("serve")
            .arg("--config")
            .arg(file("strongroom.toml"))
            .env("SOFTHSM2_CONF", SHARED.dir.join("softhsm2.conf"))
            .env("RUST_LOG", "info,strongroom::request=debug")
            .env("STRONGROOM_SERVER_LISTEN", "127.0.0.1:0")
            .env("STRONGROOM_SERVER_ADMIN_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut gateway = Gateway {
            process,
            log,
            files,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            server_ca,
        };
        let log = gateway.wait_for("serving on https://");
        let (_, rest) = log.split_once("serving on https://").unwrap();
        gateway.address = rest.split(',').next().unwrap().parse().unwrap();
        gateway
    }
}

/// A server's certificate and key, in their files.
fn place(files: &Path, authority: &Authority) {
    let identity = authority.issue(&crate::authority::Wanted {
        common_name: "gateway",
        dns: Some("localhost"),
        server: true,
        ..crate::authority::WANTED
    });
    let key = files.join("tls.key");
    std::fs::write(&key, identity.key_pem()).unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(files.join("tls.crt"), identity.certificate_pem()).unwrap();
}

impl Gateway {
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has said this; answers all that it has said.
    pub fn wait_for(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(begun.elapsed() < PATIENCE, "no {text:?}:\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Replaces its certificate by one of another authority, whom clients trust from now on.
    pub fn renew(&mut self) {
        self.server_ca = Authority::new("another server CA");
        place(self.files.path(), &self.server_ca);
    }

    /// Replaces one of its files.
    pub fn replace(&self, name: &str, content: &[u8]) {
        let (new, path) = (self.files.path().join("new"), self.files.path().join(name));
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// A connection, with or without a client's certificate.
    pub fn connect(&self, identity: Option<&Identity>) -> Result<SslStream<TcpStream>, String> {
        self.connect_with(identity, |_| {})
    }

    /// The same by a client that is set up in its own way.
    pub fn connect_with(
        &self,
        identity: Option<&Identity>,
        set: impl FnOnce(&mut SslConnectorBuilder),
    ) -> Result<SslStream<TcpStream>, String> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        let store = builder.cert_store_mut();
        store
            .add_cert(self.server_ca.certificate().clone())
            .unwrap();
        builder.set_verify(SslVerifyMode::PEER);
        if let Some(identity) = identity {
            builder.set_certificate(&identity.certificate).unwrap();
            builder.set_private_key(&identity.key).unwrap();
        }
        set(&mut builder);
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let connected = builder.build().connect("localhost", stream);
        connected.map_err(|error| error.to_string())
    }

    /// Why a connection is refused. With TLS 1.3 a client learns it after the handshake.
    pub fn refusal(&self, identity: Option<&Identity>) -> String {
        match self.connect(identity) {
            Ok(mut stream) => answer(&mut stream).unwrap_err(),
            Err(error) => error,
        }
    }

    /// One request on a connection of its own.
    pub fn ask(&self, identity: Option<&Identity>, request: &[u8]) -> Result<Answer, String> {
        let mut stream = self.connect(identity)?;
        ask(&mut stream, request)
    }
}

/// One request on a connection.
pub fn ask(stream: &mut (impl Read + Write), request: &[u8]) -> Result<Answer, String> {
    let sent = stream.write_all(request);
    sent.map_err(|error| error.to_string())?;
    answer(stream)
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may be gone already
        self.process.wait().unwrap();
    }
}
