//! What an auditor takes away: files that are verified elsewhere, by the public half of the token's
//! audit key.

pub mod sign;

pub use sign::AuditKey;
