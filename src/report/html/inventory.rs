//! Keys, and whether their material could leave the token.

use super::{Page, table, time, yes};
use crate::report::keys::KeyEntry;
use crate::report::protection::{Now, Verdict, VersionEntry};
use maud::{Markup, html};

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

fn verdict(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::NeverExportable => "good",
        Verdict::NotExportable | Verdict::NoMaterial => "warn",
        Verdict::Changed | Verdict::Exportable => "bad",
    };
    html! { span.badge.(class) { (verdict.name()) } }
}

fn now(now: &Now) -> Markup {
    html! {
        @match now {
            Now::AsMade => span.badge.good { "as it was made" },
            Now::Differs(found) => { span.badge.bad { "differs" } span.sub { (found) } }
            Now::NotLooked(why) => span.soft { (why) },
        }
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
        let verdicts = [
            Verdict::NeverExportable,
            Verdict::NotExportable,
            Verdict::NoMaterial,
            Verdict::Changed,
            Verdict::Exportable,
        ];
        let many = |of: Verdict| {
            versions
                .iter()
                .filter(|version| version.verdict == of)
                .count()
        };
        let differences = &self.report.differences;
        html! {
            p { "For every version of every key: what the token said of it when it was made (its birth certificate, kept in the database under a MAC by a "
                "key on the token), and whether the object under its id was found to be still that one when this report was made. What is imported or "
                "adopted could have been elsewhere before; that cannot be shown here." }
            ul.cards { @for of in verdicts { @if many(of) > 0 { li { b { (many(of)) } span { (of.name()) } } } } }
            (table(
                &format!("{} key versions", versions.len()),
                html! {
                    th scope="col" { "Key" } th.n scope="col" { "Version" } th scope="col" { "Verdict" } th scope="col" { "Material" }
                    th.c scope="col" { "Always sensitive" } th.c scope="col" { "Never extractable" } th.c scope="col" { "Local" }
                    th scope="col" { "Generated by" } th scope="col" { "Token" } th scope="col" { "On the token now" }
                },
                html! { @for version in versions { (self.version(version)) } },
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

    fn version(&self, version: &VersionEntry) -> Markup {
        html! {
            tr {
                th.id scope="row" { (self.key(&version.key)) span.sub.mono { (version.id) } }
                td.n { (version.number) }
                td { (verdict(version.verdict)) }
                td { (version.provenance.name()) span.sub { (time(Some(version.created))) } }
                td.c { (yes(version.always_sensitive)) }
                td.c { (yes(version.never_extractable)) }
                td.c { (yes(version.local)) }
                td.mono {
                    (version.mechanism.as_deref().unwrap_or("–"))
                    @if let Some(value) = &version.check_value { span.sub { "check value " (value) } }
                }
                td.mono.nowrap { (version.token_serial) }
                td { (now(&version.now)) }
            }
        }
    }
}
