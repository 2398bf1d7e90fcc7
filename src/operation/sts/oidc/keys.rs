//! The keys of one issuer, as its file or its address has them: kept, and read again when they are
//! old, when the file has changed, or when a token names one that is not known. A caller who makes
//! names up makes nobody read more often than [`PAUSE`].

use super::jwk::{self, Jwk};
use crate::clock::Clock;
use crate::http::{self, Failure, MAX_BYTES};
use crate::model::Url;
use crate::{Error, ErrorCode};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;
use time::{Duration, OffsetDateTime};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Where an issuer's keys are.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A JWK set in a file.
    File(PathBuf),
    /// A JWK set behind a URL; the certificates of those who vouch for its server, where they are not
    /// the system's.
    Url(Url, Option<PathBuf>),
}

/// How often a file is looked at.
const GLANCE: Duration = Duration::seconds(1);
/// How long the keys behind a URL are taken for the issuer's without asking.
const FRESH: Duration = Duration::minutes(5);
/// How long they are if it does not answer: what was withdrawn must end some time.
const STALE: Duration = Duration::hours(24);
/// How long to wait before asking again, whatever was answered.
const PAUSE: Duration = Duration::seconds(30);
/// Callers of an issuer who may wait for its keys at once.
const MAX_WAITING: usize = 32;

/// See the module.
pub(super) struct Keys {
    state: RwLock<State>,
    /// One at a time reads them again.
    reading: Mutex<()>,
    /// Who waits for the one: an issuer that does not answer must not hold up more than some.
    waiting: Semaphore,
    /// The one thread that may read: it can outlast whoever waited for it.
    thread: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    keys: BTreeMap<String, Arc<Jwk>>,
    /// When they were read.
    read: Option<OffsetDateTime>,
    /// When somebody last ended trying to.
    tried: Option<OffsetDateTime>,
    /// What the file looked like.
    file: Option<Look>,
}

/// When a file was written and how long it is.
type Look = (SystemTime, u64);

/// A set of keys, and what its file looked like; `None` if that is as it was known.
type Read = Option<(Vec<u8>, Option<Look>)>;

impl Keys {
    /// None that are known yet.
    pub(super) fn unread() -> Self {
        Self {
            state: RwLock::default(),
            reading: Mutex::default(),
            waiting: Semaphore::new(MAX_WAITING),
            thread: Arc::new(Semaphore::new(1)),
        }
    }

