//! The algorithms that AWS names, and how they are put together.

use super::wire_enum;

wire_enum! {
    /// `EncryptionAlgorithmSpec`.
    EncryptionAlgorithm {
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        Sm2Pke = "SM2PKE",
    }
}

wire_enum! {
    /// `SigningAlgorithmSpec`.
    SigningAlgorithm {
        RsassaPssSha256 = "RSASSA_PSS_SHA_256",
        RsassaPssSha384 = "RSASSA_PSS_SHA_384",
        RsassaPssSha512 = "RSASSA_PSS_SHA_512",
        RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
        RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
        RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
        EcdsaSha256 = "ECDSA_SHA_256",
        EcdsaSha384 = "ECDSA_SHA_384",
        EcdsaSha512 = "ECDSA_SHA_512",
        Sm2Dsa = "SM2DSA",
        MlDsaShake256 = "ML_DSA_SHAKE_256",
        Ed25519Sha512 = "ED25519_SHA_512",
        Ed25519PhSha512 = "ED25519_PH_SHA_512",
    }
}

wire_enum! {
    /// `MacAlgorithmSpec`.
    MacAlgorithm {
        HmacSha224 = "HMAC_SHA_224",
        HmacSha256 = "HMAC_SHA_256",
        HmacSha384 = "HMAC_SHA_384",
        HmacSha512 = "HMAC_SHA_512",
    }
}

wire_enum! {
    /// `KeyAgreementAlgorithmSpec`.
    KeyAgreementAlgorithm {
        Ecdh = "ECDH",
    }
}

wire_enum! {
    /// `EncapsulationAlgorithmSpec`.
    EncapsulationAlgorithm {
        MlKem = "ML_KEM",
    }
}

wire_enum! {
    /// `MessageType`: what the `Message` of Sign and Verify is.
    MessageType {
        Raw = "RAW",
        Digest = "DIGEST",
        ExternalMu = "EXTERNAL_MU",
    }
}

/// A hash function of the SHA-2 family, or SHA-1 where OAEP still names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The digest's length in bytes.
    pub const fn len_bytes(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha224 => 28,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }
}

/// How a signature is put around its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// RSASSA-PSS, MGF1 with the same hash, salt as long as the digest (RFC 8017 section 8.1).
    Pss,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    Pkcs1V15,
    /// ECDSA; the signature is a DER `ECDSA-Sig-Value` (RFC 3279 section 2.2.3).
    Ecdsa,
}

impl SigningAlgorithm {
    /// Scheme and hash, for the algorithms that sign a SHA-2 digest.
    pub const fn parts(self) -> Option<(SignatureScheme, Hash)> {
        use SigningAlgorithm as A;
        Some(match self {
            A::RsassaPssSha256 => (SignatureScheme::Pss, Hash::Sha256),
            A::RsassaPssSha384 => (SignatureScheme::Pss, Hash::Sha384),
            A::RsassaPssSha512 => (SignatureScheme::Pss, Hash::Sha512),
            A::RsassaPkcs1V15Sha256 => (SignatureScheme::Pkcs1V15, Hash::Sha256),
            A::RsassaPkcs1V15Sha384 => (SignatureScheme::Pkcs1V15, Hash::Sha384),
            A::RsassaPkcs1V15Sha512 => (SignatureScheme::Pkcs1V15, Hash::Sha512),
            A::EcdsaSha256 => (SignatureScheme::Ecdsa, Hash::Sha256),
            A::EcdsaSha384 => (SignatureScheme::Ecdsa, Hash::Sha384),
            A::EcdsaSha512 => (SignatureScheme::Ecdsa, Hash::Sha512),
            A::Sm2Dsa | A::MlDsaShake256 | A::Ed25519Sha512 | A::Ed25519PhSha512 => return None,
        })
    }
}

impl MacAlgorithm {
    /// The hash under the HMAC (FIPS 198-1).
    pub const fn hash(self) -> Hash {
        match self {
            MacAlgorithm::HmacSha224 => Hash::Sha224,
            MacAlgorithm::HmacSha256 => Hash::Sha256,
            MacAlgorithm::HmacSha384 => Hash::Sha384,
            MacAlgorithm::HmacSha512 => Hash::Sha512,
        }
    }
}

impl EncryptionAlgorithm {
    /// The hash of an OAEP algorithm (RFC 8017 section 7.1).
    pub const fn oaep_hash(self) -> Option<Hash> {
        match self {
            EncryptionAlgorithm::RsaesOaepSha1 => Some(Hash::Sha1),
            EncryptionAlgorithm::RsaesOaepSha256 => Some(Hash::Sha256),
            EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => None,
        }
    }
}
