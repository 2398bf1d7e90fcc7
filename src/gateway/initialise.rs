//! First set-up: schema, the gateway's own keys, the account and its root access key.

use super::ceremony::{self, Ceremony, Place};
use super::row_seal::TokenSeal;
use super::{TOKEN_PATIENCE, settings};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::model::arn::root_arn;
use crate::model::{AccountId, Region};
use crate::operation::credential::{LONG_TERM, generate, wrap};
use crate::reconcile::check_token;
use crate::store::{AccessKey, Store};
use crate::token::{KeyRef, SystemKey, Token};
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use secrecy::SecretString;
use std::sync::Arc;
use uuid::Uuid;

/// What [`initialise`] found or made.
pub struct Initialised {
    /// The deployment's id.
    pub deployment: Uuid,
    /// The root access key.
    pub access_key_id: String,
    /// Its secret, where it was made just now or given: it is not shown again.
    pub secret: Option<SecretString>,
    /// The transcript of the ceremony, where it was one.
    pub transcript: Option<String>,
}

/// Migrates the database, makes the wrapping, row-MAC and audit keys on the token, the account
/// and its root access key: whatever of it is missing. Two at once do it once.
///
/// With `root_key`, that access key exists afterwards with that secret. Without, one is made
/// unless the account has one.
///
/// With `ceremony`, its transcript becomes the audit log's first record, in the same transaction.
///
/// # Errors
/// The database or the token does not answer; the token is not the one that the deployment's keys are
/// on, or refuses to make a key; there was a first set-up already, so that this is no ceremony.
pub async fn initialise(
    config: &Config,
    account: &AccountId,
    root_key: Option<(String, SecretString)>,
    ceremony: Option<Ceremony>,
) -> Result<Initialised, Error> {
    if let Some(ceremony) = &ceremony {
        ceremony.check(&config.token.pin)?;
    }
    let region = settings::own_region(config)?;
    Store::migrate(&settings::store(config)).await?;
    let store = Store::open(settings::store(config)).await?;
    let token = Token::open(settings::token(config))?;
    let done = match token.wait_ready(TOKEN_PATIENCE).await {
        Ok(()) => match check_token(&store, &token).await {
            Ok(()) => {
                let wanted = Wanted {
                    account: account.clone(),
                    region,
                    root_key,
                    ceremony,
                };
                set_up(&store, &token, wanted).await
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error.into()),
    };
    token.close().await;
    done
}

/// What is to be there afterwards.
struct Wanted {
    account: AccountId,
    region: Region,
    root_key: Option<(String, SecretString)>,
    ceremony: Option<Ceremony>,
}

async fn set_up(store: &Store, token: &Token, wanted: Wanted) -> Result<Initialised, Error> {
    let deployment = store.deployment();
    let row_mac = token.system_key(deployment, SystemKey::RowMac);
    let wrapping = token.system_key(deployment, SystemKey::Wrapping);
    store.set_seal(Arc::new(TokenSeal::new(token.clone(), row_mac)));
    let shared = Arc::new((token.clone(), wrapping, wanted));
    store
        .transaction("initialise", move |tx| {
            let shared = shared.clone();
            async move {
                let (token, wrapping, wanted) = &*shared;
                let account = &wanted.account;
                tx.lock_deployment().await?;
                if wanted.ceremony.is_some() {
                    ceremony::refuse_unless_first(tx).await?;
                }
                for role in [SystemKey::Wrapping, SystemKey::RowMac, SystemKey::Audit] {
                    token.ensure_system_key(deployment, role).await?;
                }
                tx.ensure_account(account).await?;
                tx.ensure_management(account).await?;
                let root_key = wanted.root_key.clone();
                let (access_key_id, secret) =
                    root_access_key(tx, token, wrapping, account, root_key).await?;
                let transcript = match &wanted.ceremony {
                    Some(ceremony) => {
                        let place = Place {
                            deployment,
                            account,
                            region: &wanted.region,
                            access_key_id: &access_key_id,
                        };
                        Some(ceremony.record(tx, token, place).await?)
                    }
                    None => None,
                };
                Ok(Initialised {
                    deployment,
                    access_key_id,
                    secret,
                    transcript,
                })
            }
            .boxed()
        })
        .await
}

/// The root access key of `account`: the one given, one that exists, or a new one.
async fn root_access_key(
    tx: &crate::store::Transaction<'_>,
    token: &Token,
    wrapping: &KeyRef,
    account: &AccountId,
    given: Option<(String, SecretString)>,
) -> Result<(String, Option<SecretString>), Error> {
    let principal = root_arn(account);
    let (id, secret) = match given {
        Some(given) => given,
        None => {
            let present = tx.access_keys(account).await?;
            match present
                .into_iter()
                .find(|key| key.enabled && key.principal == principal)
            {
                Some(key) => return Ok((key.id, None)),
                None => generate(token, LONG_TERM).await?,
            }
        }
    };
    let wrapped_secret = wrap(token, wrapping, (account, &principal, &id), &secret).await?;
    match tx.lock_access_key(&id).await? {
        Some(key) if key.account == *account && key.principal == principal => {
            let key = AccessKey {
                wrapped_secret,
                enabled: true,
                ..key
            };
            tx.update_access_key(&key).await?;
        }
        Some(_) => {
            let message = format!("Access key {id} belongs to somebody else; choose another id.");
            return Err(Error::new(ErrorCode::AlreadyExists, message));
        }
        None => {
            let key = AccessKey {
                row: Uuid::new_v4(),
                row_version: 1,
                id: id.clone(),
                account: account.clone(),
                principal,
                wrapped_secret,
                enabled: true,
                created: SystemClock.now(),
            };
            tx.insert_access_key(&key).await?;
        }
    }
    Ok((id, Some(secret)))
}
