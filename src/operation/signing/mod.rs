//! Sign, Verify, GetPublicKey: asymmetric keys whose private half never leaves the token.

pub mod get_public_key;
pub mod sign;
pub mod verify;

use crate::model::algorithm::Hash;
use crate::model::{KeySpec, MessageType, SigningAlgorithm};
use crate::{Error, ErrorCode};
use openssl::hash::{MessageDigest, hash};

/// What the token signs: the digest of a `RAW` message, the `DIGEST` itself, or with Ed25519 and
/// ML-DSA the message, which these digest in their own way.
///
/// # Errors
/// `ValidationException` for a digest of another length and for a MessageType that the algorithm does
/// not take; `UnsupportedOperationException` for what no token does.
fn signed(
    message: &[u8],
    message_type: Option<MessageType>,
    algorithm: SigningAlgorithm,
    spec: KeySpec,
) -> Result<Vec<u8>, Error> {
    use SigningAlgorithm as A;
    let invalid = |message: String| Err(Error::new(ErrorCode::Validation, message));
    let unsupported = |message: &str| Err(Error::new(ErrorCode::UnsupportedOperation, message));
    let message_type = message_type.unwrap_or(MessageType::Raw);
    let incompatible = |with: String| {
        invalid(format!(
            "Message type {message_type} is incompatible with {with}."
        ))
    };
    let fits = |len: usize| match message.len() == len {
        true => Ok(message.to_vec()),
        false => invalid(format!(
            "Digest is invalid length for algorithm {algorithm}."
        )),
    };
    let function = match (algorithm, message_type) {
        (A::Ed25519Sha512 | A::MlDsaShake256, MessageType::Raw) => return Ok(message.to_vec()),
        // AWS digests the digest once more (FIPS 186-5 section 7.8.1), and so does the token.
        (A::Ed25519PhSha512, MessageType::Digest) => return fits(Hash::Sha512.len_bytes()),
        (A::Ed25519Sha512 | A::Ed25519PhSha512, _) => {
            return incompatible(format!("algorithm {algorithm}"));
        }
        (A::MlDsaShake256, MessageType::Digest) => return incompatible(format!("key spec {spec}")),
        (A::MlDsaShake256, MessageType::ExternalMu) => {
            fits(64)?;
            return unsupported(
                "MessageType EXTERNAL_MU is not supported: PKCS#11 has no mechanism that signs it.",
            );
        }
        _ => match algorithm.parts() {
            Some((_, function)) => function,
            None => {
                return unsupported("SM2DSA is not supported: PKCS#11 has no mechanism for it.");
            }
        },
    };
    match message_type {
        MessageType::Raw => {
            let digest = match function {
                Hash::Sha1 => MessageDigest::sha1(),
                Hash::Sha224 => MessageDigest::sha224(),
                Hash::Sha256 => MessageDigest::sha256(),
                Hash::Sha384 => MessageDigest::sha384(),
                Hash::Sha512 => MessageDigest::sha512(),
            };
            Ok(hash(digest, message).map_err(Error::internal)?.to_vec())
        }
        MessageType::Digest => fits(function.len_bytes()),
        MessageType::ExternalMu => incompatible(format!("key spec {spec}")),
    }
}
