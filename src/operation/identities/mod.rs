//! Accounts, and who is in them: users and roles with their policies, and access keys. The names and
//! shapes are those of AWS IAM where it has them; documents are passed as they are, not URL-encoded.
//! See `docs/access.md`.

pub mod access_keys;
pub mod accounts;
mod entity;
mod inline_policies;
pub mod roles;
pub(super) mod tags;
pub mod users;

use crate::model::shapes::{Arn, Description, IdentityPath};
use crate::operation::credential::BASE32;
use crate::{Error, ErrorCode};
use uuid::Uuid;

/// IAM's page length where the caller names none.
const DEFAULT_LIMIT: i64 = 100;

/// The only path of users and roles.
const PATH: &str = "/";

fn no_such_entity(message: String) -> Error {
    Error::new(ErrorCode::NoSuchEntity, message)
}

fn conflict(what: &str) -> Error {
    let message = format!("Cannot delete entity, must delete {what} first.");
    Error::new(ErrorCode::DeleteConflict, message)
}

fn limit(message: String) -> Error {
    Error::new(ErrorCode::LimitExceeded, message)
}

/// A unique id as IAM makes them: a prefix that says of what, and 17 of base32.
fn unique_id(prefix: &str) -> String {
    let random = Uuid::new_v4().as_u128();
    let digits = (0..17).map(|n| char::from(BASE32[(random >> (5 * n)) as usize % 32]));
    prefix.chars().chain(digits).collect()
}

/// Refuses members of IAM's that mean something which users and roles do not have here.
///
/// # Errors
/// `UnsupportedOperationException`.
fn refuse(
    path: Option<&IdentityPath>,
    permissions_boundary: Option<&Arn>,
    description: Option<&Description>,
) -> Result<(), Error> {
    let name = match () {
        () if path.is_some_and(|path| &**path != PATH) => "A Path other than /",
        () if permissions_boundary.is_some() => "PermissionsBoundary",
        () if description.is_some() => "Description",
        () => return Ok(()),
    };
    let message = format!("{name} is not supported.");
    Err(Error::new(ErrorCode::UnsupportedOperation, message))
}

#[cfg(test)]
mod tests {
    #[test]
    fn unique_ids() {
        let (one, two) = (super::unique_id("AIDA"), super::unique_id("AIDA"));
        assert_ne!(one, two);
        assert_eq!(one.len(), 21);
        assert!(one.starts_with("AIDA"));
        let base32 = |c: char| c.is_ascii_uppercase() || matches!(c, '2'..='7');
        assert!(one.chars().all(base32), "{one}");
    }
}
