//! A log that is made in memory, signed by a key of its own, and written as an export.

use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer as Ecdsa;
use std::path::{Path, PathBuf};
use strongroom::audit::export::Writer;
use strongroom::audit::merkle::{Frontier, Hash, leaf_hash};
use strongroom::audit::verify::{Anchors, Finding, Keys, Verification, verify};
use strongroom::audit::{Checkpoint, Note, Signature, VerifierKey, origin};
use uuid::Uuid;

pub const DEPLOYMENT: Uuid = Uuid::from_u128(0x5742);

/// Stands for the token's audit key.
pub struct Signer {
    pair: PKey<Private>,
    pub key: VerifierKey,
}

impl Signer {
    pub fn new() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let pair = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let spki = pair.public_key_to_der().unwrap();
        let key = VerifierKey::ecdsa(&origin(DEPLOYMENT), &spki).unwrap();
        Self { pair, key }
    }

    pub fn sign(&self, text: String) -> String {
        let mut signer = Ecdsa::new(MessageDigest::sha256(), &self.pair).unwrap();
        let signature = Signature {
            name: origin(DEPLOYMENT),
            key_id: self.key.id(),
            signature: signer.sign_oneshot_to_vec(text.as_bytes()).unwrap(),
        };
        Note::new(text).unwrap().signed(signature).to_string()
    }

    pub fn checkpoint(&self, size: u64, root: Hash) -> String {
        let origin = origin(DEPLOYMENT);
        self.sign(Checkpoint { origin, size, root }.to_string())
    }
}

/// What the database has of a log.
pub struct Log {
    /// None where it is gone.
    pub records: Vec<Option<Vec<u8>>>,
    pub leaves: Vec<Hash>,
    pub checkpoints: Vec<String>,
}

pub fn record(number: u64, by: &str) -> Vec<u8> {
    format!(
        r#"{{"eventName":"Encrypt","eventID":"event-{number}","requestID":"request-{number}","by":"{by}"}}"#
    )
    .into_bytes()
}

impl Log {
    /// Of so many records, with a checkpoint after every `every`th.
    pub fn new(signer: &Signer, size: u64, every: u64) -> Self {
        Self::of((0..size).map(|number| record(number, "app")), signer, every)
    }

    pub fn of(records: impl Iterator<Item = Vec<u8>>, signer: &Signer, every: u64) -> Self {
        let mut log = Self {
            records: Vec::new(),
            leaves: Vec::new(),
            checkpoints: Vec::new(),
        };
        let mut tree = Frontier::default();
        for record in records {
            log.leaves.push(leaf_hash(&record));
            tree.push(leaf_hash(&record));
            log.records.push(Some(record));
            if tree.size() % every == 0 {
                let note = signer.checkpoint(tree.size(), tree.root());
                log.checkpoints.push(note);
            }
        }
        log
    }

    /// What whoever owns the database can do besides: make the tree anew from the records.
    pub fn hash_again(&mut self) {
        let records = self.records.iter().flatten();
        self.leaves = records.map(|record| leaf_hash(record)).collect();
    }

    /// Writes the export from a leaf on.
    pub fn export(&self, folder: &Path, first: usize) {
        let mut before = Frontier::default();
        self.leaves[..first]
            .iter()
            .for_each(|leaf| before.push(*leaf));
        let mut writer = Writer::create(folder, DEPLOYMENT, before).unwrap();
        for (record, leaf) in self.records.iter().zip(&self.leaves).skip(first) {
            match record {
                Some(record) => writer.record(record, leaf).unwrap(),
                None => writer.missing(None, leaf).unwrap(),
            }
        }
        for note in &self.checkpoints {
            writer.checkpoint(note).unwrap();
        }
        writer.finish().unwrap();
    }

    /// The same, and verifies it.
    pub fn verified(&self, key: &VerifierKey, anchors: Anchors) -> Verification {
        self.verified_from(0, key, anchors)
    }

    pub fn verified_from(&self, first: usize, key: &VerifierKey, anchors: Anchors) -> Verification {
        let (_kept, folder) = folder();
        self.export(&folder, first);
        verify(&folder, alone(key), anchors, |_| ()).unwrap()
    }

    pub fn findings(&self, key: &VerifierKey) -> Vec<Finding> {
        self.verified(key, Anchors::default()).findings
    }
}

/// A folder that is not there yet.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("export");
    (kept, folder)
}

/// The log's key, and no witness's.
pub fn alone(log: &VerifierKey) -> Keys<'_> {
    let witnesses = &[];
    Keys { log, witnesses }
}
