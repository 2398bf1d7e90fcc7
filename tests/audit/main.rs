//! The audit log as evidence: what was done to it behind the gateway's back is seen, and where.

mod log;
mod verifier;
