//! `KeyMaterialId`: 64 hexadecimal digits that stand for one version of a symmetric CMK.

use super::hex;
use uuid::Uuid;

/// The id of a key version's material.
pub fn key_material_id(version: Uuid) -> String {
    let input = [b"strongroom key material ".as_slice(), version.as_bytes()].concat();
    hex::encode(&openssl::sha::sha256(&input))
}
