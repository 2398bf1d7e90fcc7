//! Keys, and whether their material could leave the token.

use super::{Page, table, time, yes};
use crate::operation::evidence::Exportability;
use crate::report::keys::KeyEntry;
use crate::report::protection::{VersionEntry, exportability, provenance};
use maud::{Markup, html};
use serde_json::Value;

fn state(key: &KeyEntry) -> Markup {
    let class = match key.state {
        "Enabled" => "good",
        "PendingDeletion" | "Unavailable" => "bad",
        _ => "warn",
    };
    html! {
        span.badge.(class) { (key.state) }
        @if let Some(deletion) = key.deletion { span.sub { "to be destroyed " (time(Some(deletion))) } }
    }
}

fn crypto_period(key: &KeyEntry) -> Markup {
    html! {
        @if key.over_crypto_period { span.badge.bad { "over since " (time(key.crypto_period_ends)) } }
        @else { "ends " (time(key.crypto_period_ends)) }
        span.sub { (key.crypto_period.days) " days, " (key.crypto_period.by) }
        @match key.next_rotation {
            Some(next) => span.sub { "next rotation " (time(Some(next))) },
            None => span.sub { "not rotated" },
        }
    }
}

fn verdict(entry: &VersionEntry) -> Markup {
    let class = match entry.shown {
        Exportability::Never => "good",
        Exportability::NotNow => "warn",
        Exportability::Exportable | Exportability::Unknown => "bad",
    };
    html! {
        @if !entry.has_material() { span.badge.warn { "no material" } }
        @else if entry.differs() {
            span.badge.bad { "differs from its birth certificate" }
            @for deviation in &entry.version.deviations { span.sub { (deviation) } }
        }
        @else if entry.shown == Exportability::NotNow {
            span.badge.(class) { "not exportable now" }
            span.sub { "elsewhere before, or could have been" }
        }
        @else { span.badge.(class) { (exportability(entry.shown)) } }
    }
}

impl Page<'_> {
    pub(super) fn inventory(&self) -> Markup {
        let keys = &self.report.keys;
        html! {
            p { "Every key as it is now. The owner is the value of its tag " code { "Owner" } ", or else its account; the crypto-period is that of its "
                "rotation, or else what NIST SP 800-57 part 1, table 1, suggests at most for its use." }
            (table(
                &format!("{} keys", keys.len()),
                html! {
                    th scope="col" { "Key" } th scope="col" { "Owner" } th scope="col" { "Purpose" } th scope="col" { "Spec, use, origin" }
                    th scope="col" { "State" } th scope="col" { "Created" } th scope="col" { "Current version" }
                    th scope="col" { "Crypto-period, rotation" } th scope="col" { "Last used" }
                },
                html! {
                    @for (at, key) in keys.iter().enumerate() {
                        tr id={ "key-" (at) } {
                            th.id scope="row" {
                                (key.name())
                                @for alias in key.aliases.iter().skip(1) { span.sub { (alias) } }
                                @if !key.aliases.is_empty() { span.sub.mono { (key.key_id) } }
                            }
                            td { (key.owner) span.sub.nowrap { (key.account) } span.sub.nowrap { (key.region) } }
                            td.purpose { (key.description) }
                            td {
                                (key.spec)
                                span.sub { (key.usage) ", " (key.origin) }
                                @if let Some(primary) = key.primary { span.sub { "multi-Region, " (if primary { "primary" } else { "replica" }) } }
                            }
                            td { (state(key)) }
                            td.nowrap { (time(Some(key.created))) }
                            td.nowrap {
                                @if let Some(number) = key.current_version { (number) " of " (key.versions) }
                                span.sub { "since " (time(Some(key.current_since))) }
                                @if let Some(expires) = key.material_expires { span.sub { "material expires " (time(Some(expires))) } }
                            }
                            td.nowrap { (crypto_period(key)) }
                            td.nowrap {
                                (time(key.last_used))
                                @if let Some(operation) = &key.last_operation { span.sub { (operation) } }
                            }
                        }
                    }
                },
            ))
        }
    }

    pub(super) fn protection(&self) -> Markup {
        let versions = &self.report.versions;
        let many = |of: Exportability| {
            let versions = versions.iter();
            versions
                .filter(|entry| entry.has_material() && entry.shown == of)
                .count()
        };
        let shown = [
            Exportability::Never,
            Exportability::NotNow,
            Exportability::Unknown,
            Exportability::Exportable,
        ];
        let without = versions
            .iter()
            .filter(|entry| !entry.has_material())
            .count();
        let differences = &self.report.differences;
        html! {
            p { "For every version of every key: the attributes that the token gives its object when it is asked, or, where it was not asked, those that it "
                "gave when the version was made (its birth certificate, kept in the database under a MAC by a key on the token). What is imported or adopted "
                "could have been elsewhere before; that cannot be shown here. " code { "strongroom attest" } " makes the same of one key as a file that the token signs." }
            ul.cards {
                @for of in shown { @if many(of) > 0 { li { b { (many(of)) } span { (exportability(of)) } } } }
                @if without > 0 { li { b { (without) } span { "without material" } } }
            }
            (table(
                &format!("{} key versions", versions.len()),
                html! {
                    th scope="col" { "Key" } th.n scope="col" { "Version" } th scope="col" { "Shown" } th scope="col" { "Material" }
                    th.c scope="col" { "Sensitive" } th.c scope="col" { "Extractable" } th.c scope="col" { "Always sensitive" }
                    th.c scope="col" { "Never extractable" } th.c scope="col" { "Local" } th scope="col" { "Generated by" } th scope="col" { "Evidence" }
                },
                html! { @for entry in versions { (self.version(entry)) } },
            ))
            @if !differences.is_empty() {
                (table(
                    "Differences between token and database",
                    html! { th scope="col" { "Difference" } th scope="col" { "Found" } },
                    html! { @for difference in differences { tr { th.mono scope="row" { (difference.id) } td { (difference.found) } } } },
                ))
            }
        }
    }

    fn version(&self, entry: &VersionEntry) -> Markup {
        let version = &entry.version;
        let says = |name: &str| entry.attributes().get(name).and_then(Value::as_bool);
        let text = |name: &str| entry.attributes().get(name).and_then(Value::as_str);
        let flags = [
            "CKA_SENSITIVE",
            "CKA_EXTRACTABLE",
            "CKA_ALWAYS_SENSITIVE",
            "CKA_NEVER_EXTRACTABLE",
            "CKA_LOCAL",
        ];
        html! {
            tr {
                th.id scope="row" { (self.key(&entry.key)) span.sub.mono { (entry.id) } }
                td.n { (version.version) @if version.current { span.sub { "current" } } }
                td { (verdict(entry)) }
                td { (provenance(version.provenance)) span.sub { (version.creation_date.get(..10).unwrap_or_default()) } }
                @for flag in flags { td.c { @if entry.has_material() { (yes(says(flag))) } } }
                td.mono {
                    (text("CKA_KEY_GEN_MECHANISM").unwrap_or("–"))
                    @if let Some(value) = text("CKA_CHECK_VALUE") { span.sub { "check value " (value) } }
                }
                td { (entry.evidence.name()) span.sub.mono { (entry.token_serial) } }
            }
        }
    }
}
