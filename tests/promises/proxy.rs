//! A Unix-socket proxy between a gateway and Postgres that kills the gateway at a chosen message.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SOCKET: &str = ".s.PGSQL.5432";
/// What a gateway says once a second, whatever else it does: not counted.
const LISTENER: &str = "listener::";
/// What a round of the sequencer asks first, which places in one task and signs in another.
const ROUND: &str = "run audit_checkpoints::figures";
/// A gateway that has said nothing for so long has nothing to do.
const QUIET: Duration = Duration::from_millis(200);

/// When the gateway dies, seen from the message that it is killed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Postgres never gets the message.
    Before,
    /// Postgres has done it and answered; the gateway never hears of it.
    After,
    /// The gateway has had the answer for this long.
    Later(Duration),
}

/// What to kill, and where.
pub struct Plan {
    pub victim: Arc<Mutex<Child>>,
    /// Messages are counted from the first that holds this text.
    pub from: &'static str,
    /// The number of the message, from 1.
    pub at: usize,
    pub moment: Moment,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    counted: usize,
    /// The message that the gateway was killed at.
    killed_at: Option<String>,
    last: Option<Instant>,
    /// Rounds of the sequencer since the last plan was made.
    rounds: usize,
}

impl State {
    /// Counts a message; answers whether it is the one.
    fn is_the_one(&mut self, message: &[u8], described: &str) -> Option<Moment> {
        if described.contains(LISTENER) {
            return None;
        }
        self.rounds += usize::from(described.ends_with(ROUND));
        self.last = Some(Instant::now());
        let plan = self.plan.as_ref()?;
        if self.counted == 0 && !holds(message, plan.from.as_bytes()) {
            return None;
        }
        self.counted += 1;
        (self.counted == plan.at).then_some(plan.moment)
    }

    fn kill(&mut self, described: &str) {
        if let Some(plan) = self.plan.take() {
            let mut victim = plan.victim.lock().unwrap();
            victim.kill().unwrap();
            victim.wait().unwrap();
            self.killed_at = Some(format!(
                "message {} {:?} ({described})",
                plan.at, plan.moment
            ));
        }
    }
}

/// The proxy; its threads end with the connections and the process.
pub struct Proxy {
    dir: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Listens in `dir` for the Postgres whose socket is in `real`.
    pub fn start(dir: &Path, real: &str) -> Self {
        let listener = UnixListener::bind(dir.join(SOCKET)).unwrap();
        let real = Path::new(real).join(SOCKET);
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = UnixStream::connect(&real) {
                    relay(client, server, &shared);
                }
            }
        });
        Self {
            dir: dir.to_owned(),
            state,
        }
    }

    /// The directory of its socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until a gateway that has just been started, and whose sequencer makes one round, has
    /// nothing to do.
    pub fn wait_until_quiet(&self) {
        loop {
            let state = self.state.lock().unwrap();
            let silent = state.last.is_some_and(|last| last.elapsed() >= QUIET);
            if silent && state.rounds >= 2 {
                return;
            }
            drop(state);
            std::thread::sleep(QUIET / 20);
        }
    }

    /// How often a sequencer has asked how the log stands.
    pub fn rounds(&self) -> usize {
        self.state.lock().unwrap().rounds
    }

    /// Counts from now on, and kills.
    pub fn arm(&self, plan: Plan) {
        *self.state.lock().unwrap() = State {
            plan: Some(plan),
            ..State::default()
        };
    }

    /// The message that the gateway was killed at, if it was.
    pub fn killed_at(&self) -> Option<String> {
        self.state.lock().unwrap().killed_at.clone()
    }

    /// Kills no more; answers as [`Proxy::killed_at`].
    pub fn disarm(&self) -> Option<String> {
        let mut state = self.state.lock().unwrap();
        state.plan = None;
        state.killed_at.take()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir); // it is the proxy's own
    }
}

/// One connection's course.
#[derive(Default)]
struct Course {
    /// Messages sent to Postgres, each of which it answers with one ReadyForQuery.
    sent: usize,
    /// The message whose answer is waited for, and its number among those sent.
    awaited: Option<(String, usize, Moment)>,
}

