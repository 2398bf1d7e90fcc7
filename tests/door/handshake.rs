//! What is agreed on in a handshake, and with whom there is none: on both listeners.

use crate::authority::{Authority, Identity, SERVER, Wanted};
use crate::dev::SHARED;
use crate::mtls::{ALICE, HOUSE, mapping, user};
use crate::serve::{Gateway, SERVER_CERTIFICATE, Settings, serial};
use openssl::ssl::{SslContextBuilder, SslOptions, SslVersion};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// With the list of what may be agreed on.
const PAGE: &str = include_str!("../../docs/mtls.md");

#[test]
fn beyond_loopback_nothing_is_plain() {
    for [everywhere, loopback] in [
        ["STRONGROOM_SERVER_LISTEN", "STRONGROOM_SERVER_ADMIN_LISTEN"],
        ["STRONGROOM_SERVER_ADMIN_LISTEN", "STRONGROOM_SERVER_LISTEN"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(["serve", "--config"])
            .arg(SHARED.dir.join("strongroom.toml"))
            .env("SOFTHSM2_CONF", SHARED.dir.join("softhsm2.conf"))
            .env(everywhere, "0.0.0.0:0")
            .env(loopback, "127.0.0.1:0")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let refused = "0.0.0.0:0 is not a loopback address and there is no TLS";
        assert!(!output.status.success() && said.contains(refused), "{said}");
    }
}

#[test]
fn clients_that_are_turned_away() {
    let house = &*HOUSE;
    let refused = |identity: &Identity, why: &str| {
        for address in house.gateway.listeners() {
            let error = house.gateway.refusal(address, Some(identity));
            assert!(error.contains(why), "{address}: {why}: {error}");
        }
    };
    // The same names, from others.
    let other = Authority::new("another CA").issue(&ALICE);
    refused(&other, "unknown ca");
    let same_name = Authority::new("client CA").issue(&ALICE);
    refused(&same_name, "decrypt error");
    // From nobody but itself.
    refused(&Authority::new("alice").itself(), "unknown ca");
    let issue = |wanted: &Wanted<'_>| house.authority.issue(wanted);
    let (gone, to_come) = ((-7200, -3600), (3600, 7200));
    refused(
        &issue(&Wanted {
            valid: gone,
            ..ALICE
        }),
        "certificate expired",
    );
    refused(
        &issue(&Wanted {
            valid: to_come,
            ..ALICE
        }),
        "bad certificate",
    );
    for usage in [SERVER, "codeSigning", "emailProtection"] {
        refused(
            &issue(&Wanted { usage, ..ALICE }),
            "unsupported certificate",
        );
    }
}

/// A client that would agree to anything, so that it is the server that refuses.
fn careless(client: &mut SslContextBuilder, version: SslVersion) {
    client.set_min_proto_version(Some(version)).unwrap();
    client.set_max_proto_version(Some(version)).unwrap();
    client
        .set_cipher_list("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        .unwrap();
    client.clear_options(SslOptions::NO_TLSV1 | SslOptions::NO_TLSV1_1 | SslOptions::NO_SSLV3);
}

#[test]
fn old_versions_and_http_2_are_off() {
    let gateway = &HOUSE.gateway;
    for (address, (version, right)) in each(
        gateway,
        [
            (SslVersion::TLS1, false),
            (SslVersion::TLS1_1, false),
            (SslVersion::TLS1_2, true),
            (SslVersion::TLS1_3, true),
        ],
    ) {
        let connected = gateway.connect_with(address, None, |client| {
            careless(client, version);
            client.set_alpn_protos(b"\x02h2\x08http/1.1").unwrap();
        });
        match connected {
            Ok(stream) => {
                assert!(right, "{version:?}");
                let protocol = stream.ssl().selected_alpn_protocol();
                assert_eq!(protocol, Some(&b"http/1.1"[..]));
                assert!(!stream.ssl().session_reused());
            }
            Err(error) => {
                let refused = !right && error.contains("protocol version");
                assert!(refused, "{version:?}: {error}");
            }
        }
    }
}

fn each<T: Clone, const N: usize>(
    gateway: &Gateway,
    of: [T; N],
) -> impl Iterator<Item = (SocketAddr, T)> {
    let of = of.to_vec();
    let listeners = gateway.listeners().into_iter();
    listeners.flat_map(move |address| of.clone().into_iter().map(move |one| (address, one)))
}

#[test]
fn there_is_no_renegotiation_and_no_resumption() {
    let gateway = &HOUSE.gateway;
    // `R` asks for a renegotiation; what comes back is an alert, or the end.
    let s_client = |address: SocketAddr, more: &[&str], input: &str| {
        let mut child = Command::new("openssl")
            .args(["s_client", "-connect", &address.to_string()])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::sleep(Duration::from_millis(500)); // it reads commands once connected
        stdin.write_all(input.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for address in gateway.listeners() {
        let shown = s_client(address, &["-tls1_2"], "R\n");
        let refused = shown.contains("RENEGOTIATING") && shown.contains("no renegotiation");
        assert!(refused, "{shown}");
        for version in ["-tls1_2", "-tls1_3"] {
            let shown = s_client(address, &[version, "-reconnect"], "Q\n");
            let new = shown.contains("New, TLSv1") && !shown.contains("Reused, TLSv1");
            assert!(new, "{shown}");
        }
    }
}

/// Every cipher of the OpenSSL that is installed, whatever it thinks of it.
fn known() -> BTreeSet<String> {
    let all = Command::new("openssl")
        .args(["ciphers", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])
        .output()
        .unwrap();
    let all = String::from_utf8(all.stdout).unwrap();
    let known = all.trim().split(':').map(str::to_owned);
    // Of TLS 1.3 it names only those that it offers by itself.
    let ccm = ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"];
    known.chain(ccm.map(str::to_owned)).collect()
}

/// The ciphers of those known that a listener agrees to, one asked for at a time.
fn accepted(gateway: &Gateway, address: SocketAddr) -> BTreeSet<String> {
    let agreed = |cipher: &String| {
        let connected = gateway.connect_with(address, None, |client| {
            if cipher.starts_with("TLS_") {
                careless(client, SslVersion::TLS1_3);
                client.set_ciphersuites(cipher).unwrap();
            } else {
                careless(client, SslVersion::TLS1_2);
                client
                    .set_cipher_list(&format!("{cipher}:@SECLEVEL=0"))
                    .unwrap();
            }
        });
        connected.is_ok_and(|stream| {
            let current = stream.ssl().current_cipher().map(|agreed| agreed.name());
            assert_eq!(current, Some(cipher.as_str()));
            true
        })
    };
    known().into_iter().filter(agreed).collect()
}

#[test]
fn the_ciphers_are_those_that_are_documented() {
    let authority = Authority::new("client CA");
    user("cipher");
    let settings = Settings {
        authority: &authority,
        required: false,
        crl: None,
        plain_admin: false,
        more: mapping("uri = \"spiffe://example/cipher\"", "cipher", ""),
    };
    let gateway = settings.start();
    assert!(known().len() > 50, "{:?}", known());
    let documented: BTreeSet<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|line| line.split('`'))
        .filter(|word| word.starts_with("ECDHE-") || word.starts_with("TLS_"))
        .map(str::to_owned)
        .collect();
    for address in gateway.listeners() {
        let mut all = accepted(&gateway, address);
        assert!(
            all.iter().all(|cipher| !cipher.contains("-RSA-")),
            "{all:?}"
        );
        let rsa = gateway.rotate(&Wanted {
            rsa: true,
            ..SERVER_CERTIFICATE
        });
        until_shown(&gateway, address, &rsa);
        all.extend(accepted(&gateway, address));
        assert_eq!(all, documented);
        let ecdsa = gateway.rotate(&SERVER_CERTIFICATE);
        until_shown(&gateway, gateway.admin, &ecdsa);
    }
}

/// Waits until a listener shows the certificate with this serial number.
pub fn until_shown(gateway: &Gateway, address: SocketAddr, wanted: &str) {
    let begun = Instant::now();
    loop {
        let stream = gateway.connect_with(address, None, |_| {}).unwrap();
        if serial(&stream.ssl().peer_certificate().unwrap()) == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "not shown");
        std::thread::sleep(Duration::from_millis(20));
    }
}
