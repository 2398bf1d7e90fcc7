//! DeriveSharedSecret, Encapsulate, Decapsulate: and OpenSSL on the other side.

use crate::wire::aws;
use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    KeyAgreementAlgorithmSpec as Algorithm, KeySpec, KeyUsageType, OriginType, SigningAlgorithmSpec,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use serde_json::json;

const CURVES: [(KeySpec, Nid, usize); 3] = [
    (KeySpec::EccNistP256, Nid::X9_62_PRIME256V1, 32),
    (KeySpec::EccNistP384, Nid::SECP384R1, 48),
    (KeySpec::EccNistP521, Nid::SECP521R1, 66),
];

fn pair(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

async fn public_key(client: &Client, id: &str) -> Vec<u8> {
    let answer = client.get_public_key().key_id(id).send().await.unwrap();
    assert_eq!(answer.key_usage(), Some(&KeyUsageType::KeyAgreement));
    assert_eq!(answer.key_agreement_algorithms(), [Algorithm::Ecdh]);
    assert!(answer.signing_algorithms().is_empty());
    answer.public_key().unwrap().as_ref().to_vec()
}

async fn derive(client: &Client, id: &str, peer: &[u8]) -> Vec<u8> {
    let derive = client.derive_shared_secret().key_id(id);
    let derive = derive
        .key_agreement_algorithm(Algorithm::Ecdh)
        .public_key(Blob::new(peer));
    let answer = derive.send().await.unwrap();
    assert!(answer.key_id().unwrap().ends_with(id));
    assert_eq!(answer.key_agreement_algorithm(), Some(&Algorithm::Ecdh));
    assert_eq!(answer.key_origin(), Some(&OriginType::AwsKms));
    assert!(answer.ciphertext_for_recipient().is_none());
    answer.shared_secret().unwrap().as_ref().to_vec()
}

#[tokio::test]
async fn two_keys_and_openssl_agree_on_every_curve() {
    let client = client();
    for (spec, curve, len) in CURVES {
        let alice = key(&client, spec.clone(), KeyUsageType::KeyAgreement).await;
        let bob = key(&client, spec, KeyUsageType::KeyAgreement).await;
        let (of_alice, of_bob) = (
            public_key(&client, &alice).await,
            public_key(&client, &bob).await,
        );
        let secret = derive(&client, &alice, &of_bob).await;
        assert_eq!(secret.len(), len);
        assert_eq!(derive(&client, &bob, &of_alice).await, secret);

        let carol = pair(curve);
        let of_carol = carol.public_key_to_der().unwrap();
        let of_alice: PKey<Public> = PKey::public_key_from_der(&of_alice).unwrap();
        let mut deriver = Deriver::new(&carol).unwrap();
        deriver.set_peer(&of_alice).unwrap();
        let with_carol = derive(&client, &alice, &of_carol).await;
        assert_eq!(with_carol, deriver.derive_to_vec().unwrap());
        assert_ne!(with_carol, secret);
    }
}

#[tokio::test]
async fn what_the_key_says_of_itself() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP384, KeyUsageType::KeyAgreement).await;
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    let metadata = described.key_metadata().unwrap();
    assert_eq!(metadata.key_agreement_algorithms(), [Algorithm::Ecdh]);
    assert!(metadata.signing_algorithms().is_empty());
    let sign = client.sign().key_id(&id).message(Blob::new("m"));
    let sign = sign.signing_algorithm(SigningAlgorithmSpec::EcdsaSha384);
    assert_eq!(code(sign.send().await), "InvalidKeyUsageException");
}

#[tokio::test]
async fn public_keys_that_are_refused() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP256, KeyUsageType::KeyAgreement).await;
    let right = pair(Nid::X9_62_PRIME256V1).public_key_to_der().unwrap();
    derive(&client, &id, &right).await;
    let mut off_curve = right.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    let der = |curve| pair(curve).public_key_to_der().unwrap();
    for (what, bad) in [
        ("off the curve", off_curve),
        ("another curve", der(Nid::SECP384R1)),
        ("another curve of the same length", der(Nid::SECP256K1)),
        ("no key", b"a public key".to_vec()),
        ("something behind it", [&right[..], b"x"].concat()),
    ] {
        let derive = client.derive_shared_secret().key_id(&id);
        let derive = derive
            .key_agreement_algorithm(Algorithm::Ecdh)
            .public_key(Blob::new(bad));
        let error = derive.send().await.unwrap_err();
        assert_eq!(
            ProvideErrorMetadata::meta(&error).code(),
            Some("ValidationException"),
            "{what}"
        );
        assert_eq!(
            ProvideErrorMetadata::meta(&error).message(),
            Some("PublicKey is not a valid DER-encoded public key of key spec ECC_NIST_P256.")
        );
    }
}

