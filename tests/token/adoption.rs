//! Objects that others put on the token: which are adopted, as what, and what becomes of them.

use crate::objects::beside;
use crate::support::isolated;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use secrecy::{ExposeSecret, SecretSlice};
use strongroom::model::{KeySpec, KeyUsage, SigningAlgorithm};
use strongroom::token::{Adopted, Adoption, KeyRef, Locator, SystemKey, Token, TokenErrorClass};
use uuid::Uuid;

const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// An AES-256 key as somebody else might have made it.
fn aes(session: &Session, id: &[u8], label: &str, more: &[Attribute]) -> ObjectHandle {
    let mut template = vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::ValueLen(Ulong::from(32)),
        Attribute::Id(id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    template.retain(|ours| {
        more.iter()
            .all(|other| other.attribute_type() != ours.attribute_type())
    });
    template.extend_from_slice(more);
    session
        .generate_key(&Mechanism::AesKeyGen, &template)
        .unwrap()
}

fn p256(session: &Session, id: &[u8], label: &str) -> (ObjectHandle, ObjectHandle) {
    let named = [
        Attribute::Token(true),
        Attribute::Id(id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let public = [
        &named[..],
        &[Attribute::EcParams(P256.to_vec()), Attribute::Verify(true)],
    ];
    let private = [
        &named[..],
        &[
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ],
    ];
    session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &public.concat(),
            &private.concat(),
        )
        .unwrap()
}

fn as_aes(locator: Locator) -> Adoption {
    Adoption {
        locator,
        version: Uuid::new_v4(),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        allow_extractable: false,
    }
}

fn as_p256(locator: Locator) -> Adoption {
    Adoption {
        spec: KeySpec::EccNistP256,
        usage: KeyUsage::SignVerify,
        ..as_aes(locator)
    }
}

fn label(label: &str) -> Locator {
    Locator::Label(label.into())
}

fn key(adoption: &Adoption, adopted: &Adopted) -> KeyRef {
    let public_key = adopted.birth.public_key.as_deref().map(Into::into);
    let certificate = serde_json::to_value(&adopted.birth).unwrap();
    KeyRef::new(adoption.version, adoption.spec, adoption.usage, public_key)
        .of_object(Some(adopted.object_id.as_slice().into()))
        .born(certificate.into())
}

async fn refusal(token: &Token, adoption: Adoption) -> String {
    let error = token.adopt(adoption).await.unwrap_err();
    assert_eq!(error.class, TokenErrorClass::CallersFault, "{error}");
    error.detail
}

#[test]
fn what_works_is_adopted_as_it_is_and_destroyed_when_it_is_to_be() {
    isolated(
        "adoption::what_works_is_adopted_as_it_is_and_destroyed_when_it_is_to_be",
        |sandbox| async move {
            let token = sandbox.token().await;
            let session = beside();
            let object = aes(&session, b"\x01", "payments", &[]);
            p256(&session, b"\x02", "signer");

            let adoption = as_aes(label("payments"));
            let adopted = token.adopt(adoption.clone()).await.unwrap();
            assert_eq!(adopted.object_id, b"\x01");
            let told = adopted.birth.adopted.clone().unwrap();
            assert!(told.sensitive && !told.extractable);
            assert_eq!(told.label, "payments");
            assert!(told.flags.contains(&"CKA_ENCRYPT".to_owned()), "{told:?}");
            let aes_key = key(&adoption, &adopted);
            let secret = SecretSlice::from(b"kept".to_vec());
            let sealed = token.seal(&aes_key, vec![], secret).await.unwrap();
            let opened = token.unseal(&aes_key, sealed.iv, vec![], sealed.ciphertext);
            assert_eq!(opened.await.unwrap().unwrap().expose_secret(), b"kept");
            // It has stayed what it was.
            let id = session
                .get_attributes(object, &[AttributeType::Id])
                .unwrap();
            assert_eq!(id, [Attribute::Id(b"\x01".to_vec())]);

            let signer = as_p256(Locator::Id(b"\x02".to_vec()));
            let adopted = token.adopt(signer.clone()).await.unwrap();
            assert!(adopted.birth.public_key.is_some());
            let signer_key = key(&signer, &adopted);
            let (algorithm, digest) = (SigningAlgorithm::EcdsaSha256, vec![7; 32]);
            let signature = token.sign(&signer_key, algorithm, digest.clone()).await;
            let verified = token.verify(&signer_key, algorithm, digest, signature.unwrap());
            assert!(verified.await.unwrap());

            let version = signer.version;
            let destroyed = token.destroy_adopted(version, b"\x02".to_vec(), true).await;
            assert_eq!(destroyed.unwrap(), 2);
            let again = token.destroy_adopted(version, b"\x02".to_vec(), true).await;
            assert_eq!(again.unwrap(), 0);
            // Another object has come to bear its CKA_ID: neither is destroyed.
            aes(&session, b"\x01", "somebody else's", &[]);
            let version = adoption.version;
            let error = token
                .destroy_adopted(version, b"\x01".to_vec(), false)
                .await;
            assert_eq!(error.unwrap_err().class, TokenErrorClass::Bug);
            let left = [Attribute::Id(b"\x01".to_vec())];
            assert_eq!(session.find_objects(&left).unwrap().len(), 2);
            drop(session);
            token.close().await;
        },
    );
}

#[test]
fn what_is_not_what_it_is_said_to_be_is_refused() {
    isolated(
        "adoption::what_is_not_what_it_is_said_to_be_is_refused",
        |sandbox| async move {
            let token = sandbox.token().await;
            let deployment = Uuid::new_v4();
            let ours = token
                .ensure_system_key(deployment, SystemKey::Wrapping)
                .await;
            ours.unwrap();
            let session = beside();

            let none = refusal(&token, as_aes(label("nothing"))).await;
            assert!(none.contains("no such secret key"), "{none}");

            aes(&session, b"\x10", "twin", &[]);
            aes(&session, b"\x11", "twin", &[]);
            let twins = refusal(&token, as_aes(label("twin"))).await;
            assert!(twins.contains("more than one"), "{twins}");
            aes(&session, b"\x10", "not a twin", &[]);
            let by_label = refusal(&token, as_aes(label("not a twin"))).await;
            assert!(by_label.contains("more than one"), "{by_label}");
            token
                .adopt(as_aes(Locator::Id(b"\x11".to_vec())))
                .await
                .unwrap();

            aes(&session, b"", "nameless", &[]);
            let nameless = refusal(&token, as_aes(label("nameless"))).await;
            assert!(nameless.contains("CKA_ID"), "{nameless}");

            aes(
                &session,
                b"\x12",
                "short",
                &[Attribute::ValueLen(Ulong::from(16))],
            );
            let short = refusal(&token, as_aes(label("short"))).await;
            assert!(short.contains("is no SYMMETRIC_DEFAULT key"), "{short}");

            aes(&session, b"\x13", "idle", &[Attribute::Decrypt(false)]);
            let idle = refusal(&token, as_aes(label("idle"))).await;
            assert!(
                idle.contains("cannot be used for ENCRYPT_DECRYPT"),
                "{idle}"
            );

            for (id, open) in [
                (b"\x14", Attribute::Extractable(true)),
                (b"\x15", Attribute::Sensitive(false)),
            ] {
                aes(&session, id, "open", &[open]);
                let adoption = as_aes(Locator::Id(id.to_vec()));
                let open = refusal(&token, adoption.clone()).await;
                assert!(open.contains("can leave the token"), "{open}");
                let allowed = Adoption {
                    allow_extractable: true,
                    ..adoption
                };
                token.adopt(allowed).await.unwrap();
            }

            p256(&session, b"\x20", "shares");
            aes(&session, b"\x20", "shares too", &[]);
            let shares = refusal(&token, as_p256(label("shares"))).await;
            assert!(shares.contains("has the same CKA_ID"), "{shares}");
            let shares = refusal(&token, as_aes(label("shares too"))).await;
            assert!(shares.contains("has the same CKA_ID"), "{shares}");

            p256(&session, b"\x21", "a curve");
            let other = Adoption {
                spec: KeySpec::EccNistP384,
                ..as_p256(label("a curve"))
            };
            let other = refusal(&token, other).await;
            assert!(other.contains("is no ECC_NIST_P384 key"), "{other}");

            // The public half of another pair.
            let (public, _) = p256(&session, b"\x22", "halves");
            let (stranger, _) = p256(&session, b"\x23", "another's");
            session.destroy_object(public).unwrap();
            session
                .copy_object(stranger, &[Attribute::Id(b"\x22".to_vec())])
                .unwrap();
            let halves = refusal(&token, as_p256(Locator::Id(b"\x22".to_vec()))).await;
            assert!(halves.contains("do not belong together"), "{halves}");

            let id = SystemKey::Wrapping
                .object_id(deployment)
                .as_bytes()
                .to_vec();
            let ours = refusal(&token, as_aes(Locator::Id(id))).await;
            assert!(ours.contains("gateway's own"), "{ours}");

            let elsewhere = Uuid::new_v4();
            for (id, made) in [
                (b"\x30", format!("strongroom:wrapping:{elsewhere}")),
                (b"\x31", format!("strongroom key {elsewhere}")),
                (b"\x32", format!("strongroom wrapping key for {elsewhere}")),
            ] {
                aes(&session, id, &made, &[]);
                let made = refusal(&token, as_aes(Locator::Id(id.to_vec()))).await;
                assert!(made.contains("made by a Strongroom"), "{made}");
            }

            let agrees = Adoption {
                usage: KeyUsage::KeyAgreement,
                ..as_p256(label("a curve"))
            };
            let error = token.adopt(agrees).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::Unsupported);
            let secrets = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::Token(true),
            ];
            let count = session.find_objects(&secrets).unwrap().len();
            assert_eq!(count, 13, "nothing was made or destroyed");
            drop(session);
            token.close().await;
        },
    );
}
