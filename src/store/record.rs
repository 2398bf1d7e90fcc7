//! What the store hands out: records without the shape of their tables.

mod approval;
mod identity;
mod intent;
mod key;
mod key_store;
mod key_version;
mod micros;
mod reach;

pub use approval::*;
pub use identity::*;
pub use intent::*;
pub use key::*;
pub use key_store::*;
pub use key_version::*;
pub use micros::*;
pub use reach::*;

use uuid::Uuid;

/// A row and the version it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowVersion {
    /// Of a key.
    Key(Uuid, i64),
    /// Of an alias.
    Alias(Uuid, i64),
    /// Of a grant.
    Grant(Uuid, i64),
    /// Of an access key.
    AccessKey(Uuid, i64),
    /// Of an identity.
    Identity(Uuid, i64),
    /// Of a custom key store.
    KeyStore(Uuid, i64),
}
