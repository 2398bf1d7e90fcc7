//! How a key pair of each spec is made, whether it is to be a CMK or a data key pair: the key type,
//! the mechanism, and what only a generation takes.

use super::public_key::curve;
use crate::model::KeySpec;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{
    Attribute, KeyType, MlDsaParameterSetType, MlKemParameterSetType, ParameterSetType,
};
use cryptoki::types::Ulong;

/// What C_GenerateKeyPair is given for one spec.
pub(super) struct Pair {
    pub(super) key_type: KeyType,
    pub(super) mechanism: Mechanism<'static>,
    /// For the public template: modulus length, curve or parameter set.
    pub(super) parameters: Vec<Attribute>,
}

/// The pair of an asymmetric spec; `None` where PKCS#11 has no mechanism for it (SM2).
pub(super) fn pair(spec: KeySpec) -> Option<Pair> {
    use KeySpec as S;
    if let Some(bits) = spec.rsa_bits() {
        return Some(Pair {
            key_type: KeyType::RSA,
            mechanism: Mechanism::RsaPkcsKeyPairGen,
            parameters: vec![
                Attribute::ModulusBits(Ulong::from(u64::from(bits))),
                Attribute::PublicExponent(vec![1, 0, 1]),
            ],
        });
    }
    if let Some(curve) = curve(spec) {
        return Some(Pair {
            key_type: KeyType::EC,
            mechanism: Mechanism::EccKeyPairGen,
            parameters: vec![Attribute::EcParams(curve.params.to_vec())],
        });
    }
    let ml_dsa = |set: MlDsaParameterSetType| {
        let (key_type, mechanism) = (KeyType::ML_DSA, Mechanism::MlDsaKeyPairGen);
        Some(with_parameter_set(key_type, mechanism, set.into()))
    };
    let ml_kem = |set: MlKemParameterSetType| {
        let (key_type, mechanism) = (KeyType::ML_KEM, Mechanism::MlKemKeyPairGen);
        Some(with_parameter_set(key_type, mechanism, set.into()))
    };
    match spec {
        S::EccNistEdwards25519 => Some(Pair {
            key_type: KeyType::EC_EDWARDS,
            mechanism: Mechanism::EccEdwardsKeyPairGen,
            parameters: vec![Attribute::EcParams(ED25519_PARAMS.to_vec())],
        }),
        S::MlDsa44 => ml_dsa(MlDsaParameterSetType::ML_DSA_44),
        S::MlDsa65 => ml_dsa(MlDsaParameterSetType::ML_DSA_65),
        S::MlDsa87 => ml_dsa(MlDsaParameterSetType::ML_DSA_87),
        S::MlKem512 => ml_kem(MlKemParameterSetType::ML_KEM_512),
        S::MlKem768 => ml_kem(MlKemParameterSetType::ML_KEM_768),
        S::MlKem1024 => ml_kem(MlKemParameterSetType::ML_KEM_1024),
        _ => None,
    }
}

/// `CKA_EC_PARAMS` of Ed25519: its object identifier, 1.3.101.112 (RFC 8410 section 3).
pub(super) const ED25519_PARAMS: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

fn with_parameter_set(
    key_type: KeyType,
    mechanism: Mechanism<'static>,
    set: ParameterSetType,
) -> Pair {
    Pair {
        key_type,
        mechanism,
        parameters: vec![Attribute::ParameterSet(set)],
    }
}
