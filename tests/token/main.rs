//! The token layer against SoftHSM: every verb, and what happens when the token goes away.

mod objects;
mod support;
mod trouble;
mod verbs;
