//! The audit log: no result without a record that is durable first.

mod record;
mod writer;

pub use record::{Outcome, Record};
pub use writer::Audit;
