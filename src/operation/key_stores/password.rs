//! KeyStorePassword: the PIN to a custom key store's token, wrapped under a key on the gateway's own.

use crate::Error;
use crate::model::AccountId;
use crate::operation::Context;
use crate::store::KeyStore;
use crate::token::{KeyRef, SystemKey, Token};
use secrecy::{ExposeSecret, SecretString};

const IV_BYTES: usize = 12;

/// Wraps the password of custom key store `id`.
///
/// # Errors
/// The token or the database does not answer; `LimitExceededException` at the end of its key.
pub(super) async fn seal(
    cx: &Context,
    (account, id): (&AccountId, &str),
    password: &SecretString,
) -> Result<Vec<u8>, Error> {
    // Callers decide how often.
    let key = SystemKey::Wrapping.object_id(cx.store.deployment());
    cx.store.count_gcm_invocation(key).await?;
    let (home, wrapping) = (cx.tokens.home(), cx.tokens.wrapping());
    let plaintext = password.expose_secret().as_bytes().to_vec().into();
    let sealed = home.seal(wrapping, aad(account, id), plaintext).await?;
    Ok([sealed.iv.as_slice(), &sealed.ciphertext].concat())
}

/// Unwraps the password of a custom key store.
///
/// # Errors
/// The token does not answer, or the row is not what was written.
pub(in crate::operation) async fn open(
    home: &Token,
    wrapping: &KeyRef,
    store: &KeyStore,
) -> Result<SecretString, Error> {
    let refused = || {
        let id = &store.id;
        Error::internal(format!(
            "the password of custom key store {id} does not open"
        ))
    };
    let (iv, sealed) = store
        .wrapped_password
        .split_first_chunk::<IV_BYTES>()
        .ok_or_else(refused)?;
    let aad = aad(&store.account, &store.id);
    let password = home.unseal(wrapping, *iv, aad, sealed.to_vec()).await?;
    let password = password.ok_or_else(refused)?;
    let text = std::str::from_utf8(password.expose_secret()).map_err(|_| refused())?;
    Ok(SecretString::from(text))
}

/// Binds a wrapped password to its custom key store: on another row it does not open.
fn aad(account: &AccountId, id: &str) -> Vec<u8> {
    let mut aad = b"strongroom key store password 1\0".to_vec();
    for part in [account.as_str(), id] {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}
