//! SigV4 against change.

use super::*;
use secrecy::SecretString;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[test]
fn what_we_sign_is_what_aws_signs() {
    let headers = [
        ("host", "example.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ];
    let request = SignedRequest {
        method: "GET",
        path: "/",
        query: "",
        headers: &headers,
        body: b"",
    };
    let keys = ("AKIDEXAMPLE", SECRET);
    let header = sign(&request, keys, ("us-east-1", "service"), headers[1].1).unwrap();
    // Of get-vanilla, in AWS's suite.
    let published = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert!(header.ends_with(published), "{header}");
}

#[test]
fn what_is_signed_cannot_be_changed() {
    let time = "20150830T123600Z";
    let headers = [
        ("host", "h"),
        ("x-amz-date", time),
        ("x-amz-target", "TrentService.Encrypt"),
    ];
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body: b"{}",
    };
    let header = sign(
        &request,
        ("AKIDEXAMPLEEXAMPLE", SECRET),
        ("us-east-1", "kms"),
        time,
    )
    .unwrap();
    let check = |method, path, query, target, body: &[u8], secret: &str| {
        let headers = [
            ("Host", "h"),
            ("X-Amz-Date", time),
            ("X-Amz-Target", target),
            ("Authorization", header.as_str()),
        ];
        let request = SignedRequest {
            method,
            path,
            query,
            headers: &headers,
            body,
        };
        let authorization = Authorization::parse(&request).unwrap();
        authorization.check_scope("kms").unwrap();
        authorization.check_signed_headers(&request).unwrap();
        verify(&authorization, &request, &SecretString::from(secret).into()).is_ok()
    };
    let target = "  TrentService.Encrypt ";
    assert!(check("POST", "/", "", target, b"{}", SECRET));
    assert!(!check("PUT", "/", "", target, b"{}", SECRET));
    assert!(!check("POST", "/x", "", target, b"{}", SECRET));
    assert!(!check("POST", "/", "a=b", target, b"{}", SECRET));
    assert!(!check(
        "POST",
        "/",
        "",
        "TrentService.Decrypt",
        b"{}",
        SECRET
    ));
    assert!(!check("POST", "/", "", target, b"{ }", SECRET));
    assert!(!check("POST", "/", "", target, b"{}", "another secret"));
}

#[test]
fn an_unsigned_amz_header_is_refused() {
    let headers = [
        ("host", "h"),
        ("x-amz-date", "20150830T123600Z"),
        ("x-amz-target", "t"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLEEXAMPLE/20150830/r/kms/aws4_request,SignedHeaders=host;x-amz-date,Signature=00",
        ),
    ];
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body: b"",
    };
    let authorization = Authorization::parse(&request).unwrap();
    let error = authorization.check_signed_headers(&request).unwrap_err();
    assert_eq!(
        error.message(),
        "The header 'x-amz-target' is not among the SignedHeaders."
    );
}

#[test]
fn a_signature_is_good_for_five_minutes_each_way() {
    let credential = "AWS4-HMAC-SHA256 Credential=A/20150830/r/kms/aws4_request";
    let header = format!("{credential},SignedHeaders=host,Signature=0");
    let headers = [("x-amz-date", DATE), ("authorization", header.as_str())];
    let authorization = Authorization::parse(&with(&headers)).unwrap();
    let at = time::macros::datetime!(2015-08-30 12:36:00 UTC);
    for (seconds, right) in [
        (-301, false),
        (-300, true),
        (0, true),
        (300, true),
        (301, false),
    ] {
        let now = at + time::Duration::seconds(seconds);
        assert_eq!(authorization.check_date(now).is_ok(), right, "{seconds}");
    }
    // The scope is of one day: a signing key of another is not one for this.
    let header = header.replace("20150830", "20150829");
    let headers = [("x-amz-date", DATE), ("authorization", header.as_str())];
    let authorization = Authorization::parse(&with(&headers)).unwrap();
    let error = authorization.check_scope("kms").unwrap_err();
    assert!(error.message().starts_with("Date in Credential scope"));
}

