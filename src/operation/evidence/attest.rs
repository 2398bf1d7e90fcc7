//! Looking at a key's objects on its token, for an attestation and for the daily scan.

use super::attestation::{
    Attestation, AttestedKey, AttestedVersion, Exportability, Provenance, Verdict,
};
use crate::Error;
use crate::model::{VersionState, hex};
use crate::operation::Context;
use crate::operation::authorized::arn_of;
use crate::store::{Key, KeyVersion};
use crate::token::{Birth, Deviation, Sighting, Subject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What its token says of every version of a key, now.
///
/// # Errors
/// `KeyUnavailableException` while its token is not open, and whatever else keeps it from answering;
/// internal for a birth certificate that cannot be read.
pub async fn attest(key: &Key, cx: &Context) -> Result<Attestation, Error> {
    let token = cx.tokens.of(key)?;
    let identity = token.identity().await?;
    let there: Vec<&KeyVersion> = key.versions.iter().filter(|v| has_material(v)).collect();
    let subjects = there.iter().map(|version| subject(key, version));
    let mut seen = token
        .look_at(subjects.collect::<Result<_, _>>()?)
        .await?
        .into_iter();
    let mut versions = Vec::with_capacity(key.versions.len());
    for version in &key.versions {
        let mut sighting = has_material(version).then(|| seen.next()).flatten();
        if let Some(seen) = &mut sighting {
            seen.deviations.extend(elsewhere(version, &identity.serial));
        }
        versions.push(attested(key, version, sighting)?);
    }
    Ok(Attestation {
        deployment: cx.store.deployment(),
        time: text(cx.clock.now())?,
        key: AttestedKey {
            arn: arn_of(key),
            key_spec: key.spec.as_str().into(),
            key_usage: key.usage.as_str().into(),
            origin: key.origin.as_str().into(),
            key_state: key.state.as_str().into(),
            creation_date: text(key.created.time())?,
        },
        token: identity,
        // No token that was tried has one.
        vendor_attestation: None,
        versions,
    })
}

/// Whether a version has objects on a token.
pub fn has_material(version: &KeyVersion) -> bool {
    version.state != VersionState::PendingImport
}

/// The version, as the token is asked about it.
///
/// # Errors
/// Internal for a birth certificate that cannot be read.
pub fn subject(key: &Key, version: &KeyVersion) -> Result<Subject, Error> {
    let id = version.object_id.as_deref();
    Ok(Subject {
        version: version.cka_id().unwrap_or(version.id),
        object_id: id.unwrap_or(version.id.as_bytes()).to_vec(),
        spec: key.spec,
        usage: key.usage,
        birth: Some(Birth::deserialize(version.birth.json()).map_err(Error::internal)?),
    })
}

/// That a version was made on another token than the one with this serial number.
pub(super) fn elsewhere(version: &KeyVersion, serial: &str) -> Option<Deviation> {
    (version.token_serial != serial).then(|| Deviation {
        attribute: "token serial number".into(),
        expected: version.token_serial.clone().into(),
        found: serial.into(),
    })
}

/// A version beside what was seen of it, if anybody looked.
///
/// # Errors
/// Internal for a birth certificate that cannot be read.
pub fn attested(
    key: &Key,
    version: &KeyVersion,
    seen: Option<Sighting>,
) -> Result<AttestedVersion, Error> {
    let provenance = provenance(version);
    let at_birth = match provenance {
        Provenance::AwaitingImport => Map::new(),
        _ => at_birth(version)?,
    };
    let (now, public_key, deviations) = match seen {
        Some(seen) => (seen.attributes, seen.public_key, seen.deviations),
        None => (None, None, Vec::new()),
    };
    Ok(AttestedVersion {
        version: version.number,
        current: version.id == key.current_version,
        state: version.state.as_str().into(),
        creation_date: text(version.created.time())?,
        provenance,
        object_id: hex::encode(
            version
                .object_id
                .as_deref()
                .unwrap_or(version.id.as_bytes()),
        ),
        at_birth,
        exportability: Exportability::of(now.as_ref()),
        now,
        public_key: public_key.map(|der| STANDARD.encode(der)),
        verdict: Verdict::of(provenance, &deviations),
        deviations,
    })
}

fn provenance(version: &KeyVersion) -> Provenance {
    if !has_material(version) {
        Provenance::AwaitingImport
    } else if version.is_adopted() {
        Provenance::Adopted
    } else if version.birth.get("imported").is_some() {
        Provenance::Imported
    } else {
        Provenance::Generated
    }
}

/// The birth certificate, its attributes by their PKCS#11 names.
fn at_birth(version: &KeyVersion) -> Result<Map<String, Value>, Error> {
    let birth = Birth::deserialize(version.birth.json()).map_err(Error::internal)?;
    let (sensitive, extractable) = match &birth.adopted {
        Some(adopted) => (adopted.sensitive, adopted.extractable),
        // What does not read back so is not taken for a key.
        None => (true, false),
    };
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    tell("CKA_SENSITIVE", sensitive.into());
    tell("CKA_EXTRACTABLE", extractable.into());
    tell("CKA_ALWAYS_SENSITIVE", birth.always_sensitive.into());
    tell("CKA_NEVER_EXTRACTABLE", birth.never_extractable.into());
    tell("CKA_LOCAL", birth.local.into());
    if let Some(mechanism) = birth.key_gen_mechanism {
        tell("CKA_KEY_GEN_MECHANISM", mechanism.into());
    }
    if let Some(value) = birth.check_value {
        tell("CKA_CHECK_VALUE", hex::encode(&value).into());
    }
    if let Some(der) = birth.public_key {
        tell("publicKey", STANDARD.encode(der).into());
    }
    tell("tokenSerial", birth.token_serial.into());
    for name in ["adopted", "imported"] {
        if let Some(how) = version.birth.get(name) {
            tell(name, how.clone());
        }
    }
    Ok(told)
}

fn text(time: OffsetDateTime) -> Result<String, Error> {
    time.format(&Rfc3339).map_err(Error::internal)
}
