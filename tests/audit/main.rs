//! The audit log as evidence: what was done to it behind the gateway's back is seen, and where.

#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;
mod evidence;
#[allow(dead_code)]
#[path = "../promises/gateway.rs"]
mod gateway;
mod hostile;
mod log;
mod scene;
mod tampered;
mod verifier;
