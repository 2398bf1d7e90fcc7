//! Requests over whose end two readers could disagree: each is refused, or is exactly one request.

use crate::dev::SHARED;
use crate::raw::{Answer, HOST, Keys, answer, answers, call, post, signed};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long a connection that says nothing more is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect() -> TcpStream {
    let address = SHARED.env["AWS_ENDPOINT_URL_KMS"].trim_start_matches("http://");
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that comes back for some bytes, after which nothing more is sent.
fn send(bytes: &[u8]) -> Vec<Answer> {
    let mut stream = connect();
    // The gateway may have closed before it has taken all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    answers(&mut stream)
}

fn keys() -> Keys {
    Keys::root(&SHARED.env)
}

const BODY: &[u8] = b"{\"NumberOfBytes\":8}";
const FURTHER: [(&str, &str); 2] = [
    ("content-type", "application/x-amz-json-1.1"),
    ("x-amz-target", "TrentService.GenerateRandom"),
];

/// A request that is right but for what `lines` add to its head, with `after` in place of its body.
/// What its signature covers is `BODY`.
fn head(line: &str, lines: &str, after: &[u8]) -> Vec<u8> {
    let signed = signed(&keys(), &FURTHER, BODY);
    let head = format!("{line}\r\n{signed}{lines}\r\n");
    [head.as_bytes(), after].concat()
}

/// The request that is not to be answered.
fn smuggled() -> Vec<u8> {
    call(&keys(), "TrentService.ListKeys", "{}")
}

/// `BODY` as one chunk, then the end.
fn chunked() -> Vec<u8> {
    let size = format!("{:x}\r\n", BODY.len());
    [size.as_bytes(), BODY, b"\r\n0\r\n\r\n"].concat()
}

const POST: &str = "POST / HTTP/1.1";

#[test]
fn what_two_readers_could_end_in_two_places() {
    let length = BODY.len();
    let shorter = format!("content-length: {length}\r\n");
    let whole = format!("content-length: {}\r\n", length + smuggled().len());
    let te = "transfer-encoding: chunked\r\n";
    let mut refused: Vec<(String, String, Vec<u8>)> = Vec::new();
    let mut case = |lines: &str, after: Vec<u8>| {
        refused.push((format!("{lines:?}"), lines.to_owned(), after));
    };
    let body_then_smuggled = || [BODY, &smuggled()].concat();
    let chunks_then_smuggled = || [chunked(), smuggled()].concat();
    // Two lengths, a length and chunks.
    case(&format!("{shorter}{te}"), chunks_then_smuggled());
    case(&format!("{te}{shorter}"), chunks_then_smuggled());
    case(&format!("{whole}{te}"), chunks_then_smuggled());
    case(&format!("{shorter}{whole}"), body_then_smuggled());
    case(&format!("{whole}{shorter}"), body_then_smuggled());
    case(&format!("{shorter}{shorter}"), body_then_smuggled());
    case(
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
        chunks_then_smuggled(),
    );
    // A length that is none.
    for value in [
        "+19",
        "-19",
        "0x13",
        "19,19",
        "19, 19",
        "19 19",
        "19;",
        "1 9",
        "19.0",
        "\"19\"",
        "",
        "99999999999999999999999",
        "18446744073709551635",
    ] {
        case(
            &format!("content-length: {value}\r\n"),
            body_then_smuggled(),
        );
    }
    case(
        &format!("content-length : {length}\r\n"),
        body_then_smuggled(),
    );
    case(
        &format!(" content-length: {length}\r\n"),
        body_then_smuggled(),
    );
    case(
        &format!("content-length\0: {length}\r\n"),
        body_then_smuggled(),
    );
    case(
        &format!("content-length: {length}\0\r\n"),
        body_then_smuggled(),
    );
    // Chunks that not everybody sees.
    for line in [
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding:\u{b}chunked",
        "transfer-encoding: chunked\0",
        "transfer-encoding : chunked",
        " transfer-encoding: chunked",
        "x: y\n transfer-encoding: chunked",
        "x: y\r transfer-encoding: chunked",
        "x:\r\n transfer-encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "transfer\u{2d}encoding\t: chunked",
    ] {
        case(&format!("{line}\r\n"), chunks_then_smuggled());
        case(&format!("{shorter}{line}\r\n"), body_then_smuggled());
    }
    // Chunks that do not add up.
    for chunks in [
        "+13\r\n",
        "-1\r\n",
        "0x13\r\n",
        "013g\r\n",
        "\r\n",
        "ffffffffffffffff3\r\n",
        "10000000000000013\r\n",
    ] {
        let after = [chunks.as_bytes(), BODY, b"\r\n0\r\n\r\n", &smuggled()].concat();
        case(&format!("{te}x-case: {}\r\n", chunks.trim()), after);
    }
    let unended = [b"13\r\n", BODY, b"0\r\n\r\n", &smuggled()].concat();
    case(
        &format!("{te}x-case: no line end after a chunk\r\n"),
        unended,
    );

    let wrong: Vec<String> = std::thread::scope(|scope| {
        let sent: Vec<_> = refused
            .iter()
            .map(|(name, lines, after)| {
                scope.spawn(move || (name, send(&head(POST, lines, after))))
            })
            .collect();
        let came = sent.into_iter().map(|sent| sent.join().unwrap());
        came.filter_map(|(name, came)| {
            let codes: Vec<_> = came
                .iter()
                .map(|answer| (answer.status, answer.code().to_owned()))
                .collect();
            // The first may be answered where both readings of it are the same; never a second.
            let fine = codes.len() <= 1 && codes.iter().all(|(status, _)| *status >= 400);
            (!fine).then(|| format!("{name}: {codes:?}"))
        })
        .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The codes of all answers.
fn codes(answers: &[Answer]) -> Vec<(u16, &str)> {
    let codes = answers.iter();
    codes.map(|answer| (answer.status, answer.code())).collect()
}

#[test]
fn what_all_read_alike_is_one_request() {
    let length = format!("content-length: {}\r\n", BODY.len());
    let te = "transfer-encoding: chunked\r\n";
    let upper = "TRANSFER-ENCODING: Chunked\r\n";
    let extended = [b"13;a=b\r\n", BODY, b"\r\n0\r\n\r\n"].concat();
    let blank = [b"13 \r\n", BODY, b"\r\n0\r\n\r\n"].concat();
    for (line, lines, body) in [
        (POST, &*length, BODY.to_vec()),
        (POST, te, chunked()),
        (POST, upper, chunked()),
        (POST, te, extended),
        (POST, te, blank),
        // Absolute form (RFC 9112, 3.2.2), which proxies are sent. Its host is not looked at: what is
        // signed, and what counts, is the header.
        ("POST ftp://other.example/ HTTP/1.1", &length, BODY.to_vec()),
        (
            &*format!("POST http://{HOST}/ HTTP/1.1"),
            &length,
            BODY.to_vec(),
        ),
    ] {
        let request = head(line, lines, &body);
        assert_eq!(codes(&send(&request)), [(200, "OK")], "{line} {lines:?}");
        let two = [request, smuggled()].concat();
        assert_eq!(
            codes(&send(&two)),
            [(200, "OK"), (200, "OK")],
            "{line} {lines:?}"
        );
    }
}

#[test]
fn targets_that_are_not_the_root() {
    let length = format!("content-length: {}\r\n", BODY.len());
    for target in [
        "//",
        "/./",
        "/x/..",
        "/%2e/",
        "/;a",
        "/\\",
        "/?X-Amz-Signature=0",
        "/?",
        "/#",
        "kms.us-east-1.example:443",
        "*",
        "http://other.example/x",
        "http://other.example//",
        "HTTP://a b/",
        "",
    ] {
        let line = format!("POST {target} HTTP/1.1");
        let came = send(&head(&line, &length, BODY));
        let fine = came.len() == 1 && came[0].status >= 400;
        // A target whose path and query are `/` and none is the root, written differently.
        let root = ["/?", "/#"].contains(&target) && codes(&came) == [(200, "OK")];
        assert!(fine || root, "{target}: {:?}", codes(&came));
    }
    for method in ["GET", "PUT", "OPTIONS", "TRACE", "post", "POST\0", "PO ST"] {
        let came = send(&head(&format!("{method} / HTTP/1.1"), &length, BODY));
        assert!(
            came.len() == 1 && came[0].status >= 400,
            "{method}: {:?}",
            codes(&came)
        );
    }
    // A tunnel is not opened, and what would go through it is not read.
    let connect = head(
        "CONNECT kms.us-east-1.example:443 HTTP/1.1",
        "",
        &smuggled(),
    );
    let came = send(&connect);
    assert!(
        came.len() <= 1 && came.iter().all(|answer| answer.status >= 400),
        "{:?}",
        codes(&came)
    );
    // Nor is another protocol spoken.
    let upgrade = format!("{length}connection: upgrade\r\nupgrade: h2c\r\n");
    let came = send(&head(POST, &upgrade, BODY));
    assert!(
        came.len() == 1 && came[0].status != 101,
        "{:?}",
        codes(&came)
    );
    let prior = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*smuggled()].concat();
    let came = send(&prior);
    assert!(
        came.iter().all(|answer| answer.status >= 400),
        "{:?}",
        codes(&came)
    );
}

#[test]
fn lines_and_headers_that_are_no_http() {
    let right = String::from_utf8(head(
        POST,
        &format!("content-length: {}\r\n", BODY.len()),
        BODY,
    ));
    let right = right.unwrap();
    for (what, wrong) in [
        (
            "folded",
            right.replace("x-amz-target: ", "x-amz-target:\r\n "),
        ),
        (
            "folded by a tab",
            right.replace("x-amz-target: ", "x-amz-target:\r\n\t"),
        ),
        (
            "NUL in a value",
            right.replace("TrentService.", "TrentService.\0"),
        ),
        (
            "NUL in a name",
            right.replace("x-amz-target", "x-amz\0-target"),
        ),
        (
            "CR in a value",
            right.replace("TrentService.", "TrentService.\r"),
        ),
        (
            "blank before the colon",
            right.replace("x-amz-target:", "x-amz-target :"),
        ),
        ("no colon", right.replace("x-amz-target:", "x-amz-target")),
        ("no host", right.replace(&format!("host: {HOST}\r\n"), "")),
        (
            "two hosts",
            right.replace("host: ", &format!("host: {HOST}\r\nhost: ")),
        ),
        ("another host", right.replace(HOST, "other.example")),
        (
            "two targets",
            right.replace(
                "x-amz-target: ",
                "x-amz-target: TrentService.ListKeys\r\nx-amz-target: ",
            ),
        ),
        (
            "an unsigned one",
            right.replace("x-amz-target: ", "x-amz-other: a\r\nx-amz-target: "),
        ),
        (
            "an unsigned token",
            right.replace(
                "x-amz-target: ",
                "x-amz-security-token: a\r\nx-amz-target: ",
            ),
        ),
        (
            "two signatures",
            right.replace(
                "authorization: ",
                "authorization: AWS4-HMAC-SHA256 a\r\nauthorization: ",
            ),
        ),
        (
            "another content type",
            right.replace("amz-json-1.1", "amz-json-1.0"),
        ),
        ("no version", right.replace(" HTTP/1.1", "")),
        ("HTTP/1.2", right.replace("HTTP/1.1", "HTTP/1.2")),
        ("HTTP/2.0", right.replace("HTTP/1.1", "HTTP/2.0")),
        ("HTTP/11", right.replace("HTTP/1.1", "HTTP/11")),
        ("blank before", format!(" {right}")),
    ] {
        assert_ne!(wrong, right, "{what}");
        let came = send(&[wrong.as_bytes(), &smuggled()].concat());
        // What is refused for its content, and not for its form, leaves the connection open.
        let first = came.first().map(|answer| answer.status);
        assert!(
            first.is_none_or(|status| status >= 400),
            "{what}: {:?}",
            codes(&came)
        );
        let form = first.is_none() || came[0].code().is_empty();
        assert!(
            came.len() <= if form { 1 } else { 2 },
            "{what}: {:?}",
            codes(&came)
        );
    }
    // A line that ends in LF alone: RFC 9112, 2.2, lets a reader take it, and this one does; the body
    // still begins where the head ends.
    let came = send(&[right.replace("\r\n", "\n").as_bytes(), &smuggled()].concat());
    assert_eq!(codes(&came), [(200, "OK"), (200, "OK")]);
}

#[test]
fn a_body_that_nobody_has_read_is_not_a_request() {
    let inner = smuggled();
    // Refused before its body is read: what it has announced is not taken for what follows.
    let length = format!("content-length: {}\r\n", inner.len());
    let unsigned = post(&format!("host: {HOST}\r\n"), &inner);
    let wrong = head(POST, &length, &inner);
    for refused in [unsigned, wrong] {
        let came = send(&refused);
        assert_eq!(came.len(), 1, "{:?}", codes(&came));
        assert_eq!(came[0].status, 400);
        // With one more, and then two.
        let came = send(&[refused, smuggled()].concat());
        assert!(
            came.len() <= 2 && came[0].status == 400,
            "{:?}",
            codes(&came)
        );
    }
    let mut large =
        format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 9000000\r\n\r\n").into_bytes();
    for _ in 0..200 {
        large.extend_from_slice(&inner);
    }
    let came = send(&large);
    assert!(came.len() <= 1, "{:?}", codes(&came));
}

#[test]
fn what_is_too_large_or_too_slow_ends() {
    let many = "x: y\r\n".repeat(20_000);
    let long = format!("x: {}\r\n", "y".repeat(2_000_000));
    let target = format!("POST /{} HTTP/1.1", "y".repeat(2_000_000));
    for request in [
        head(POST, &many, b""),
        head(POST, &long, b""),
        head(&target, "", b""),
    ] {
        let came = send(&request);
        assert!(
            came.len() <= 1 && came.iter().all(|answer| answer.status >= 400),
            "{:?}",
            codes(&came)
        );
    }
    // A byte now and then is no progress: neither of a body nor of a head.
    let length = format!("content-length: {}\r\n", BODY.len());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for slow in [head(POST, &length, b""), b"POST / HTTP/1.1\r\nx: ".to_vec()] {
            scope.spawn(move || {
                let mut stream = connect();
                stream.write_all(&slow).unwrap();
                let mut writer = stream.try_clone().unwrap();
                let writing = std::thread::spawn(move || {
                    while writer.write_all(b" ").is_ok() && begun.elapsed() < 2 * PATIENCE {
                        std::thread::sleep(Duration::from_millis(900));
                    }
                });
                let ended = answer(&mut stream);
                assert!(ended.is_err() || ended.is_ok_and(|answer| answer.status >= 400));
                drop(stream);
                drop(writing);
            });
        }
    });
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn http_1_0_and_expect() {
    let length = format!("content-length: {}\r\n", BODY.len());
    let old = head("POST / HTTP/1.0", &length, BODY);
    // Two that are complete are two.
    let came = send(&[&*old, &smuggled()].concat());
    assert_eq!(codes(&came), [(200, "OK"), (200, "OK")]);
    let chunks = head(
        "POST / HTTP/1.0",
        "transfer-encoding: chunked\r\n",
        &chunked(),
    );
    let came = send(&[chunks, smuggled()].concat());
    assert!(came.len() <= 1, "{:?}", codes(&came));

    // The body comes after the 100.
    let mut stream = connect();
    let expect = format!("{length}expect: 100-continue\r\n");
    stream.write_all(&head(POST, &expect, b"")).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(BODY).unwrap();
    assert_eq!(answer(&mut stream).unwrap().code(), "OK");
    // An expectation that nobody knows, and a body that comes all the same, is one request.
    let came = send(&head(POST, &format!("{length}expect: miracles\r\n"), BODY));
    assert_eq!(came.len(), 1, "{:?}", codes(&came));
}
