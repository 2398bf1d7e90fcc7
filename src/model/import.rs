//! How key material is wrapped for its import, and which material may be wrapped how.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html>.

use super::KeySpec;
use super::algorithm::Hash;
use super::shapes::{WrappingAlgorithm, WrappingKeySpec};

/// The parts of a wrapping algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapping {
    /// The hash of the RSAES-OAEP part (RFC 8017 section 7.1).
    pub hash: Hash,
    /// Whether RSA encrypts an AES key, and that wraps the material (RFC 5649); else RSA encrypts
    /// the material itself.
    pub transport_key: bool,
}

impl WrappingAlgorithm {
    /// Its parts; `None` for those that AWS no longer has, or has in China alone.
    pub const fn parts(self) -> Option<Wrapping> {
        use WrappingAlgorithm as A;
        let (hash, transport_key) = match self {
            A::RsaesOaepSha1 => (Hash::Sha1, false),
            A::RsaesOaepSha256 => (Hash::Sha256, false),
            A::RsaAesKeyWrapSha1 => (Hash::Sha1, true),
            A::RsaAesKeyWrapSha256 => (Hash::Sha256, true),
            A::RsaesPkcs1V15 | A::Sm2Pke => return None,
        };
        Some(Wrapping {
            hash,
            transport_key,
        })
    }

    /// Whether material of `spec` may be wrapped so: an RSA private key is too long for RSA
    /// alone, and so is one of P-521 for RSA of 2048 bits.
    pub fn wraps(self, spec: KeySpec, with: WrappingKeySpec) -> bool {
        match self.parts() {
            None => false,
            Some(parts) if parts.transport_key => true,
            Some(_) if spec.rsa_bits().is_some() => false,
            Some(_) => (spec, with) != (KeySpec::EccNistP521, WrappingKeySpec::Rsa2048),
        }
    }
}

impl WrappingKeySpec {
    /// The wrapping key as a key of the token; `None` for SM2.
    pub const fn key_spec(self) -> Option<KeySpec> {
        match self {
            WrappingKeySpec::Rsa2048 => Some(KeySpec::Rsa2048),
            WrappingKeySpec::Rsa3072 => Some(KeySpec::Rsa3072),
            WrappingKeySpec::Rsa4096 => Some(KeySpec::Rsa4096),
            WrappingKeySpec::Sm2 => None,
        }
    }
}

impl KeySpec {
    /// Whether material of this spec can be imported.
    pub const fn is_importable(self) -> bool {
        use KeySpec as S;
        matches!(
            self,
            S::SymmetricDefault
                | S::Hmac224
                | S::Hmac256
                | S::Hmac384
                | S::Hmac512
                | S::Rsa2048
                | S::Rsa3072
                | S::Rsa4096
                | S::EccNistP256
                | S::EccNistP384
                | S::EccNistP521
                | S::EccSecgP256k1
        )
    }
}
