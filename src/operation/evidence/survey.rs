//! Looking at many key versions, for the worker's scan: is each still what it was made as?

use super::attest::{elsewhere, has_material, subject};
use crate::Error;
use crate::operation::Context;
use crate::store::{Key, KeyVersion, VersionRow};
use crate::token::{Deviation, Subject, SystemKey, Token};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a look at something came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It is what it was made as, or has no objects to look at.
    AsBorn,
    /// Its token is not open here, or its row does not verify.
    PassedOver,
    /// This is otherwise.
    Differs(Vec<Deviation>),
}

/// A key of the gateway's own.
#[derive(Debug, Clone)]
pub struct OwnKey {
    /// Its `CKA_ID`.
    pub id: Uuid,
    /// Its role.
    pub role: &'static str,
    /// What a look at it came to.
    pub finding: Finding,
}

/// Looks at each of these versions, in turn. What differs is read and looked at once more, for it may
/// have been replaced or deleted meanwhile.
///
/// # Errors
/// Those of the database; whatever keeps the gateway's own token from answering.
pub async fn survey(rows: &[VersionRow], cx: &Context) -> Result<Vec<Finding>, Error> {
    let mut findings = look(rows, cx).await?;
    for (row, finding) in rows.iter().zip(&mut findings) {
        if !matches!(finding, Finding::Differs(_)) {
            continue;
        }
        *finding = match cx.store.version_row(row.id).await? {
            Some(row) => look(&[row], cx).await?.remove(0),
            None => Finding::AsBorn,
        };
    }
    Ok(findings)
}

/// Looks at the gateway's own keys.
///
/// # Errors
/// Whatever keeps its token from answering.
pub async fn survey_own(cx: &Context) -> Result<Vec<OwnKey>, Error> {
    let deployment = cx.store.deployment();
    let subjects = SystemKey::ALL.map(|role| {
        let id = role.object_id(deployment);
        let (spec, usage) = role.spec_and_usage();
        Subject {
            version: id,
            object_id: id.as_bytes().to_vec(),
            spec,
            usage,
            birth: None,
        }
    });
    let seen = cx.tokens.home().look_at(subjects.to_vec()).await?;
    let own = SystemKey::ALL.into_iter().zip(seen);
    let own = own.map(|(role, seen)| OwnKey {
        id: role.object_id(deployment),
        role: role.role(),
        finding: finding(seen.deviations),
    });
    Ok(own.collect())
}

fn finding(deviations: Vec<Deviation>) -> Finding {
    match deviations.is_empty() {
        true => Finding::AsBorn,
        false => Finding::Differs(deviations),
    }
}

async fn look(rows: &[VersionRow], cx: &Context) -> Result<Vec<Finding>, Error> {
    let mut findings = vec![Finding::PassedOver; rows.len()];
    // Those of one token together: `None` is the gateway's own.
    let mut of_token: BTreeMap<Option<Uuid>, Vec<(usize, &Key, &KeyVersion)>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        match (row.keys.first(), &row.version) {
            (Some(key), Some(version)) if has_material(version) => {
                let these = of_token.entry(key.key_store).or_default();
                these.push((at, key, version));
            }
            (Some(_), Some(_)) => findings[at] = Finding::AsBorn,
            _ => {}
        }
    }
    for (store, these) in of_token {
        let Some((_, key, _)) = these.first() else {
            continue;
        };
        let seen = match cx.tokens.of(key) {
            Ok(token) => on_token(&token, &these).await,
            Err(error) => Err(error),
        };
        match seen {
            Ok(seen) => {
                for ((at, ..), found) in these.into_iter().zip(seen) {
                    findings[at] = found;
                }
            }
            // A custom key store may stay away for as long as its owner likes.
            Err(error) if store.is_some() => log::debug!("not looked at: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(findings)
}

async fn on_token(
    token: &Token,
    these: &[(usize, &Key, &KeyVersion)],
) -> Result<Vec<Finding>, Error> {
    let serial = token.require_serial()?;
    let subjects = these.iter().map(|(_, key, version)| subject(key, version));
    let seen = token.look_at(subjects.collect::<Result<_, _>>()?).await?;
    let seen = these.iter().zip(seen).map(|((_, _, version), seen)| {
        let mut deviations = seen.deviations;
        deviations.extend(elsewhere(version, &serial));
        finding(deviations)
    });
    Ok(seen.collect())
}
