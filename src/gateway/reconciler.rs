//! A token and a database to be compared, without a gateway on them.

use super::row_seal::TokenSeal;
use super::{TOKEN_PATIENCE, settings};
use crate::Error;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::operation::Tokens;
use crate::reconcile::Reconciler;
use crate::store::Store;
use crate::token::{SystemKey, Token};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Opens what `strongroom reconcile` compares. `replaces` is the serial number of a token that this
/// one has taken the place of. Its tokens are for the caller to close.
///
/// # Errors
/// The database or the token does not answer, or cannot be used.
pub async fn reconciler(config: &Config, replaces: Option<String>) -> Result<Reconciler, Error> {
    let region = settings::own_region(config)?;
    let store = Store::open(settings::store(config)).await?;
    let token = Token::open(settings::token(config))?;
    if let Err(error) = token.wait_ready(TOKEN_PATIENCE).await {
        token.close().await;
        return Err(error.into());
    }
    let deployment = store.deployment();
    // All of them: the token layer destroys none that it knows.
    let [wrapping, row_mac, _audit] = SystemKey::ALL.map(|role| token.system_key(deployment, role));
    store.set_seal(Arc::new(TokenSeal::new(token.clone(), row_mac)));
    Ok(Reconciler {
        store,
        tokens: Tokens::new(token, wrapping, BTreeMap::new()),
        clock: Arc::new(SystemClock),
        region,
        replaces,
    })
}
