//! What an auditor takes away: files that are verified elsewhere, by the public half of the token's
//! audit key.

mod attest;
mod attestation;
pub mod get_key_attestation;
pub mod sign;
mod survey;

pub use attest::attest;
pub use attestation::{
    Attestation, AttestationError, AttestedKey, AttestedVersion, Exportability, FORMAT, Provenance,
    Verdict,
};
pub use sign::AuditKey;
pub use survey::{Finding, OwnKey, survey, survey_own};
