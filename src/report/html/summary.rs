//! What the report is about, its figures, checkpoints, and exceptions.

use super::{Page, anchor, exact, short, table};
use crate::operation::evidence::Exportability;
use crate::report::Section;
use crate::report::chain::{CheckpointEntry, Found};
use crate::report::exceptions::{Exception, ExceptionKind};
use maud::{Markup, html};

const SECTIONS: [Section; 9] = [
    Section::Inventory,
    Section::Protection,
    Section::Access,
    Section::Use,
    Section::Denials,
    Section::Changes,
    Section::DualControl,
    Section::Checkpoints,
    Section::Exceptions,
];

/// Of a kind of exception, as many are on the page.
const LISTED: usize = 600;

fn badge(found: Found) -> Markup {
    let class = match found {
        Found::Signed => "good",
        Found::NotVerified => "warn",
        Found::NotSigned | Found::Malformed => "bad",
    };
    html! { span.badge.(class) { (found.name()) } }
}

impl Page<'_> {
    pub(super) fn header(&self) -> Markup {
        let about = &self.report.about;
        let token = match &about.token_serial {
            Some(serial) => format!("serial {serial}, read"),
            None => "not read".into(),
        };
        html! {
            header {
                h1 { "Evidence of key management" }
                p.soft { (about.period.from.day()) " to " (about.period.to) " UTC" }
                dl {
                    dt { "Deployment" } dd { code { (about.deployment) } }
                    dt { "Token" } dd { (token) }
                    dt { "Database" } dd {
                        @if about.rows_verified { "every row that stands here verified by its MAC, by a key on the token" }
                        @else { "rows not verified" }
                    }
                    dt { "State as of" } dd { (exact(about.made)) " UTC" }
                    dt { "Records read" } dd { (self.report.log.records) }
                }
                @for note in &about.notes {
                    p.note.bad[!about.rows_verified] { (note) }
                }
                nav aria-label="Sections" {
                    ol { @for section in SECTIONS { li { a href={ "#" (anchor(section)) } { (section.heading()) } } } }
                }
            }
        }
    }

    pub(super) fn summary(&self) -> Markup {
        let report = self.report;
        let never = report.versions.iter();
        let never = never
            .filter(|entry| entry.has_material() && entry.shown == Exportability::Never)
            .count();
        let uses: u64 = report.log.uses.iter().flatten().sum();
        let denials: u64 = report.log.denials_over_time.iter().sum();
        let over = report
            .keys
            .iter()
            .filter(|key| key.over_crypto_period)
            .count();
        let figures = [
            (report.keys.len() as u64, "keys".to_owned()),
            (
                never as u64,
                format!("of {} versions never exportable", report.versions.len()),
            ),
            (over as u64, "keys over their crypto-period".into()),
            (uses, "uses of keys".into()),
            (denials, "denials".into()),
            (report.log.changes.many, "administrative changes".into()),
            (report.chain.many.unsigned_abs(), "checkpoints".into()),
            (report.exceptions.len() as u64, "exceptions".into()),
        ];
        html! {
            section id="summary" aria-labelledby="summary-heading" {
                h2 id="summary-heading" { "Summary" }
                ul.cards { @for (many, what) in &figures { li { b { (thousands(*many)) } span { (what) } } } }
                @if !report.exceptions.is_empty() {
                    (table(
                        "Exceptions, by kind",
                        html! { th.n scope="col" { "Count" } th scope="col" { "Kind" } th scope="col" { "What to ask" } },
                        html! {
                            @for (at, kind) in ExceptionKind::ALL.iter().enumerate() {
                                @let many = self.of_kind(*kind).count();
                                @if many > 0 {
                                    tr {
                                        td.n { (many) }
                                        td { a href={ "#exceptions-" (at) } { (kind.heading()) } }
                                        td { (kind.ask()) }
                                    }
                                }
                            }
                        },
                    ))
                }
            }
        }
    }

    fn of_kind(&self, kind: ExceptionKind) -> impl Iterator<Item = &Exception> {
        let all = self.report.exceptions.iter();
        all.filter(move |exception| exception.kind == kind)
    }

    pub(super) fn exceptions(&self) -> Markup {
        html! {
            p { "What an auditor should ask about. An exception is a fact that the sections above show, and no judgement." }
            @if self.report.exceptions.is_empty() { p { "There are none." } }
            @for (at, kind) in ExceptionKind::ALL.iter().enumerate() {
                @let many = self.of_kind(*kind).count();
                @if many > 0 {
                    h3 id={ "exceptions-" (at) } { (kind.heading()) " " span.soft { (many) } }
                    p { (kind.ask()) }
                    (table(
                        kind.heading(),
                        html! { th scope="col" { "What" } th scope="col" { "Found" } },
                        html! {
                            @for exception in self.of_kind(*kind).take(LISTED) {
                                tr { th scope="row" { (self.subject(&exception.subject)) } td { (exception.found) } }
                            }
                        },
                    ))
                    @if many > LISTED { p.soft { (many - LISTED) " more are in " code { "exceptions.csv" } "." } }
                }
            }
        }
    }

    /// A key by its name and ARN; anything else as it is.
    fn subject(&self, subject: &str) -> Markup {
        html! {
            @if self.keys.contains_key(subject) {
                (self.key(subject)) span.sub.mono { (short(subject)) }
            } @else { span.mono { (subject) } }
        }
    }

    pub(super) fn checkpoints(&self) -> Markup {
        let chain = &self.report.chain;
        let signed = |entry: &&CheckpointEntry| entry.found == Found::Signed;
        let held = chain.last.iter().filter(signed).count();
        html! {
            p { "The audit log is a Merkle tree (RFC 9162); a checkpoint is its size and root, signed by a key that does not leave the token. "
                "Whoever has one from elsewhere can show whether the log was changed since: "
                code { "strongroom audit verify" } " on an export, with no database and no token." }
            ul.cards {
                li { b { (thousands(chain.size.unsigned_abs())) } span { "records in the tree now" } }
                li { b { (thousands(chain.many.unsigned_abs())) } span { "checkpoints in the period" } }
                li { b { (held) " of " (chain.last.len()) } span { "of the last ones verified here" } }
                li { b { (chain.longest_seconds.map_or("–".into(), duration)) } span { "the longest time between two" } }
                li { b { (thousands(self.report.log.without_leaf)) } span { "records of the period not in the tree yet" } }
            }
            p { "Log " code { (chain.origin) } }
            @if let Some(first) = &chain.first {
                (table(
                    "The first checkpoint of the period and the last ones, the newest first",
                    html! { th.n scope="col" { "Size" } th scope="col" { "Made" } th scope="col" { "Root" } th scope="col" { "Signed by" } th scope="col" { "Found" } },
                    html! {
                        @for entry in chain.last.iter().take(20).chain([first]) {
                            tr {
                                td.n { (entry.size) }
                                td { (exact(entry.made)) }
                                td.mono { (entry.root) }
                                td.mono { (entry.signers.join(", ")) }
                                td { (badge(entry.found)) }
                            }
                        }
                    },
                ))
            } @else {
                p.note { "There is no checkpoint in the period." }
            }
        }
    }
}

/// `12,345`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn duration(seconds: i64) -> String {
    match seconds {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(super::thousands(number), text);
        }
    }
}
