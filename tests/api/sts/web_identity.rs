//! AssumeRoleWithWebIdentity: tokens of OIDC issuers, and everything that is none.

use super::{ACCOUNT, Answer, HOUSE, kms, role, sessions::record, sts};
use crate::issuer::{Issuer, encoded};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often somebody has asked for them.
static FETCHED: AtomicUsize = AtomicUsize::new(0);

/// Serves a set of keys to whoever asks.
pub(super) fn serve(jwks: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let n = stream.read(&mut request).unwrap();
            assert!(request[..n].starts_with(b"GET /keys HTTP/1.1\r\n"));
            FETCHED.fetch_add(1, Ordering::SeqCst);
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let answer = format!("{head}{:x}\r\n{jwks}\r\n0\r\n\r\n", jwks.len());
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// A statement that lets an issuer's subject in.
pub(super) fn lets(issuer: &Issuer) -> Value {
    let name = issuer.name.split_once("://").unwrap().1;
    json!({
        "Effect": "Allow",
        "Principal": {"Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{name}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{name}:sub"): "system:serviceaccount:payments:signer",
            format!("{name}:aud"): "sts.amazonaws.com",
        }},
    })
}

static ROLE: LazyLock<String> = LazyLock::new(|| role("web", &lets(&HOUSE.issuer)));

pub(super) fn assume(role: &str, token: &str) -> Answer {
    HOUSE
        .dev
        .overheard
        .secret("an OIDC token", token.as_bytes());
    let members = [
        ("RoleArn", role),
        ("RoleSessionName", "pod"),
        ("WebIdentityToken", token),
    ];
    sts(None, "AssumeRoleWithWebIdentity", &members)
}

#[test]
fn a_service_account_assumes_its_role() {
    let issuer = &HOUSE.issuer;
    for (alg, kid) in [
        ("RS256", "rsa"),
        ("RS384", "rsa"),
        ("RS512", "rsa"),
        ("PS256", "rsa"),
        ("ES256", "ec"),
        ("EdDSA", "ed"),
    ] {
        let token = issuer.signed(&json!({"alg": alg, "kid": kid}), &issuer.claims());
        let answer = assume(&ROLE, &token);
        assert_eq!(answer.status, 200, "{alg}: {}", answer.text);
    }
    let answer = assume(&ROLE, &issuer.token(&issuer.claims()));
    let session = answer.credentials();
    assert_eq!(
        answer.get("SubjectFromWebIdentityToken"),
        "system:serviceaccount:payments:signer"
    );
    assert_eq!(answer.get("Audience"), "sts.amazonaws.com");
    assert_eq!(answer.get("Provider"), issuer.name);
    let who = sts(Some(&session), "GetCallerIdentity", &[]);
    assert_eq!(
        who.get("Arn"),
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/web/pod")
    );
    let list = kms(&session, "TrentService.ListKeys", &json!({}));
    assert_eq!(list.code(), "AccessDeniedException");
    let record = record(answer.get("RequestId"));
    let identity = &record["userIdentity"];
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example/realms/a");
    assert_eq!(identity["type"], "WebIdentityUser");
    assert_eq!(identity["identityProvider"], provider);
    assert_eq!(
        identity["userName"],
        "system:serviceaccount:payments:signer"
    );
    assert_eq!(
        identity["principalId"],
        format!("{provider}:sts.amazonaws.com:system:serviceaccount:payments:signer")
    );
    assert_eq!(record["recipientAccountId"], ACCOUNT);
    assert_eq!(record["requestParameters"]["webIdentityToken"], Value::Null);
}

