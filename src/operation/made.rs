//! What the token makes for a key: under an intent, which is committed first, until a transaction
//! makes it a version of the key.

use super::Context;
use crate::Error;
use crate::model::{KeySpec, KeyUsage};
use crate::store::{Intent, IntentKind, KeyVersion};
use crate::token::{Birth, Token};
use time::OffsetDateTime;
use uuid::Uuid;

/// An object, or a pair, that the token has made. No row has it yet; its intent has.
#[derive(Debug)]
pub struct Made {
    birth: Birth,
    /// Removed by the transaction that adds the version.
    pub intent: Intent,
}

/// Has the token make what `key_id` is to have.
///
/// # Errors
/// Those of the database and of the token: what was made is destroyed once the intent's lease is
/// past.
pub async fn make(
    token: &Token,
    key_id: &str,
    spec: KeySpec,
    usage: KeyUsage,
    cx: &Context,
) -> Result<Made, Error> {
    let intent = intend(token, cx).await?;
    let label = format!("strongroom key {key_id}");
    let birth = token.generate(intent.version, &label, spec, usage).await?;
    Ok(Made { birth, intent })
}

impl Made {
    /// The row of it, as the version of its key with this number.
    ///
    /// # Errors
    /// `KMSInternalException`, should the birth certificate not serialize.
    pub fn version(&self, number: i32, now: OffsetDateTime) -> Result<KeyVersion, Error> {
        version_of(self.intent.version, number, &self.birth, now)
    }
}

/// The intent to make something on `token`, under a new id, committed.
///
/// # Errors
/// Those of the database; `KeyUnavailableException` while the token is away.
pub async fn intend(token: &Token, cx: &Context) -> Result<Intent, Error> {
    let intent = Intent {
        version: Uuid::new_v4(),
        token_serial: Some(token.require_serial()?),
        adopted: None,
        kind: IntentKind::Create,
        owner: cx.gateway,
        lease: cx.lease,
    };
    cx.store.begin_intent(&intent).await?;
    Ok(intent)
}

/// The row of what has this birth certificate.
///
/// # Errors
/// `KMSInternalException`, should it not serialize.
pub fn version_of(
    id: Uuid,
    number: i32,
    birth: &Birth,
    now: OffsetDateTime,
) -> Result<KeyVersion, Error> {
    Ok(KeyVersion::made(
        id,
        number,
        birth.token_serial.clone(),
        birth.public_key.as_deref().map(Into::into),
        serde_json::to_value(birth).map_err(Error::internal)?,
        now,
    ))
}
