//! `[oidc.<name>]`: issuers of OIDC tokens, which AssumeRoleWithWebIdentity takes.

use super::wrong;
use crate::Error;
use crate::model::Url;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// `[oidc.<name>]`: an issuer of OIDC tokens (Kubernetes, a CI system) that
/// AssumeRoleWithWebIdentity takes; see [sts.md](sts.md). Its keys are in exactly one of
/// `jwks_file` and `jwks_url`. By the environment all of them at once, as `STRONGROOM_OIDC`: a
/// table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSection {
    /// `iss` of its tokens: a URL.
    pub issuer: String,
    /// For whom its tokens may be meant: one of their `aud` must be among these.
    pub audiences: Vec<String>,
    /// A file with its keys, which is read again when it changes.
    pub jwks_file: Option<PathBuf>,
    /// Where its keys are.
    pub jwks_url: Option<Url>,
    /// The certificates of those who vouch for the server of `jwks_url`, where the system does not
    /// know them: PEM.
    pub ca_file: Option<PathBuf>,
}

pub(super) fn validate(issuers: &BTreeMap<String, OidcSection>) -> Result<(), Error> {
    let mut known = BTreeSet::new();
    for (name, issuer) in issuers {
        let wrong = |what: &str| Err(wrong(format!("oidc.{name}: {what}")));
        let url = issuer.issuer.split_once("://");
        let name = url.filter(|(scheme, _)| ["https", "http"].contains(scheme));
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"?#".contains(&b))
        };
        match name {
            Some((_, name)) if plain(name) => {
                // Without their schemes: that is how policies name them.
                if !known.insert(name.to_ascii_lowercase()) {
                    return wrong("another section has the same issuer");
                }
            }
            _ => return wrong("issuer is no https:// URL without query and fragment"),
        }
        if issuer.audiences.is_empty() {
            return wrong("audiences is empty: name those for whom its tokens may be meant");
        }
        if issuer.jwks_file.is_some() == issuer.jwks_url.is_some() {
            return wrong("set exactly one of jwks_file and jwks_url");
        }
        if issuer.ca_file.is_some() && issuer.jwks_url.is_none() {
            return wrong("ca_file is for jwks_url");
        }
    }
    Ok(())
}
