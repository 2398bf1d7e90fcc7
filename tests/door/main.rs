//! The door: TLS and client certificates, what no HTTP client would send, and what of a secret stays
//! in memory. Over sockets, against a real gateway.

mod authority;
#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;
mod handshake;
mod memory;
mod mtls;
mod raw;
mod reload;
mod rotation;
mod serve;
mod smuggling;
