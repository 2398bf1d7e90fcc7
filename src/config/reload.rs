//! What a gateway takes from a changed configuration while it runs, and what waits for its next start.

use super::Config;
use secrecy::{ExposeSecret, SecretString};

impl Config {
    /// The sections that differ in another configuration and are looked at only at a start; the others
    /// are `[log]`, `[quota]`, `[[certificate]]`, and what is in `[tls]` and `[admin_tls]`.
    pub fn waits_for_restart(&self, other: &Self) -> Vec<&'static str> {
        let secret = |a: &SecretString, b: &SecretString| a.expose_secret() != b.expose_secret();
        let differ = [
            ("server", shown(&self.server) != shown(&other.server)),
            ("tls", self.tls.is_some() != other.tls.is_some()),
            (
                "admin_tls",
                self.admin_tls.is_some() != other.admin_tls.is_some(),
            ),
            (
                "token",
                secret(&self.token.pin, &other.token.pin)
                    || shown(&self.token) != shown(&other.token),
            ),
            (
                "database",
                secret(&self.database.url, &other.database.url)
                    || shown(&self.database) != shown(&other.database),
            ),
            ("gateway", shown(&self.gateway) != shown(&other.gateway)),
            ("audit", shown(&self.audit) != shown(&other.audit)),
            ("forward", shown(&self.forward) != shown(&other.forward)),
            ("witness", shown(&self.witness) != shown(&other.witness)),
            ("clusters", shown(&self.clusters) != shown(&other.clusters)),
            ("approval", shown(&self.approval) != shown(&other.approval)),
            ("oidc", shown(&self.oidc) != shown(&other.oidc)),
        ];
        let differ = differ.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(section, _)| section).collect()
    }
}

/// All of a section but its secrets.
fn shown(section: &impl std::fmt::Debug) -> String {
    format!("{section:?}")
}
