//! Blobs: base64 on the wire, wiped when dropped, and never shown.

use crate::model::member::{Member, Violations};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that are base64 on the wire; wiped when dropped, and never shown.
pub struct Blob(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<'de> serde::Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Blob;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blob, E> {
                STANDARD
                    .decode(text)
                    .map(|bytes| Blob(Zeroizing::new(bytes)))
                    .map_err(|_| E::custom("not base64"))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl serde::Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&*self.0)))
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// A blob newtype with a length range; never recorded.
macro_rules! blob_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Blob);

        impl Member for $name {
            type Wire = Blob;
            fn check(wire: Blob, at: &str, violations: &mut Violations) -> Option<Self> {
                violations.length(at, None, wire.0.len(), $min, $max).then_some(Self(wire))
            }
            fn recorded(&self) -> Option<Value> {
                None
            }
        }

        impl std::ops::Deref for $name {
            type Target = [u8];
            fn deref(&self) -> &[u8] {
                &self.0.0
            }
        }
    )*};
}

blob_shape! {
    /// `PlaintextType`: also the `Message` of Sign and GenerateMac.
    Plaintext 1..=4096;
    /// `CiphertextType`: also signatures, MACs, `ImportToken` and `EncryptedKeyMaterial`.
    Ciphertext 1..=6144;
    /// `PublicKeyType`.
    PublicKey 1..=8192;
    /// `AttestationDocumentType`.
    AttestationDocument 1..=262144;
}
