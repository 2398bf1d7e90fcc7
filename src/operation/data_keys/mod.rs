//! Data keys: made by the token, returned wrapped under a CMK, for bulk encryption outside.

pub mod generate_data_key;
pub mod generate_data_key_without_plaintext;

use super::{Authorized, Context, Operation};
use crate::model::shapes::NumberOfBytes;
use crate::model::{DataKeySpec, EncryptionContext, ciphertext_blob};
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
