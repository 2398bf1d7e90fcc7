//! The records of an export, hashed on all cores: read in blocks, in order, in bounded memory.

use super::Resumed;
use crate::audit::export::{LONGEST, RECORDS};
use crate::audit::merkle::{Hash, leaf_hash};
use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope};

/// Bytes that are read and hashed at a time.
const BLOCK: u64 = 1 << 21;
/// The most lines of a block: what is kept of each must not fill it either. No record is so short.
const LINES: usize = 1 << 16;
/// More cores than these have nothing to do: the file is read by one.
const WORKERS: usize = 16;

/// Whole lines, and the leaf hash of each.
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where each line begins.
    begins: Vec<usize>,
    hashes: Vec<Hash>,
    resumed: Vec<Resumed>,
}

impl Block {
    fn hash(bytes: Vec<u8>) -> io::Result<Self> {
        let (mut begins, mut hashes, mut resumed) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rest, mut at) = (bytes.as_slice(), 0);
        while !rest.is_empty() {
            let line = rest;
            let length = rest.skip_until(b'\n')?; // finds it with memchr
            let line = &line[..length];
            if begins.len() == LINES {
                return Err(invalid("its lines are too short for records".to_owned()));
            }
            let record = line.strip_suffix(b"\n").unwrap_or(line);
            resumed.extend(Resumed::read(begins.len() as u64, record));
            begins.push(at);
            hashes.push(leaf_hash(record));
            at += length;
        }
        Ok(Self {
            bytes,
            begins,
            hashes,
            resumed,
        })
    }

    /// What lines say of restores, where the first line is of this leaf.
    pub(super) fn resumed(&self, first: u64) -> impl Iterator<Item = Resumed> {
        let from_there = move |resumed: &Resumed| Resumed {
            leaf: first + resumed.leaf,
            ..*resumed
        };
        self.resumed.iter().map(from_there)
    }

    /// The lines, each with its hash, without its newline.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&[u8], Hash)> {
        let ends = self.begins.iter().skip(1).copied();
        let ends = ends.chain([self.bytes.len()]);
        let lines = self.begins.iter().zip(ends);
        let lines = lines.map(|(begin, end)| &self.bytes[*begin..end]);
        lines
            .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
            .zip(self.hashes.iter().copied())
    }
}

/// The blocks of a file, in order.
pub(super) struct Blocks {
    hashed: Vec<Receiver<io::Result<Block>>>,
    next: usize,
}

impl Blocks {
    /// Starts to read and to hash. What is ahead is bounded: each worker has one block at work and
    /// one on either side.
    pub(super) fn start<'s>(scope: &'s Scope<'s, '_>, file: impl Read + Send + 's) -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers = workers.min(WORKERS);
        let (mut to_workers, mut hashed) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (to_worker, blocks) = sync_channel::<io::Result<Vec<u8>>>(1);
            let (to_us, from_worker) = sync_channel(1);
            scope.spawn(move || {
                for block in blocks {
                    // Whoever waited for it may have gone.
                    if to_us.send(block.and_then(Block::hash)).is_err() {
                        return;
                    }
                }
            });
            to_workers.push(to_worker);
            hashed.push(from_worker);
        }
        scope.spawn(move || read(file, &to_workers));
        Self { hashed, next: 0 }
    }
}

impl Iterator for Blocks {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        let worker = self.next % self.hashed.len();
        self.next += 1;
        self.hashed[worker].recv().ok()
    }
}

/// Gives out blocks of whole lines, to each worker in turn. The last line may lack its newline.
fn read(mut file: impl Read, workers: &[SyncSender<io::Result<Vec<u8>>>]) {
    let mut workers = workers.iter().cycle();
    let mut give = |block| {
        let worker = workers.next();
        worker.is_some_and(|worker| worker.send(block).is_ok())
    };
    let mut rest = Vec::new();
    loop {
        let mut block = Vec::with_capacity(rest.len() + BLOCK as usize);
        block.append(&mut rest);
        match file.by_ref().take(BLOCK).read_to_end(&mut block) {
            Ok(0) if block.is_empty() => return,
            Ok(0) => {
                give(Ok(block));
                return;
            }
            Ok(_) => {}
            Err(error) => {
                give(Err(error));
                return;
            }
        }
        match block.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => rest = block.split_off(end + 1),
            None if block.len() > LONGEST => {
                let message = format!("a record is longer than {LONGEST} bytes");
                give(Err(invalid(message)));
                return;
            }
            None => {
                rest = block;
                continue;
            }
        }
        if !give(Ok(block)) {
            return;
        }
    }
}

fn invalid(what: String) -> io::Error {
    let message = format!("{RECORDS}: {what}");
    io::Error::new(io::ErrorKind::InvalidData, message)
}
