//! Which build this is.

/// Whether this is the build that records of use are not kept by, for measuring what they cost
/// (`scripts/audit-cost.sh`): feature `unaudited-benchmark`, which no release has.
pub const UNAUDITED: bool = cfg!(feature = "unaudited-benchmark");

/// The version, which names such a build.
pub const VERSION: &str = match UNAUDITED {
    false => env!("CARGO_PKG_VERSION"),
    true => concat!(env!("CARGO_PKG_VERSION"), " unaudited-benchmark"),
};
