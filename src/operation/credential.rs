//! Secret access keys: wrapped under a key on the token at rest, in wiped memory while in use.

use super::Proof;
use super::quota::{Quota, Strangers};
use super::sts::SessionTokens;
use crate::Error;
use crate::authz::Principal;
use crate::model::AccountId;
use crate::sigv4::SecretAccessKey;
use crate::store::{AccessKey, IdentityKind, RowVersion, Store};
use crate::token::{KeyRef, Token};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// An access key that is in force, with its secret.
pub struct Credential {
    /// Who it speaks for.
    pub principal: Principal,
    /// What it proves.
    pub proof: Proof,
    /// The row of an access key, as it was when the secret was unwrapped.
    /// `None` for temporary credentials, which have none.
    pub(super) row: Option<RowVersion>,
    /// The secret access key.
    pub secret: SecretAccessKey,
}

/// The access keys in use. Unwrapping one costs a call to the token, so what was unwrapped is
/// kept for as long as its row stays the same, and wiped when it changes or goes.
pub struct Credentials {
    store: Store,
    token: Token,
    wrapping: KeyRef,
    sessions: Arc<SessionTokens>,
    /// By their rows.
    unwrapped: Arc<Cache<Uuid, Arc<Credential>>>,
    quota: Arc<Quota>,
    strangers: Strangers,
}

