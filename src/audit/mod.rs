//! The audit log: no result without a record that is durable first.

mod record;
mod writer;

pub use record::{Actor, Outcome, Record, event_id};
pub use writer::Audit;
