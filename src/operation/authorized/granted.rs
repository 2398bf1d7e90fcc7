//! The part of steps 5 to 7 that grants have: requests that name one, by its id or by a token, and
//! requests that make one.
//!
//! A grant is named by whoever knows its token, and used by nobody but its grantee: a token is
//! never a right.

use super::find::{Found, Named};
use super::permit::Caller;
use super::{Request, Resolved, Seen, Source};
use crate::model::shapes::GrantToken;
use crate::model::{GrantOperationSet, KeySpec};
use crate::store::{Grant, Key};
use crate::{Error, ErrorCode};
use std::sync::Arc;

/// What a token that names no grant is answered with, whatever is wrong with it.
pub(super) fn invalid_token() -> Error {
    let message = "The grant token is not valid, or its grant has been retired or revoked.";
    Error::new(ErrorCode::InvalidGrantToken, message)
}

/// The grant that a token names.
async fn named_by(token: &str, source: Source<'_>) -> Result<Arc<Grant>, Error> {
    let grant = match source {
        Source::Cache(store) => store.grant_by_token(token).await?,
        Source::Locked(tx) => tx.share_grant_by_token(token).await?.map(Arc::new),
    };
    grant.ok_or_else(invalid_token)
}

impl Caller<'_> {
    /// The grants that the request's tokens name. Whoever is neither the grantee nor of the key's
    /// account does not learn whether a grant is still there.
    ///
    /// # Errors
    /// `InvalidGrantTokenException`.
    pub(super) async fn grants_named(
        &self,
        tokens: &[GrantToken],
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Vec<Arc<Grant>>, Error> {
        let mut grants = Vec::with_capacity(tokens.len());
        for token in tokens {
            let grant = named_by(token, source).await?;
            seen.note_grant(&grant);
            let own = grant.account == self.request.principal.account;
            if !own && !self.is_grantee(&grant) {
                return Err(invalid_token());
            }
            grants.push(grant);
        }
        Ok(grants)
    }
}

/// The key of the grant that a token names, and the grant.
///
/// # Errors
/// `InvalidGrantTokenException`.
pub(super) async fn by_token(
    token: &str,
    request: &Request,
    source: Source<'_>,
) -> Result<Found, Error> {
    // The key is locked before its grant: everybody locks in this order.
    let grant = match source {
        Source::Cache(_) => Some(named_by(token, source).await?),
        Source::Locked(tx) => tx.peek_grant_by_token(token).await?.map(Arc::new),
    };
    let grant = grant
        .filter(|grant| grant.region == request.region)
        .ok_or_else(invalid_token)?;
    let own = grant.account == request.principal.account;
    let (account, region, key_id) = (&grant.account, &grant.region, &grant.key_id);
    let key = source.key(account, region, key_id, !own).await?;
    // Gone, or another key of the same id that was made since.
    let key = key
        .filter(|key| key.row == grant.key)
        .ok_or_else(invalid_token)?;
    let grant = match source {
        Source::Cache(_) => Some(grant),
        Source::Locked(tx) => tx.lock_grant(&key, &grant.grant_id).await?.map(Arc::new),
    };
    Ok(Found {
        name: Named::GrantToken { own },
        resolved: Some(Resolved {
            grant: Some(grant.ok_or_else(invalid_token)?),
            ..Resolved::plain(key)
        }),
    })
}

/// A grant of a key.
pub(super) async fn of_key(
    key: &Key,
    grant_id: &str,
    source: Source<'_>,
) -> Result<Option<Arc<Grant>>, Error> {
    let grant = match source {
        Source::Cache(store) => store.grant(key, grant_id).await?,
        Source::Locked(tx) => tx.lock_grant(key, grant_id).await?,
    };
    Ok(grant.map(Arc::new))
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
