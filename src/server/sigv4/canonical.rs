//! The canonical request: what of a request is signed, in one form.

use super::SignedRequest;
use crate::model::hex;
use openssl::sha::sha256;

/// The canonical request for `signed_headers` (lower case, in their order).
pub(super) fn request(request: &SignedRequest<'_>, signed_headers: &[&str], list: &str) -> String {
    let mut out = String::with_capacity(512);
    for part in [
        request.method,
        "\n",
        path(request.path),
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
    hex::push(&mut out, &sha256(request.body));
    out
}

/// KMS has one path; it is taken as sent.
fn path(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// Parameters sorted by name, then value; each with its `=`.
fn query(query: &str) -> String {
    let mut parameters: Vec<(&str, &str)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .collect();
    parameters.sort_unstable();
    let joined: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    joined.join("&")
}

/// Trimmed, with each run of blanks made one.
fn push_collapsed(out: &mut String, value: &str) {
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
