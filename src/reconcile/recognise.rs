//! Whether a token is the one that the database is about. Everything else comes after: to a wrong
//! token every key looks lost, and every object looks like nobody's.

use super::look::{Objects, objects};
use crate::store::Store;
use crate::token::{SystemKey, Token};
use crate::{Error, ErrorCode};

/// Refuses a token on which a deployment that has keys must not be set up once more.
///
/// # Errors
/// The token is not this database's, or does not answer; those of the database.
pub async fn check_token(store: &Store, token: &Token) -> Result<(), Error> {
    if store.home_serials().await?.is_empty() {
        return Ok(());
    }
    let objects = objects(token).await?;
    recognise(store, token, &objects, None).await.map(drop)
}

/// Refuses a token that is not the database's; answers its serial number. `replaces` is that of the
/// token whose place it has taken.
pub(super) async fn recognise(
    store: &Store,
    token: &Token,
    objects: &Objects,
    replaces: Option<&String>,
) -> Result<String, Error> {
    let here = token.require_serial()?;
    let serials = store.home_serials().await?;
    let replaced = replaces.is_some_and(|serial| serials.contains(serial));
    if !serials.is_empty() && !serials.contains(&here) && !replaced {
        let theirs = serials.join(", ");
        return Err(refused(format!(
            "wrong token: the keys of the database are on the token with serial {theirs:?}, and this \
             one has serial {here}; nothing was done. Mend token.label or token.serial; or, if this \
             token is a clone of that one, give that serial to `strongroom reconcile --replaces`"
        )));
    }
    let deployment = store.deployment();
    let has = |role: &SystemKey| {
        let id = role.object_id(deployment);
        objects.contains_key(id.as_bytes().as_slice())
    };
    if !SystemKey::ALL.iter().any(has) {
        return Err(refused(format!(
            "wrong token: the one with serial {here} knows none of the keys of the deployment \
             {deployment}; nothing was done. It is another deployment's, or it was initialised \
             anew: attach the right one, or restore it from its backup"
        )));
    }
    if !has(&SystemKey::RowMac) {
        return Err(refused(format!(
            "the token with serial {here} has lost the deployment's row-mac key: no row can be \
             verified, and nothing was done. Restore the token from its backup"
        )));
    }
    Ok(here)
}

fn refused(message: String) -> Error {
    Error::new(ErrorCode::Validation, message)
}