/// The ids of access keys that the gateway makes begin so.
pub const LONG_TERM: &str = "AKIA";
/// The ids of temporary credentials begin so, and no others.
pub(super) const TEMPORARY: &str = "ASIA";
/// Unwrapped secrets kept at a time.
const UNWRAPPED: usize = 10_000;
const IV_BYTES: usize = 12;
/// What AWS writes ids in.
pub(super) const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Credentials {
    /// Secrets are wrapped under `wrapping`.
    pub fn new(
        store: Store,
        token: Token,
        wrapping: KeyRef,
        sessions: Arc<SessionTokens>,
        quota: Arc<Quota>,
    ) -> Self {
        let unwrapped = Arc::new(Cache::<Uuid, Arc<Credential>>::new(UNWRAPPED));
        let kept = unwrapped.clone();
        store.set_follower(move |row| match row {
            Some(row) => drop(kept.remove(&row)),
            None => kept.clear(),
        });
        Self {
            store,
            token,
            wrapping,
            sessions,
            unwrapped,
            quota,
            strangers: Strangers::default(),
        }
    }

    /// The credential of an access key, and of the session token that came with it; `None` if there
    /// is none in force under this id. A session token is opened without asking anybody. What is not
    /// in memory is looked up for `source_ip`, which may do so as often as it may fail.
    ///
    /// # Errors
    /// `ExpiredTokenException`, `ThrottlingException`; the database or the token does not answer, or
    /// the row or the secret
    /// was tampered with.
    pub async fn lookup(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
        source_ip: IpAddr,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Credential>>, Error> {
        let temporary = access_key_id.starts_with(TEMPORARY);
        match session_token {
            Some(token) if temporary => return self.sessions.open(access_key_id, token, now),
            None if !temporary => {}
            _ => return Ok(None),
        }
        if let Some(known) = self.in_memory(access_key_id) {
            return Ok(known);
        }
        let _turn = self.strangers.turn(access_key_id).await;
        // Whoever had the turn before may have asked for the same one.
        if let Some(known) = self.in_memory(access_key_id) {
            return Ok(known);
        }
        let _place = self.strangers.place(source_ip)?;
        self.quota.count_failure(source_ip)?;
        let found = self.look_up(access_key_id).await;
        self.quota.forgive(source_ip);
        found
    }

    /// What is known without asking anybody.
    fn in_memory(&self, access_key_id: &str) -> Option<Option<Arc<Credential>>> {
        match self.store.known_access_key(access_key_id)? {
            Some(row) if row.enabled => {
                let version = RowVersion::AccessKey(row.row, row.row_version);
                let known = self.unwrapped.get(&row.row);
                known.filter(|known| known.row == Some(version)).map(Some)
            }
            _ => Some(None),
        }
    }

    async fn look_up(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, Error> {
        let Some(row) = self.store.access_key(access_key_id).await? else {
            return Ok(None);
        };
        if !row.enabled {
            return Ok(None);
        }
        let version = RowVersion::AccessKey(row.row, row.row_version);
        if let Some(known) = self.unwrapped.get(&row.row)
            && known.row == Some(version)
        {
            return Ok(Some(known));
        }
        let identity = self.store.identity(&row.principal).await?;
        let Some(identity) = identity else {
            return Ok(None);
        };
        let credential = Arc::new(Credential {
            principal: identity.as_principal(),
            proof: Proof::AccessKey(row.id.clone()),
            row: Some(version),
            secret: self.unwrap(&row).await?.into(),
        });
        self.unwrapped.insert(row.row, credential.clone());
        // The row may have been forgotten meanwhile: then there was nothing yet to go with it.
        let still = self.store.access_key(access_key_id).await?;
        if still.is_none_or(|still| still.row_version != row.row_version) {
            self.unwrapped.remove(&row.row);
        }
        Ok(Some(credential))
    }

    /// The user of an ARN, for whom a client certificate speaks; `None` if there is none.
    ///
    /// # Errors
    /// The database does not answer, or the row was tampered with.
    pub async fn user(&self, arn: &str) -> Result<Option<Principal>, Error> {
        let identity = self.store.identity(arn).await?;
        let user = identity.filter(|identity| identity.kind == IdentityKind::User);
        Ok(user.map(|user| user.as_principal()))
    }

    async fn unwrap(&self, row: &AccessKey) -> Result<SecretString, Error> {
        let refused =
            || Error::internal(format!("the secret of access key {} does not open", row.id));
        let (iv, sealed) = row
            .wrapped_secret
            .split_first_chunk::<IV_BYTES>()
            .ok_or_else(refused)?;
        let aad = aad(&row.account, &row.principal, &row.id);
        let secret = self
            .token
            .unseal(&self.wrapping, *iv, aad, sealed.to_vec())
            .await?;
        let secret = secret.ok_or_else(refused)?;
        let text = std::str::from_utf8(secret.expose_secret()).map_err(|_| refused())?;
        Ok(SecretString::from(text))
    }
}

/// An access key as AWS makes them: `AKIA` or `ASIA` and 16 of base32, and 40 characters of secret,
/// both from the token's random generator.
///
/// # Errors
/// The token does not answer.
pub async fn generate(token: &Token, prefix: &str) -> Result<(String, SecretString), Error> {
    let random = token.random(16).await?;
    let id: String = random
        .expose_secret()
        .iter()
        .map(|byte| char::from(BASE32[usize::from(byte % 32)]))
        .collect();
    let secret = token.random(30).await?;
    Ok((
        format!("{prefix}{id}"),
        STANDARD.encode(secret.expose_secret()).into(),
    ))
}

/// Wraps a secret access key for its row.
///
/// # Errors
/// The token does not answer.
pub async fn wrap(
    token: &Token,
    wrapping: &KeyRef,
    (account, principal, access_key_id): (&AccountId, &str, &str),
    secret: &SecretString,
) -> Result<Vec<u8>, Error> {
    let plaintext = secret.expose_secret().as_bytes().to_vec().into();
    let sealed = token
        .seal(wrapping, aad(account, principal, access_key_id), plaintext)
        .await?;
    Ok([sealed.iv.as_slice(), &sealed.ciphertext].concat())
}

/// Binds a wrapped secret to whom it belongs: on another row it does not open.
fn aad(account: &AccountId, principal: &str, access_key_id: &str) -> Vec<u8> {
    let mut aad = b"strongroom secret access key 1\0".to_vec();
    for part in [account.as_str(), principal, access_key_id] {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}
