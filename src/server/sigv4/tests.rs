//! SigV4 against AWS's published vectors, and against change.

use super::*;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

type Vector<'a> = (
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a [(&'a str, &'a str)],
    &'a str,
    &'a str,
    &'a str,
);

/// Method, path, query, further headers, body, signed headers, signature: of AWS's published
/// `aws-sig-v4-test-suite` (key AKIDEXAMPLE, us-east-1, "service", 2015-08-30T12:36:00Z).
const VECTORS: &[Vector<'_>] = &[
    (
        "get-vanilla",
        "GET",
        "/",
        "",
        &[],
        "",
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "get-vanilla-query-order-key-case",
        "GET",
        "/",
        "Param2=value2&Param1=value1",
        &[],
        "",
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "get-unreserved",
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "",
        &[],
        "",
        "host;x-amz-date",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "get-header-key-duplicate",
        "GET",
        "/",
        "",
        &[
            ("My-Header1", "value2"),
            ("My-Header1", "value2"),
            ("My-Header1", "value1"),
        ],
        "",
        "host;my-header1;x-amz-date",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "get-header-value-trim",
        "GET",
        "/",
        "",
        &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        "",
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "post-vanilla",
        "POST",
        "/",
        "",
        &[],
        "",
        "host;x-amz-date",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    (
        "post-header-value-case",
        "POST",
        "/",
        "",
        &[("My-Header1", "VALUE1")],
        "",
        "host;my-header1;x-amz-date",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    (
        "post-x-www-form-urlencoded",
        "POST",
        "/",
        "",
        &[("Content-Type", "application/x-www-form-urlencoded")],
        "Param1=value1",
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
];

#[test]
fn published_vectors() {
    for (name, method, path, query, further, body, signed, signature) in VECTORS {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={signed}, Signature={signature}"
        );
        let mut headers = vec![("Host", "example.amazonaws.com")];
        headers.extend_from_slice(further);
        headers.push(("X-Amz-Date", "20150830T123600Z"));
        headers.push(("Authorization", &authorization));
        let body = body.as_bytes();
        let request = SignedRequest {
            method,
            path,
            query,
            headers: &headers,
            body,
        };
        let authorization = Authorization::parse(&request).unwrap();
        authorization.check_scope("service").unwrap();
        authorization.check_signed_headers(&request).unwrap();
        verify(&authorization, &request, SECRET).expect(name);
    }
}

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
    assert!(header.ends_with(VECTORS[0].7), "{header}");
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
    let check = |method, path, query, target, body: &[u8], secret| {
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
        verify(&authorization, &request, secret).is_ok()
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
