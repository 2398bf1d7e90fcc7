//! Checkpoints: the token signs how far the log has come, and only what goes on from what it has
//! signed before.

use super::placing;
use crate::Error;
use crate::audit::merkle::{Hash, Node, Place, proof};
use crate::audit::{Checkpoint, Note, origin};
use crate::operation::Context;
use crate::store::{AuditTile, Store};
use std::collections::BTreeSet;
use std::convert::Infallible;

/// The tree of the first `size` leaves, read once: what is signed is what was held against what was
/// signed before, whatever the database answers the next time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    size: u64,
    root: Hash,
}

/// A checkpoint that the audit key has signed.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) checkpoint: Checkpoint,
    /// The signed note.
    pub(super) note: String,
}

/// Why nothing is signed: the log is not the one that was signed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breach {
    /// It has fewer leaves.
    CutOff { signed: u64, size: u64 },
    /// It has others.
    Forked { signed: u64 },
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CutOff { signed, size } => write!(
                f,
                "the token has signed {signed} records of the audit log, and the database has \
                 {size}: its end is missing"
            ),
            Self::Forked { signed } => write!(
                f,
                "the first {signed} records of the audit log are not those that the token has signed"
            ),
        }
    }
}

impl Head {
    /// As the database has it.
    ///
    /// # Errors
    /// Those of the database; internal where the tree's hashes are not all there.
    pub(super) async fn read(store: &Store, size: u64) -> Result<Self, Error> {
        let tiles = store.audit_tiles(&placing::partial(size)).await?;
        let root = placing::edge(size, &tiles)?.root();
        Ok(Self { size, root })
    }
}

impl Signed {
    /// Reads a note, if it is this deployment's checkpoint and signed by its audit key.
    ///
    /// # Errors
    /// Whatever keeps the token from showing the key.
    pub(super) async fn read(cx: &Context, note: &str) -> Result<Option<Self>, Error> {
        let key = cx.audit_key.public().await?;
        let parsed = Note::parse(note).ok();
        let genuine = parsed.filter(|note| note.verify(&key).is_ok());
        let checkpoint = genuine.and_then(|note| Checkpoint::parse(note.text()));
        let origin = origin(cx.store.deployment());
        Ok(checkpoint
            .filter(|checkpoint| checkpoint.origin == origin)
            .map(|checkpoint| Self {
                checkpoint,
                note: note.to_owned(),
            }))
    }

    /// Signs a tree.
    ///
    /// # Errors
    /// Those of the token.
    pub(super) async fn make(cx: &Context, Head { size, root }: Head) -> Result<Self, Error> {
        let checkpoint = Checkpoint {
            origin: origin(cx.store.deployment()),
            size,
            root,
        };
        let note = cx.audit_key.sign(checkpoint.to_string()).await?;
        Ok(Self { checkpoint, note })
    }

    /// What is wrong with a tree that ought to begin with this one.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn breach(&self, store: &Store, head: Head) -> Result<Option<Breach>, Error> {
        let Checkpoint {
            size: signed, root, ..
        } = self.checkpoint;
        let size = head.size;
        if size < signed {
            return Ok(Some(Breach::CutOff { signed, size }));
        }
        let shown = consistency(store, signed, size).await?;
        let consistent = proof::is_consistent(signed, &root, size, &head.root, &shown);
        Ok((!consistent).then_some(Breach::Forked { signed }))
    }
}

/// The proof that the tree of the first `size` leaves begins with that of the first `old`.
///
/// # Errors
/// Those of the database.
pub(super) async fn consistency(store: &Store, old: u64, size: u64) -> Result<Vec<Hash>, Error> {
    let mut tiles = BTreeSet::new();
    let noted = proof::consistency(old, size, |node| {
        let tile = Place::of(node).tile;
        tiles.insert((tile.level, tile.index));
        Ok::<_, Infallible>([0; 32])
    });
    drop(noted);
    let tiles: Vec<_> = tiles.into_iter().collect();
    let tiles = store.audit_tiles(&tiles).await?;
    proof::consistency(old, size, |node| read(&tiles, node))
}

fn read(tiles: &[AuditTile], node: Node) -> Result<Hash, Error> {
    let place = Place::of(node);
    let hash = place.read(&placing::hashes(tiles, place.tile)?);
    hash.ok_or_else(|| Error::internal("a tile of the audit log's tree is too short"))
}
