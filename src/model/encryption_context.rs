//! The encryption context: caller-chosen pairs that a ciphertext is bound to.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html>.

use std::collections::BTreeMap;

/// Non-secret pairs that must be given again, exactly, to decrypt. Order does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct EncryptionContext(pub BTreeMap<String, String>);

impl EncryptionContext {
    /// What a request without one has.
    pub const NONE: &Self = &Self(BTreeMap::new());

    /// The most bytes that keys and values may have together.
    pub const MAX_BYTES: usize = 8192;

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values together, in bytes.
    pub fn len_bytes(&self) -> usize {
        self.0
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }

    /// Appends the canonical form: the number of pairs, then each key and value behind its
    /// length, in the byte order of the keys; every number is 32 bits, big-endian. No two
    /// contexts share a form.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        let number = |out: &mut Vec<u8>, n: usize| {
            out.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes());
        };
        number(out, self.0.len());
        for (key, value) in &self.0 {
            for text in [key, value] {
                number(out, text.len());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}
