//! SIGHUP: what changes at once, what waits for a restart, and what is refused.

use crate::authority::{Authority, WANTED, Wanted};
use crate::mtls::{arn, mapping, name, user, who};
use crate::raw::call;
use crate::serve::{Settings, ask};
use std::time::{Duration, Instant};

const READ: &str = "the configuration was read anew";
const REFUSED: &str = "the configuration stays as it was";

#[test]
fn what_can_change_without_a_restart_does() {
    let authority = Authority::new("client CA");
    user("erin");
    let keys = user("frank");
    let speaks_for = |user: &str| mapping("uri = \"spiffe://example/e\"", user, "");
    let settings = Settings {
        authority: &authority,
        required: false,
        crl: None,
        plain_admin: false,
        more: speaks_for("erin"),
    };
    let gateway = settings.start();
    let identity = authority.issue(&Wanted {
        uri: Some("spiffe://example/e"),
        ..WANTED
    });
    let mut open = gateway.connect(Some(&identity)).unwrap();
    let mut bare = gateway.connect(None).unwrap();
    let signed = || call(&keys, "Strongroom.GetUser", "{}");
    assert_eq!(name(&ask(&mut bare, &signed()).unwrap()), "frank");
    let mut asks = || ask(&mut open, &who()).unwrap();
    assert_eq!(name(&asks()), "erin");
    let mut reads = 0;
    let mut reload = |config: &str| {
        gateway.replace("strongroom.toml", config.as_bytes());
        gateway.hang_up();
        reads += 1;
        let begun = Instant::now();
        while gateway.said(READ) + gateway.said(REFUSED) < reads {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{}",
                gateway.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        gateway.log()
    };

    // Whom a certificate speaks for, on connections that are open too.
    let frank = gateway
        .config
        .replace(&speaks_for("erin"), &speaks_for("frank"));
    reload(&frank);
    assert_eq!(name(&asks()), "frank");

    // Quotas.
    let quota = |rate: u32| {
        let arn = arn("frank");
        format!("{frank}\n[quota.principals.{arn:?}]\nrequests_per_second = {rate}\n")
    };
    reload(&quota(1));
    let code = (0..5)
        .map(|_| asks().code().to_owned())
        .find(|code| code != "OK");
    assert_eq!(code.as_deref(), Some("ThrottlingException"));

    // What is wrong changes nothing, and of the rest of it nothing either.
    for (wrong, why) in [
        ("= nonsense".to_owned(), "line 1"),
        (
            quota(1000).replace("[tls]", "[tls]\nsurprise = 1"),
            "surprise",
        ),
        (quota(1000).replace("tls.key", "no.key"), "no.key"),
        (
            format!("{}\n[quota.rates]\nNobody = 1\n", quota(1000)),
            "Nobody",
        ),
        (
            quota(1000).replace("[token]", "[token]\nsessions = 0"),
            "token.sessions",
        ),
    ] {
        let log = reload(&wrong);
        let line = log.lines().rfind(|line| line.contains(REFUSED)).unwrap();
        assert!(line.contains("ERROR") && line.contains(why), "{line}");
    }
    let throttled = (0..5).any(|_| asks().code() == "ThrottlingException");
    assert!(throttled, "the quota has changed");

    // What only a start looks at is named.
    let log = reload(&quota(1000).replace("[token]", "[token]\nsessions = 3"));
    assert!(
        log.contains("what has changed in [token] waits for a restart"),
        "{log}"
    );
    assert!((0..5).all(|_| asks().code() == "OK"));

    // The log's level.
    let asks_in_vain = |log: fn(&str) -> bool| {
        let before = gateway.log().len();
        let answer = gateway.ask(None, &who()).unwrap();
        assert_eq!(answer.code(), "MissingAuthenticationTokenException");
        log(&gateway.log()[before..])
    };
    let says = |log: &str| log.contains("Missing Authentication Token");
    assert!(!asks_in_vain(says));
    reload(&format!("{}\n[log]\nlevel = \"debug\"\n", quota(1000)));
    assert!(asks_in_vain(says));
    reload(&quota(1000));
    assert!(!asks_in_vain(says));

    // A certificate, where it was not required: of connections that have none as well.
    let optional = "client_certificate = \"optional\"";
    let required = "client_certificate = \"required\"";
    reload(&quota(1000).replace(optional, required));
    let answer = ask(&mut bare, &signed()).unwrap();
    assert_eq!(answer.message(), "A client certificate is required.");
    for address in gateway.listeners() {
        let refusal = gateway.refusal(address, None);
        assert!(refusal.contains("certificate required"), "{refusal}");
    }
    assert_eq!(name(&asks()), "frank");
}
