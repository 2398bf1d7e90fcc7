//! Key material that OpenSSL wrapped, unwrapped by the token.

use crate::objects::beside;
use crate::support::{Sandbox, isolated};
use crate::wrapping::wrap;
use cryptoki::object::{Attribute, ObjectClass};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use secrecy::{ExposeSecret, SecretSlice};
use strongroom::model::shapes::WrappingAlgorithm;
use strongroom::model::{EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, SigningAlgorithm};
use strongroom::token::{Birth, Import, Imported, KeyRef, Token, TokenErrorClass};
use uuid::Uuid;

const ALL: [WrappingAlgorithm; 4] = [
    WrappingAlgorithm::RsaesOaepSha1,
    WrappingAlgorithm::RsaesOaepSha256,
    WrappingAlgorithm::RsaAesKeyWrapSha1,
    WrappingAlgorithm::RsaAesKeyWrapSha256,
];

struct Wrapping {
    id: Uuid,
    algorithm: WrappingAlgorithm,
    public_key: Vec<u8>,
}

impl Wrapping {
    async fn new(token: &Token, algorithm: WrappingAlgorithm, material: KeySpec) -> Self {
        let id = Uuid::new_v4();
        let kind = (KeySpec::Rsa3072, algorithm);
        let public_key = token
            .generate_wrapping_key(id, "wrapping", kind, material)
            .await
            .unwrap();
        Self {
            id,
            algorithm,
            public_key,
        }
    }

    async fn import(&self, token: &Token, spec: KeySpec, material: &[u8]) -> (Uuid, Imported) {
        let wrapped = wrap(self.algorithm.as_str(), &self.public_key, material);
        let usage = spec.usages().first().copied().unwrap();
        self.import_wrapped(token, spec, usage, wrapped).await
    }

    async fn import_wrapped(
        &self,
        token: &Token,
        spec: KeySpec,
        usage: KeyUsage,
        wrapped: Vec<u8>,
    ) -> (Uuid, Imported) {
        let import = Import {
            object: Uuid::new_v4(),
            label: "imported".into(),
            spec,
            usage,
            wrapping_key: self.id,
            wrapping_spec: KeySpec::Rsa3072,
            algorithm: self.algorithm,
            wrapped,
        };
        let object = import.object;
        (object, token.import(import).await.unwrap())
    }

    async fn made(&self, token: &Token, spec: KeySpec, material: &[u8]) -> (KeyRef, Birth) {
        let (object, imported) = self.import(token, spec, material).await;
        let Imported::Made {
            birth,
            through_memory,
        } = imported
        else {
            panic!("{spec} by {}: {imported:?}", self.algorithm);
        };
        use WrappingAlgorithm as A;
        // SoftHSM has OAEP with SHA-1 only, and does not say how long an unwrapped secret key is.
        let sha1 = matches!(self.algorithm, A::RsaesOaepSha1 | A::RsaAesKeyWrapSha1);
        let expected = !(sha1 && spec.is_asymmetric());
        assert_eq!(through_memory, expected, "{}", self.algorithm);
        assert!(!birth.local && !birth.never_extractable);
        let usage = spec.usages().first().copied().unwrap();
        let public = birth.public_key.clone().map(Into::into);
        let certificate = serde_json::to_value(&birth).unwrap();
        let key = reference(object, spec, usage, public).born(certificate.into());
        (key, birth)
    }
}

#[allow(clippy::disallowed_methods)] // a test of the layer that has them
fn reference(
    object: Uuid,
    spec: KeySpec,
    usage: KeyUsage,
    public_key: Option<std::sync::Arc<[u8]>>,
) -> KeyRef {
    KeyRef::new(object, spec, usage, public_key)
}

async fn token(sandbox: &Sandbox) -> Token {
    sandbox
        .token_with(|config| config.import_through_memory = true)
        .await
}

