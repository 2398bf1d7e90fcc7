//! What `strongroom report` reads: the database, and the token if it is to be had.

use super::{reconciler, settings};
use crate::Error;
use crate::audit::VerifierKey;
use crate::config::Config;
use crate::operation::evidence::{AuditKey, has_material, subject};
use crate::reconcile;
use crate::store::{Key, RowSeal, Store};
use crate::token::Sighting;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// The database, and what the token said. The token is closed again once the rows are read:
/// [`Reporter::close`].
pub struct Reporter {
    /// Its rows are verified if the token was read, and handed out as they are otherwise.
    pub store: Store,
    /// What was found; otherwise, why the token was not read.
    pub token: Result<TokenRead, String>,
    reconciler: Option<reconcile::Reconciler>,
}

/// What was read of the token.
pub struct TokenRead {
    /// What it has, against the database.
    pub report: reconcile::Report,
    /// The public half of its audit key.
    pub audit_key: Arc<VerifierKey>,
}

impl Reporter {
    /// What the token has of each key version that is on it, by the versions' ids; nothing where it was
    /// not read.
    ///
    /// # Errors
    /// Whatever keeps the token from answering.
    pub async fn look_at(&self, keys: &[Key]) -> Result<BTreeMap<Uuid, Sighting>, Error> {
        let (Some(reconciler), Ok(read)) = (&self.reconciler, &self.token) else {
            return Ok(BTreeMap::new());
        };
        let mut subjects = BTreeMap::new();
        for key in keys {
            for version in key.versions.iter().filter(|version| has_material(version)) {
                // Without a birth certificate there is nothing to compare it with.
                if version.token_serial == read.report.token_serial
                    && let Ok(subject) = subject(key, version)
                {
                    subjects.insert(version.id, subject);
                }
            }
        }
        let (ids, subjects): (Vec<_>, Vec<_>) = subjects.into_iter().unzip();
        let seen = reconciler.tokens.home().look_at(subjects).await?;
        Ok(ids.into_iter().zip(seen).collect())
    }

    /// Closes the token.
    pub async fn close(self) {
        if let Some(reconciler) = self.reconciler {
            reconciler.tokens.close_all().await;
        }
    }
}

/// Verifies nothing, for whoever says so to the reader, and makes nothing.
struct Unverified;

impl RowSeal for Unverified {
    fn mac(&self, _: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        async { Err(Error::internal("rows are only read here")) }.boxed()
    }

    fn verify(&self, _: Vec<u8>, _: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>> {
        async { Ok(true) }.boxed()
    }
}

async fn read(reconciler: &reconcile::Reconciler) -> Result<TokenRead, Error> {
    let token = reconciler.tokens.home().clone();
    let report = reconciler.compare().await?;
    let audit_key = AuditKey::new(token, reconciler.store.deployment());
    Ok(TokenRead {
        report,
        audit_key: audit_key.public().await?,
    })
}

/// Reads the token unless it is not to be; goes on without it where that fails.
///
/// # Errors
/// The database does not answer, or has another schema.
pub async fn reporter(config: &Config, without_token: bool) -> Result<Reporter, Error> {
    let why = if without_token {
        "--without-token was given".to_owned()
    } else {
        match reconciler(config, None).await {
            Ok(reconciler) => match read(&reconciler).await {
                Ok(token) => {
                    return Ok(Reporter {
                        store: reconciler.store.clone(),
                        token: Ok(token),
                        reconciler: Some(reconciler),
                    });
                }
                Err(error) => {
                    reconciler.tokens.close_all().await;
                    error.message().to_owned()
                }
            },
            Err(error) => error.message().to_owned(),
        }
    };
    let store = Store::open(settings::store(config)).await?;
    store.set_seal(Arc::new(Unverified));
    Ok(Reporter {
        store,
        token: Err(why),
        reconciler: None,
    })
}
