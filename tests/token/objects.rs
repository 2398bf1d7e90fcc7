//! What lies on the token, seen past the layer that put it there: with `cryptoki` itself, in a
//! session beside the token's own. The login is the process's, so it is shared.

use crate::support::{LABEL, Sandbox, isolated, module};
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{
    Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass, ObjectHandle,
};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use secrecy::{ExposeSecret, SecretSlice};
use std::time::Duration;
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::token::{
    KeyRef, MechanismCheck, SystemKey, TokenErrorClass, TokenSelector, TokenStatus, Verdict, probe,
};
use uuid::Uuid;

/// A read-write session of the test's own in the module that the token has initialised.
pub fn beside() -> Session {
    let pkcs11 = Pkcs11::new(module()).unwrap();
    let slots = pkcs11.get_slots_with_initialized_token().unwrap();
    let slot = slots
        .into_iter()
        .find(|slot| pkcs11.get_token_info(*slot).unwrap().label() == LABEL);
    pkcs11.open_rw_session(slot.unwrap()).unwrap()
}

fn objects(session: &Session, version: Uuid) -> Vec<(ObjectClass, ObjectHandle)> {
    let mut found = Vec::new();
    for class in [
        ObjectClass::SECRET_KEY,
        ObjectClass::PRIVATE_KEY,
        ObjectClass::PUBLIC_KEY,
    ] {
        let template = [
            Attribute::Id(version.as_bytes().to_vec()),
            Attribute::Class(class),
        ];
        for object in session.find_objects(&template).unwrap() {
            found.push((class, object));
        }
    }
    found
}

/// The flags of an object that are set.
fn set(session: &Session, object: ObjectHandle) -> Vec<AttributeType> {
    use AttributeType as T;
    let kinds = [
        T::Token,
        T::Private,
        T::Sensitive,
        T::Extractable,
        T::Encrypt,
        T::Decrypt,
        T::Sign,
        T::SignRecover,
        T::Verify,
        T::VerifyRecover,
        T::Wrap,
        T::Unwrap,
        T::Derive,
        T::Modifiable,
        T::Copyable,
        T::AlwaysSensitive,
        T::NeverExtractable,
        T::Local,
    ];
    let mut set = Vec::new();
    for kind in kinds {
        use Attribute as A;
        if let Some(
            A::Token(true)
            | A::Private(true)
            | A::Sensitive(true)
            | A::Extractable(true)
            | A::Encrypt(true)
            | A::Decrypt(true)
            | A::Sign(true)
            | A::SignRecover(true)
            | A::Verify(true)
            | A::VerifyRecover(true)
            | A::Wrap(true)
            | A::Unwrap(true)
            | A::Derive(true)
            | A::Modifiable(true)
            | A::Copyable(true)
            | A::AlwaysSensitive(true)
            | A::NeverExtractable(true)
            | A::Local(true),
        ) = session.get_attributes(object, &[kind]).unwrap().first()
        {
            set.push(kind);
        }
    }
    set
}