#[test]
fn secret_keys_are_what_was_wrapped() {
    isolated(
        "import::secret_keys_are_what_was_wrapped",
        |sandbox| async move {
            let token = token(&sandbox).await;
            for algorithm in ALL {
                let wrapping = Wrapping::new(&token, algorithm, KeySpec::SymmetricDefault).await;
                let material = [7; 32];
                let (key, _) = wrapping
                    .made(&token, KeySpec::SymmetricDefault, &material)
                    .await;
                let sealed = token
                    .seal(&key, b"aad".to_vec(), SecretSlice::from(b"text".to_vec()))
                    .await
                    .unwrap();
                let (ciphertext, tag) = sealed.ciphertext.split_at(4);
                let opened = openssl::symm::decrypt_aead(
                    openssl::symm::Cipher::aes_256_gcm(),
                    &material,
                    Some(&sealed.iv),
                    b"aad",
                    ciphertext,
                    tag,
                );
                assert_eq!(opened.unwrap(), b"text");
                for (spec, mac, digest, len) in [
                    (
                        KeySpec::Hmac224,
                        MacAlgorithm::HmacSha224,
                        MessageDigest::sha224(),
                        28,
                    ),
                    (
                        KeySpec::Hmac512,
                        MacAlgorithm::HmacSha512,
                        MessageDigest::sha512(),
                        64,
                    ),
                ] {
                    let material = vec![9; len];
                    let (key, _) = wrapping.made(&token, spec, &material).await;
                    let found = token.mac(&key, mac, b"message".to_vec()).await.unwrap();
                    let outside = PKey::hmac(&material).unwrap();
                    let mut signer = openssl::sign::Signer::new(digest, &outside).unwrap();
                    assert_eq!(found, signer.sign_oneshot_to_vec(b"message").unwrap());
                }
                for (spec, len) in [
                    (KeySpec::SymmetricDefault, 16),
                    (KeySpec::SymmetricDefault, 33),
                    (KeySpec::Hmac224, 32),
                ] {
                    let (object, unfit) = wrapping.import(&token, spec, &vec![1; len]).await;
                    // AES of 33 bytes some tokens refuse at once.
                    let refused = matches!(unfit, Imported::Unfit(_) | Imported::Undecipherable);
                    assert!(refused, "{spec} of {len} bytes: {unfit:?}");
                    assert!(!token.object_ids().await.unwrap().contains(&object));
                }
            }
            token.close().await;
        },
    );
}

