//! What is the same for users and roles: they are found by their names.

use super::{DEFAULT_LIMIT, no_such_entity};
use crate::Error;
use crate::model::shapes::{IdentityTags, Limit, Marker};
use crate::model::{AccountId, arn};
use crate::operation::access::{Further, New, Subject};
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request};
use crate::store::{Identity, IdentityKind};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// A page of the caller's account's users or roles, and the marker of the next.
///
/// # Errors
/// `InvalidMarkerException`; those of the database.
pub(super) async fn list(
    kind: IdentityKind,
    (limit, marker): (Option<Limit>, Option<&Marker>),
    request: &Request,
    cx: &Context,
) -> Result<(Vec<Identity>, Option<String>), Error> {
    let page = Page::new(limit, marker, DEFAULT_LIMIT)?;
    let (account, after) = (&request.principal.account, page.after.as_deref());
    let found = cx
        .store
        .list_identities(account, kind, after, page.limit + 1);
    let mut found = found.await?;
    let next_marker = page.cut(&mut found, |one| one.name.as_deref().unwrap_or_default());
    Ok((found, next_marker))
}

/// A user or a role of the caller's account, by its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entity<'n> {
    User(&'n str),
    Role(&'n str),
}

impl<'n> Entity<'n> {
    /// `access` of whatever is about it.
    pub(super) fn access(self) -> Access<'n> {
        Access::about(match self {
            Entity::User(name) => Subject::User(name),
            Entity::Role(name) => Subject::Role(name),
        })
    }

    /// `access` of what makes it: who gives it tags must be allowed to tag it as well.
    pub(super) fn creation(self, tags: Option<&IdentityTags>) -> Access<'n> {
        let tags = tags.filter(|tags| !tags.0.is_empty());
        let (operation, on) = match self {
            Entity::User(name) => (OperationName::TagUser, New::User(name)),
            Entity::Role(name) => (OperationName::TagRole, New::Role(name)),
        };
        let action = operation.action();
        self.access()
            .and_further(tags.map(|_| Further { action, on }))
    }

    fn name(self) -> &'n str {
        match self {
            Entity::User(name) | Entity::Role(name) => name,
        }
    }

    /// As messages call it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Entity::User(_) => "user",
            Entity::Role(_) => "role",
        }
    }

    pub(super) fn arn(self, account: &AccountId) -> String {
        match self {
            Entity::User(name) => arn::user_arn(account, name),
            Entity::Role(name) => arn::role_arn(account, name),
        }
    }

    fn missing(self) -> Error {
        let (noun, name) = (self.noun(), self.name());
        no_such_entity(format!("The {noun} with name {name} cannot be found."))
    }

    /// The one that was authorized: in a change it is locked.
    ///
    /// # Errors
    /// `NoSuchEntityException`.
    pub(super) fn of<O: Operation>(self, call: &Authorized<O>) -> Result<&Identity, Error> {
        call.entity().ok_or_else(|| self.missing())
    }

    /// One that is in no table yet.
    pub(super) fn made(
        self,
        account: &AccountId,
        unique_id: String,
        tags: BTreeMap<String, String>,
        created: OffsetDateTime,
    ) -> Identity {
        Identity {
            row: Uuid::new_v4(),
            row_version: 1,
            arn: self.arn(account),
            account: account.clone(),
            kind: match self {
                Entity::User(_) => IdentityKind::User,
                Entity::Role(_) => IdentityKind::Role,
            },
            name: Some(self.name().to_owned()),
            unique_id: Some(unique_id),
            tags,
            policies: BTreeMap::new(),
            trust: None,
            max_session_seconds: None,
            management: false,
            created,
        }
    }
}
