//! The store against a real Postgres.

mod fence;
mod fixture;
mod intents;
mod recovery;
mod rows;
mod schema;

#[path = "../support/postgres.rs"]
mod postgres;