fn pairs() -> Vec<(KeySpec, PKey<Private>)> {
    let curve = |nid| {
        let group = EcGroup::from_curve_name(nid).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    vec![
        (KeySpec::EccNistP256, curve(Nid::X9_62_PRIME256V1)),
        (KeySpec::EccNistP384, curve(Nid::SECP384R1)),
        (KeySpec::EccNistP521, curve(Nid::SECP521R1)),
        (KeySpec::EccSecgP256k1, curve(Nid::SECP256K1)),
        (
            KeySpec::Rsa2048,
            PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
        ),
        (
            KeySpec::Rsa4096,
            PKey::from_rsa(Rsa::generate(4096).unwrap()).unwrap(),
        ),
    ]
}

#[test]
fn private_keys_have_their_public_half() {
    isolated(
        "import::private_keys_have_their_public_half",
        |sandbox| async move {
            let token = token(&sandbox).await;
            let pairs = pairs();
            for algorithm in ALL {
                let wrapping = Wrapping::new(&token, algorithm, KeySpec::EccNistP256).await;
                for (spec, pair) in &pairs {
                    if spec.rsa_bits().is_some() && !algorithm.parts().unwrap().transport_key {
                        continue;
                    }
                    let pkcs8 = pair.private_key_to_pkcs8().unwrap();
                    let (key, birth) = wrapping.made(&token, *spec, &pkcs8).await;
                    assert_eq!(birth.public_key, Some(pair.public_key_to_der().unwrap()));
                    let usage = spec.usages().first().copied().unwrap();
                    if usage == KeyUsage::EncryptDecrypt {
                        let rsa = EncryptionAlgorithm::RsaesOaepSha256;
                        let text = SecretSlice::from(b"text".to_vec());
                        let sealed = token.rsa_encrypt(&key, rsa, text).await.unwrap();
                        let opened = token.rsa_decrypt(&key, rsa, sealed).await.unwrap();
                        assert_eq!(opened.unwrap().expose_secret(), b"text");
                        continue;
                    }
                    let signing = match spec {
                        KeySpec::EccNistP384 => SigningAlgorithm::EcdsaSha384,
                        KeySpec::EccNistP521 => SigningAlgorithm::EcdsaSha512,
                        _ => SigningAlgorithm::EcdsaSha256,
                    };
                    let digest = vec![3; signing.parts().unwrap().1.len_bytes()];
                    let signature = token.sign(&key, signing, digest.clone()).await.unwrap();
                    let outside = openssl::ecdsa::EcdsaSig::from_der(&signature).unwrap();
                    assert!(outside.verify(&digest, &pair.ec_key().unwrap()).unwrap());
                    let verified = token.verify(&key, signing, digest, signature).await;
                    assert!(verified.unwrap(), "the public key object");
                }
                let (object, unfit) = wrapping
                    .import(
                        &token,
                        KeySpec::EccNistP256,
                        &pairs[3].1.private_key_to_pkcs8().unwrap(),
                    )
                    .await;
                assert!(
                    matches!(unfit, Imported::Unfit(_)),
                    "another curve: {unfit:?}"
                );
                assert!(!token.object_ids().await.unwrap().contains(&object));
            }
            token.close().await;
        },
    );
}

#[test]
fn what_does_not_sign_has_its_public_half_too() {
    isolated(
        "import::what_does_not_sign_has_its_public_half_too",
        |sandbox| async move {
            let token = token(&sandbox).await;
            let pairs = pairs();
            let (spec, pair) = &pairs[0];
            let pkcs8 = pair.private_key_to_pkcs8().unwrap();
            let peer = PKey::from_ec_key(EcKey::generate(pair.ec_key().unwrap().group()).unwrap());
            let peer = peer.unwrap();
            for algorithm in ALL {
                let wrapping = Wrapping::new(&token, algorithm, *spec).await;
                let wrapped = wrap(algorithm.as_str(), &wrapping.public_key, &pkcs8);
                let usage = KeyUsage::KeyAgreement;
                let (object, imported) =
                    wrapping.import_wrapped(&token, *spec, usage, wrapped).await;
                let Imported::Made { birth, .. } = imported else {
                    panic!("{algorithm}: {imported:?}");
                };
                let public_key = birth.public_key.unwrap();
                assert_eq!(public_key, pair.public_key_to_der().unwrap());
                let key = reference(object, *spec, usage, Some(public_key.into()));
                let spki = peer.public_key_to_der().unwrap();
                let secret = token.derive(&key, spki).await.unwrap();
                let mut deriver = openssl::derive::Deriver::new(pair).unwrap();
                deriver.set_peer(&peer).unwrap();
                assert_eq!(secret.expose_secret(), deriver.derive_to_vec().unwrap());

                let other = pairs[1].1.private_key_to_pkcs8().unwrap();
                let wrapped = wrap(algorithm.as_str(), &wrapping.public_key, &other);
                let (_, unfit) = wrapping.import_wrapped(&token, *spec, usage, wrapped).await;
                assert!(matches!(unfit, Imported::Unfit(_)), "{unfit:?}");
                let passing = [
                    Attribute::Token(false),
                    Attribute::Class(ObjectClass::PRIVATE_KEY),
                ];
                let session = beside();
                let left = session.find_objects(&passing).unwrap();
                assert!(left.is_empty(), "{algorithm}: {left:?}");
            }
            token.close().await;
        },
    );
}

#[test]
fn what_is_not_wrapped_so_leaves_nothing() {
    isolated(
        "import::what_is_not_wrapped_so_leaves_nothing",
        |sandbox| async move {
            let token = token(&sandbox).await;
            for algorithm in ALL {
                let wrapping = Wrapping::new(&token, algorithm, KeySpec::SymmetricDefault).await;
                let right = wrap(algorithm.as_str(), &wrapping.public_key, &[7; 32]);
                let before = token.object_ids().await.unwrap();
                let mut wrong = vec![Vec::new(), right[1..].to_vec(), vec![0xff; right.len()]];
                for at in [0, 383, right.len() - 1] {
                    let mut flipped = right.clone();
                    flipped[at] ^= 1;
                    wrong.push(flipped);
                }
                wrong.push([right.clone(), vec![0; 8]].concat());
                for other in ALL.into_iter().filter(|other| *other != algorithm) {
                    wrong.push(wrap(other.as_str(), &wrapping.public_key, &[7; 32]));
                }
                for wrapped in wrong {
                    let (_, imported) = wrapping
                        .import_wrapped(
                            &token,
                            KeySpec::SymmetricDefault,
                            KeyUsage::EncryptDecrypt,
                            wrapped,
                        )
                        .await;
                    assert!(
                        matches!(imported, Imported::Undecipherable),
                        "{algorithm}: {imported:?}"
                    );
                }
                assert_eq!(token.object_ids().await.unwrap(), before);
            }
            token.close().await;
        },
    );
}

#[test]
fn memory_is_used_only_where_it_may_be() {
    isolated(
        "import::memory_is_used_only_where_it_may_be",
        |sandbox| async move {
            let token = sandbox.token().await;
            for algorithm in ALL {
                for material in [KeySpec::EccNistP256, KeySpec::SymmetricDefault] {
                    let id = Uuid::new_v4();
                    let kind = (KeySpec::Rsa2048, algorithm);
                    let made = token
                        .generate_wrapping_key(id, "wrapping", kind, material)
                        .await;
                    use WrappingAlgorithm as A;
                    let sha1 = matches!(algorithm, A::RsaesOaepSha1 | A::RsaAesKeyWrapSha1);
                    if sha1 && material.is_asymmetric() {
                        made.unwrap();
                        continue;
                    }
                    let error = made.unwrap_err();
                    assert_eq!(error.class, TokenErrorClass::Unsupported);
                    assert!(error.detail.contains("import_through_memory"), "{error}");
                }
            }
            token.close().await;
        },
    );
}

/// See `kryoptic.rs`.
#[test]
#[ignore = "needs Kryoptic"]
fn a_token_that_can_does_all_of_it() {
    isolated(
        "import::a_token_that_can_does_all_of_it",
        |sandbox| async move {
            let token = sandbox.token().await;
            let pairs = pairs();
            let (spec, pair) = &pairs[0];
            for algorithm in [
                WrappingAlgorithm::RsaesOaepSha1,
                WrappingAlgorithm::RsaesOaepSha256,
            ] {
                let secret = KeySpec::SymmetricDefault;
                let wrapping = Wrapping::new(&token, algorithm, secret).await;
                let pkcs8 = pair.private_key_to_pkcs8().unwrap();
                for (spec, material) in [(secret, &[7; 32][..]), (*spec, &pkcs8)] {
                    let (_, made) = wrapping.import(&token, spec, material).await;
                    let alone = matches!(
                        made,
                        Imported::Made {
                            through_memory: false,
                            ..
                        }
                    );
                    assert!(alone, "{spec} by {algorithm}: {made:?}");
                }
                let (object, short) = wrapping.import(&token, secret, &[7; 16]).await;
                assert!(matches!(short, Imported::Unfit(_)), "{short:?}");
                assert!(!token.object_ids().await.unwrap().contains(&object));
            }
            token.close().await;
        },
    );
}
