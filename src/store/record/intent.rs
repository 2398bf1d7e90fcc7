//! What is recorded before it is done to a token.

use uuid::Uuid;

/// What is about to be done to a token.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The key version concerned.
    pub version: Uuid,
    /// The serial number of the token; `None` for the gateway's own, in rows of an earlier schema.
    pub token_serial: Option<String>,
    /// The objects, where they were adopted; else they have the version's id.
    pub adopted: Option<AdoptedObject>,
    /// What is about to be done.
    pub kind: IntentKind,
    /// The gateway process that does it.
    pub owner: Uuid,
    /// Until when nobody else may take it over, from now.
    pub lease: std::time::Duration,
}

/// Objects on a token that were there before the gateway knew them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedObject {
    /// Their `CKA_ID`.
    pub object_id: Vec<u8>,
    /// Whether they are a private and a public key, rather than one secret key.
    pub is_pair: bool,
}

/// The steps that are recorded before they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentKind {
    /// An object is about to be made: if no row knows it once the lease is past, destroy it.
    Create,
    /// An object is to be destroyed: nothing uses it any more.
    Destroy,
}
