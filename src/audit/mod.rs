//! The audit log: no result without a record that is durable first.

mod checkpoint;
pub mod export;
mod made;
pub mod merkle;
mod metrics;
mod note;
mod receipt;
mod record;
mod user_identity;
mod verifier_key;
pub mod verify;
mod writer;

pub use checkpoint::{Checkpoint, origin};
pub use made::MadeKeys;
pub use note::{Note, NoteError, Signature};
pub use receipt::{Growth, Receipt, ReceiptError};
pub use record::{Actor, Approval, Caller, KMS, Outcome, RESUMED, Record, STS, event_id};
pub use verifier_key::VerifierKey;
pub use writer::Audit;
