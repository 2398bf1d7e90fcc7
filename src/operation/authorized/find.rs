//! Finding a key by whatever names it, and asking whether the caller may.

use super::source::Source;
use super::{Operation, Request, Resolved, Seen, arn_of};
use crate::model::key_id::{KeyForms, KeyName, KeyResource};
use crate::model::{AccountId, arn};
use crate::operation::access::{By, Subject};
use crate::operation::multi_region;
use crate::store::{Key, RowVersion};
use crate::{Error, ErrorCode};

/// Step 5 and 6 for one key. What belongs to another account is answered the same whether it
/// is there or not.
pub(super) async fn find<O: Operation>(
    by: By<'_>,
    before: Option<&Key>,
    request: &Request,
    source: Source<'_>,
) -> Result<Resolved, Error> {
    let name = match by {
        By::Version(version) => {
            let key = source.key_of_version(&request.region, version).await?;
            return match key {
                Some(key) if may(request, &key.account) => Ok(Resolved::plain(key)),
                _ => Err(Error::new(
                    ErrorCode::AccessDenied,
                    "The ciphertext refers to a customer master key that does not exist, does not \
                     exist in this region, or you are not allowed to access.",
                )),
            };
        }
        By::Name(text, forms) => {
            let name = KeyName::parse(text)?;
            if forms == KeyForms::KeyOnly && matches!(name.resource, KeyResource::Alias(_)) {
                let message = "Key Aliases are not supported for this operation.";
                return Err(Error::new(ErrorCode::InvalidArn, message));
            }
            name
        }
        By::Alias(alias) => KeyName {
            place: None,
            resource: KeyResource::Alias(alias.to_owned()),
            version: None,
        },
        By::Grant(..) | By::GrantToken(_) => return Err(Error::internal("a grant is no name")),
        By::Replica(region) => {
            let primary = before.ok_or_else(|| Error::internal("a replica of no key"))?;
            multi_region::require_primary(primary)?;
            if *region == primary.region {
                let message = format!("{} is the primary key already.", arn_of(primary));
                return Err(Error::new(ErrorCode::UnsupportedOperation, message));
            }
            let (account, id) = (&primary.account, &primary.key_id);
            let named = arn::key_arn(account, region, id);
            if !may(request, account) {
                return Err(denied::<O>(request, &named));
            }
            return match source.key(account, region, id).await? {
                Some(key) if key.material_set == primary.material_set => Ok(Resolved::plain(key)),
                _ => Err(Error::new(
                    ErrorCode::NotFound,
                    format!("Key '{named}' does not exist"),
                )),
            };
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
    let named = match &name.resource {
        KeyResource::Key(id) => arn::key_arn(&account, &region, id),
        KeyResource::Alias(alias) => arn::alias_arn(&account, &region, alias),
    };
    let foreign = account != request.principal.account;
    if foreign && !O::NAME.across_accounts() || !may(request, &account) {
        return Err(denied::<O>(request, &named));
    }
    let not_found = |message: String| Error::new(ErrorCode::NotFound, message);
    match name.resource {
        KeyResource::Key(id) => {
            let key = source.key(&account, &region, &id).await?;
            let key = key.ok_or_else(|| not_found(format!("Key '{named}' does not exist")))?;
            Ok(Resolved {
                version: name.version,
                ..Resolved::plain(key)
            })
        }
        KeyResource::Alias(alias) => {
            let missing = || not_found(format!("Alias {named} is not found."));
            let alias = source
                .alias(&account, &region, &alias)
                .await?
                .ok_or_else(missing)?;
            let key = source
                .key(&account, &region, &alias.key_id)
                .await?
                .ok_or_else(missing)?;
            Ok(Resolved {
                alias: Some(alias),
                ..Resolved::plain(key)
            })
        }
    }
}

/// Step 6 for what a request is about beside its keys.
pub(super) async fn check_subject<O: Operation>(
    subject: Subject<'_>,
    request: &Request,
    source: Source<'_>,
    seen: &mut Seen,
) -> Result<(), Error> {
    let account = &request.principal.account;
    match subject {
        Subject::Account | Subject::User(_) | Subject::Role(_) | Subject::Caller => Ok(()),
        // Asked elsewhere, or nothing to ask.
        Subject::RoleToAssume(_) | Subject::Open => Ok(()),
        Subject::Principal(arn) => match arn::principal_account(arn) {
            Some(owner) if may(request, &owner) => Ok(()),
            _ => Err(denied::<O>(request, arn)),
        },
        Subject::Deployment => {
            let root = source.identity(&arn::root_arn(account)).await?;
            if let Some(root) = &root {
                seen.uses
                    .push(RowVersion::Identity(root.row, root.row_version));
            }
            match root.is_some_and(|root| root.management) {
                true => Ok(()),
                false => Err(denied::<O>(request, "*")),
            }
        }
    }
}

pub(super) fn may(request: &Request, owner: &AccountId) -> bool {
    request.principal.account == *owner
}

pub(super) fn denied<O: Operation>(request: &Request, resource: &str) -> Error {
    let (who, action) = (&request.principal.arn, O::NAME.action());
    Error::new(
        ErrorCode::AccessDenied,
        format!(
            "User: {who} is not authorized to perform: {action} on resource: {resource} because no \
             resource-based policy allows the {action} action"
        ),
    )
}
