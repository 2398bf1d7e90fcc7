//! A client of HTTP/1.1: one request, no redirects, no proxies, bounded in time and size.
//!
//! Source: RFC 9112.

use crate::model::Url;
use openssl::ssl::{SslConnector, SslMethod};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// What went wrong, for the log.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The longest body, in bytes: more than any set of keys has.
pub const MAX_BYTES: usize = 262_144;
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Status line and headers.
const MAX_HEAD: usize = 16_384;

/// Does what blocks on a thread of its own, which keeps its place until it ends: nothing stops one
/// that hangs.
///
/// # Errors
/// Those of the work, or it is not done in time.
pub async fn apart<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("http".into())
        .spawn(move || {
            let done = work();
            drop(place);
            drop(answer.send(done));
        })?;
    tokio::time::timeout(PATIENCE, answered).await??
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// The body behind a URL. `authorities` are the certificates of those who vouch for the server, PEM,
/// where they are not the system's.
///
/// # Errors
/// It could not be had, in time or at all.
pub async fn get(
    url: Url,
    authorities: Option<PathBuf>,
    place: OwnedSemaphorePermit,
) -> Result<Vec<u8>, Failure> {
    apart(place, move || fetch(&url, authorities.as_deref())).await
}

/// What a URL answers to a text, whatever its status.
///
/// # Errors
/// There is no answer, or not in time.
pub async fn post(
    url: Url,
    authorities: Option<PathBuf>,
    text: String,
    place: OwnedSemaphorePermit,
) -> Result<Answer, Failure> {
    let request = request("POST", &url, &text);
    apart(place, move || {
        exchange(&url, authorities.as_deref(), &request)
    })
    .await
}

fn fetch(url: &Url, authorities: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let answer = exchange(url, authorities, &request("GET", url, ""))?;
    match answer.status {
        200 => Ok(answer.body),
        _ => Err("the answer is not 200".into()),
    }
}

fn request(method: &str, url: &Url, text: &str) -> String {
    let (target, authority) = (&url.target, url.authority());
    let about = match method {
        "GET" => "Accept: application/json".to_owned(),
        _ => format!("Content-Length: {}", text.len()),
    };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {authority}\r\n{about}\r\n\
         Connection: close\r\n\r\n{text}"
    )
}

fn exchange(url: &Url, authorities: Option<&Path>, request: &str) -> Result<Answer, Failure> {
    let end = Instant::now() + PATIENCE;
    let addresses = (url.host.as_str(), url.port).to_socket_addrs()?;
    let mut failure: Failure = "the name has no address".into();
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(end)?) {
            Ok(stream) => return over(stream, url, authorities, request, end),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

fn left(end: Instant) -> Result<Duration, Failure> {
    let left = end.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err("it took too long".into()),
        false => Ok(left),
    }
}

fn over(
    stream: TcpStream,
    url: &Url,
    authorities: Option<&Path>,
    request: &str,
    end: Instant,
) -> Result<Answer, Failure> {
    stream.set_read_timeout(Some(left(end)?))?;
    stream.set_write_timeout(Some(left(end)?))?;
    if !url.tls {
        return ask(stream, request, end);
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    if let Some(authorities) = authorities {
        connector.set_ca_file(authorities)?;
    }
    ask(connector.build().connect(&url.host, stream)?, request, end)
}

fn ask(mut stream: impl Read + Write, request: &str, end: Instant) -> Result<Answer, Failure> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 8192];
    loop {
        left(end)?;
        if let Some(whole) = whole(&answer, false)? {
            return Ok(whole);
        }
        match stream.read(&mut part)? {
            0 => break,
            n => answer.extend_from_slice(&part[..n]),
        }
    }
    whole(&answer, true)?.ok_or_else(|| "the answer breaks off".into())
}