#[test]
fn keys_come_from_a_url_as_well() {
    let issuer = &HOUSE.by_url;
    let role = role("web-by-url", &lets(issuer));
    let good = assume(&role, &issuer.token(&issuer.claims()));
    assert_eq!(good.status, 200, "{}", good.text);
    // Who makes up the names of keys does not make the gateway ask for them.
    for n in 0..50 {
        let header = json!({"alg": "RS256", "kid": format!("made up {n}")});
        let refused = assume(&role, &issuer.signed(&header, &issuer.claims()));
        assert_eq!(refused.get("Code"), "InvalidIdentityToken");
    }
    assert!(FETCHED.load(Ordering::SeqCst) <= 2);
    // The other issuer's keys are not this one's.
    let mut claims = HOUSE.issuer.claims();
    claims["iss"] = json!(issuer.name);
    assert_eq!(
        assume(&role, &HOUSE.issuer.token(&claims)).get("Code"),
        "InvalidIdentityToken"
    );
    // Nor does its own token open the other's role.
    assert_eq!(
        assume(&ROLE, &issuer.token(&issuer.claims())).get("Code"),
        "AccessDenied"
    );
}

/// A token that is right but for one claim.
fn with(name: &str, value: Value) -> String {
    let mut claims = HOUSE.issuer.claims();
    claims[name] = value;
    HOUSE.issuer.token(&claims)
}

#[test]
fn what_is_no_token() {
    let issuer = &HOUSE.issuer;
    let claims = issuer.claims();
    let now = claims["iat"].as_i64().unwrap();
    let good = issuer.token(&claims);
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let mut other = claims.clone();
    other["sub"] = json!("system:serviceaccount:payments:other");
    let edited = format!(
        "{head}.{}.{signature}",
        encoded(other.to_string().as_bytes())
    );
    let unsigned =
        |header: &Value| format!("{}.{payload}.", encoded(header.to_string().as_bytes()));
    let doubled = claims.to_string().replacen('{', "{\"sub\":\"x\",", 1);
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        issuer.token(&claims)
    };
    let mut strange = header("RS256", "rsa");
    strange["crit"] = json!(["exp"]);
    for (what, token, code) in [
        (
            "another issuer",
            with("iss", json!("https://issuer.example/realms/b")),
            "InvalidIdentityToken",
        ),
        (
            "a prefix of it",
            with("iss", json!("https://issuer.example/realms")),
            "InvalidIdentityToken",
        ),
        (
            "another audience",
            with("aud", json!("somebody")),
            "InvalidIdentityToken",
        ),
        ("no audience", without("aud"), "InvalidIdentityToken"),
        (
            "expired",
            with("exp", json!(now - 120)),
            "ExpiredTokenException",
        ),
        ("no end", without("exp"), "InvalidIdentityToken"),
        (
            "a text as its end",
            with("exp", json!("9999999999")),
            "InvalidIdentityToken",
        ),
        ("not yet", with("nbf", json!(now + 300)), "IDPRejectedClaim"),
        (
            "of the future",
            with("iat", json!(now + 300)),
            "IDPRejectedClaim",
        ),
        ("no subject", without("sub"), "InvalidIdentityToken"),
        (
            "an empty subject",
            with("sub", json!("")),
            "InvalidIdentityToken",
        ),
        (
            "none",
            unsigned(&header("none", "rsa")),
            "InvalidIdentityToken",
        ),
        (
            "None",
            unsigned(&header("None", "rsa")),
            "InvalidIdentityToken",
        ),
        (
            "no algorithm",
            unsigned(&json!({"kid": "rsa"})),
            "InvalidIdentityToken",
        ),
        (
            "HS256 by the public key",
            issuer.signed(&header("HS256", "rsa"), &claims),
            "InvalidIdentityToken",
        ),
        (
            "an unknown key",
            issuer.signed(&header("RS256", "other"), &claims),
            "InvalidIdentityToken",
        ),
        (
            "no key",
            issuer.signed(&json!({"alg": "RS256"}), &claims),
            "InvalidIdentityToken",
        ),
        (
            "another kind of key",
            issuer.signed(&header("RS256", "ec"), &claims),
            "InvalidIdentityToken",
        ),
        (
            "a key for encryption",
            issuer.signed(&header("RS256", "for encryption"), &claims),
            "InvalidIdentityToken",
        ),
        (
            "crit",
            issuer.signed(&strange, &claims),
            "InvalidIdentityToken",
        ),
        ("an edited payload", edited, "InvalidIdentityToken"),
        (
            "no signature",
            format!("{head}.{payload}."),
            "InvalidIdentityToken",
        ),
        ("a part more", format!("{good}.x"), "InvalidIdentityToken"),
        (
            "a claim twice",
            issuer.signed_text(&header("RS256", "rsa").to_string(), &doubled),
            "InvalidIdentityToken",
        ),
        ("no JSON", "a.b.c".to_owned(), "InvalidIdentityToken"),
        (
            "too long",
            with("x", json!("x".repeat(16_000))),
            "ValidationError",
        ),
        (
            "another subject",
            with("sub", json!("system:serviceaccount:payments:other")),
            "AccessDenied",
        ),
        (
            "an audience that the role does not trust",
            with("aud", json!("other")),
            "AccessDenied",
        ),
    ] {
        assert_eq!(assume(&ROLE, &token).get("Code"), code, "{what}");
    }
    for role in [
        format!("arn:aws:iam::{ACCOUNT}:role/missing"),
        role("trusts-a-user", &super::lets("web")),
    ] {
        let refused = assume(&role, &good);
        assert_eq!((refused.status, refused.get("Code")), (403, "AccessDenied"));
        let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
        assert_eq!(refused.get("Message"), message);
    }
    assert_eq!(
        assume("role/web/not-an-arn-of-it", &good).get("Code"),
        "ValidationError"
    );
}