#[test]
fn keys_have_the_attributes_of_a_cmk_and_no_others() {
    isolated(
        "objects::keys_have_the_attributes_of_a_cmk_and_no_others",
        |sandbox| async move {
            use AttributeType as T;
            let token = sandbox.token().await;
            let raw = beside();
            let mut made = Vec::new();
            for (spec, usage) in [
                (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt),
                (KeySpec::Hmac384, KeyUsage::GenerateVerifyMac),
                (KeySpec::EccNistP256, KeyUsage::SignVerify),
                (KeySpec::EccSecgP256k1, KeyUsage::SignVerify),
                (KeySpec::EccNistEdwards25519, KeyUsage::SignVerify),
                (KeySpec::EccNistP256, KeyUsage::KeyAgreement),
                (KeySpec::EccNistP521, KeyUsage::KeyAgreement),
                (KeySpec::Rsa2048, KeyUsage::SignVerify),
                (KeySpec::Rsa2048, KeyUsage::EncryptDecrypt),
            ] {
                let version = Uuid::new_v4();
                token.generate(version, "cmk", spec, usage).await.unwrap();
                made.push((version, usage));
            }
            let deployment = Uuid::new_v4();
            for role in SystemKey::ALL {
                token.ensure_system_key(deployment, role).await.unwrap();
                let usage = match role {
                    SystemKey::Wrapping => KeyUsage::EncryptDecrypt,
                    SystemKey::RowMac => KeyUsage::GenerateVerifyMac,
                    SystemKey::Audit => KeyUsage::SignVerify,
                };
                made.push((role.object_id(deployment), usage));
            }
            for (version, usage) in made {
                let found = objects(&raw, version);
                assert!(!found.is_empty());
                for (class, object) in found {
                    let (forth, back) = match usage {
                        KeyUsage::EncryptDecrypt => (Some(T::Encrypt), T::Decrypt),
                        KeyUsage::KeyAgreement => (None, T::Derive),
                        _ => (Some(T::Verify), T::Sign),
                    };
                    let born = [
                        T::Token,
                        T::Private,
                        T::Sensitive,
                        T::AlwaysSensitive,
                        T::NeverExtractable,
                        T::Local,
                    ];
                    let mut want = match class {
                        ObjectClass::SECRET_KEY => [&born[..], &[back]].concat(),
                        ObjectClass::PRIVATE_KEY => [&born[..], &[back]].concat(),
                        _ => vec![T::Token, T::Local],
                    };
                    want.extend(forth.filter(|_| class != ObjectClass::PRIVATE_KEY));
                    let mut have = set(&raw, object);
                    want.sort_by_key(|kind| format!("{kind:?}"));
                    have.sort_by_key(|kind| format!("{kind:?}"));
                    assert_eq!(have, want, "{usage} {class:?}");
                    if class != ObjectClass::PUBLIC_KEY {
                        for kind in [T::Value, T::PrivateExponent, T::Prime1] {
                            let info = raw.get_attribute_info(object, &[kind]).unwrap();
                            assert!(!matches!(info[0], AttributeInfo::Available(_)));
                        }
                    }
                    // Nothing can be made of it afterwards.
                    let change = [Attribute::Extractable(true)];
                    assert!(raw.update_attributes(object, &change).is_err());
                    assert!(raw.copy_object(object, &change).is_err());
                }
            }
            drop(raw);
            token.close().await;
        },
    );
}

#[test]
fn a_cmk_cannot_be_used_in_another_mode() {
    isolated(
        "objects::a_cmk_cannot_be_used_in_another_mode",
        |sandbox| async move {
            let token = sandbox.token().await;
            let raw = beside();
            let version = Uuid::new_v4();
            let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
            token.generate(version, "cmk", spec, usage).await.unwrap();
            let (_, object) = objects(&raw, version)[0];
            let ecb = raw.encrypt(&Mechanism::AesEcb, object, &[0; 16]);
            assert!(format!("{ecb:?}").contains("MechanismInvalid"), "{ecb:?}");

            // What derives does nothing else, and what signs does not derive: with P-256 the two
            // CMKs are the same but for this.
            let (spec, peer) = (KeySpec::EccNistP256, P256_GENERATOR);
            for (usage, derives) in [
                (KeyUsage::KeyAgreement, true),
                (KeyUsage::SignVerify, false),
            ] {
                let version = Uuid::new_v4();
                token.generate(version, "cmk", spec, usage).await.unwrap();
                let object = objects(&raw, version)
                    .into_iter()
                    .find(|(class, _)| *class == ObjectClass::PRIVATE_KEY);
                let (_, object) = object.unwrap();
                let params = Ecdh1DeriveParams::new(EcKdf::null(), &peer);
                let secret = [
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::GENERIC_SECRET),
                    Attribute::Token(false),
                    Attribute::ValueLen(Ulong::from(32)),
                ];
                let derived = raw.derive_key(&Mechanism::Ecdh1Derive(params), object, &secret);
                assert_eq!(derived.is_ok(), derives, "{usage}: {derived:?}");
                let signed = raw.sign(&Mechanism::Ecdsa, object, &[1; 32]);
                assert_eq!(signed.is_ok(), !derives, "{usage}: {signed:?}");
            }
            drop(raw);
            token.close().await;
        },
    );
}

/// The curve's own base point, uncompressed (SEC 2 section 2.4.2).
const P256_GENERATOR: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
];

async fn key(token: &strongroom::token::Token) -> (Uuid, KeyRef) {
    let version = Uuid::new_v4();
    let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
    token.generate(version, "cmk", spec, usage).await.unwrap();
    (version, KeyRef::new(version, spec, usage, None))
}

