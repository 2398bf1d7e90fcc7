//! KeySpec × KeyUsage × algorithm, as AWS's tables have them.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>.

use super::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm,
    SigningAlgorithm, wire_enum,
};

wire_enum! {
    /// `KeySpec`: what kind of key a CMK is.
    KeySpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        EccNistP256 = "ECC_NIST_P256",
        EccNistP384 = "ECC_NIST_P384",
        EccNistP521 = "ECC_NIST_P521",
        EccSecgP256k1 = "ECC_SECG_P256K1",
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        Hmac224 = "HMAC_224",
        Hmac256 = "HMAC_256",
        Hmac384 = "HMAC_384",
        Hmac512 = "HMAC_512",
        Sm2 = "SM2",
        MlDsa44 = "ML_DSA_44",
        MlDsa65 = "ML_DSA_65",
        MlDsa87 = "ML_DSA_87",
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        MlKem512 = "ML_KEM_512",
        MlKem768 = "ML_KEM_768",
        MlKem1024 = "ML_KEM_1024",
    }
}

wire_enum! {
    /// `KeyUsageType`: the one thing a CMK may be used for.
    KeyUsage {
        SignVerify = "SIGN_VERIFY",
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        KeyAgreement = "KEY_AGREEMENT",
        EncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE",
    }
}

wire_enum! {
    /// `OriginType`: where a CMK's material comes from.
    Origin {
        AwsKms = "AWS_KMS",
        External = "EXTERNAL",
        AwsCloudHsm = "AWS_CLOUDHSM",
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// `RotationType`: what made a version current.
    RotationType {
        Automatic = "AUTOMATIC",
        OnDemand = "ON_DEMAND",
    }
}

wire_enum! {
    /// `DataKeySpec`: the length of a symmetric data key.
    DataKeySpec {
        Aes256 = "AES_256",
        Aes128 = "AES_128",
    }
}

wire_enum! {
    /// `DataKeyPairSpec`: the kind of an asymmetric data key.
    DataKeyPairSpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        EccNistP256 = "ECC_NIST_P256",
        EccNistP384 = "ECC_NIST_P384",
        EccNistP521 = "ECC_NIST_P521",
        EccSecgP256k1 = "ECC_SECG_P256K1",
        Sm2 = "SM2",
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        MlKem512 = "ML_KEM_512",
        MlKem768 = "ML_KEM_768",
        MlKem1024 = "ML_KEM_1024",
    }
}

impl DataKeySpec {
    /// The data key's length in bytes.
    pub const fn len_bytes(self) -> usize {
        match self {
            DataKeySpec::Aes256 => 32,
            DataKeySpec::Aes128 => 16,
        }
    }
}

impl DataKeyPairSpec {
    /// The CMKs of the same kind.
    pub const fn key_spec(self) -> KeySpec {
        match self {
            DataKeyPairSpec::Rsa2048 => KeySpec::Rsa2048,
            DataKeyPairSpec::Rsa3072 => KeySpec::Rsa3072,
            DataKeyPairSpec::Rsa4096 => KeySpec::Rsa4096,
            DataKeyPairSpec::EccNistP256 => KeySpec::EccNistP256,
            DataKeyPairSpec::EccNistP384 => KeySpec::EccNistP384,
            DataKeyPairSpec::EccNistP521 => KeySpec::EccNistP521,
            DataKeyPairSpec::EccSecgP256k1 => KeySpec::EccSecgP256k1,
            DataKeyPairSpec::Sm2 => KeySpec::Sm2,
            DataKeyPairSpec::EccNistEdwards25519 => KeySpec::EccNistEdwards25519,
            DataKeyPairSpec::MlKem512 => KeySpec::MlKem512,
            DataKeyPairSpec::MlKem768 => KeySpec::MlKem768,
            DataKeyPairSpec::MlKem1024 => KeySpec::MlKem1024,
        }
    }
}

impl KeySpec {
    /// Whether there is a public half.
    pub const fn is_asymmetric(self) -> bool {
        !matches!(
            self,
            KeySpec::SymmetricDefault
                | KeySpec::Hmac224
                | KeySpec::Hmac256
                | KeySpec::Hmac384
                | KeySpec::Hmac512
        )
    }

    /// The modulus length of an RSA spec, in bits.
    pub const fn rsa_bits(self) -> Option<u32> {
        match self {
            KeySpec::Rsa2048 => Some(2048),
            KeySpec::Rsa3072 => Some(3072),
            KeySpec::Rsa4096 => Some(4096),
            _ => None,
        }
    }

