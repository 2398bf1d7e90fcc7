//! The canonical request: what of a request is signed, in one form.

use super::SignedRequest;
use crate::model::hex;
use sha2::{Digest, Sha256};

/// The canonical request for `signed_headers` (lower case, in their order).
pub(super) fn request(request: &SignedRequest<'_>, signed_headers: &[&str], list: &str) -> String {
    let mut out = String::with_capacity(1024);
    for part in [
        request.method,
        "\n",
        &path(request.path),
        "\n",
        &query(request.query),
        "\n",
    ] {
        out.push_str(part);
    }
    for name in signed_headers {
        out.push_str(name);
        out.push(':');
        let values = request
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        for (at, (_, value)) in values.enumerate() {
            if at > 0 {
                out.push(',');
            }
            push_collapsed(&mut out, value);
        }
        out.push('\n');
    }
    out.push('\n');
    out.push_str(list);
    out.push('\n');
    hex::push(&mut out, &Sha256::digest(request.body));
    out
}

/// Without empty segments, `.` and `..`, and encoded once more: as all services have it but S3.
fn path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let mut out = String::from("/");
    push_encoded(&mut out, &segments.join("/"), b'/');
    if path.ends_with('/') && !segments.is_empty() {
        out.push('/');
    }
    out
}

/// Parameters sorted by name, then value; each with its `=`. What is encoded already stays so.
fn query(query: &str) -> String {
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    parameters.sort_unstable();
    let joined: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    joined.join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_encoded(&mut out, text, b'%');
    out
}

/// Percent-encoded, but for RFC 3986's unreserved characters and `kept`.
fn push_encoded(out: &mut String, text: &str, kept: u8) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into());
            }
            _ if byte == kept => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// Trimmed, with each run of blanks made one.
fn push_collapsed(out: &mut String, value: &str) {
    // As nearly all values are.
    if !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.contains("  ")
        && !value.contains('\t')
    {
        return out.push_str(value);
    }
    for (at, word) in value
        .split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .enumerate()
    {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}
