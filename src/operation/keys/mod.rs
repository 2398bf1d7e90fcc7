//! CMKs: made, described, enabled and disabled, and scheduled for deletion.

pub mod adopt_key;
pub mod cancel_key_deletion;
pub mod create_key;
pub mod describe_key;
pub mod disable_key;
pub mod enable_key;
pub mod list_keys;
mod metadata;
pub mod schedule_key_deletion;
pub mod update_key_description;

pub use metadata::KeyMetadata;
