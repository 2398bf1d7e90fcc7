//! The token layer against SoftHSM: every verb, and what happens when the token goes away.

#![allow(clippy::disallowed_methods)] // the token layer by itself, below authorization

mod handed_out;
mod objects;
mod support;
#[path = "../support/tally.rs"]
mod tally;
mod trouble;
mod verbs;
mod wycheproof;
