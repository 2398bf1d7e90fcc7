//! The thread of the connections, and of what is to go from one to the other without another's turn in
//! between: the group writers of the audit log.

use super::error::StoreError;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// For the connections to take leave of the server.
const LEAVE: Duration = Duration::from_millis(50);
/// Sooner than any deadline: setting the timer that is due next costs a system call and a turn of the loop.
const BEAT: Duration = Duration::from_secs(1);

/// Ends once it is dropped.
pub(super) struct OwnThread {
    handle: Handle,
    _lives: oneshot::Sender<()>,
}

impl OwnThread {
    /// # Errors
    /// The system has no more threads, or files.
    pub(super) fn start() -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| StoreError::Setup(error.to_string());
        // With several threads, one that is woken wakes another before it does anything.
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let handle = runtime.handle().clone();
        let (lives, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("strongroom-database".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let mut beat = tokio::time::interval(BEAT);
                    let beats = async {
                        loop {
                            beat.tick().await;
                        }
                    };
                    tokio::select! {
                        _ = ended => {}
                        () = beats => {}
                    }
                    tokio::time::sleep(LEAVE).await;
                });
            })
            .map_err(failed)?;
        Ok(Self {
            handle,
            _lives: lives,
        })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}
