//! Strongroom: a key management service in front of hardware.
//!
//! Applications speak the AWS KMS protocol to it; every operation on a customer master key (CMK)
//! happens inside a PKCS#11 token; Postgres holds what is known *about* the keys, never the keys.
//!
//! # Layers
//!
//! An arrow means "may use". Nothing points up; `tests/layering.rs` reads the `use` lines and
//! fails on one that does.
//!
//! ```text
//! main -> cli -> {gateway, report} -> {server, worker, reconcile} -> operation -> {authz, audit, store, token}
//!     -> model -> leaves
//! ```
//!
//! - [`cli`]: one file per subcommand.
//! - [`gateway`]: the composition root: start, drain, stop.
//! - [`server`]: the only user of actix-web: listeners, TLS, JSON 1.1, health.
//! - [`worker`]: what happens without a request: scheduled deletion, rotation, intents left by a
//!   crash.
//! - [`reconcile`]: token against database, for an operator: differences and their repairs.
//! - [`report`]: what an auditor takes away of a period, as a model and as a page; reads nothing.
//! - [`operation`]: the pipeline every request passes, and one file per operation.
//! - [`authz`]: who may do what; pure.
//! - [`audit`]: the record of every request, durable before its answer.
//! - [`store`]: the only user of Postgres.
//! - [`token`]: the only user of PKCS#11.
//! - [`model`]: AWS's vocabulary: key specs, algorithms, states, ARNs, the ciphertext blob; pure.
//! - [`sigv4`]: Signature Version 4, both ways; pure.
//! - leaves: [`clock`], [`config`], [`error`], [`http`], [`metrics`], [`version`].
//!
//! # Glossary
//!
//! - *CMK*: a customer master key, AWS's "KMS key"; its material is one or more *key versions*.
//! - *Key version*: one object (or one key pair) on the token, found by `CKA_ID` = its UUID.
//! - *Material set*: the versions behind one CMK; Regions of a multi-Region key share one.
//! - *Intent*: a row that says what is about to be done to the token, so that a crash is resumed.
//! - *Row MAC*: a MAC by a key on the token over a whole row, so that an edited row is refused.
//! - *Epoch*: one life of the PKCS#11 module between `C_Initialize` and `C_Finalize`.

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub, rust_2018_idioms)]

pub mod audit;
pub mod authz;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod gateway;
pub mod http;
pub mod metrics;
pub mod model;
pub mod operation;
pub mod reconcile;
pub mod report;
pub mod server;
pub mod sigv4;
pub mod store;
pub mod token;
pub mod version;
pub mod worker;

pub use error::{Error, ErrorCode};
