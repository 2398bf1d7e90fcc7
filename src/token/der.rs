//! As much DER (X.690) as keys need, in memory that is wiped: OpenSSL leaves copies of an EC key's
//! scalar behind when it reads or writes one.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

/// An element with `parts` in it, one behind the other; none here comes near 65,536 bytes.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let [.., high, low] = len.to_be_bytes();
    // Made at its full length, so that no copy of a part stays behind.
    let mut der = Zeroizing::new(Vec::with_capacity(len + 4));
    match len {
        0..0x80 => der.extend([tag, low]),
        0x80..0x100 => der.extend([tag, 0x81, low]),
        _ => der.extend([tag, 0x82, high, low]),
    }
    for part in parts {
        der.extend_from_slice(part);
    }
    der
}

/// The content of the first element of `der`, which must have this tag, and what is behind it.
pub(super) fn read(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match der.split_first().filter(|(first, _)| **first == tag)?.1 {
        [0x81, len, rest @ ..] => (usize::from(*len), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [len, rest @ ..] if *len < 0x80 => (usize::from(*len), rest),
        _ => return None,
    };
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_at_every_length() {
        for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            let content = vec![7; len];
            let (front, back) = content.split_at(len / 2);
            let der = element(OCTET_STRING, &[front, back]);
            let longer = [&der[..], &[1]].concat();
            assert_eq!(read(OCTET_STRING, &longer), Some((&content[..], &[1][..])));
            assert_eq!(read(SEQUENCE, &der), None);
            assert_eq!(read(OCTET_STRING, &der[..der.len() - 1]), None);
        }
        assert_eq!(read(SEQUENCE, &[0x30, 0x80, 0, 0]), None);
        assert_eq!(read(SEQUENCE, &[]), None);
    }
}
