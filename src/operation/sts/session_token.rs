//! Session tokens: all that the gateway must know of temporary credentials, sealed and handed to
//! their holder. Nothing of them is stored, and every gateway opens those of the others: the key that
//! seals them is derived from the PKCS#11 token, once, when a gateway starts.

use super::sealing::{MAX_LENGTH, RANDOM, Sealed, SealingKey};
use crate::authz::{Principal, PrincipalKind};
use crate::model::arn::principal_account;
use crate::model::{MacAlgorithm, arn};
use crate::operation::credential::Credential;
use crate::operation::{Proof, Session, expired};
use crate::token::{KeyRef, Token};
use crate::{Error, ErrorCode};
use openssl::sha::sha256;
use quick_cache::sync::Cache;
use secrecy::ExposeSecret;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;

/// What the deployment's key for sessions is the HMAC of. No row's bytes begin so.
const LABEL: &[u8] = b"strongroom session tokens 1\0";
/// Opened tokens kept at a time.
const OPENED: usize = 10_000;
/// How long the gateway waits before it asks a token that was away again.
const PAUSE: Duration = Duration::from_secs(1);

/// Seals and opens session tokens.
pub struct SessionTokens {
    token: Token,
    row_mac: KeyRef,
    key: OnceLock<SealingKey>,
    /// By the SHA-256 of the token.
    opened: Cache<[u8; 32], Arc<Credential>>,
}

impl SessionTokens {
    /// Tokens under a key that is derived by `row_mac`, which every gateway of a deployment has.
    pub fn new(token: Token, row_mac: KeyRef) -> Self {
        Self {
            token,
            row_mac,
            key: OnceLock::new(),
            opened: Cache::new(OPENED),
        }
    }

    /// Derives the key, unless it is there. Only this asks the token: what callers send does not.
    ///
    /// # Errors
    /// The token does not answer.
    pub async fn derive(&self) -> Result<(), Error> {
        if self.key.get().is_none() {
            let algorithm = MacAlgorithm::HmacSha256;
            let key = self.token.mac(&self.row_mac, algorithm, LABEL.to_vec());
            drop(self.key.set(SealingKey::new(key.await?))); // it is the same, if another was faster
        }
        Ok(())
    }

    /// The same, as often as it takes; until `stopped`.
    pub async fn derive_at_last(&self, mut stopped: watch::Receiver<bool>) {
        while self.derive().await.is_err() {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    fn key(&self) -> Result<&SealingKey, Error> {
        self.key.get().ok_or_else(|| {
            let message = "The gateway waits for its token. The request can be retried.";
            Error::new(ErrorCode::ServiceUnavailable, message)
        })
    }

    /// Seals; a token of at least `minimum` characters.
    ///
    /// # Errors
    /// `PackedPolicyTooLargeException`; the token does not answer.
    pub(super) async fn seal(&self, content: &Sealed, minimum: usize) -> Result<String, Error> {
        let random = self.token.random(RANDOM).await?;
        self.key()?.seal(content, minimum, random.expose_secret())
    }

    /// The credential of a token, if that is of `access_key_id`; `None` for any other text.
    ///
    /// # Errors
    /// `ExpiredTokenException`; `ServiceUnavailableException` before the key is there.
    pub fn open(
        &self,
        access_key_id: &str,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Credential>>, Error> {
        if token.len() > MAX_LENGTH {
            return Ok(None);
        }
        let digest = sha256(token.as_bytes());
        let credential = match self.opened.get(&digest) {
            Some(known) => known,
            None => {
                let opened = self.key()?.open(token)?.and_then(credential);
                let Some(opened) = opened.map(Arc::new) else {
                    return Ok(None);
                };
                self.opened.insert(digest, opened.clone());
                opened
            }
        };
        if credential.proof.access_key_id() != Some(access_key_id) {
            return Ok(None);
        }
        in_time(&credential, now)?;
        Ok(Some(credential))
    }
}

/// # Errors
/// `ExpiredTokenException`.
fn in_time(credential: &Credential, now: OffsetDateTime) -> Result<(), Error> {
    match credential.proof.session() {
        Some(session) if session.expires > now => Ok(()),
        _ => Err(expired()),
    }
}

/// `None` for what no gateway seals.
fn credential(sealed: Sealed) -> Option<Credential> {
    let account = principal_account(&sealed.role)?;
    let name = sealed.role.rsplit('/').next()?;
    let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
    let session = Session {
        issued: time(sealed.issued)?,
        expires: time(sealed.expires)?,
        policy: sealed.policy,
        tags: sealed.tags,
        role_id: sealed.role_id,
        assumed_by: sealed.by,
    };
    Some(Credential {
        principal: Principal {
            arn: arn::assumed_role_arn(&account, name, &sealed.session),
            account,
            user_id: format!("{}:{}", session.role_id, sealed.session),
            kind: PrincipalKind::AssumedRole { role: sealed.role },
        },
        proof: Proof::Session(sealed.id, Arc::new(session)),
        row: None,
        secret: sealed.secret.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::sts::sealing::tests::sealed;

    #[test]
    fn a_credential_is_good_to_its_last_second() {
        let credential = credential(sealed()).unwrap();
        assert_eq!(
            credential.principal.arn,
            "arn:aws:sts::111122223333:assumed-role/r/session"
        );
        assert_eq!(credential.principal.user_id, "AROAX:session");
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        assert!(in_time(&credential, at(1_899)).is_ok());
        let error = in_time(&credential, at(1_900)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExpiredToken);
    }
}
