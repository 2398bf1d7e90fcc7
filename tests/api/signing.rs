//! Sign, Verify, GetPublicKey: and OpenSSL, which nobody here wrote, verifies too.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec as Algorithm};
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

const RSA: [Algorithm; 6] = [
    Algorithm::RsassaPssSha256,
    Algorithm::RsassaPssSha384,
    Algorithm::RsassaPssSha512,
    Algorithm::RsassaPkcs1V15Sha256,
    Algorithm::RsassaPkcs1V15Sha384,
    Algorithm::RsassaPkcs1V15Sha512,
];

fn digest_of(algorithm: &Algorithm) -> MessageDigest {
    match algorithm.as_str().rsplit('_').next() {
        Some("256") => MessageDigest::sha256(),
        Some("384") => MessageDigest::sha384(),
        _ => MessageDigest::sha512(),
    }
}

fn openssl_verifies(
    public: &PKey<Public>,
    algorithm: &Algorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let mut verifier = Verifier::new(digest_of(algorithm), public).unwrap();
    if algorithm.as_str().contains("PSS") {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier
            .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
            .unwrap();
    }
    verifier.verify_oneshot(signature, message).unwrap_or(false)
}

async fn signs_and_verifies(spec: KeySpec, algorithms: &[Algorithm]) {
    let client = client();
    let id = key(&client, spec, KeyUsageType::SignVerify).await;
    let public = client.get_public_key().key_id(&id).send().await.unwrap();
    let public = PKey::public_key_from_der(public.public_key().unwrap().as_ref()).unwrap();
    let text = b"what is signed";
    for algorithm in algorithms {
        let sign = || {
            client
                .sign()
                .key_id(&id)
                .signing_algorithm(algorithm.clone())
        };
        let digest = hash(digest_of(algorithm), text).unwrap();
        let raw = sign()
            .message(Blob::new(text.to_vec()))
            .send()
            .await
            .unwrap();
        let of_digest = sign()
            .message(Blob::new(digest.to_vec()))
            .message_type(MessageType::Digest);
        let of_digest = of_digest.send().await.unwrap();
        for signature in [raw.signature().unwrap(), of_digest.signature().unwrap()] {
            assert!(
                openssl_verifies(&public, algorithm, text, signature.as_ref()),
                "{algorithm}"
            );
            let verify = |signature: Vec<u8>, message: &[u8]| {
                let verify = client
                    .verify()
                    .key_id(&id)
                    .signing_algorithm(algorithm.clone());
                verify
                    .message(Blob::new(message))
                    .signature(Blob::new(signature))
                    .send()
            };
            let right = verify(signature.as_ref().to_vec(), text).await.unwrap();
            assert!(right.signature_valid());
            let other = verify(signature.as_ref().to_vec(), b"what is signeD").await;
            assert_eq!(code(other), "KMSInvalidSignatureException");
            let mut touched = signature.as_ref().to_vec();
            *touched.last_mut().unwrap() ^= 1;
            assert_eq!(
                code(verify(touched, text).await),
                "KMSInvalidSignatureException"
            );
            let garbage = verify(vec![1, 2, 3], text).await;
            assert_eq!(code(garbage), "KMSInvalidSignatureException");
        }
        let short = sign()
            .message(Blob::new(vec![0; 5]))
            .message_type(MessageType::Digest);
        assert_eq!(
            message(short.send().await),
            format!("Digest is invalid length for algorithm {algorithm}.")
        );
    }
}

#[tokio::test]
async fn rsa_2048() {
    signs_and_verifies(KeySpec::Rsa2048, &RSA).await;
}

#[tokio::test]
async fn rsa_3072() {
    signs_and_verifies(KeySpec::Rsa3072, &RSA).await;
}

#[tokio::test]
async fn rsa_4096() {
    signs_and_verifies(KeySpec::Rsa4096, &RSA).await;
}

#[tokio::test]
async fn ecdsa_on_every_curve() {
    signs_and_verifies(KeySpec::EccNistP256, &[Algorithm::EcdsaSha256]).await;
    signs_and_verifies(KeySpec::EccNistP384, &[Algorithm::EcdsaSha384]).await;
    signs_and_verifies(KeySpec::EccNistP521, &[Algorithm::EcdsaSha512]).await;
    signs_and_verifies(KeySpec::EccSecgP256K1, &[Algorithm::EcdsaSha256]).await;
}

#[tokio::test]
async fn what_cannot_sign() {
    let client = client();
    let id = symmetric(&client).await;
    let sign = client.sign().key_id(&id).message(Blob::new("m"));
    let wrong = sign.signing_algorithm(Algorithm::EcdsaSha256).send().await;
    assert_eq!(code(wrong), "InvalidKeyUsageException");
    let public = client.get_public_key().key_id(&id).send().await;
    assert_eq!(code(public), "UnsupportedOperationException");
    let p256 = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let sign = client.sign().key_id(&p256).message(Blob::new("m"));
    assert_eq!(
        message(sign.signing_algorithm(Algorithm::EcdsaSha384).send().await),
        "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."
    );
}

