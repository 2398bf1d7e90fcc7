//! What of a secret is left in a gateway's memory, and who else may look into it.
//!
//! By `make memory`, as root with CAP_SYS_PTRACE: nobody else may look, which is the point, and neither an
//! ordinary user nor a container has that.

use crate::authority::Authority;
use crate::dev::SHARED;
use crate::mtls::{root, user};
use crate::raw::{Keys, call};
use crate::serve::{Settings, ask};
use serde_json::json;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a notification from the gateway that changed a row may take.
const BOUND: Duration = Duration::from_secs(10);

/// How often some bytes lie in the writable memory of a process.
fn copies(process: u32, wanted: &[u8]) -> usize {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let (mut copies, mut read) = (0, 0);
    for map in maps.lines() {
        let mut fields = map.split_whitespace();
        let (range, access) = (fields.next().unwrap(), fields.next().unwrap());
        if !access.starts_with("rw") {
            continue;
        }
        let bound = |text| u64::from_str_radix(text, 16).unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let mut bytes = vec![0; (bound(to) - bound(from)) as usize];
        memory.seek(SeekFrom::Start(bound(from))).unwrap();
        // Some maps, such as the kernel's own, cannot be read.
        if memory.read_exact(&mut bytes).is_ok() {
            read += bytes.len();
            let first = wanted[0];
            let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
            copies += starts
                .filter(|(at, _)| bytes[*at..].starts_with(wanted))
                .count();
        }
    }
    assert!(read > 1 << 20, "the memory was not read");
    copies
}

/// All but the ends of a secret access key: whatever is beside it there, this is what is secret.
fn middle(keys: &Keys) -> &[u8] {
    &keys.1.as_bytes()[4..36]
}

#[test]
#[ignore = "as root with CAP_SYS_PTRACE: make memory"]
fn a_secret_goes_with_its_access_key() {
    let authority = Authority::new("client CA");
    let settings = Settings {
        authority: &authority,
        required: false,
        crl: None,
        plain_admin: false,
        more: String::new(),
    };
    // Two gateways: the one that changes the keys, and one that is told of it.
    let gateway = settings.start();
    for (name, changed) in [("dora", "disabled"), ("emil", "deleted")] {
        let keys = user(name);
        let request = call(&keys, "TrentService.ListKeys", "{}");
        let mut stream = gateway.connect(None).unwrap();
        assert_eq!(ask(&mut stream, &request).unwrap().code(), "OK");
        let process = gateway.process();
        assert!(
            copies(process, middle(&keys)) >= 1,
            "it is not seen while it is in use"
        );
        match changed {
            "disabled" => {
                let input = json!({"UserName": name, "AccessKeyId": keys.0, "Status": "Inactive"});
                root("UpdateAccessKey", &input);
            }
            _ => {
                let input = json!({"UserName": name, "AccessKeyId": keys.0});
                root("DeleteAccessKey", &input);
            }
        }
        let begun = Instant::now();
        // The connection that it was used on is still open.
        while copies(process, middle(&keys)) > 0 {
            let copies = copies(process, middle(&keys));
            assert!(
                begun.elapsed() < BOUND,
                "{copies} copies once it is {changed}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(
            ask(&mut stream, &request).unwrap().code(),
            "UnrecognizedClientException"
        );
        assert_eq!(
            copies(process, middle(&keys)),
            0,
            "of a key that is {changed}"
        );
    }
}

#[test]
#[ignore = "as root with CAP_SYS_PTRACE: make memory"]
fn the_secret_of_a_new_access_key_is_left_nowhere() {
    // Made, answered, and never used: the answer was in buffers of the server's.
    let keys = user("fritz");
    let begun = Instant::now();
    while copies(shared(), middle(&keys)) > 0 {
        assert!(begun.elapsed() < BOUND, "it is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "as root with CAP_SYS_PTRACE: make memory"]
fn there_is_no_core_dump_and_the_memory_is_the_gateways_own() {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", shared())).unwrap();
    let cores = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let cores: Vec<&str> = cores.unwrap().split_whitespace().collect();
    assert_eq!(cores[4..6], ["0", "0"]);

    // Of a process that cannot be dumped, /proc/PID is root's, whoever runs it: nobody else of the same
    // user may look into its memory. So by somebody who is not root, and waits for its configuration.
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let (binary, fifo) = (dir.path().join("strongroom"), dir.path().join("config"));
    std::fs::copy(env!("CARGO_BIN_EXE_strongroom"), &binary).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = match root {
        true => Command::new("setpriv"),
        false => Command::new("env"),
    };
    if root {
        command.args(["--reuid=65534", "--clear-groups"]);
    }
    std::fs::set_permissions(&fifo, PermissionsExt::from_mode(0o644)).unwrap();
    let mut child = command
        .arg(&binary)
        .arg("serve")
        .arg("--config")
        .arg(&fifo)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let proc = format!("/proc/{}", child.id());
    let begun = Instant::now();
    let owner = || std::fs::metadata(format!("{proc}/mem")).unwrap().uid();
    let runs = || std::fs::read_link(format!("{proc}/exe")).is_ok_and(|exe| exe == binary);
    while !(runs() && owner() == 0) {
        let (runs, owner) = (runs(), owner());
        assert!(begun.elapsed() < BOUND, "runs: {runs}, memory of {owner}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = std::fs::read_to_string(format!("{proc}/status")).unwrap();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:\t"))
        .unwrap();
    assert!(!user.starts_with("0\t"), "{user}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The process of the shared gateway.
fn shared() -> u32 {
    let all = std::fs::read_dir("/proc").unwrap();
    let processes = all.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let data_dir = format!("\0--data-dir\0{}\0", SHARED.dir.display());
    let ours = |process: &u32| {
        let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        command.starts_with(env!("CARGO_BIN_EXE_strongroom")) && command.contains(&data_dir)
    };
    processes.into_iter().find(ours).expect("it runs")
}