#[test]
fn a_signature_is_right_to_its_last_digit_and_no_longer() {
    let headers = [("host", "h"), ("x-amz-date", DATE)];
    let header = signed(&headers);
    let (start, signature) = header.rsplit_once('=').unwrap();
    let verifies = |signature: &str| accepted(&headers, &format!("{start}={signature}"));
    assert!(verifies(signature));
    // `openssl::memcmp::eq` compares in constant time, and panics for lengths that differ.
    for at in 0..signature.len() {
        let (before, after) = (&signature[..at], &signature[at + 1..]);
        let other = match &signature[at..=at] {
            "0" => "1",
            _ => "0",
        };
        assert!(!verifies(&format!("{before}{other}{after}")), "{at}");
        assert!(!verifies(before), "{at}");
    }
    for wrong in [
        format!("{signature}0"),
        format!("{signature} 0"),
        signature.to_uppercase(),
    ] {
        assert!(!verifies(&wrong), "{wrong}");
    }
}

#[test]
fn a_header_that_is_there_twice_is_signed_as_both() {
    let one = [("host", "h"), ("x-amz-date", DATE), ("x-amz-target", "a")];
    let header = signed(&one);
    assert!(accepted(&one, &header));
    for other in [("x-amz-target", "b"), ("X-Amz-Target", ""), ("host", "h")] {
        for at in 0..=one.len() {
            let mut headers = one.to_vec();
            headers.insert(at, other);
            assert!(!accepted(&headers, &header), "{other:?} at {at}");
        }
    }
}

#[test]
fn a_presigned_url_is_no_authentication() {
    let request = SignedRequest {
        query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&\
                X-Amz-Credential=A%2F20150830%2Fr%2Fkms%2Faws4_request&X-Amz-Signature=0",
        ..with(&[("host", "h"), ("x-amz-date", DATE)])
    };
    let error = Authorization::parse(&request).unwrap_err();
    assert_eq!(error.message(), "Missing Authentication Token");
}

#[test]
fn a_body_that_is_not_signed_is_refused() {
    for hash in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "",
        "0",
    ] {
        let headers = [
            ("host", "h"),
            ("x-amz-content-sha256", hash),
            ("x-amz-date", DATE),
        ];
        assert!(!accepted(&headers, &signed(&headers)), "{hash:?}");
    }
}

const DATE: &str = "20150830T123600Z";

fn with<'a>(headers: &'a [(&'a str, &'a str)]) -> SignedRequest<'a> {
    SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers,
        body: b"{}",
    }
}

/// The `Authorization` of a request with these headers.
fn signed(headers: &[(&str, &str)]) -> String {
    let keys = ("AKIDEXAMPLEEXAMPLE", SECRET);
    sign(&with(headers), keys, ("r", "kms"), DATE).unwrap()
}

/// Whether a request with these headers and this `Authorization` is who it says it is.
fn accepted(headers: &[(&str, &str)], authorization: &str) -> bool {
    let mut headers = headers.to_vec();
    headers.push(("authorization", authorization));
    let request = with(&headers);
    let parsed = Authorization::parse(&request);
    parsed.is_ok_and(|parsed| verify(&parsed, &request, &SecretString::from(SECRET).into()).is_ok())
}

#[test]
fn a_signing_key_serves_its_own_scope_alone() {
    let secret = SecretAccessKey::from(SecretString::from(SECRET));
    let kms = ("20150830", "us-east-1", "kms");
    let others = [
        ("20150831", "us-east-1", "kms"),
        ("20150830", "eu-west-1", "kms"),
        ("20150830", "us-east-1", "sts"),
    ];
    let sign = |scope| secret.signing_key(scope).unwrap().sign(b"message");
    let signed = sign(kms);
    for other in others {
        assert_ne!(sign(other), signed, "{other:?}");
        assert_eq!(sign(kms), signed);
    }
}