fn relay(mut client: UnixStream, mut server: UnixStream, state: &Arc<Mutex<State>>) {
    let course: Arc<Mutex<Course>> = Arc::default();
    let (mut to_client, mut from_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (asked, counted) = (course.clone(), state.clone());
    std::thread::spawn(move || {
        let (mut buffer, mut bytes) = (vec![0; 1 << 16], Vec::new());
        let mut prepared = Prepared::default();
        'open: while let Ok(length @ 1..) = client.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..length]);
            loop {
                let opens = asked.lock().unwrap().sent == 0;
                let Some(length) = first_message(&bytes, opens) else {
                    break;
                };
                let message: Vec<u8> = bytes.drain(..length).collect();
                let described = prepared.described(&message, opens);
                // Held over the write: what comes after it on another connection stays behind it.
                let mut state = counted.lock().unwrap();
                let moment = state.is_the_one(&message, &described);
                if moment == Some(Moment::Before) {
                    state.kill(&described);
                    break 'open;
                }
                let mut course = asked.lock().unwrap();
                course.sent += 1;
                if let Some(moment) = moment {
                    course.awaited = Some((described, course.sent, moment));
                }
                drop(course);
                if server.write_all(&message).is_err() {
                    break 'open;
                }
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    });
    let counted = state.clone();
    std::thread::spawn(move || {
        let (mut buffer, mut bytes, mut held) = (vec![0; 1 << 16], Vec::new(), Vec::new());
        let mut ready = 0;
        while let Ok(length @ 1..) = from_server.read(&mut buffer) {
            held.extend_from_slice(&buffer[..length]);
            bytes.extend_from_slice(&buffer[..length]);
            while let Some(length) = first_frame(&bytes) {
                ready += usize::from(bytes[0] == b'Z');
                bytes.drain(..length);
            }
            let awaited = course.lock().unwrap().awaited.clone();
            if let Some((described, number, moment)) = awaited {
                if ready < number {
                    continue;
                }
                if let Moment::Later(after) = moment {
                    let _ = to_client.write_all(&held);
                    std::thread::sleep(after);
                }
                counted.lock().unwrap().kill(&described);
                break;
            }
            if to_client.write_all(&held).is_err() {
                break;
            }
            held.clear();
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
}

/// The length of the frame that `bytes` begin with, if it is whole: a type, a length, the rest.
fn first_frame(bytes: &[u8]) -> Option<usize> {
    let [_, a, b, c, d, ..] = bytes else {
        return None;
    };
    let length = 1 + u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    (bytes.len() >= length).then_some(length)
}

/// The length of what `bytes` begin with up to where Postgres will answer, if it is whole: a Query,
/// frames up to a Sync, a Terminate, or what opens a connection, a frame without a type.
fn first_message(bytes: &[u8], opens: bool) -> Option<usize> {
    if opens {
        let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        return (bytes.len() >= length).then_some(length);
    }
    let mut end = 0;
    loop {
        let rest = &bytes[end..];
        end += first_frame(rest)?;
        if b"QSX".contains(&rest[0]) {
            return Some(end);
        }
    }
}

fn holds(place: &[u8], what: &[u8]) -> bool {
    what.is_empty() || place.windows(what.len()).any(|window| window == what)
}

/// The texts of a connection's prepared statements, by name.
#[derive(Default)]
struct Prepared(HashMap<Vec<u8>, String>);

impl Prepared {
    /// What a message does, and the names of the statements that it does it with.
    fn described(&mut self, message: &[u8], opens: bool) -> String {
        let (mut kind, mut names) = ("other", Vec::new());
        let mut rest = message;
        while let Some(length) = first_frame(rest).filter(|_| !opens) {
            let (frame, after) = rest.split_at(length);
            let mut strings = frame[5..].split(|byte| *byte == 0);
            let (first, second) = (strings.next(), strings.next());
            match frame[0] {
                // Parse: a statement's name, its text.
                b'P' => {
                    kind = "prepare";
                    let text = named(second.unwrap_or_default());
                    names.push(text.clone());
                    self.0.insert(first.unwrap_or_default().to_vec(), text);
                }
                // Bind: a portal's name, a statement's.
                b'B' => {
                    kind = "run";
                    let known = self.0.get(second.unwrap_or_default()).cloned();
                    names.push(known.unwrap_or_default());
                }
                b'Q' => {
                    kind = "query";
                    names.push(named(&frame[5..]));
                }
                _ => {}
            }
            rest = after;
        }
        format!("{kind} {}", names.join(", "))
    }
}

/// The names that a text's comments give to its statements.
fn named(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let names: Vec<&str> = text
        .split("/* ")
        .skip(1)
        .filter_map(|rest| rest.split(" */").next())
        .collect();
    names.join(", ")
}
