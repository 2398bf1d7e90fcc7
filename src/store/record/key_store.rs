//! Custom key stores.

use crate::model::{AccountId, ConnectionErrorCode, ConnectionState, Region};
use time::OffsetDateTime;
use uuid::Uuid;

/// A custom key store: another token, and the PIN to it wrapped under a key on the gateway's own.
#[derive(Clone)]
pub struct KeyStore {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// The account it belongs to.
    pub account: AccountId,
    /// The Region it belongs to.
    pub region: Region,
    /// `cks-…`.
    pub id: String,
    /// `TrustAnchorCertificate`, as given.
    pub certificate: String,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
    /// Its friendly name.
    pub name: String,
    /// `CloudHsmClusterId`: the token's name in the configuration.
    pub cluster: String,
    /// IV, ciphertext, tag; AAD binds account and id.
    pub wrapped_password: Vec<u8>,
    /// Whether the password may have been tried.
    pub password_tried: bool,
    /// Whether it is to be used.
    pub state: ConnectionState,
    /// Why it could not be connected.
    pub error: Option<ConnectionErrorCode>,
    /// Another one for each time it is connected.
    pub connection: Uuid,
    /// The gateway process that connects it.
    pub connector: Uuid,
    /// The serial number of its token, once it was connected.
    pub token_serial: Option<String>,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password, even wrapped.
        f.debug_struct("KeyStore")
            .field("row", &self.row)
            .field("row_version", &self.row_version)
            .field("id", &self.id)
            .field("cluster", &self.cluster)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
