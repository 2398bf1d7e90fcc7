//! The store against a real Postgres.

#![allow(clippy::disallowed_methods)] // spawn_blocking: the tests wait for a cluster

mod audit_tree;
mod fence;
mod figures;
mod fixture;
mod grants;
mod identities;
mod imports;
mod intents;
mod lists;
mod memory;
mod plans;
mod quotas;
mod recovery;
mod related;
mod rotations;
mod rows;
mod schema;
mod usage;

#[path = "../support/postgres.rs"]
mod postgres;
