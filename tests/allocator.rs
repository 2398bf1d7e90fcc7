//! The allocator of the whole process, the PKCS#11 module included.

use std::process::Command;

/// A function of malloc's family that the program does not export is libc's to a module: memory of one
/// allocator would be freed by another.
#[test]
fn the_program_stands_in_for_malloc() {
    let symbols = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=just-symbols"])
        .arg(env!("CARGO_BIN_EXE_strongroom"))
        .output()
        .unwrap();
    assert!(symbols.status.success(), "{symbols:?}");
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    for function in [
        "malloc",
        "calloc",
        "realloc",
        "reallocarray",
        "free",
        "memalign",
        "posix_memalign",
        "aligned_alloc",
        "valloc",
        "pvalloc",
        "malloc_usable_size",
    ] {
        assert!(
            symbols.lines().any(|symbol| symbol == function),
            "{function} is not in the program: {symbols}"
        );
    }
}
