//! The audit log: no result without a record that is durable first.

mod metrics;
mod record;
mod user_identity;
mod writer;

pub use record::{Actor, Approval, Caller, KMS, Outcome, Record, STS, event_id};
pub use writer::Audit;
