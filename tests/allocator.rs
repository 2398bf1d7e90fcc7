//! The allocator of the whole process, the PKCS#11 module included.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

/// Huge pages would be most of a gateway's memory, on the systems that give them to whoever does not refuse.
#[test]
fn the_program_takes_no_huge_pages() {
    let name = format!("strongroom-test-allocator-{}", std::process::id());
    let fifo = std::env::temp_dir().join(name);
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    // Waits for a configuration that nobody writes.
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["serve", "--config"])
        .arg(&fifo)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let mut status = String::new();
    while !status.contains("THP_enabled:\t0") && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
        status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    }
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(&fifo).unwrap();
    assert!(status.contains("THP_enabled:\t0"), "{status}");
    assert_eq!(ended, None, "it was to wait");
}