/// Condition keys have no case, and claims have.
#[test]
fn no_claim_passes_for_another_by_its_case() {
    let issuer = &HOUSE.issuer;
    let name = issuer.name.split_once("://").unwrap().1;
    let token = |pairs: Value| {
        let mut claims = issuer.claims();
        let pairs = pairs.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(pairs);
        issuer.token(&claims)
    };
    let right = "system:serviceaccount:payments:signer";
    for other in ["SUB", "Sub"] {
        let posing = token(json!({"sub": "somebody", other: right}));
        assert_eq!(
            assume(&ROLE, &posing).get("Code"),
            "AccessDenied",
            "{other}"
        );
        // Nor does it take anything away.
        let own = token(json!({"sub": right, other: "somebody"}));
        assert_eq!(assume(&ROLE, &own).status, 200, "{other}");
    }
    let mut statement = lets(issuer);
    statement["Condition"]["StringEquals"][format!("{name}:tier")] = json!("gold");
    let gold = role("web-gold", &statement);
    let one = token(json!({"Tier": "gold"}));
    assert_eq!(assume(&gold, &one).status, 200);
    for both in [
        json!({"tier": "basic", "Tier": "gold"}),
        json!({"tier": "gold", "Tier": "basic"}),
    ] {
        assert_eq!(assume(&gold, &token(both)).get("Code"), "AccessDenied");
    }
}

/// A token that nobody signed leaves no record: it has not come to the database.
#[test]
fn what_nobody_signed_is_not_recorded() {
    let refused = assume(&ROLE, "a.b.c");
    let found = std::panic::catch_unwind(|| record(refused.get("RequestId")));
    assert!(found.is_err());
}

#[test]
fn a_file_that_changes_is_read_again() {
    let issuer = &HOUSE.issuer;
    let mut set: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    let mut more = set["keys"][0].clone();
    more["kid"] = json!("new");
    set["keys"].as_array_mut().unwrap().push(more);
    let token = issuer.signed(&json!({"alg": "RS256", "kid": "new"}), &issuer.claims());
    assert_eq!(assume(&ROLE, &token).get("Code"), "InvalidIdentityToken");
    std::fs::write(&HOUSE.jwks, set.to_string()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(assume(&ROLE, &token).status, 200);
}
