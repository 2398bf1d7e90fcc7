//! Whether key material could leave its token: what the token said when each version was made, and
//! whether the object that is there now is still that one.

use super::keys::KeyEntry;
use super::moment::Moment;
use crate::model::{VersionState, hex};
use crate::reconcile;
use crate::store::{Key, KeyVersion};
use crate::token::Birth;
use serde::{Deserialize, Serialize};

/// A key version, and the evidence.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionEntry {
    /// Its key.
    pub key: String,
    /// Its number, and its id: the `CKA_ID` of what the token generated.
    pub number: i32,
    #[allow(missing_docs)]
    pub id: String,
    /// When it was made.
    pub created: Moment,
    /// The serial number of its token.
    pub token_serial: String,
    /// How its material came to be on the token.
    pub provenance: Provenance,
    /// What follows from the evidence.
    pub verdict: Verdict,
    /// The birth certificate, where there is one: `CKA_ALWAYS_SENSITIVE` …
    pub always_sensitive: Option<bool>,
    /// `CKA_NEVER_EXTRACTABLE`.
    pub never_extractable: Option<bool>,
    /// `CKA_LOCAL`.
    pub local: Option<bool>,
    /// `CKA_KEY_GEN_MECHANISM`, as far as the token says.
    pub mechanism: Option<String>,
    /// `CKA_CHECK_VALUE`, in hexadecimal.
    pub check_value: Option<String>,
    /// What the token has now.
    pub now: Now,
}

/// How material came to be on its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Provenance {
    /// The token generated it, for the gateway.
    Generated,
    /// It was imported: it has been outside.
    Imported,
    /// It was on the token before the gateway knew it.
    Adopted,
    /// It is yet to be imported.
    Awaited,
}

/// What follows for material, by worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Verdict {
    /// It could leave the token, or there is no evidence that it could not.
    Exportable,
    /// It is otherwise than when it was made.
    Changed,
    /// It cannot leave the token, and was elsewhere before, or could have been.
    NotExportable,
    /// It has never been outside the token, and cannot leave it.
    NeverExportable,
    /// There is none.
    NoMaterial,
}

/// What the token has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "looked", content = "found")]
pub enum Now {
    /// The attributes were read back and are those that it was made with.
    AsMade,
    /// They are not.
    Differs(String),
    /// Nobody looked, and why.
    NotLooked(&'static str),
}

impl Provenance {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Provenance::Generated => "generated on the token",
            Provenance::Imported => "imported",
            Provenance::Adopted => "adopted",
            Provenance::Awaited => "awaits import",
        }
    }
}

impl Verdict {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Exportable => "not shown to be non-exportable",
            Verdict::Changed => "differs from its birth certificate",
            Verdict::NotExportable => "not exportable since it is on the token",
            Verdict::NeverExportable => "never exportable",
            Verdict::NoMaterial => "no material",
        }
    }

    fn of(version: &KeyVersion, birth: Option<&Birth>, now: &Now) -> Self {
        if version.state == VersionState::PendingImport {
            return Verdict::NoMaterial;
        }
        if matches!(now, Now::Differs(_)) {
            return Verdict::Changed;
        }
        let Some(birth) = birth else {
            return Verdict::Exportable;
        };
        let stays = match &birth.adopted {
            Some(adopted) => adopted.sensitive && !adopted.extractable,
            // The gateway refuses what it has made or imported unless it is sensitive and not extractable.
            None => true,
        };
        match birth.always_sensitive && birth.never_extractable && birth.local {
            _ if !stays => Verdict::Exportable,
            true => Verdict::NeverExportable,
            false => Verdict::NotExportable,
        }
    }
}

/// What each version's token was found to have: what `reconcile` compared, and why it did not where
/// there was nothing to compare.
pub struct Looked<'r> {
    report: Option<&'r reconcile::Report>,
}

impl<'r> Looked<'r> {
    /// At the gateway's own token; `None` where it was not.
    pub fn new(report: Option<&'r reconcile::Report>) -> Self {
        Self { report }
    }

    fn at(&self, version: &KeyVersion) -> Now {
        let Some(report) = self.report else {
            return Now::NotLooked("the token was not read");
        };
        let id = version.id.to_string();
        let differences = report.differences.iter();
        let mut of_version = differences.filter(|difference| difference.subject == id);
        match of_version.next() {
            Some(difference) => Now::Differs(difference.found.clone()),
            None if version.state == VersionState::PendingImport => Now::NotLooked("no material"),
            None if version.token_serial != report.token_serial => {
                Now::NotLooked("on the token of a custom key store")
            }
            None => Now::AsMade,
        }
    }
}

/// The versions of every key, in the order of the entries.
pub fn versions(keys: &[Key], entries: &[KeyEntry], looked: &Looked<'_>) -> Vec<VersionEntry> {
    let mut all = Vec::new();
    for (key, entry) in keys.iter().zip(entries) {
        for version in &key.versions {
            let birth: Option<Birth> = Birth::deserialize(&*version.birth).ok();
            let now = looked.at(version);
            let provenance = match &birth {
                _ if version.state == VersionState::PendingImport => Provenance::Awaited,
                _ if version.is_adopted() => Provenance::Adopted,
                Some(birth) if birth.local => Provenance::Generated,
                _ => Provenance::Imported,
            };
            let birth = birth.as_ref();
            let check_value = birth.and_then(|birth| birth.check_value.as_deref());
            all.push(VersionEntry {
                key: entry.arn.clone(),
                number: version.number,
                id: version.id.to_string(),
                created: Moment(version.created),
                token_serial: version.token_serial.clone(),
                provenance,
                verdict: Verdict::of(version, birth, &now),
                always_sensitive: birth.map(|birth| birth.always_sensitive),
                never_extractable: birth.map(|birth| birth.never_extractable),
                local: birth.map(|birth| birth.local),
                mechanism: birth.and_then(|birth| birth.key_gen_mechanism.clone()),
                check_value: check_value.map(hex::encode),
                now,
            });
        }
    }
    all
}
