//! The corpus of the fuzz targets, run through them as they are.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

/// Runs every file of a target's corpus; at least so many.
fn replay(name: &str, target: fn(&[u8]), at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display()); // shown if it is the one that fails
        target(&std::fs::read(path).unwrap());
        files += 1;
    }
    assert!(files >= at_least, "only {files} files");
}

#[test]
fn sigv4() {
    replay("sigv4", targets::sigv4, 5);
}

#[test]
fn input() {
    replay("input", targets::input, 20);
}

#[test]
fn form() {
    replay("form", targets::form, 3);
}

#[test]
fn policy() {
    replay("policy", targets::policy, 20);
}

#[test]
fn blob() {
    replay("blob", targets::blob, 2);
}
