//! Witnesses: they sign a checkpoint, too, once they have seen that it goes on from the one before.
//!
//! Source: <https://c2sp.org/tlog-witness>.

use super::checkpoint::{Signed, consistency};
use crate::Error;
use crate::audit::{Note, Signature, VerifierKey};
use crate::http::{self, Answer};
use crate::model::Url;
use crate::operation::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A witness.
#[derive(Debug, Clone)]
pub struct WitnessSettings {
    /// As the configuration calls it.
    pub name: String,
    /// Where checkpoints are submitted: without `/add-checkpoint`.
    pub url: Url,
    /// What its cosignatures are verified with.
    pub key: VerifierKey,
    /// The certificates of those who vouch for its server, where they are not the system's.
    pub ca_file: Option<PathBuf>,
}

pub(super) struct Witness {
    settings: WitnessSettings,
    /// The size of the checkpoint that it has signed last, as far as we know.
    last: u64,
    /// One thread at a time: one that hangs is not joined by others.
    one: Arc<Semaphore>,
}

/// What a witness answers.
#[derive(Debug)]
enum Answered {
    Cosigned(Vec<Signature>),
    /// It has signed another size last.
    Has(u64),
}

impl Witness {
    pub(super) fn new(settings: WitnessSettings) -> Self {
        let target = settings.url.target.trim_end_matches('/');
        let target = format!("{target}/add-checkpoint");
        Self {
            settings: WitnessSettings {
                url: Url {
                    target,
                    ..settings.url
                },
                ..settings
            },
            last: 0,
            one: Arc::new(Semaphore::new(1)),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its cosignatures of a checkpoint, verified.
    ///
    /// # Errors
    /// It does not answer, does not know the log, or has seen another one.
    pub(super) async fn cosign(
        &mut self,
        cx: &Context,
        signed: &Signed,
    ) -> Result<Vec<Signature>, Error> {
        let size = signed.checkpoint.size;
        // The second time by what it says of itself.
        for _ in 0..2 {
            match self.ask(cx, signed).await? {
                Answered::Cosigned(cosignatures) => {
                    self.last = size;
                    return Ok(cosignatures);
                }
                Answered::Has(last) if last <= size && last != self.last => self.last = last,
                // Another gateway has come to it with more.
                Answered::Has(last) if last > size && last <= now(cx).await? => {
                    return Ok(Vec::new());
                }
                Answered::Has(last) => {
                    return Err(Error::internal(format!(
                        "it has signed another log, of {last} records; this one has {size}"
                    )));
                }
            }
        }
        Err(Error::internal(
            "it changes its mind about its last checkpoint",
        ))
    }

    async fn ask(&self, cx: &Context, signed: &Signed) -> Result<Answered, Error> {
        let proof = consistency(&cx.store, self.last, signed.checkpoint.size).await?;
        let proof = proof.iter().map(|hash| STANDARD.encode(hash) + "\n");
        let proof: String = proof.collect();
        let text = format!("old {}\n{proof}\n{}", self.last, signed.note);
        let place = self.one.clone().try_acquire_owned();
        let place = place.map_err(|_| Error::internal("the last request still hangs"))?;
        let WitnessSettings { url, ca_file, .. } = &self.settings;
        let answer = http::post(url.clone(), ca_file.clone(), text, place).await;
        let answer = answer.map_err(|failure| Error::internal(failure.to_string()))?;
        read(&answer, &self.settings.key, &signed.note)
    }
}

async fn now(cx: &Context) -> Result<u64, Error> {
    Ok(cx.store.audit_figures().await?.size)
}

fn read(answer: &Answer, key: &VerifierKey, note: &str) -> Result<Answered, Error> {
    let body = std::str::from_utf8(&answer.body).map_err(Error::internal)?;
    match answer.status {
        200 => {
            let text = Note::parse(note)
                .map_err(Error::internal)?
                .text()
                .to_owned();
            let signatures = body.lines().filter_map(Signature::parse);
            let own = signatures
                .filter(|s| key.is_named_by(s) && key.verifies(&text, &s.signature))
                .take(1);
            let own: Vec<_> = own.collect();
            match own.is_empty() {
                true => Err(Error::internal("none of its cosignatures is by its key")),
                false => Ok(Answered::Cosigned(own)),
            }
        }
        409 => {
            let size = body.strip_suffix('\n').and_then(|size| size.parse().ok());
            let size = size.ok_or_else(|| Error::internal("it answers 409 without a size"))?;
            Ok(Answered::Has(size))
        }
        422 => Err(Error::internal(
            "it has seen another log: this one does not go on from there",
        )),
        status => Err(Error::internal(format!("it answers {status}"))),
    }
}
