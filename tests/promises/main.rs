//! The promises of the design, each by a test that fails when it breaks: with the real binary, a
//! real token, a real Postgres, and nothing built in to help.

#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;

mod access_keys;
#[path = "../support/admin.rs"]
mod admin;
mod adoption;
mod attestation;
mod audit_log;
mod backup;
#[path = "../support/postgres.rs"]
mod cluster;
mod crash;
mod crash_import;
mod crash_rotation;
mod deletion;
mod dual_control;
mod gateway;
mod grants;
mod import;
mod installation;
mod key_stores;
mod multi_region;
mod multi_region_rows;
mod non_exportable;
mod permissions;
mod postgres;
mod proxy;
mod reconcile;
mod restart;
mod revocation;
mod rotation;
mod rotation_by_worker;
mod signed;
mod tampering;
mod token;
mod upgrade;
#[allow(dead_code)] // each test process uses a part
#[path = "../support/who.rs"]
mod who;
mod witness;
#[path = "../support/wrapping.rs"]
mod wrapping;