/// An answer, once it is all there; `ended` if no more will come.
fn whole(answer: &[u8], ended: bool) -> Result<Option<Answer>, Failure> {
    let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return match answer.len() > MAX_HEAD {
            true => Err("the head of the answer is too long".into()),
            false => Ok(None),
        };
    };
    let rest = &answer[at + 4..];
    if rest.len() > 2 * MAX_BYTES {
        return Err("the answer is too long".into());
    }
    let head = std::str::from_utf8(&answer[..at])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let status = status
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    let status = status.ok_or("the answer is none of HTTP/1")?.parse()?;
    let (mut length, mut chunked) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.trim().eq_ignore_ascii_case("chunked");
            if !chunked {
                return Err("the answer has an unknown transfer encoding".into());
            }
        }
    }
    let body = match (chunked, length) {
        (true, _) => unchunked(rest)?,
        (false, Some(length)) => rest.get(..length).map(<[u8]>::to_vec),
        (false, None) => ended.then(|| rest.to_vec()),
    };
    match body {
        Some(body) if body.len() > MAX_BYTES => Err("the answer is too long".into()),
        body => Ok(body.map(|body| Answer { status, body })),
    }
}

/// `None` until the last chunk is there.
fn unchunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&rest[..at])?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16)?;
        if size == 0 {
            return Ok(Some(body));
        }
        let from = at + 2;
        let chunk = size.checked_add(from).and_then(|to| rest.get(from..to));
        let Some(chunk) = chunk else {
            return match size > MAX_BYTES {
                true => Err("the answer is too long".into()),
                false => Ok(None),
            };
        };
        body.extend_from_slice(chunk);
        rest = match rest.get(from + size..) {
            Some([b'\r', b'\n', rest @ ..]) => rest,
            Some([] | [b'\r']) | None => return Ok(None),
            Some(_) => return Err("a chunk is not as long as it says".into()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::ssl::SslAcceptor;
    use openssl::x509::extension::SubjectAlternativeName;
    use openssl::x509::{X509, X509Name};
    use std::net::TcpListener;

    fn read(answer: &str, ended: bool) -> Option<String> {
        let answer = whole(answer.as_bytes(), ended).ok()??;
        assert_eq!(answer.status, 200);
        Some(String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn bodies() {
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        assert_eq!(read(chunks, false).as_deref(), Some("abc"));
        for end in 0..chunks.len() - 4 {
            assert_eq!(read(&chunks[..end], true), None, "{end}");
        }
        let known = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc";
        assert_eq!(read(known, false).as_deref(), Some("ab"));
        let unknown = "HTTP/1.0 200 OK\r\n\r\nabc";
        assert_eq!(read(unknown, false), None);
        assert_eq!(read(unknown, true).as_deref(), Some("abc"));
        for wrong in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
        ] {
            assert!(whole(wrong.as_bytes(), true).is_err(), "{wrong}");
        }
        let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(MAX_BYTES + 1));
        assert!(whole(long.as_bytes(), true).is_err());
        let elsewhere = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
        let elsewhere = whole(elsewhere, false).unwrap().unwrap();
        assert_eq!(elsewhere.status, 302);
    }

    /// A server for one request, under a certificate of its own for `name`.
    fn serve(name: &str) -> (u16, PathBuf) {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        certificate.set_subject_name(&subject).unwrap();
        certificate.set_issuer_name(&subject).unwrap();
        certificate.set_pubkey(&key).unwrap();
        let (from, to) = (Asn1Time::days_from_now(0), Asn1Time::days_from_now(1));
        certificate.set_not_before(&from.unwrap()).unwrap();
        certificate.set_not_after(&to.unwrap()).unwrap();
        let names = SubjectAlternativeName::new()
            .dns(name)
            .build(&certificate.x509v3_context(None, None));
        certificate.append_extension(names.unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = certificate.build();
        let file = tempfile::NamedTempFile::new()
            .unwrap()
            .into_temp_path()
            .keep()
            .unwrap();
        std::fs::write(&file, certificate.to_pem().unwrap()).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
        acceptor.set_private_key(&key).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            // A client that does not trust the certificate goes away again.
            if let Ok(mut stream) = acceptor.accept(listener.accept().unwrap().0) {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            }
        });
        (port, file)
    }

    #[test]
    fn certificates_are_checked() {
        let get = |name: &str, trusting: bool| {
            let (port, file) = serve(name);
            let url = Url::parse(&format!("https://localhost:{port}/keys")).unwrap();
            fetch(&url, trusting.then_some(&*file))
        };
        assert_eq!(get("localhost", true).unwrap(), b"{}");
        assert!(get("localhost", false).is_err(), "an unknown certificate");
        assert!(get("elsewhere.example", true).is_err(), "of another host");
    }
}
