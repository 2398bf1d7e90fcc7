//! What Encrypt returns for a symmetric CMK: self-describing to the gateway, opaque to callers.
//!
//! ```text
//! 0        1                17       29                       n-16      n
//! | format | key version    | IV     | ciphertext             | tag     |
//! ```
//!
//! The AAD of the AES-256-GCM call is format and key version, then the encryption context in its
//! canonical form; the context itself is not in the blob.

use super::EncryptionContext;
use uuid::Uuid;

/// The only format so far: AES-256-GCM, 96-bit IV, 128-bit tag (NIST SP 800-38D).
const FORMAT_GCM: u8 = 1;
const HEADER_BYTES: usize = 1 + 16;
/// Length of the IV in bytes.
pub const IV_BYTES: usize = 12;
/// Length of the tag in bytes.
pub const TAG_BYTES: usize = 16;

/// A parsed CiphertextBlob: nothing in it is authenticated before the token has opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CiphertextBlob<'a> {
    /// The key version that the blob says it was made with.
    pub version: Uuid,
    /// The IV.
    pub iv: [u8; IV_BYTES],
    /// Ciphertext, then tag.
    pub sealed: &'a [u8],
}

impl<'a> CiphertextBlob<'a> {
    /// `None` for anything that cannot be a blob of this gateway.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&format, rest) = bytes.split_first()?;
        let (version, rest) = rest.split_first_chunk::<16>()?;
        let (iv, sealed) = rest.split_first_chunk::<IV_BYTES>()?;
        (format == FORMAT_GCM && sealed.len() > TAG_BYTES).then_some(Self {
            version: Uuid::from_bytes(*version),
            iv: *iv,
            sealed,
        })
    }
}

/// The blob of a ciphertext that the token made under `version`; `sealed` is ciphertext, then tag.
pub fn encode(version: Uuid, iv: &[u8; IV_BYTES], sealed: &[u8]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(HEADER_BYTES + IV_BYTES + sealed.len());
    write_header(version, &mut blob);
    blob.extend_from_slice(iv);
    blob.extend_from_slice(sealed);
    blob
}

/// The AAD of a blob under `version` and `context`.
pub fn aad(version: Uuid, context: &EncryptionContext) -> Vec<u8> {
    let mut aad = Vec::with_capacity(HEADER_BYTES + 4 + context.len_bytes() + 8 * context.0.len());
    write_header(version, &mut aad);
    context.write_canonical(&mut aad);
    aad
}

fn write_header(version: Uuid, out: &mut Vec<u8>) {
    out.push(FORMAT_GCM);
    out.extend_from_slice(version.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let version = Uuid::from_bytes([7; 16]);
        let blob = encode(version, &[3; 12], &[9; 17]);
        let parsed = CiphertextBlob::parse(&blob).unwrap();
        assert_eq!(
            (parsed.version, parsed.iv, parsed.sealed),
            (version, [3; 12], &[9; 17][..])
        );
        for short in 0..blob.len() {
            assert!(CiphertextBlob::parse(&blob[..short]).is_none(), "{short}");
        }
        let mut other = blob;
        other[0] = 2;
        assert!(CiphertextBlob::parse(&other).is_none());
    }

    #[test]
    fn contexts_never_share_an_aad() {
        let context = |pairs: &[(&str, &str)]| {
            EncryptionContext(
                pairs
                    .iter()
                    .map(|(k, v)| ((*k).into(), (*v).into()))
                    .collect(),
            )
        };
        let v = Uuid::nil();
        assert_ne!(
            aad(v, &context(&[("a", "bc")])),
            aad(v, &context(&[("ab", "c")]))
        );
        assert_ne!(aad(v, &context(&[])), aad(v, &context(&[("", "")])));
        assert_eq!(
            aad(v, &context(&[("a", "1"), ("b", "2")])),
            aad(v, &context(&[("b", "2"), ("a", "1")]))
        );
    }
}
