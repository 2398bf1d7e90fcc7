//! `strongroom bench`.

use crate::Error;

/// Options of `bench`.
#[derive(clap::Args)]
pub struct Arguments {}

/// # Errors
/// Always, so far.
pub fn run(_: Arguments) -> Result<(), Error> {
    Err(super::failed("not built yet"))
}