    /// The key of a name; `None` if the issuer has none. Who knows theirs waits for no other.
    ///
    /// # Errors
    /// `IDPCommunicationErrorException`: there are no keys that the issuer is known to have.
    pub(super) async fn find(
        &self,
        kid: &str,
        source: &KeySource,
        clock: &dyn Clock,
    ) -> Result<Option<Arc<Jwk>>, Error> {
        let known = self.state().keys.contains_key(kid);
        let turn = match self.reading.try_lock() {
            Ok(turn) => Some(turn),
            Err(_) if known => None,
            Err(_) => {
                let _place = self.waiting.try_acquire().map_err(|_| unread())?;
                Some(self.reading.lock().await)
            }
        };
        // While the thread of an earlier turn hangs, nobody waits for it.
        if turn.is_some()
            && self.state().is_due(source, kid, clock.now())
            && let Ok(place) = Arc::clone(&self.thread).try_acquire_owned()
        {
            self.read_again(source, place, clock).await;
        }
        let state = self.state();
        match state.read {
            Some(read) if clock.now() - read < STALE => Ok(state.keys.get(kid).cloned()),
            _ => Err(unread()),
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_again(&self, source: &KeySource, place: OwnedSemaphorePermit, clock: &dyn Clock) {
        let (known, begun) = (self.state().file, clock.now());
        let found = read(source, known, place).await;
        let found = found.and_then(|read| match read {
            None => Ok(None),
            Some((text, file)) => Ok(Some((jwk::read_set(&text)?, file))),
        });
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tried = Some(clock.now());
        match found {
            // A file that is as it was is as good as read.
            Ok(None) => state.read = Some(begun),
            Ok(Some((keys, file))) => {
                let keys = keys.into_iter().map(|(kid, key)| (kid, Arc::new(key)));
                state.keys = keys.collect();
                state.read = Some(begun);
                state.file = file;
            }
            Err(error) => {
                state.file = None;
                log::warn!("the keys of an OIDC issuer, {source}: {error}");
            }
        }
    }
}

fn unread() -> Error {
    let message = "The keys of the identity provider cannot be read. The request can be retried.";
    Error::new(ErrorCode::IdpCommunication, message)
}

impl State {
    fn is_due(&self, source: &KeySource, kid: &str, now: OffsetDateTime) -> bool {
        let since = |time: Option<OffsetDateTime>, least: Duration| {
            time.is_none_or(|time| !(Duration::ZERO..least).contains(&(now - time)))
        };
        match source {
            KeySource::File(_) => since(self.tried, GLANCE),
            KeySource::Url(..) => {
                let wanted = !self.keys.contains_key(kid) || since(self.read, FRESH);
                wanted && since(self.tried, PAUSE)
            }
        }
    }
}

async fn read(
    source: &KeySource,
    known: Option<Look>,
    place: OwnedSemaphorePermit,
) -> Result<Read, Failure> {
    match source {
        KeySource::File(path) => {
            // A file may be on a network.
            let path = path.clone();
            http::apart(place, move || read_file(&path, known)).await
        }
        KeySource::Url(url, authorities) => {
            let text = http::get(url.clone(), authorities.clone(), place).await?;
            Ok(Some((text, None)))
        }
    }
}

fn read_file(path: &Path, known: Option<Look>) -> Result<Read, Failure> {
    // Before: what changes while it is read is then read once more.
    let look = std::fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len())));
    let look = look.ok();
    if look.is_some() && look == known {
        return Ok(None);
    }
    let mut text = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    match text.len() > MAX_BYTES {
        true => Err("the file is too long".into()),
        false => Ok(Some((text, look))),
    }
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeySource::File(path) => write!(f, "{}", path.display()),
            KeySource::Url(url, _) => write!(f, "{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use std::sync::mpsc;

    /// A file that takes its time: whoever opens a pipe waits for another who does.
    fn pipe() -> PathBuf {
        let path = std::env::temp_dir().join(format!("strongroom-{}", uuid::Uuid::new_v4()));
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        path
    }

    #[tokio::test]
    async fn a_file_that_hangs_has_one_thread_and_nobody_waits_for_it() {
        let path = pipe();
        let (keys, source) = (Keys::unread(), KeySource::File(path.clone()));
        let find = async |millis| {
            let patience = std::time::Duration::from_millis(millis);
            tokio::time::timeout(patience, keys.find("any", &source, &SystemClock)).await
        };
        assert!(find(50).await.is_err(), "the pipe does not hang");
        let next = find(5000).await.expect("another thread hangs as well");
        assert!(next.is_err());
        std::fs::write(&path, "").unwrap();
        drop(keys.thread.acquire().await.unwrap());
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_takes_its_time_holds_up_nobody() {
        let path = pipe();
        let (go_on, told) = mpsc::channel();
        let written = path.clone();
        let writer = std::thread::spawn(move || {
            let told = told.recv_timeout(std::time::Duration::from_secs(5));
            std::fs::write(written, r#"{"keys": []}"#).unwrap();
            told
        });
        let (keys, source) = (Keys::unread(), KeySource::File(path.clone()));
        let find = keys.find("any", &source, &SystemClock);
        let (found, ()) = tokio::join!(find, async {
            let _ = go_on.send(());
        });
        assert!(found.unwrap().is_none());
        assert_eq!(writer.join().unwrap(), Ok(()), "the thread was held up");
        std::fs::remove_file(path).unwrap();
    }
}
