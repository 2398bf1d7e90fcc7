//! What is seen of keys, and that an object is refused at first sight that is not what was made.

use crate::objects::beside;
use crate::support::{LABEL, isolated};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use secrecy::SecretSlice;
use serde_json::{Value, json};
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::token::{
    Birth, Deviation, KeyRef, Sighting, Subject, SystemKey, Token, TokenError, TokenErrorClass,
};
use uuid::Uuid;

const SPEC: KeySpec = KeySpec::SymmetricDefault;
const USAGE: KeyUsage = KeyUsage::EncryptDecrypt;

fn only(session: &Session, id: Uuid) -> ObjectHandle {
    let template = [
        Attribute::Id(id.as_bytes().to_vec()),
        Attribute::Class(ObjectClass::SECRET_KEY),
    ];
    session.find_objects(&template).unwrap()[0]
}

/// Puts a key that differs from one made here by what `change` makes of its attributes in the place
/// of one that was.
fn replace(session: &Session, id: Uuid, change: impl Fn(&mut Attribute)) {
    let old = only(session, id);
    let kinds = [
        AttributeType::Label,
        AttributeType::Token,
        AttributeType::Private,
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::Modifiable,
        AttributeType::Derive,
        AttributeType::Encrypt,
        AttributeType::Decrypt,
        AttributeType::Sign,
        AttributeType::Verify,
        AttributeType::Wrap,
        AttributeType::Unwrap,
        AttributeType::AllowedMechanisms,
    ];
    let mut template = session.get_attributes(old, &kinds).unwrap();
    template.iter_mut().for_each(change);
    template.push(Attribute::Id(id.as_bytes().to_vec()));
    template.push(Attribute::ValueLen(Ulong::new(32)));
    session.destroy_object(old).unwrap();
    let made = session.generate_key(&Mechanism::AesKeyGen, &template);
    made.unwrap();
}

async fn look(token: &Token, version: Uuid, birth: Option<&Birth>) -> Sighting {
    let subject = Subject {
        version,
        object_id: version.as_bytes().to_vec(),
        spec: SPEC,
        usage: USAGE,
        birth: birth.cloned(),
    };
    token.look_at(vec![subject]).await.unwrap().remove(0)
}

async fn use_it(token: &Token, key: &KeyRef) -> Result<(), TokenError> {
    let plaintext = SecretSlice::from(vec![7; 32]);
    token.seal(key, Vec::new(), plaintext).await.map(drop)
}

fn attributes(deviations: &[Deviation]) -> Vec<&str> {
    deviations.iter().map(|d| d.attribute.as_str()).collect()
}

#[test]
fn what_took_the_place_of_a_key_is_seen_and_refused() {
    isolated(
        "attest::what_took_the_place_of_a_key_is_seen_and_refused",
        |sandbox| async move {
            let token = sandbox.token().await;
            let raw = beside();
            let identity = token.identity().await.unwrap();
            assert_eq!(Some(identity.serial), token.serial());
            assert_eq!(
                (&*identity.label, &*identity.cryptoki_version),
                (LABEL, "2.40")
            );

            let version = Uuid::new_v4();
            let birth = token.generate(version, "cmk", SPEC, USAGE).await.unwrap();
            let certificate = serde_json::to_value(&birth).unwrap();
            let key = KeyRef::new(version, SPEC, USAGE, None).born(certificate.into());
            let seen = look(&token, version, Some(&birth)).await;
            assert_eq!(seen.deviations, []);
            let told = seen.attributes.unwrap();
            for (name, value) in [
                ("CKA_SENSITIVE", json!(true)),
                ("CKA_ALWAYS_SENSITIVE", json!(true)),
                ("CKA_EXTRACTABLE", json!(false)),
                ("CKA_NEVER_EXTRACTABLE", json!(true)),
                ("CKA_LOCAL", json!(true)),
                ("CKA_KEY_GEN_MECHANISM", json!("CKM_AES_KEY_GEN")),
                ("CKA_MODIFIABLE", json!(false)),
                ("CKA_WRAP", json!(false)),
                ("CKA_ALLOWED_MECHANISMS", json!(["CKM_AES_GCM"])),
                ("CKA_START_DATE", Value::Null),
            ] {
                assert_eq!(told[name], value, "{name}");
            }
            use_it(&token, &key).await.unwrap();

            // In use already, and then another one that can leave the token.
            replace(&raw, version, |attribute| {
                if let Attribute::Extractable(is) = attribute {
                    *is = true;
                }
            });
            let seen = look(&token, version, Some(&birth)).await;
            let found = attributes(&seen.deviations);
            for name in [
                "CKA_EXTRACTABLE",
                "CKA_NEVER_EXTRACTABLE",
                "CKA_CHECK_VALUE",
            ] {
                assert!(found.contains(&name), "{name}: {found:?}");
            }
            let refused = use_it(&token, &key).await.unwrap_err();
            assert_eq!(refused.class, TokenErrorClass::NotAsBorn);
            assert!(
                refused.detail.contains("CKA_EXTRACTABLE should be false"),
                "{refused}"
            );

            // Like it in all but its value.
            replace(&raw, version, |attribute| {
                if let Attribute::Extractable(is) = attribute {
                    *is = false;
                }
            });
            let seen = look(&token, version, Some(&birth)).await;
            assert_eq!(attributes(&seen.deviations), ["CKA_CHECK_VALUE"]);
            let refused = use_it(&token, &key).await.unwrap_err();
            assert_eq!(refused.class, TokenErrorClass::NotAsBorn);

            // And none at all.
            raw.destroy_object(only(&raw, version)).unwrap();
            let seen = look(&token, version, Some(&birth)).await;
            assert_eq!(attributes(&seen.deviations), ["Secret key objects"]);
            assert!(seen.attributes.is_none());
            token.close().await;
        },
    );
}

#[test]
fn a_key_of_the_gateways_own_is_refused_as_well() {
    isolated(
        "attest::a_key_of_the_gateways_own_is_refused_as_well",
        |sandbox| async move {
            let token = sandbox.token().await;
            let raw = beside();
            let deployment = Uuid::new_v4();
            let key = token.ensure_system_key(deployment, SystemKey::Wrapping);
            key.await.unwrap();
            let key = token.system_key(deployment, SystemKey::Wrapping);
            use_it(&token, &key).await.unwrap();
            let id = SystemKey::Wrapping.object_id(deployment);
            assert_eq!(look(&token, id, None).await.deviations, []);
            replace(&raw, id, |attribute| {
                if let Attribute::Wrap(is) = attribute {
                    *is = true;
                }
            });
            let seen = look(&token, id, None).await;
            assert_eq!(attributes(&seen.deviations), ["CKA_WRAP"]);
            let refused = use_it(&token, &key).await.unwrap_err();
            assert_eq!(refused.class, TokenErrorClass::NotAsBorn);
            token.close().await;
        },
    );
}
