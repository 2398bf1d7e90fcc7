//! What lies on the token, seen past the layer that put it there: with `cryptoki` itself, in a
//! session beside the token's own. The login is the process's, so it is shared.

use crate::support::{LABEL, Sandbox, isolated, module};
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use secrecy::{ExposeSecret, SecretSlice};
use std::time::Duration;
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::token::{
    KeyRef, SystemKey, TokenErrorClass, TokenSelector, TokenStatus, Verdict, probe,
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
                    let encrypts = usage == KeyUsage::EncryptDecrypt;
                    let (forth, back) = if encrypts {
                        (T::Encrypt, T::Decrypt)
                    } else {
                        (T::Verify, T::Sign)
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
                        ObjectClass::SECRET_KEY => [&born[..], &[forth, back]].concat(),
                        ObjectClass::PRIVATE_KEY => [&born[..], &[back]].concat(),
                        _ => vec![T::Token, forth, T::Local],
                    };
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
            drop(raw);
            token.close().await;
        },
    );
}

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
            let broken: Vec<_> = found
                .mechanisms
                .iter()
                .filter(|check| !check.works)
                .map(|check| check.mechanism.as_str())
                .collect();
            assert_eq!(broken, ["CKM_RSA_PKCS_OAEP SHA-256"]);
            assert!(found.mechanisms.iter().all(|check| check.claimed));

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
