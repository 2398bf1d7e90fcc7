//! What the environment says instead of the file.

use super::wrong;
use crate::Error;
use std::collections::BTreeMap;

const PREFIX: &str = "STRONGROOM_";
/// The PIN itself; no value of the file.
pub(super) const PIN: &str = "STRONGROOM_TOKEN_PIN";
/// Whole sections, which have no keys of their own that a variable could name.
const WHOLE: [(&str, &str); 5] = [
    ("STRONGROOM_APPROVAL", "approval"),
    ("STRONGROOM_CLUSTERS", "clusters"),
    ("STRONGROOM_FORWARD", "forward"),
    ("STRONGROOM_OIDC", "oidc"),
    ("STRONGROOM_WITNESS", "witness"),
];
const SECTIONS: [&str; 9] = [
    "server",
    "tls",
    "admin_tls",
    "token",
    "database",
    "gateway",
    "audit",
    "quota",
    "log",
];
/// Values that are text even where they look like something else.
const TEXT: [&str; 5] = ["serial", "label", "module", "url", "listen"];

/// Puts the environment's values in the place of the file's.
///
/// # Errors
/// A variable is for a key of what is no section in the file.
pub(super) fn overlay(
    table: &mut toml::Table,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(), Error> {
    for (name, value) in environment {
        let whole = WHOLE.iter().find(|(known, _)| name == *known);
        if let Some((_, section)) = whole.filter(|_| !value.is_empty()) {
            table.insert((*section).into(), value_of(section, &value));
            continue;
        }
        if name != PIN
            && let Some(rest) = name.strip_prefix(PREFIX)
            // Kubernetes makes STRONGROOM_SERVICE_HOST and the like from a service's name.
            && let Some((section, key)) = section_and_key(&rest.to_ascii_lowercase())
            // Compose files cannot say "not set" otherwise.
            && !value.is_empty()
        {
            let section = table
                .entry(section)
                .or_insert_with(|| toml::Table::new().into());
            let section = section
                .as_table_mut()
                .ok_or_else(|| wrong(format!("{name} names no section")))?;
            let value = value_of(&key, &value);
            section.insert(key, value);
        }
    }
    Ok(())
}

fn section_and_key(name: &str) -> Option<(&'static str, String)> {
    SECTIONS.into_iter().find_map(|section| {
        let key = name.strip_prefix(section)?.strip_prefix('_')?;
        Some((section, key.to_owned()))
    })
}

/// Our variables of the process's environment.
///
/// # Errors
/// One of them is not UTF-8. Others may hold what they like.
pub fn environment() -> Result<BTreeMap<String, String>, Error> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(wrong(format!("{name} is not UTF-8"))),
        })
        .collect()
}

/// A value of the environment, as TOML would have it.
fn value_of(key: &str, text: &str) -> toml::Value {
    if TEXT.contains(&key) || key.ends_with("_file") {
        return text.into();
    }
    if key == "regions" && !text.starts_with('[') {
        let names = text.split(',').map(|name| name.trim().into());
        return toml::Value::Array(names.collect());
    }
    let parsed = format!("value = {text}").parse::<toml::Table>().ok();
    parsed
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| text.into())
}
