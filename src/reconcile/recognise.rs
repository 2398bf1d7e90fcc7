//! Whether this token is the one that the database is about. Everything else comes after: to a wrong
//! token every key looks lost, and every object looks like nobody's.

use super::Reconciler;
use super::look::Objects;
use crate::token::SystemKey;
use crate::{Error, ErrorCode};

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}

impl Reconciler {
    /// Refuses a token that is not the database's; answers its serial number.
    pub(super) async fn recognise(&self, objects: &Objects) -> Result<String, Error> {
        let here = self.home().require_serial()?;
        let serials = self.store.home_serials().await?;
        let has = |role: &SystemKey| {
            let id = role.object_id(self.store.deployment());
            objects.contains_key(id.as_bytes().as_slice())
        };
        if !serials.is_empty() && !serials.contains(&here) {
            let theirs = serials.join(", ");
            match &self.replaces {
                Some(replaced) if serials.contains(replaced) => {}
                _ => {
                    return Err(refused(format!(
                        "wrong token: the keys of the database are on the token with serial {theirs}, \
                         and this one has serial {here}; nothing was compared. Mend token.label or \
                         token.serial; or, if this token is a clone of that one, say \
                         --replaces {theirs}"
                    )));
                }
            }
        }
        if !SystemKey::ALL.iter().any(has) {
            return Err(refused(format!(
                "wrong token: the one with serial {here} knows none of the keys of the deployment \
                 {}; nothing was compared. It is another deployment's, or it was initialised anew: \
                 attach the right one, or restore it from its backup",
                self.store.deployment()
            )));
        }
        if !has(&SystemKey::RowMac) {
            return Err(refused(format!(
                "the token with serial {here} has lost the deployment's row-mac key: no row can be \
                 verified, and nothing was compared. Restore the token from its backup"
            )));
        }
        Ok(here)
    }
}
