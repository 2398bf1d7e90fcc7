//! Arguments -> configuration -> run.

#![forbid(unsafe_code)]

use clap::Parser;
use mimalloc::MiMalloc;
use std::process::ExitCode;
use strongroom::cli::{Arguments, logging};
use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed: buffers of requests and answers too, which hold secrets on their way and are
/// not ours to wipe.
///
/// mimalloc stands in malloc's place for the whole process, for it is the PKCS#11 module that allocates
/// most. What the module and OpenSSL free is theirs to wipe.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    // Where the system gives them unasked, the allocator's reserve has three times the memory. Without it
    // all works, and larger.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let arguments = Arguments::parse();
    logging::start();
    match arguments.run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("strongroom: {}", error.message());
            if let Some(cause) = std::error::Error::source(&error) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}
