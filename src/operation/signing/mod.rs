//! Sign, Verify, GetPublicKey: asymmetric keys whose private half never leaves the token.

pub mod get_public_key;
pub mod sign;
pub mod verify;

use crate::model::algorithm::Hash;
use crate::model::{MessageType, SigningAlgorithm};
use crate::{Error, ErrorCode};
use openssl::hash::{MessageDigest, hash};

/// The digest that is signed: of a `RAW` message, or the `DIGEST` itself.
///
/// # Errors
/// `ValidationException` for a digest of another length; `UnsupportedOperationException` for an
/// algorithm that signs no SHA-2 digest.
fn digest(
    message: &[u8],
    message_type: Option<MessageType>,
    algorithm: SigningAlgorithm,
) -> Result<Vec<u8>, Error> {
    let unsupported = |what: &str| {
        let message = format!("{what} is not supported by this gateway yet.");
        Err(Error::new(ErrorCode::UnsupportedOperation, message))
    };
    let Some((_, function)) = algorithm.parts() else {
        return unsupported(&format!("SigningAlgorithm {algorithm}"));
    };
    match message_type.unwrap_or(MessageType::Raw) {
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
        MessageType::Digest if message.len() == function.len_bytes() => Ok(message.to_vec()),
        MessageType::Digest => {
            let message = format!("Digest is invalid length for algorithm {algorithm}.");
            Err(Error::new(ErrorCode::Validation, message))
        }
        MessageType::ExternalMu => unsupported("MessageType EXTERNAL_MU"),
    }
}
