//! Which token a key is on.

use crate::Error;
use crate::store::Key;
use crate::token::Token;

/// The tokens of a gateway.
pub struct Tokens {
    home: Token,
}

impl Tokens {
    /// With the gateway's own token, which has its system keys.
    pub fn new(home: Token) -> Self {
        Self { home }
    }

    /// The gateway's own token.
    pub fn home(&self) -> &Token {
        &self.home
    }

    /// The token that has a key.
    ///
    /// # Errors
    /// Internal for a custom key store, which this gateway has not.
    pub fn of(&self, key: &Key) -> Result<Token, Error> {
        match key.key_store {
            None => Ok(self.home.clone()),
            Some(store) => Err(Error::internal(format!("no custom key store {store}"))),
        }
    }
}
