//! Access keys: two for each user, so that one is replaced while the other is in use. A root has them
//! as well; where no user is named, the caller's own are meant.

pub mod create_access_key;
pub mod delete_access_key;
pub mod get_access_key_last_used;
pub mod list_access_keys;
mod made;
pub mod update_access_key;

pub(super) use made::{CreatedAccessKey, Made};

use super::entity::Entity;
use super::no_such_entity;
use crate::model::shapes::{AccessKeyStatus, Timestamp, UserName};
use crate::operation::access::Subject;
use crate::operation::{Access, Authorized, Operation};
use crate::store::{AccessKey, Identity, IdentityKind, Transaction};
use crate::{Error, ErrorCode};

/// IAM's `AccessKeyMetadata`.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AccessKeyMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    pub access_key_id: String,
    pub status: AccessKeyStatus,
    pub create_date: Timestamp,
}

impl AccessKeyMetadata {
    /// Of an access key, and the name of its user; `None` for a root's.
    pub(super) fn new(key: &AccessKey, user_name: Option<&str>) -> Self {
        Self {
            user_name: user_name.map(str::to_owned),
            access_key_id: key.id.clone(),
            status: match key.enabled {
                true => AccessKeyStatus::Active,
                false => AccessKeyStatus::Inactive,
            },
            create_date: Timestamp(key.created),
        }
    }
}

/// `access` of what is about a user, or the caller.
pub(super) fn access_of_owner(user: Option<&UserName>) -> Access<'_> {
    match user {
        Some(name) => Entity::User(name).access(),
        None => Access::about(Subject::Caller),
    }
}

/// The user that is named, or the caller; sessions have no access keys.
///
/// # Errors
/// `NoSuchEntityException`; `ValidationException` where the caller is a role's session and names
/// none.
pub(super) fn owner<'c, O: Operation>(
    user: Option<&UserName>,
    call: &'c Authorized<O>,
) -> Result<&'c Identity, Error> {
    if let Some(name) = user {
        return Entity::User(name).of(call);
    }
    let caller = call
        .entity()
        .filter(|caller| caller.kind != IdentityKind::Role);
    caller.ok_or_else(|| {
        let message = "Must specify userName when calling with non-User credentials";
        Error::new(ErrorCode::Validation, message)
    })
}

/// An access key of an identity's, to change it.
///
/// # Errors
/// `NoSuchEntityException`, whoever else has it; those of the database.
async fn lock_key(id: &str, owner: &Identity, tx: &Transaction<'_>) -> Result<AccessKey, Error> {
    let found = tx.lock_access_key_to_change(id).await?;
    let found = found.filter(|key| key.account == owner.account && key.principal == owner.arn);
    found.ok_or_else(|| missing_key(id))
}

fn missing_key(id: &str) -> Error {
    no_such_entity(format!("The Access Key with id {id} cannot be found."))
}
