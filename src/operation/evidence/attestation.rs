//! An attestation: what a key's objects on the token are now, beside what they were at birth. One
//! line of JSON under a line that says what it is, signed as a note.

use crate::token::{Deviation, TokenIdentity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The first line of the note.
pub const FORMAT: &str = "strongroom/attestation/v1";

/// What is attested of one key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attestation {
    /// Whose audit key signed it.
    pub deployment: Uuid,
    /// When the token was asked, by the gateway's clock (RFC 3339).
    pub time: String,
    /// The key, as the database has it.
    pub key: AttestedKey,
    /// Which token was asked.
    pub token: TokenIdentity,
    /// What the token's maker attests; null where the token has nothing of the kind.
    pub vendor_attestation: Option<Value>,
    /// All of its versions, by number.
    pub versions: Vec<AttestedVersion>,
}

/// The key, in AWS's words.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AttestedKey {
    pub arn: String,
    pub key_spec: String,
    pub key_usage: String,
    pub origin: String,
    pub key_state: String,
    /// RFC 3339.
    pub creation_date: String,
}

/// One version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttestedVersion {
    /// Its number, from 1.
    pub version: i32,
    /// Whether it is what encrypts and signs.
    pub current: bool,
    /// As the database has it.
    pub state: String,
    /// When it was made (RFC 3339).
    pub creation_date: String,
    /// How it came to be on the token.
    pub provenance: Provenance,
    /// The `CKA_ID` of its objects, in hexadecimal.
    pub object_id: String,
    /// What the token said of it when it was made, imported or adopted. Attributes by their PKCS#11
    /// names.
    pub at_birth: Map<String, Value>,
    /// What the token says of it now: all attributes that were asked for, null where it has no answer.
    /// Null where it has no such object.
    pub now: Option<Map<String, Value>>,
    /// The public half as the token has it now: DER SubjectPublicKeyInfo in base64.
    pub public_key: Option<String>,
    /// What follows from `provenance` and `now`.
    pub exportability: Exportability,
    /// What follows from `deviations`.
    pub verdict: Verdict,
    /// What is otherwise than at birth.
    pub deviations: Vec<Deviation>,
}

/// How a key came to be on the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// The token made it.
    Generated,
    /// Its owner imported it, and has, or had, it elsewhere.
    Imported,
    /// It was on the token before the gateway knew it.
    Adopted,
    /// There is no material yet, or any more.
    AwaitingImport,
}

/// Whether a key can leave the token, by the token's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exportability {
    /// It was made there, and could at no time leave it.
    Never,
    /// It cannot leave it now; it was elsewhere before, or could have been.
    NotNow,
    /// It can.
    Exportable,
    /// The token does not say, or has no such object.
    Unknown,
}

/// Whether a version is what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is.
    AsBorn,
    /// It is not.
    Differs,
    /// There is nothing that could be.
    NoMaterial,
}

impl Exportability {
    /// By what the token says of an object.
    pub fn of(now: Option<&Map<String, Value>>) -> Self {
        let says = |name: &str| now.and_then(|now| now.get(name)).and_then(Value::as_bool);
        let history = ["CKA_LOCAL", "CKA_ALWAYS_SENSITIVE", "CKA_NEVER_EXTRACTABLE"];
        match (says("CKA_SENSITIVE"), says("CKA_EXTRACTABLE")) {
            (Some(true), Some(false)) if history.iter().all(|name| says(name) == Some(true)) => {
                Self::Never
            }
            (Some(true), Some(false)) => Self::NotNow,
            (Some(false), _) | (_, Some(true)) => Self::Exportable,
            _ => Self::Unknown,
        }
    }
}

impl Verdict {
    /// Of a version that came to be so, of which so much is otherwise.
    pub fn of(provenance: Provenance, deviations: &[Deviation]) -> Self {
        match provenance {
            Provenance::AwaitingImport => Self::NoMaterial,
            _ if deviations.is_empty() => Self::AsBorn,
            _ => Self::Differs,
        }
    }
}

/// Why a text is no attestation that can be believed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum AttestationError {
    #[error("it is no key attestation: it does not begin with the line {FORMAT}")]
    OtherFormat,
    #[error("it is no key attestation that this program understands: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error(
        "it contradicts itself: version {0} is said to be {1:?}, which does not follow from what \
         the token said"
    )]
    Contradiction(i32, String),
}

impl Attestation {
    /// The note's text.
    ///
    /// # Errors
    /// Should it not serialize.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{FORMAT}\n{}\n", serde_json::to_string(self)?))
    }

    /// From a note's text; whatever it concludes has to follow from what it tells.
    ///
    /// # Errors
    /// See [`AttestationError`].
    pub fn parse(text: &str) -> Result<Self, AttestationError> {
        let line = text
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_prefix('\n'));
        let read: Self = serde_json::from_str(line.ok_or(AttestationError::OtherFormat)?)?;
        for version in &read.versions {
            version.check()?;
        }
        Ok(read)
    }
}

impl AttestedVersion {
    fn check(&self) -> Result<(), AttestationError> {
        let contradicts = |what: String| Err(AttestationError::Contradiction(self.version, what));
        if self.verdict != Verdict::of(self.provenance, &self.deviations) {
            return contradicts(format!("{:?}", self.verdict));
        }
        if self.exportability != Exportability::of(self.now.as_ref()) {
            return contradicts(format!("{:?}", self.exportability));
        }
        // Also without a deviation: what was known of it at its birth has to hold now.
        let otherwise = |(name, then): (&String, &Value)| {
            let now = self.now.as_ref().and_then(|now| now.get(name));
            now.is_some_and(|now| now != then)
        };
        match self.verdict {
            Verdict::AsBorn if self.now.is_none() || self.at_birth.iter().any(otherwise) => {
                contradicts("as born".into())
            }
            _ => Ok(()),
        }
    }
}
