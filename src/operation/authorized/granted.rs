//! The part of steps 5 to 7 that grants have: requests that name one, by its id or by a token, and
//! requests that make one.
//!
//! A grant is named by whoever knows its token, and used by nobody but its grantee: a token is
//! never a right.

use super::{Operation, Request, Resolved, Source, arn_of, denied, may};
use crate::model::arn::key_arn;
use crate::model::{GrantOperationSet, KeySpec};
use crate::operation::grants::check_id;
use crate::store::{Grant, Key};
use crate::{Error, ErrorCode};
use std::sync::Arc;

/// What a token that names no grant is answered with, whatever is wrong with it.
fn invalid_token() -> Error {
    let message = "The grant token is not valid, or its grant has been retired or revoked.";
    Error::new(ErrorCode::InvalidGrantToken, message)
}

/// The grant that a token names.
///
/// # Errors
/// `InvalidGrantTokenException`.
pub(super) async fn named_by(token: &str, source: Source<'_>) -> Result<Arc<Grant>, Error> {
    let grant = match source {
        Source::Cache(store) => store.grant_by_token(token).await?,
        Source::Locked(tx) => tx.share_grant_by_token(token).await?.map(Arc::new),
    };
    grant.ok_or_else(invalid_token)
}

/// The key of the grant that a token names, and the grant.
///
/// # Errors
/// `InvalidGrantTokenException`; `AccessDeniedException` for a grant on another account's key.
pub(super) async fn by_token<O: Operation>(
    token: &str,
    request: &Request,
    source: Source<'_>,
) -> Result<Resolved, Error> {
    // The key is locked before its grant: everybody locks in this order.
    let grant = match source {
        Source::Cache(_) => Some(named_by(token, source).await?),
        Source::Locked(tx) => tx.peek_grant_by_token(token).await?.map(Arc::new),
    };
    let grant = grant
        .filter(|grant| grant.region == request.region)
        .ok_or_else(invalid_token)?;
    let (account, region, key_id) = (&grant.account, &grant.region, &grant.key_id);
    if !may(request, account) {
        return Err(denied::<O>(request, &key_arn(account, region, key_id)));
    }
    let key = source.key(account, region, key_id).await?;
    // Gone, or another key of the same id that was made since.
    let key = key
        .filter(|key| key.row == grant.key)
        .ok_or_else(invalid_token)?;
    let grant = match source {
        Source::Cache(_) => Some(grant),
        Source::Locked(tx) => tx.lock_grant(&key, &grant.grant_id).await?.map(Arc::new),
    };
    Ok(Resolved {
        grant: Some(grant.ok_or_else(invalid_token)?),
        ..Resolved::plain(key)
    })
}

/// A grant of a resolved key.
///
/// # Errors
/// `InvalidGrantIdException`, `NotFoundException`.
pub(super) async fn of_key(
    resolved: Resolved,
    grant_id: &str,
    source: Source<'_>,
) -> Result<Resolved, Error> {
    check_id(grant_id)?;
    let key = &resolved.key;
    let grant = match source {
        Source::Cache(store) => store.grant(key, grant_id).await?,
        Source::Locked(tx) => tx.lock_grant(key, grant_id).await?,
    };
    let grant = grant.ok_or_else(|| {
        let message = format!("Grant {grant_id} of {} is not found.", arn_of(key));
        Error::new(ErrorCode::NotFound, message)
    })?;
    Ok(Resolved {
        grant: Some(Arc::new(grant)),
        ..resolved
    })
}

/// Whether a grant of these operations can be made on a key.
///
/// # Errors
/// `ValidationException`.
pub(super) fn suits(operations: GrantOperationSet, context: bool, key: &Key) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::new(ErrorCode::Validation, message));
    let (spec, usage) = (key.spec, key.usage);
    let cannot = operations.iter().find(|o| !o.suits(spec, usage));
    if let Some(operation) = cannot {
        return invalid(format!(
            "Grant operation {operation} is not supported by a {spec} key whose KeyUsage is {usage}."
        ));
    }
    if context && spec != KeySpec::SymmetricDefault {
        return invalid(format!(
            "An encryption context constraint is not supported by a {spec} key."
        ));
    }
    Ok(())
}