#[tokio::test]
async fn requests_that_are_refused() {
    let client = client();
    let peer = Blob::new(pair(Nid::X9_62_PRIME256V1).public_key_to_der().unwrap());
    let derive = |id: &str| {
        let derive = client.derive_shared_secret().key_id(id);
        let derive = derive.key_agreement_algorithm(Algorithm::Ecdh);
        derive.public_key(peer.clone())
    };
    let id = symmetric(&client).await;
    let refused = message(derive(&id).send().await);
    assert!(
        refused
            .ends_with("key usage is ENCRYPT_DECRYPT which is not valid for DeriveSharedSecret."),
        "{refused}"
    );
    let signs = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    assert_eq!(
        code(derive(&signs).send().await),
        "InvalidKeyUsageException"
    );
    let agrees = key(&client, KeySpec::EccNistP256, KeyUsageType::KeyAgreement).await;
    let dry = derive(&agrees).dry_run(true).send().await;
    assert_eq!(code(dry), "DryRunOperationException");
    let recipient = aws_sdk_kms::types::RecipientInfo::builder()
        .attestation_document(Blob::new("a document"))
        .build();
    let enclave = derive(&agrees).recipient(recipient).send().await;
    assert_eq!(code(enclave), "UnsupportedOperationException");
    let disable = client.disable_key().key_id(&agrees);
    disable.send().await.unwrap();
    assert_eq!(code(derive(&agrees).send().await), "DisabledException");

    let wrong = |spec, usage| client.create_key().key_spec(spec).key_usage(usage).send();
    for spec in [KeySpec::EccSecgP256K1, KeySpec::EccNistEdwards25519] {
        let refused = wrong(spec.clone(), KeyUsageType::KeyAgreement).await;
        assert_eq!(
            message(refused),
            format!("KeyUsage KEY_AGREEMENT is not compatible with KeySpec {spec}")
        );
    }
}

#[tokio::test]
async fn what_this_token_has_not_is_refused_by_name() {
    let client = client();
    for (spec, usage, why) in [
        (
            KeySpec::MlDsa65,
            KeyUsageType::SignVerify,
            "The token does not support this: it has no CKM_ML_DSA_KEY_PAIR_GEN",
        ),
        (
            "ML_KEM_768".into(),
            "ENCAPSULATE_DECAPSULATE".into(),
            "The token does not support this: it has no CKM_ML_KEM_KEY_PAIR_GEN",
        ),
        (
            KeySpec::Sm2,
            KeyUsageType::KeyAgreement,
            "KeySpec SM2 is not supported: PKCS#11 has no mechanism for it.",
        ),
    ] {
        let create = client.create_key().key_spec(spec).key_usage(usage);
        let error = create.send().await.unwrap_err();
        assert_eq!(
            ProvideErrorMetadata::meta(&error).code(),
            Some("UnsupportedOperationException")
        );
        assert_eq!(ProvideErrorMetadata::meta(&error).message(), Some(why));
    }
}

#[tokio::test]
async fn encapsulation_takes_an_ml_kem_key() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP256, KeyUsageType::KeyAgreement).await;
    let ciphertext = STANDARD.encode([0; 1088]);
    for operation in ["Encapsulate", "Decapsulate"] {
        // Members that an operation has not are ignored.
        let mut body = json!({
            "KeyId": id,
            "EncapsulationAlgorithm": "ML_KEM",
            "SharedSecretCiphertextBlob": ciphertext,
            "GrantTokens": [],
            "DryRun": true,
        });
        let answer = aws(operation, &body);
        assert_eq!(answer.code(), "InvalidKeyUsageException");
        let refused = answer.message();
        assert!(
            refused.ends_with(&format!(
                "key usage is KEY_AGREEMENT which is not valid for {operation}."
            )),
            "{refused}"
        );
        body["EncapsulationAlgorithm"] = json!("RSA_KEM");
        assert_eq!(
            aws(operation, &body).message(),
            "1 validation error detected: Value 'RSA_KEM' at 'encapsulationAlgorithm' failed to \
             satisfy constraint: Member must satisfy enum value set: [ML_KEM]"
        );
    }
    let answer = aws("Decapsulate", &json!({}));
    assert_eq!(answer.code(), "ValidationException");
    let refused = answer.message();
    assert!(
        refused.starts_with("3 validation errors detected: "),
        "{refused}"
    );
    assert!(
        refused.contains("'sharedSecretCiphertextBlob'"),
        "{refused}"
    );
    let body = json!({
        "KeyId": id,
        "EncapsulationAlgorithm": "ML_KEM",
        "SharedSecretCiphertextBlob": STANDARD.encode([0; 6145]),
    });
    assert_eq!(
        aws("Decapsulate", &body).message(),
        "1 validation error detected: Value at 'sharedSecretCiphertextBlob' failed to satisfy \
         constraint: Member must have length less than or equal to 6144"
    );
}
