//! Processes of this machine: how much CPU they have used, and which is which. From `/proc`
//! (proc_pid_stat(5), proc_net(5)).

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

/// The number of a process.
pub(super) type Pid = u32;

/// What `/proc/PID/stat` says.
struct Stat {
    name: String,
    parent: Pid,
    /// Of it, and of its children that have ended, in clock ticks.
    own: u64,
    ended: u64,
}

impl Stat {
    fn read(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name may have blanks and parentheses in it.
        let (start, rest) = text.rsplit_once(") ")?;
        let (_, name) = start.split_once('(')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(11)? + ticks(12)?,
            ended: ticks(13)? + ticks(14)?,
        })
    }
}

fn time(ticks: u64) -> Duration {
    let second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_secs_f64(ticks as f64 / second as f64)
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The CPU time of a process, all its threads together.
pub(super) fn cpu(pid: Pid) -> Option<Duration> {
    Stat::read(pid).map(|stat| time(stat.own))
}

/// The CPU time of a process and all its children, those that have ended included.
pub(super) fn cpu_of_family(pid: Pid) -> Option<Duration> {
    let head = Stat::read(pid)?;
    let children = all().filter_map(Stat::read).filter(|it| it.parent == pid);
    let children: u64 = children.map(|it| it.own).sum();
    Some(time(head.own + head.ended + children))
}

/// The Postgres server of this machine, if there is one and no other.
pub(super) fn only_postmaster() -> Option<Pid> {
    let is_postgres = |pid: Pid| Stat::read(pid).filter(|stat| stat.name == "postgres");
    let mut heads = all()
        .filter(|pid| is_postgres(*pid).is_some_and(|stat| is_postgres(stat.parent).is_none()));
    let first = heads.next();
    first.filter(|_| heads.next().is_none())
}

/// Who listens on a TCP port of this machine; `None` also if we may not know.
pub(super) fn listening_on(port: u16) -> Option<Pid> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    let sockets: HashSet<String> = tables.flat_map(|table| listeners(&table, port)).collect();
    all().find(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        let mut open = open
            .flatten()
            .filter_map(|it| fs::read_link(it.path()).ok());
        open.any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
    })
}

/// The sockets that listen on a port, as links under `/proc/PID/fd` name them.
fn listeners(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let ours = u16::from_str_radix(local, 16) == Ok(port) && fields[3] == LISTEN;
        ours.then(|| Some(format!("socket:[{}]", fields.get(9)?)))?
    };
    table.lines().skip(1).filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Instant;

    #[test]
    fn fields_of_a_stat() {
        let stat = "7 (a (b) c) S 42 7 7 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 9 0 5 6 7";
        let stat = Stat::parse(stat).unwrap();
        assert_eq!((&*stat.name, stat.parent), ("a (b) c", 42));
        assert_eq!((stat.own, stat.ended), (120, 4));
        assert!(Stat::parse("7 (short) S 1").is_none());
    }

    #[test]
    fn this_process_is_found_and_its_work_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listening_on(port), Some(std::process::id()));
        let before = cpu(std::process::id()).unwrap();
        let begun = Instant::now();
        let mut number = 0_u64;
        while begun.elapsed() < Duration::from_secs(5) {
            number = std::hint::black_box(number + 1);
            if number.is_multiple_of(1_000_000) && cpu(std::process::id()).unwrap() > before {
                return;
            }
        }
        panic!("five seconds of work cost nothing");
    }

    #[test]
    fn who_only_talks_from_a_port_does_not_listen_on_it() {
        let table = "sl local_address rem_address st tx rx tr tm retr uid timeout inode\n\
            0: 0100007F:1E14 00000000:0000 0A 0:0 0:0 0 0 0 111 1\n\
            1: 0100007F:1E14 0100007F:9999 01 0:0 0:0 0 0 0 222 1\n";
        assert_eq!(listeners(table, 0x1E14), ["socket:[111]"]);
        assert!(listeners(table, 80).is_empty());
    }
}
