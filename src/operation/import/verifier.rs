//! Whether imported material is what was imported before, found out without keeping anything that
//! would tell what it is: by what the object on the token makes or opens.

use crate::Error;
use crate::model::KeySpec;
use crate::operation::Context;
use crate::store::{Key, KeyVersion};
use crate::token::KeyRef;
use secrecy::{ExposeSecret, SecretSlice};
use uuid::Uuid;

/// Longer than an AES key, so that no two keys open the same to the same.
const TEXT: &[u8; 64] = b"strongroom imported key material, known again by this text alone";
const AAD: &[u8] = b"strongroom verifier 1\0";
const IV_BYTES: usize = 12;

/// What will know this material again; `None` for a pair of keys, which its public half tells.
///
/// # Errors
/// Those of the token.
pub(super) async fn make(
    key: &Key,
    version: Uuid,
    material: &KeyRef,
    cx: &Context,
) -> Result<Option<Vec<u8>>, Error> {
    let token = cx.tokens.of(key)?;
    if let Some(algorithm) = key.spec.mac_algorithms().first() {
        let mac = token.mac(material, *algorithm, message()).await?;
        return Ok(Some(mac));
    }
    if key.spec != KeySpec::SymmetricDefault {
        return Ok(None);
    }
    cx.store.count_gcm_invocation(version).await?;
    let text = SecretSlice::from(TEXT.to_vec());
    let sealed = token.seal(material, AAD.to_vec(), text).await?;
    Ok(Some([&sealed.iv[..], &sealed.ciphertext].concat()))
}

/// Whether the material is that of `version`.
///
/// # Errors
/// Those of the token.
pub(super) async fn matches(
    key: &Key,
    version: &KeyVersion,
    material: &KeyRef,
    public_key: Option<&[u8]>,
    cx: &Context,
) -> Result<bool, Error> {
    if key.spec.is_asymmetric() {
        return Ok(public_key.is_some() && version.public_key.as_deref() == public_key);
    }
    let Some(verifier) = version.verifier.clone() else {
        return Ok(false);
    };
    let token = cx.tokens.of(key)?;
    if let Some(algorithm) = key.spec.mac_algorithms().first() {
        let same = token.verify_mac(material, *algorithm, message(), verifier);
        return Ok(same.await?);
    }
    let Some((iv, sealed)) = verifier.split_first_chunk::<IV_BYTES>() else {
        return Ok(false);
    };
    let opened = token.unseal(material, *iv, AAD.to_vec(), sealed.to_vec());
    // The text as well: GCM's tag alone does not bind a key.
    Ok(opened
        .await?
        .is_some_and(|text| text.expose_secret() == TEXT))
}

fn message() -> Vec<u8> {
    [AAD, TEXT].concat()
}
