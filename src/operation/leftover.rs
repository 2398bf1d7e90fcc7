//! Objects on the token that nothing uses any more.

use super::{Context, Tokens};
use crate::Error;
use crate::store::{AdoptedObject, Intent, Store};

/// Destroys the object, then forgets the intent. Destroying what is not there is no error: the
/// token was asked and answered.
///
/// # Errors
/// Those of the token and the database; the intent is still there, and a worker comes to it once
/// its lease is past.
pub async fn destroy(intent: &Intent, tokens: &Tokens, store: &Store) -> Result<(), Error> {
    let version = intent.version;
    let token = tokens.with_serial(intent.token_serial.as_deref())?;
    match intent.adopted.clone() {
        None => token.destroy(version).await?,
        Some(AdoptedObject { object_id, is_pair }) => {
            token.destroy_adopted(version, object_id, is_pair).await?
        }
    };
    store.drop_intent(version).await
}

/// The same for several, where who asked need not know how it went.
pub async fn destroy_all(intents: &[Intent], cx: &Context) {
    for intent in intents {
        if let Err(error) = destroy(intent, &cx.tokens, &cx.store).await {
            log::warn!("{} stays until a worker comes: {error}", intent.version);
        }
    }
}