#[tokio::test]
async fn ed25519_signs_the_message_itself() {
    let client = client();
    let spec = KeySpec::EccNistEdwards25519;
    let id = key(&client, spec.clone(), KeyUsageType::SignVerify).await;
    let public = client.get_public_key().key_id(&id).send().await.unwrap();
    assert_eq!(public.key_spec(), Some(&spec));
    assert_eq!(
        public.signing_algorithms(),
        [Algorithm::Ed25519Sha512, Algorithm::Ed25519PhSha512]
    );
    let der = public.public_key().unwrap().as_ref();
    // RFC 8410 section 10.1: 44 bytes, the last 32 of them the key.
    assert_eq!(
        der[..12],
        [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]
    );
    let public = PKey::public_key_from_der(der).unwrap();
    for text in [&b"m"[..], &[7; 4096]] {
        let sign = client.sign().key_id(&id).message(Blob::new(text));
        let sign = sign.signing_algorithm(Algorithm::Ed25519Sha512);
        let signature = sign.send().await.unwrap().signature().unwrap().clone();
        assert_eq!(signature.as_ref().len(), 64);
        let mut verifier = Verifier::new_without_digest(&public).unwrap();
        assert!(verifier.verify_oneshot(signature.as_ref(), text).unwrap());
        let verify = |message: &[u8], signature: Vec<u8>| {
            let verify = client.verify().key_id(&id).message(Blob::new(message));
            let verify = verify.signing_algorithm(Algorithm::Ed25519Sha512);
            verify.signature(Blob::new(signature)).send()
        };
        let right = verify(text, signature.as_ref().to_vec()).await.unwrap();
        assert!(right.signature_valid());
        let mut touched = signature.as_ref().to_vec();
        touched[63] ^= 1;
        for (message, signature) in [
            (&b"another"[..], signature.as_ref().to_vec()),
            (text, touched),
            (text, vec![1]),
        ] {
            let wrong = verify(message, signature).await;
            assert_eq!(code(wrong), "KMSInvalidSignatureException");
        }
    }
}

#[tokio::test]
async fn ed25519_takes_one_message_type_for_each_algorithm() {
    let client = client();
    let spec = KeySpec::EccNistEdwards25519;
    let id = key(&client, spec, KeyUsageType::SignVerify).await;
    let sign = |algorithm: Algorithm, message_type: MessageType, len: usize| {
        let sign = client.sign().key_id(&id).message(Blob::new(vec![1; len]));
        sign.signing_algorithm(algorithm)
            .message_type(message_type)
            .send()
    };
    let (pure, hashed) = (Algorithm::Ed25519Sha512, Algorithm::Ed25519PhSha512);
    assert_eq!(
        message(sign(pure.clone(), MessageType::Digest, 64).await),
        "Message type DIGEST is incompatible with algorithm ED25519_SHA_512."
    );
    assert_eq!(
        message(sign(hashed.clone(), MessageType::Raw, 64).await),
        "Message type RAW is incompatible with algorithm ED25519_PH_SHA_512."
    );
    let mu = sign(pure, MessageType::ExternalMu, 64).await;
    assert_eq!(code(mu), "ValidationException");
    assert_eq!(
        message(sign(hashed.clone(), MessageType::Digest, 32).await),
        "Digest is invalid length for algorithm ED25519_PH_SHA_512."
    );
    // SoftHSM would sign something else.
    let error = sign(hashed.clone(), MessageType::Digest, 64).await;
    let error = error.unwrap_err();
    assert_eq!(
        ProvideErrorMetadata::meta(&error).code(),
        Some("UnsupportedOperationException")
    );
    let named = ProvideErrorMetadata::meta(&error).message().unwrap();
    assert!(named.contains("ED25519_PH_SHA_512"), "{named}");
    let verify = client.verify().key_id(&id).message(Blob::new(vec![1; 64]));
    let verify = verify.message_type(MessageType::Digest);
    let verify = verify.signature(Blob::new(vec![1; 64]));
    let verify = verify.signing_algorithm(hashed).send().await;
    assert_eq!(code(verify), "UnsupportedOperationException");

    let p256 = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let mu = client.sign().key_id(&p256).message(Blob::new(vec![1; 64]));
    let mu = mu.signing_algorithm(Algorithm::EcdsaSha256);
    assert_eq!(
        message(mu.message_type(MessageType::ExternalMu).send().await),
        "Message type EXTERNAL_MU is incompatible with key spec ECC_NIST_P256."
    );
}
