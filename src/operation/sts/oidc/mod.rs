//! OIDC issuers: whose tokens name a caller of AssumeRoleWithWebIdentity.
//!
//! Until a token's signature is known to be its issuer's, it comes to neither the database nor the
//! PKCS#11 token.

mod jwk;
mod jwt;
mod keys;
mod strict_json;

pub use keys::KeySource;

use crate::authz::{Principal, PrincipalKind};
use crate::clock::Clock;
use crate::model::AccountId;
use crate::model::arn::{oidc_provider_arn, principal_account};
use crate::operation::{Proof, WebIdentity};
use crate::{Error, ErrorCode};
use jwt::Jwt;
use keys::Keys;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// An issuer of the configuration.
pub struct Issuer {
    /// `iss`, as its tokens have it.
    pub issuer: String,
    /// Those for whom its tokens may be meant.
    pub audiences: Vec<String>,
    /// Where its keys are.
    pub keys: KeySource,
}

/// The issuers of the configuration, with what is known of their keys.
pub struct Issuers(Vec<(Issuer, Keys)>);

/// What every token that is none is answered with.
pub(super) fn invalid() -> Error {
    let message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
    Error::new(ErrorCode::InvalidIdentityToken, message)
}

impl Issuers {
    /// With nothing known of their keys yet.
    pub fn new(issuers: Vec<Issuer>) -> Self {
        let unread = |issuer| (issuer, Keys::unread());
        Self(issuers.into_iter().map(unread).collect())
    }

    /// Who presents a token, to assume the role `role_arn`.
    ///
    /// # Errors
    /// `InvalidIdentityTokenException`, `IDPRejectedClaimException`, `ExpiredTokenException`,
    /// `IDPCommunicationErrorException`; `ValidationException` where `role_arn` is none.
    pub async fn identify(
        &self,
        role_arn: &str,
        token: &SecretString,
        clock: &dyn Clock,
    ) -> Result<(Principal, Proof), Error> {
        let account = principal_account(role_arn).ok_or_else(|| {
            let message = "RoleArn is no ARN of a role.";
            Error::new(ErrorCode::Validation, message)
        })?;
        let identity = self.verify(token, clock).await?;
        let principal = principal(&identity, account);
        Ok((principal, Proof::WebIdentity(Arc::new(identity))))
    }

    async fn verify(&self, token: &SecretString, clock: &dyn Clock) -> Result<WebIdentity, Error> {
        let jwt = Jwt::parse(token.expose_secret()).ok_or_else(invalid)?;
        let found = self
            .0
            .iter()
            .find(|(issuer, _)| issuer.issuer == jwt.issuer);
        let Some((issuer, keys)) = found else {
            // Not the name: nobody has signed for it.
            let message =
                "No OpenIDConnect provider found in your account for the issuer of the token.";
            return Err(Error::new(ErrorCode::InvalidIdentityToken, message));
        };
        let key = keys.find(&jwt.kid, &issuer.keys, clock).await?;
        let key = key.ok_or_else(|| {
            let message = "Couldn't retrieve verification key from your identity provider, please \
                           reference AssumeRoleWithWebIdentity documentation for requirements";
            Error::new(ErrorCode::InvalidIdentityToken, message)
        })?;
        if !key.verifies(jwt.algorithm, jwt.signed, &jwt.signature) {
            return Err(invalid());
        }
        jwt.identity(&issuer.audiences, clock.now())
    }
}

/// As a policy and the audit log name it: of the role's account, which trusts the issuer.
fn principal(identity: &WebIdentity, account: AccountId) -> Principal {
    let provider = oidc_provider_arn(&account, identity.issuer_name());
    let WebIdentity {
        audience, subject, ..
    } = identity;
    Principal {
        arn: provider.clone(),
        account,
        user_id: format!("{provider}:{audience}:{subject}"),
        kind: PrincipalKind::WebIdentity { provider },
    }
}
