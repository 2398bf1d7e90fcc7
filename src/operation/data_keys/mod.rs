//! Data keys and data key pairs: made by the token, returned wrapped under a CMK, for use outside.

pub mod generate_data_key;
pub mod generate_data_key_pair;
pub mod generate_data_key_pair_without_plaintext;
pub mod generate_data_key_without_plaintext;

use super::encryption::seal;
use super::{Authorized, Context, Operation};
use crate::model::shapes::NumberOfBytes;
use crate::model::{
    DataKeyPairSpec, DataKeySpec, EncryptionAlgorithm, EncryptionContext, ciphertext_blob,
};
use crate::token::DataKeyPair;
use crate::{Error, ErrorCode};
use secrecy::SecretSlice;

/// Length in bytes from exactly one of `KeySpec` and `NumberOfBytes`.
///
/// # Errors
/// `ValidationException` for none and for both.
fn length(spec: Option<DataKeySpec>, bytes: Option<NumberOfBytes>) -> Result<usize, Error> {
    match (spec, bytes) {
        (Some(spec), None) => Ok(spec.len_bytes()),
        (None, Some(bytes)) => usize::try_from(bytes.0).map_err(Error::internal),
        _ => {
            let message = "Please specify either number of bytes or key spec.";
            Err(Error::new(ErrorCode::Validation, message))
        }
    }
}

/// A data key, in plaintext and as a CiphertextBlob under the call's only key.
async fn generate<O: Operation>(
    call: &Authorized<O>,
    context: Option<&EncryptionContext>,
    length: usize,
    cx: &Context,
) -> Result<(SecretSlice<u8>, Vec<u8>), Error> {
    let version = call.key(0).current_version;
    let key = call.current(0)?;
    cx.store.count_gcm_invocation(version).await?;
    let aad = ciphertext_blob::aad(version, context.unwrap_or(EncryptionContext::NONE));
    let (plaintext, sealed) = cx
        .tokens
        .of(call.key(0))?
        .seal_random(&key, aad, length)
        .await?;
    Ok((
        plaintext,
        ciphertext_blob::encode(version, &sealed.iv, &sealed.ciphertext),
    ))
}

/// Refuses what no token makes, before anything is looked up.
///
/// # Errors
/// `UnsupportedOperationException` for SM2.
fn refuse_sm2(spec: DataKeyPairSpec) -> Result<(), Error> {
    if spec == DataKeyPairSpec::Sm2 {
        let message = "KeyPairSpec SM2 is not supported: PKCS#11 has no mechanism for it.";
        return Err(Error::new(ErrorCode::UnsupportedOperation, message));
    }
    Ok(())
}

/// A data key pair, and its private key as a CiphertextBlob under the call's only key.
async fn generate_pair<O: Operation>(
    call: &Authorized<O>,
    context: Option<&EncryptionContext>,
    spec: DataKeyPairSpec,
    cx: &Context,
) -> Result<(DataKeyPair, Vec<u8>), Error> {
    if call.key(0).key_store.is_some() {
        let message = "A KMS key in a custom key store cannot encrypt a data key pair.";
        return Err(Error::new(ErrorCode::UnsupportedOperation, message));
    }
    // Before a pair is made in vain.
    call.current(0)?;
    let token = cx.tokens.of(call.key(0))?;
    let pair = token.generate_data_key_pair(spec.key_spec()).await?;
    let context = context.unwrap_or(EncryptionContext::NONE);
    let algorithm = EncryptionAlgorithm::SymmetricDefault;
    let blob = seal(call, 0, algorithm, context, pair.private_key.clone(), cx).await?;
    Ok((pair, blob))
}
