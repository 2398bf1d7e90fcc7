//! Hears of what other gateways changed, so that the cache need not wait to be told it is stale.

use super::cache::Cache;
use super::connect::connect;
use super::error::{StoreError, describe};
use super::touched::Touched;
use crate::metrics::Gauge;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config};

/// How often the connection is tried: a silent one may be dead.
const HEARTBEAT: Duration = Duration::from_secs(1);
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

const LISTEN: &str = "/* listener::listen */ listen strongroom";
const BEAT: &str = "/* listener::beat */ select 1";

/// Ends with the store that started it.
pub(super) struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listener {
    /// Starts on the current runtime.
    pub(super) fn start(
        config: Config,
        deadline: Duration,
        cache: Arc<Cache>,
        listening: Gauge,
    ) -> Self {
        Self(tokio::spawn(async move {
            let mut backoff = BACKOFF_MIN;
            loop {
                let Err(error) = session(&config, deadline, &cache, &listening).await;
                if listening.get() > 0.0 {
                    backoff = BACKOFF_MIN;
                }
                listening.set(0.0);
                log::warn!("not listening for changes by other gateways: {error}");
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        }))
    }
}

/// One connection's life.
async fn session(
    config: &Config,
    deadline: Duration,
    cache: &Cache,
    listening: &Gauge,
) -> Result<Infallible, StoreError> {
    let (client, mut connection) = connect(config, deadline).await?;
    let hear = async {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(heard))) => {
                    match Touched::parse(heard.payload()) {
                        Some(touched) => cache.forget_touched(&touched),
                        // A newer gateway says something that this one does not understand.
                        None => cache.clear(),
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return StoreError::Connect(describe(&error)),
                None => return StoreError::Connect("the connection was closed".into()),
            }
        }
    };
    let beat = async {
        say(&client, LISTEN, deadline).await?;
        // Whatever was said before has not been heard.
        cache.clear();
        listening.set(1.0);
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            say(&client, BEAT, deadline).await?;
        }
    };
    tokio::select! {
        error = hear => Err(error),
        result = beat => result,
    }
}

async fn say(client: &Client, sql: &'static str, deadline: Duration) -> Result<(), StoreError> {
    match tokio::time::timeout(deadline, client.batch_execute(sql)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(StoreError::Connect(describe(&error))),
        Err(_) => Err(StoreError::Deadline(super::pool::name(sql).into())),
    }
}
