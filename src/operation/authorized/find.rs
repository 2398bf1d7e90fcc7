//! Step 5: finding a key by whatever names it. Whether the caller may know of it is not asked yet.

use super::granted::{self, invalid_token};
use super::source::Source;
use super::{Operation, Request, Resolved, arn_of};
use crate::authz::Reason;
use crate::model::arn;
use crate::model::key_id::{KeyForms, KeyName, KeyResource};
use crate::operation::access::By;
use crate::operation::multi_region;
use crate::store::Key;
use crate::{Error, ErrorCode};
use std::hash::{DefaultHasher, Hash, Hasher};
use uuid::Uuid;

/// What a name stands for.
pub(super) struct Found {
    pub(super) name: Named,
    /// `None` if there is nothing.
    pub(super) resolved: Option<Resolved>,
}

/// How it was named, which decides how it is refused.
pub(super) enum Named {
    /// By a ciphertext that it made: there is one answer to all that are not to be decrypted.
    Ciphertext,
    /// By an ARN, or a name that stands for one, in the caller's account; and what is said where
    /// there is nothing.
    Own { arn: String, missing: String },
    /// By an ARN in another account.
    Foreign(String),
    /// By a token of a grant, and whether the key is in the caller's account.
    GrantToken { own: bool },
}

impl Named {
    /// What the caller is told who may not use it. In another account that is the same for what is
    /// there and for what is not, whatever the reason.
    pub(super) fn denied(
        &self,
        key: Option<&Key>,
        request: &Request,
        action: &str,
        reason: Reason,
    ) -> Error {
        match (self, key) {
            (Named::Ciphertext, _) => unknown_ciphertext(),
            (Named::GrantToken { own: true }, Some(key)) => {
                denied(request, action, &arn_of(key), reason)
            }
            (Named::GrantToken { .. }, _) => invalid_token(),
            (Named::Foreign(arn), _) => foreign(request, action, arn),
            (Named::Own { .. }, Some(key)) => denied(request, action, &arn_of(key), reason),
            (Named::Own { arn, .. }, None) => denied(request, action, arn, reason),
        }
    }

    /// For what is not there in another account: a row that there is not, the same for the same name.
    pub(super) fn placeholder(&self, by: By<'_>) -> Option<Uuid> {
        match (self, by) {
            (Named::Ciphertext, By::Version(version)) => Some(version),
            (Named::Foreign(arn), _) => {
                let mut hasher = DefaultHasher::new();
                arn.hash(&mut hasher);
                Some(Uuid::from_u64_pair(0, hasher.finish()))
            }
            _ => None,
        }
    }

    /// What the caller is told who might use it, if it were there.
    pub(super) fn missing(&self, request: &Request, action: &str) -> Error {
        match self {
            Named::Ciphertext => unknown_ciphertext(),
            Named::GrantToken { .. } => invalid_token(),
            Named::Foreign(arn) => foreign(request, action, arn),
            Named::Own { missing, .. } => Error::new(ErrorCode::NotFound, missing.clone()),
        }
    }
}

fn unknown_ciphertext() -> Error {
    Error::new(
        ErrorCode::AccessDenied,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this \
         region, or you are not allowed to access.",
    )
}

/// AWS's sentence: who, what, on what, and why not.
pub(super) fn denied(request: &Request, action: &str, resource: &str, reason: Reason) -> Error {
    refused(request, action, resource, &reason.sentence(action))
}

/// The same for what is another account's.
pub(super) fn foreign(request: &Request, action: &str, resource: &str) -> Error {
    let why = "because the resource does not exist in this Region, no resource-based policies allow \
               access, or a resource-based policy explicitly denies access";
    refused(request, action, resource, why)
}

fn refused(request: &Request, action: &str, resource: &str, why: &str) -> Error {
    let who = &request.principal.arn;
    let message =
        format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
    Error::new(ErrorCode::AccessDenied, message)
}

fn name_in(text: &str, forms: KeyForms) -> Result<KeyName, Error> {
    let name = KeyName::parse(text)?;
    if forms == KeyForms::KeyOnly && matches!(name.resource, KeyResource::Alias(_)) {
        let message = "Key Aliases are not supported for this operation.";
        return Err(Error::new(ErrorCode::InvalidArn, message));
    }
    Ok(name)
}

/// The key that a name stands for.
///
/// # Errors
/// For a name that the operation does not take, whatever it stands for.
pub(super) async fn find<O: Operation>(
    by: By<'_>,
    before: Option<&Key>,
    request: &Request,
    source: Source<'_>,
) -> Result<Found, Error> {
    let name = match by {
        By::Version(version) => {
            let key = source.key_of_version(&request.region, version).await?;
            return Ok(Found {
                name: Named::Ciphertext,
                resolved: key.map(Resolved::plain),
            });
        }
        By::Name(text, forms) => name_in(text, forms)?,
        By::Alias(alias) => KeyName {
            place: None,
            resource: KeyResource::Alias(alias.to_owned()),
            version: None,
        },
        By::Grant(text, _) => name_in(text, KeyForms::KeyOnly)?,
        By::GrantToken(token) => return granted::by_token(token, request, source).await,
        By::Replica(region) => {
            let primary = before.ok_or_else(|| Error::internal("a replica of no key"))?;
            multi_region::require_primary(primary)?;
            if *region == primary.region {
                let message = format!("{} is the primary key already.", arn_of(primary));
                return Err(Error::new(ErrorCode::UnsupportedOperation, message));
            }
            let (account, id) = (&primary.account, &primary.key_id);
            let key = source.key(account, region, id, false).await?;
            let key = key.filter(|key| key.material_set == primary.material_set);
            let arn = arn::key_arn(account, region, id);
            return Ok(Found {
                name: Named::Own {
                    missing: format!("Key '{arn}' does not exist"),
                    arn,
                },
                resolved: key.map(Resolved::plain),
            });
        }
    };
    let (account, region) = match name.place {
        Some((account, region)) => (account, region),
        None => (request.principal.account.clone(), request.region.clone()),
    };
    if region != request.region {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("Invalid arn {region}"),
        ));
    }
    let is_foreign = account != request.principal.account;
    let named = |arn: String, missing: String| match is_foreign {
        true => Named::Foreign(arn),
        false => Named::Own { arn, missing },
    };
    let found = match name.resource {
        KeyResource::Key(id) => {
            let arn = arn::key_arn(&account, &region, &id);
            if is_foreign && !O::NAME.across_accounts() {
                return Err(foreign(request, O::NAME.action(), &arn));
            }
            let key = source.key(&account, &region, &id, is_foreign).await?;
            let missing = format!("Key '{arn}' does not exist");
            Found {
                name: named(arn, missing),
                resolved: key.map(|key| Resolved {
                    version: name.version,
                    ..Resolved::plain(key)
                }),
            }
        }
        KeyResource::Alias(alias) => {
            let arn = arn::alias_arn(&account, &region, &alias);
            if is_foreign && !O::NAME.across_accounts() {
                return Err(foreign(request, O::NAME.action(), &arn));
            }
            let alias = source.alias(&account, &region, &alias, is_foreign).await?;
            let key = match &alias {
                Some(alias) => {
                    let id = &alias.key_id;
                    source.key(&account, &region, id, is_foreign).await?
                }
                None => None,
            };
            let missing = format!("Alias {arn} is not found.");
            Found {
                name: named(arn, missing),
                resolved: key.map(|key| Resolved {
                    alias,
                    ..Resolved::plain(key)
                }),
            }
        }
    };
    Ok(found)
}
