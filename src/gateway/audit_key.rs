//! The public half of the audit key, without a gateway.

use super::{TOKEN_PATIENCE, settings};
use crate::Error;
use crate::audit::VerifierKey;
use crate::config::Config;
use crate::operation::evidence::AuditKey;
use crate::store::Store;
use crate::token::Token;
use std::sync::Arc;

/// Asks the token for the public key that the audit log is verified with.
///
/// # Errors
/// The database or the token does not answer, or the token has no such key.
pub async fn audit_key(config: &Config) -> Result<Arc<VerifierKey>, Error> {
    let store = Store::open(settings::store(config)).await?;
    let token = Token::open(settings::token(config))?;
    let key = match token.wait_ready(TOKEN_PATIENCE).await {
        Ok(()) => {
            AuditKey::new(token.clone(), store.deployment())
                .public()
                .await
        }
        Err(error) => Err(error.into()),
    };
    token.close().await;
    key
}
