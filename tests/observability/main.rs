//! What an operator sees of a gateway: its metrics, what a Prometheus makes of them, dashboard, alert
//! rules, log and traces.

#[allow(dead_code)] // each test process uses a part
#[path = "../door/authority.rs"]
mod authority;
#[allow(dead_code)]
#[path = "../support/dev.rs"]
mod dev;
mod documented;
mod expression;
mod gateway;
mod log;
mod prometheus;
#[allow(dead_code)]
#[path = "../door/raw.rs"]
mod raw;
mod rules;
mod scraped;
#[allow(dead_code)]
#[path = "../door/serve.rs"]
mod serve;
