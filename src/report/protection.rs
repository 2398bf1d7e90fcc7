//! Whether key material could leave its token: what the token says of each version now, where it was
//! asked, and what it said when the version was made.

use super::keys::KeyEntry;
use crate::operation::evidence::{
    AttestedVersion, Exportability, Provenance, Verdict, attested, has_material,
};
use crate::store::Key;
use crate::token::Sighting;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A key version, and the evidence.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionEntry {
    /// Its key.
    pub key: String,
    /// Its id: the `CKA_ID` of what the token generated.
    pub id: String,
    /// The serial number of its token.
    pub token_serial: String,
    /// What the evidence is.
    pub evidence: Evidence,
    /// What follows from it.
    pub shown: Exportability,
    /// The version as an attestation has it, but that nobody has signed it here.
    #[serde(flatten)]
    pub version: AttestedVersion,
}

/// What the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Evidence {
    /// The token's answer, when the report was made.
    Token,
    /// What it answered when the version was made: this time it was not asked.
    BirthCertificate,
    /// There is no material.
    NoMaterial,
}

impl Evidence {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Evidence::Token => "read from the token now",
            Evidence::BirthCertificate => "birth certificate; the token was not asked",
            Evidence::NoMaterial => "–",
        }
    }
}

/// In words.
pub(super) const fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Generated => "generated on the token",
        Provenance::Imported => "imported",
        Provenance::Adopted => "adopted",
        Provenance::AwaitingImport => "awaits import",
    }
}

/// In words.
pub(super) const fn exportability(shown: Exportability) -> &'static str {
    match shown {
        Exportability::Never => "never exportable",
        Exportability::NotNow => "not exportable now; elsewhere before, or could have been",
        Exportability::Exportable => "exportable",
        Exportability::Unknown => "not shown to be non-exportable",
    }
}

impl VersionEntry {
    /// The attributes that the verdict rests on.
    pub fn attributes(&self) -> &Map<String, Value> {
        match self.evidence {
            Evidence::Token => self.version.now.as_ref().unwrap_or(&self.version.at_birth),
            Evidence::BirthCertificate | Evidence::NoMaterial => &self.version.at_birth,
        }
    }

    /// Whether it has material.
    pub fn has_material(&self) -> bool {
        self.evidence != Evidence::NoMaterial
    }

    /// Whether it is otherwise than it was made.
    pub fn differs(&self) -> bool {
        self.version.verdict == Verdict::Differs
    }
}

/// The versions of every key, in the order of the entries, and what could not be read. `seen` is what the
/// token has of them, by their ids.
pub fn versions(
    keys: &[Key],
    entries: &[KeyEntry],
    mut seen: BTreeMap<Uuid, Sighting>,
) -> (Vec<VersionEntry>, Vec<String>) {
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    for (key, entry) in keys.iter().zip(entries) {
        for version in &key.versions {
            let sighting = seen.remove(&version.id);
            let evidence = match &sighting {
                _ if !has_material(version) => Evidence::NoMaterial,
                Some(_) => Evidence::Token,
                None => Evidence::BirthCertificate,
            };
            match attested(key, version, sighting) {
                Ok(attested) => all.push(VersionEntry {
                    key: entry.arn.clone(),
                    id: version.id.to_string(),
                    token_serial: version.token_serial.clone(),
                    evidence,
                    shown: match evidence {
                        Evidence::Token => attested.exportability,
                        _ => Exportability::of(Some(&attested.at_birth)),
                    },
                    version: attested,
                }),
                Err(_) => unreadable.push(format!(
                    "The birth certificate of version {} of {} cannot be read.",
                    version.number, entry.arn
                )),
            }
        }
    }
    (all, unreadable)
}
