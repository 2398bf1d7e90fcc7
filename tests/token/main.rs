//! The token layer against SoftHSM: every verb, and what happens when the token goes away.

#![allow(clippy::disallowed_methods)] // the token layer by itself, below authorization

mod adoption;
mod attest;
mod handed_out;
mod import;
mod kryoptic;
mod memory;
mod objects;
mod support;
#[path = "../support/tally.rs"]
mod tally;
mod trouble;
mod two;
mod verbs;
#[path = "../support/wrapping.rs"]
mod wrapping;
mod wycheproof;
