//! One kept connection: the bytes of a request out, an answer in.

use super::answer::{self, read_answer};
use super::stream::{self, Stream};
use crate::Error;
use crate::model::Url;
use tokio::io::AsyncWriteExt;

/// The connection. After an error it is of no use any more.
pub(in crate::cli) struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Wire {
    /// # Errors
    /// The other end cannot be reached.
    pub(in crate::cli) async fn open(url: &Url) -> Result<Self, Error> {
        Ok(Self {
            stream: stream::open(url).await?,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Writes a request and reads its answer: status and body. Waits for as long as it takes.
    ///
    /// # Errors
    /// The connection broke, or what came is no answer.
    pub(in crate::cli) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, &[u8]), Error> {
        let Self { stream, buffer } = self;
        stream.write_all(request).await.map_err(answer::broken)?;
        stream.flush().await.map_err(answer::broken)?;
        let (status, start, end) = read_answer(stream, buffer).await?;
        Ok((status, &buffer[start..end]))
    }
}
