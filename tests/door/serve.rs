//! A `strongroom serve` with TLS, beside the `strongroom dev` that this process's tests share.

use crate::authority::{Authority, Identity, SERVER, WANTED, Wanted};
use crate::dev::SHARED;
use crate::raw::{Answer, answer};
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Stops, hard, when it is dropped, or with this process: what is static is never dropped.
pub struct Gateway {
    process: Child,
    /// Kills it once its input, which this process holds, has ended.
    end: Child,
    log: PathBuf,
    files: TempDir,
    /// The API's.
    pub address: SocketAddr,
    /// The admin listener's.
    pub admin: SocketAddr,
    /// All that its configuration had at the start.
    pub config: String,
    /// Who its clients' certificates are from: PEM.
    pub client_ca: Vec<u8>,
    server_ca: Authority,
}

/// How a gateway is started: both listeners with the same TLS, or the API alone. Its files lie in the folder that `start` makes.
pub struct Settings<'a> {
    /// Of clients.
    pub authority: &'a Authority,
    pub required: bool,
    pub crl: Option<Vec<u8>>,
    /// Whether the admin listener has no TLS.
    pub plain_admin: bool,
    /// `[[certificate]]` sections, and what else there is to say.
    pub more: String,
}

impl Settings<'_> {
    pub fn start(&self) -> Gateway {
        let files = tempfile::tempdir().unwrap();
        let server_ca = Authority::new("server CA");
        place(files.path(), &server_ca, &SERVER_CERTIFICATE);
        let file = |name: &str| files.path().join(name);
        let client_ca = self.authority.certificate().to_pem().unwrap();
        std::fs::write(file("client-ca.crt"), &client_ca).unwrap();
        let mut tls = format!(
            "certificate_file = {:?}\nkey_file = {:?}\nclient_ca_file = {:?}\n\
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
        let admin_tls = match self.plain_admin {
            true => String::new(),
            false => format!("[admin_tls]\n{tls}"),
        };
        let config = format!("{shared}\n[tls]\n{tls}\n{admin_tls}{}", self.more);
        std::fs::write(file("strongroom.toml"), &config).unwrap();
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
            .env_remove("RUST_LOG")
            .env("STRONGROOM_SERVER_LISTEN", "127.0.0.1:0")
            .env("STRONGROOM_SERVER_ADMIN_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let end = Command::new("sh")
            .args(["-c", "read _; kill -9 $0", &process.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gateway = Gateway {
            process,
            end,
            log,
            files,
            address: nowhere,
            admin: nowhere,
            config,
            client_ca,
            server_ca,
        };
        let log = gateway.wait_for("serving on https://");
        let (_, rest) = log.split_once("serving on https://").unwrap();
        let (api, rest) = rest.split_once(", health on http").unwrap();
        let (_, admin) = rest.split_once("://").unwrap();
        gateway.address = api.parse().unwrap();
        // A line of JSON goes on.
        let admin = admin.split(['"', '\n']).next().unwrap();
        gateway.admin = admin.parse().unwrap();
        gateway
    }
}

pub const SERVER_CERTIFICATE: Wanted<'_> = Wanted {
    common_name: "gateway",
    dns: Some("localhost"),
    usage: SERVER,
    ..WANTED
};

/// A server's certificate and key, in their files; answers its serial number.
fn place(files: &Path, authority: &Authority, wanted: &Wanted<'_>) -> String {
    let identity = authority.issue(wanted);
    let (new, key) = (files.join("new.key"), files.join("tls.key"));
    std::fs::write(&new, identity.key_pem()).unwrap();
    std::fs::set_permissions(&new, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::rename(new, key).unwrap();
    let new = files.join("new.crt");
    std::fs::write(&new, identity.certificate_pem()).unwrap();
    std::fs::rename(new, files.join("tls.crt")).unwrap();
    serial(&identity.certificate)
}

pub fn serial(certificate: &X509) -> String {
    let serial = certificate.serial_number().to_bn().unwrap();
    serial.to_hex_str().unwrap().to_string()
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
        place(self.files.path(), &self.server_ca, &SERVER_CERTIFICATE);
    }

    /// Replaces its certificate by another of the same authority; answers its serial number.
    pub fn rotate(&self, wanted: &Wanted<'_>) -> String {
        place(self.files.path(), &self.server_ca, wanted)
    }

    /// Tells it to read its configuration again.
    pub fn hang_up(&self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// How often it has said this.
    pub fn said(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// A file with the certificate of who has issued its own.
    pub fn server_ca(&self) -> PathBuf {
        let path = self.files.path().join("server-ca.crt");
        std::fs::write(&path, self.server_ca.certificate().to_pem().unwrap()).unwrap();
        path
    }

    /// Replaces one of its files.
    pub fn replace(&self, name: &str, content: &[u8]) {
        let (new, path) = (self.files.path().join("new"), self.files.path().join(name));
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// A connection, with or without a client's certificate.
    pub fn connect(&self, identity: Option<&Identity>) -> Result<SslStream<TcpStream>, String> {
        self.connect_with(self.address, identity, |_| {})
    }

    /// The same by a client that is set up in its own way, to either listener.
    pub fn connect_with(
        &self,
        address: SocketAddr,
        identity: Option<&Identity>,
        set: impl FnOnce(&mut SslContextBuilder),
    ) -> Result<SslStream<TcpStream>, String> {
        // No `SslConnector`, which reads all that the system trusts.
        let mut builder = SslContext::builder(SslMethod::tls_client()).unwrap();
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
        let mut ssl = Ssl::new(&builder.build()).unwrap();
        ssl.param_mut().set_host("localhost").unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        ssl.connect(stream).map_err(|error| error.to_string())
    }

    /// Why a connection is refused. With TLS 1.3 a client learns it after the handshake.
    pub fn refusal(&self, address: SocketAddr, identity: Option<&Identity>) -> String {
        match self.connect_with(address, identity, |_| {}) {
            Ok(mut stream) => answer(&mut stream).unwrap_err(),
            Err(error) => error,
        }
    }

    /// Both listeners.
    pub fn listeners(&self) -> [SocketAddr; 2] {
        [self.address, self.admin]
    }

    /// `GET` of the admin listener, on a connection.
    pub fn status(stream: &mut (impl Read + Write), path: &str) -> u16 {
        let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
        ask(stream, request.as_bytes()).unwrap().status
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
        // First who would kill it, so that it kills nobody who has its number later.
        for process in [&mut self.end, &mut self.process] {
            let _ = process.kill(); // it may be gone already
            process.wait().unwrap();
        }
    }
}
