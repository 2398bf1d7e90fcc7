//! `KeyMaterialId`: 64 hexadecimal digits that stand for one version of a symmetric CMK.

use std::fmt::Write;
use uuid::Uuid;

/// The id of a key version's material.
pub fn key_material_id(version: Uuid) -> String {
    let input = [b"strongroom key material ".as_slice(), version.as_bytes()].concat();
    openssl::sha::sha256(&input)
        .iter()
        .fold(String::with_capacity(64), |mut id, byte| {
            let _ = write!(id, "{byte:02x}"); // a String never fails
            id
        })
}
