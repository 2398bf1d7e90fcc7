//! A certificate's subject as text.

use openssl::nid::Nid;
use openssl::x509::X509NameRef;

/// A subject by RFC 2253: the last part first. `None` for one that cannot be written so that it means
/// nothing else: parts that are no plain text, or several in one place.
pub(super) fn rfc2253(name: &X509NameRef) -> Result<Option<String>, openssl::error::ErrorStack> {
    let mut parts = Vec::new();
    for entry in name.entries() {
        let nid = entry.object().nid();
        let value = entry.data().to_string()?;
        if nid == Nid::UNDEF || value.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(None);
        }
        parts.push(format!("{}={}", nid.short_name()?, escaped(&value)));
    }
    parts.reverse();
    let sets = elements(&name.to_der()?);
    Ok((sets == Some(parts.len())).then(|| parts.join(",")))
}

/// As OpenSSL escapes a value: what has a meaning, and what is not printable ASCII.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, byte) in value.bytes().enumerate() {
        let last = at + 1 == value.len();
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => out.extend(['\\', byte.into()]),
            b'#' if at == 0 => out.push_str("\\#"),
            b' ' if at == 0 || last => out.push_str("\\ "),
            b' '..=b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("\\{byte:02X}")),
        }
    }
    out
}

/// How many elements a DER sequence has.
fn elements(der: &[u8]) -> Option<usize> {
    let (mut rest, after) = element(der)?;
    let mut count = 0;
    while !rest.is_empty() {
        rest = element(rest)?.1;
        count += 1;
    }
    after.is_empty().then_some(count)
}

/// The content of a DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().try_fold(0usize, |length, byte| {
                length.checked_mul(256)?.checked_add(usize::from(*byte))
            });
            (length?, rest)
        }
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Type;
    use openssl::x509::{X509Name, X509NameBuilder};

    fn written(fill: impl FnOnce(&mut X509NameBuilder)) -> Option<String> {
        let mut name = X509Name::builder().unwrap();
        fill(&mut name);
        rfc2253(&name.build()).unwrap()
    }

    #[test]
    fn a_subject_is_written_as_openssl_does() {
        let plain = written(|name| {
            name.append_entry_by_text("C", "DE").unwrap();
            name.append_entry_by_text("O", "Example, Inc.").unwrap();
            name.append_entry_by_text("CN", " #é+ ").unwrap();
        });
        assert_eq!(
            plain.as_deref(),
            Some("CN=\\ #\\C3\\A9\\+\\ ,O=Example\\, Inc.,C=DE")
        );
    }

    #[test]
    fn a_subject_that_could_be_another_is_none() {
        let hidden = written(|name| {
            name.append_entry_by_text_with_type("CN", "alice\0.example", Asn1Type::UTF8STRING)
                .unwrap();
        });
        assert_eq!(hidden.as_deref(), Some("CN=alice\\00.example"));
        let unreadable = written(|name| {
            name.append_entry_by_text_with_type("CN", "al\u{fffd}ce", Asn1Type::UTF8STRING)
                .unwrap();
        });
        assert_eq!(unreadable, None);
        // CN=a+OU=b, in one set.
        let several = [
            0x30, 0x18, 0x31, 0x16, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, b'a',
            0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x0b, 0x0c, 0x03, b'b', b'b', b'b',
        ];
        assert_eq!(elements(&several), Some(1));
        assert_eq!(elements(&several[..25]), None);
    }
}
