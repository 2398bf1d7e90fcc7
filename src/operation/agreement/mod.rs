//! DeriveSharedSecret, Encapsulate, Decapsulate: secrets that two parties share, whose private half never
//! leaves the token.

pub mod decapsulate;
pub mod derive_shared_secret;
pub mod encapsulate;
