//! Arguments -> configuration -> run.

#![forbid(unsafe_code)]

use clap::Parser;
use std::alloc::System;
use std::process::ExitCode;
use strongroom::cli::Arguments;
use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed: buffers of requests and answers too, which hold secrets on their way and are
/// not ours to wipe.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    strongroom::cli::logging::start();
    match arguments.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strongroom: {}", error.message());
            if let Some(cause) = std::error::Error::source(&error) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}