    /// The KeyUsages that AWS allows for this spec.
    pub const fn usages(self) -> &'static [KeyUsage] {
        use KeyUsage as U;
        match self {
            KeySpec::SymmetricDefault => &[U::EncryptDecrypt],
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                &[U::EncryptDecrypt, U::SignVerify]
            }
            KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 => {
                &[U::SignVerify, U::KeyAgreement]
            }
            KeySpec::EccSecgP256k1
            | KeySpec::EccNistEdwards25519
            | KeySpec::MlDsa44
            | KeySpec::MlDsa65
            | KeySpec::MlDsa87 => &[U::SignVerify],
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
                &[U::GenerateVerifyMac]
            }
            KeySpec::Sm2 => &[U::EncryptDecrypt, U::SignVerify, U::KeyAgreement],
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => {
                &[U::EncapsulateDecapsulate]
            }
        }
    }

    /// The EncryptionAlgorithms of this spec under `usage`.
    pub const fn encryption_algorithms(self, usage: KeyUsage) -> &'static [EncryptionAlgorithm] {
        use EncryptionAlgorithm as A;
        match (usage, self) {
            (KeyUsage::EncryptDecrypt, KeySpec::SymmetricDefault) => &[A::SymmetricDefault],
            (KeyUsage::EncryptDecrypt, KeySpec::Sm2) => &[A::Sm2Pke],
            (KeyUsage::EncryptDecrypt, _) => &[A::RsaesOaepSha1, A::RsaesOaepSha256],
            _ => &[],
        }
    }

    /// The SigningAlgorithms of this spec under `usage`.
    pub const fn signing_algorithms(self, usage: KeyUsage) -> &'static [SigningAlgorithm] {
        use SigningAlgorithm as A;
        match (usage, self) {
            (KeyUsage::SignVerify, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096) => &[
                A::RsassaPkcs1V15Sha256,
                A::RsassaPkcs1V15Sha384,
                A::RsassaPkcs1V15Sha512,
                A::RsassaPssSha256,
                A::RsassaPssSha384,
                A::RsassaPssSha512,
            ],
            (KeyUsage::SignVerify, KeySpec::EccNistP256 | KeySpec::EccSecgP256k1) => {
                &[A::EcdsaSha256]
            }
            (KeyUsage::SignVerify, KeySpec::EccNistP384) => &[A::EcdsaSha384],
            (KeyUsage::SignVerify, KeySpec::EccNistP521) => &[A::EcdsaSha512],
            (KeyUsage::SignVerify, KeySpec::EccNistEdwards25519) => {
                &[A::Ed25519Sha512, A::Ed25519PhSha512]
            }
            (KeyUsage::SignVerify, KeySpec::Sm2) => &[A::Sm2Dsa],
            (KeyUsage::SignVerify, KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87) => {
                &[A::MlDsaShake256]
            }
            _ => &[],
        }
    }

    /// The KeyAgreementAlgorithms of this spec under `usage`.
    pub const fn key_agreement_algorithms(
        self,
        usage: KeyUsage,
    ) -> &'static [KeyAgreementAlgorithm] {
        match usage {
            KeyUsage::KeyAgreement => &[KeyAgreementAlgorithm::Ecdh],
            _ => &[],
        }
    }

    /// The EncapsulationAlgorithms of this spec under `usage`.
    pub const fn encapsulation_algorithms(
        self,
        usage: KeyUsage,
    ) -> &'static [EncapsulationAlgorithm] {
        match usage {
            KeyUsage::EncapsulateDecapsulate => &[EncapsulationAlgorithm::MlKem],
            _ => &[],
        }
    }

    /// The length of an encapsulated secret under an ML-KEM spec, in bytes (FIPS 203 table 3).
    pub const fn encapsulation_len_bytes(self) -> Option<usize> {
        match self {
            KeySpec::MlKem512 => Some(768),
            KeySpec::MlKem768 => Some(1088),
            KeySpec::MlKem1024 => Some(1568),
            _ => None,
        }
    }

    /// The MacAlgorithms of this spec.
    pub const fn mac_algorithms(self) -> &'static [MacAlgorithm] {
        match self {
            KeySpec::Hmac224 => &[MacAlgorithm::HmacSha224],
            KeySpec::Hmac256 => &[MacAlgorithm::HmacSha256],
            KeySpec::Hmac384 => &[MacAlgorithm::HmacSha384],
            KeySpec::Hmac512 => &[MacAlgorithm::HmacSha512],
            _ => &[],
        }
    }
}
