//! AWS STS: who the caller is, and temporary credentials. Its operations have the query protocol,
//! which `server::query` speaks.
//!
//! Source: botocore `sts` 2011-06-15.

pub mod get_caller_identity;
