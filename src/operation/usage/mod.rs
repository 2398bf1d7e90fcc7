//! When keys were last used.

pub mod get_key_last_usage;
