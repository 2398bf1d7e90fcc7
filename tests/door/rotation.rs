//! Certificates are replaced, and the configuration read again, while requests are under way.

use crate::authority::{Authority, Identity, WANTED, Wanted};
use crate::handshake::until_shown;
use crate::mtls::{mapping, name, user, who};
use crate::serve::{Gateway, SERVER_CERTIFICATE, Settings, ask};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const ROTATIONS: usize = 8;

/// A gateway that lets this user in by certificate.
fn gateway(user_name: &str) -> (Gateway, Identity) {
    let authority = Authority::new("client CA");
    user(user_name);
    let uri = format!("spiffe://example/{user_name}");
    let settings = Settings {
        authority: &authority,
        required: false,
        crl: None,
        plain_admin: false,
        more: mapping(&format!("uri = {uri:?}"), user_name, ""),
    };
    let identity = authority.issue(&Wanted {
        uri: Some(&uri),
        ..WANTED
    });
    (settings.start(), identity)
}

#[test]
fn certificates_are_rotated_under_load_and_no_request_fails() {
    let (gateway, identity) = &gateway("rotation");
    let (done, new, kept) = (
        &AtomicBool::new(false),
        &AtomicUsize::new(0),
        &AtomicUsize::new(0),
    );
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let answer = gateway.ask(Some(identity), &who()).unwrap();
                    assert_eq!(name(&answer), "rotation");
                    new.fetch_add(1, Ordering::Relaxed);
                }
            });
            scope.spawn(move || {
                let mut open = gateway.connect(Some(identity)).unwrap();
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(name(&ask(&mut open, &who()).unwrap()), "rotation");
                    kept.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(move || {
            let connect = || gateway.connect_with(gateway.admin, Some(identity), |_| {});
            let mut open = connect().unwrap();
            while !done.load(Ordering::Relaxed) {
                assert_eq!(Gateway::status(&mut open, "/healthz"), 200);
                assert_eq!(Gateway::status(&mut connect().unwrap(), "/metrics"), 200);
            }
        });
        // However this ends, the others do.
        struct Done<'d>(&'d AtomicBool);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _done = Done(done);
        for at in 0..ROTATIONS {
            let before = new.load(Ordering::Relaxed);
            let serial = gateway.rotate(&Wanted {
                rsa: at % 3 == 2,
                ..SERVER_CERTIFICATE
            });
            if at % 2 == 0 {
                gateway.hang_up();
            }
            for address in gateway.listeners() {
                until_shown(gateway, address, &serial);
            }
            while new.load(Ordering::Relaxed) < before + 10 && !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    let (new, kept) = (new.load(Ordering::Relaxed), kept.load(Ordering::Relaxed));
    assert!(
        new >= 10 * ROTATIONS && kept >= 10 * ROTATIONS,
        "{new}, {kept}"
    );
}

#[test]
fn what_is_no_certificate_or_no_good_any_more_changes_nothing() {
    let (gateway, identity) = &gateway("rotten");
    // Certificates of an hour; the gateway says so of each of them.
    gateway.wait_for("the certificate of [tls] expires in 0 days: renew it");
    gateway.wait_for("the certificate of [admin_tls] expires in 0 days: renew it");
    let mut open = gateway.connect(Some(identity)).unwrap();
    let mut still = |why: &str| {
        for section in ["tls", "admin_tls"] {
            gateway.wait_for(&format!(
                "[{section}] stays as it was: ValidationException: {why}"
            ));
        }
        assert_eq!(name(&ask(&mut open, &who()).unwrap()), "rotten");
        assert_eq!(
            name(&gateway.ask(Some(identity), &who()).unwrap()),
            "rotten"
        );
    };
    gateway.rotate(&Wanted {
        valid: (-7200, -3600),
        ..SERVER_CERTIFICATE
    });
    still("certificate_file: a certificate in it has expired");
    gateway.replace("tls.crt", b"nonsense");
    still("certificate_file: there is no certificate in it");
    let other = Authority::new("server CA").issue(&SERVER_CERTIFICATE);
    gateway.replace("tls.crt", &other.certificate_pem());
    still("key_file: the key is not that of the certificate");
    gateway.replace("client-ca.crt", b"nonsense");
    let right = gateway.rotate(&SERVER_CERTIFICATE);
    still("client_ca_file: there is no certificate in it");
    // A hangup says the same, of all that it would change.
    gateway.hang_up();
    gateway
        .wait_for("the configuration stays as it was: ValidationException: [tls] client_ca_file");
    gateway.replace("client-ca.crt", &gateway.client_ca);
    for address in gateway.listeners() {
        until_shown(gateway, address, &right);
    }
}