#[test]
fn two_objects_under_one_id_are_refused() {
    isolated(
        "objects::two_objects_under_one_id_are_refused",
        |sandbox| async move {
            let token = sandbox.token().await;
            let raw = beside();
            let twin = Uuid::new_v4();
            for _ in 0..3 {
                let template = [
                    Attribute::Token(true),
                    Attribute::Private(true),
                    Attribute::Id(twin.as_bytes().to_vec()),
                    Attribute::ValueLen(Ulong::from(32)),
                    Attribute::Encrypt(true),
                ];
                raw.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
            }
            let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
            let twins = KeyRef::new(twin, spec, usage, None);
            let plain = SecretSlice::from(vec![1]);
            let error = token.seal(&twins, vec![], plain).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::Bug);
            assert!(error.detail.contains("more than one"), "{error}");
            assert_eq!(token.destroy(twin).await.unwrap(), 3);
            drop(raw);
            token.close().await;
        },
    );
}

#[test]
fn an_object_deleted_elsewhere_is_missing_and_one_put_back_is_found() {
    isolated(
        "objects::an_object_deleted_elsewhere_is_missing_and_one_put_back_is_found",
        |sandbox| async move {
            let token = sandbox.token().await;
            let raw = beside();
            let (version, used) = key(&token).await;
            let plain = || SecretSlice::from(vec![1]);
            // Twice each way, so that a handle is cached when it goes stale.
            for _ in 0..2 {
                token.seal(&used, vec![], plain()).await.unwrap();
                raw.destroy_object(objects(&raw, version)[0].1).unwrap();
                let error = token.seal(&used, vec![], plain()).await.unwrap_err();
                assert_eq!(error.class, TokenErrorClass::NoSuchObject, "{error}");
                let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
                token.generate(version, "cmk", spec, usage).await.unwrap();
                token.seal(&used, vec![], plain()).await.unwrap();
            }
            assert_eq!(token.stats().epoch, 1);
            drop(raw);
            token.close().await;
        },
    );
}

#[test]
fn a_logout_elsewhere_is_no_missing_key_and_is_recovered() {
    isolated(
        "objects::a_logout_elsewhere_is_no_missing_key_and_is_recovered",
        |sandbox| async move {
            let token = sandbox.token().await;
            let (version, used) = key(&token).await;
            let plain = || SecretSlice::from(b"kept".to_vec());
            let sealed = token.seal(&used, vec![], plain()).await.unwrap();
            beside().logout().unwrap();
            let error = token.seal(&used, vec![], plain()).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::TokenLost, "{error}");
            token.wait_ready(Duration::from_secs(10)).await.unwrap();
            let opened = token
                .unseal(&used, sealed.iv, vec![], sealed.ciphertext)
                .await;
            assert_eq!(opened.unwrap().unwrap().expose_secret(), b"kept");

            beside().logout().unwrap();
            let destroyed = token.destroy(version).await;
            assert_eq!(destroyed.unwrap_err().class, TokenErrorClass::TokenLost);
            token.wait_ready(Duration::from_secs(10)).await.unwrap();
            assert_eq!(token.destroy(version).await.unwrap(), 1);
            token.close().await;
        },
    );
}

#[test]
fn the_probe_tells_what_softhsm_has_and_keeps() {
    isolated(
        "objects::the_probe_tells_what_softhsm_has_and_keeps",
        |sandbox| async move {
            sandbox.provision();
            let report = probe(&sandbox.config()).unwrap();
            assert_eq!(report.verdict, Verdict::Usable);
            assert!(report.slots.iter().any(|slot| slot.label == LABEL));
            let found = report.token.unwrap();
            assert!(found.attributes.iter().all(|check| check.holds));
            let not = |has: fn(&MechanismCheck) -> bool| {
                let not = found.mechanisms.iter().filter(|check| !has(check));
                not.map(|check| check.mechanism.as_str())
                    .collect::<Vec<_>>()
            };
            let lattices = [
                "CKM_ML_DSA_KEY_PAIR_GEN ML-DSA-65",
                "CKM_ML_KEM_KEY_PAIR_GEN ML-KEM-768",
            ];
            let pretended = ["CKM_RSA_PKCS_OAEP SHA-256", "CKM_EDDSA Ed25519ph"];
            assert_eq!(
                not(|check| check.works),
                [&pretended[..], &lattices[..]].concat()
            );
            assert_eq!(not(|check| check.claimed), lattices);

            let mut config = sandbox.config();
            config.select = TokenSelector::Label("another".into());
            let report = probe(&config).unwrap();
            assert!(matches!(report.verdict, Verdict::Refused(_)));
            // The module is left so that a token opens.
            by_serial(&sandbox, found.serial).await;
        },
    );
}

async fn by_serial(sandbox: &Sandbox, serial: String) {
    let token = sandbox
        .token_with(|config| config.select = TokenSelector::Serial(serial.clone()))
        .await;
    assert!(matches!(token.status(), TokenStatus::Ready { serial: has, .. } if has == serial));
    token.close().await;
}
