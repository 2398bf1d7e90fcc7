//! The page: one file, nothing else is loaded, nothing runs. All that is not ours is escaped by `maud`,
//! and the page's own policy would keep a script from running.

mod access;
mod acts;
mod inventory;
mod plot;
mod summary;
mod usage;

use super::moment::Moment;
use super::{Report, Section};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::HashMap;

const STYLE: &str = include_str!("style.css");

/// What the sections share.
struct Page<'r> {
    report: &'r Report,
    /// Keys by their ARNs.
    keys: HashMap<&'r str, usize>,
}

/// The whole page.
pub fn page(report: &Report) -> String {
    let keys = report.keys.iter().enumerate();
    let page = Page {
        report,
        keys: keys.map(|(at, key)| (&*key.arn, at)).collect(),
    };
    page.render().into_string()
}

/// Nothing but this style sheet.
fn content_policy() -> String {
    let hash = BASE64_STANDARD.encode(openssl::sha::sha256(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// The anchor of a section.
fn anchor(section: Section) -> &'static str {
    match section {
        Section::Inventory => "inventory",
        Section::Protection => "protection",
        Section::Access => "access",
        Section::Use => "use",
        Section::Denials => "denials",
        Section::Changes => "changes",
        Section::DualControl => "dual-control",
        Section::Checkpoints => "checkpoints",
        Section::Exceptions => "exceptions",
    }
}

/// A principal's ARN without what they all begin with.
fn short(arn: &str) -> &str {
    arn.strip_prefix("arn:aws:iam::")
        .or_else(|| arn.strip_prefix("arn:aws:sts::"))
        .or_else(|| arn.strip_prefix("arn:aws:kms:"))
        .unwrap_or(arn)
}

fn time(at: Option<Moment>) -> Markup {
    html! { @if let Some(at) = at { time datetime=(at.rfc3339()) { (at.day()) } } @else { "–" } }
}

fn exact(at: Moment) -> Markup {
    html! { time.nowrap datetime=(at.rfc3339()) { (at) } }
}

fn yes(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "–",
    }
}

/// A table that may be wider than the window; whoever has no mouse scrolls it by keys.
fn table(label: &str, head: Markup, rows: Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                caption { (label) }
                thead { tr { (head) } }
                tbody { (rows) }
            }
        }
    }
}

impl Page<'_> {
    fn render(&self) -> Markup {
        let about = &self.report.about;
        let period = about.period;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(content_policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { "Strongroom: evidence from " (period.from.day()) " to " (period.to.day()) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#summary" { "Skip to the summary" }
                    (self.header())
                    main {
                        (self.summary())
                        (self.section(Section::Inventory, self.inventory()))
                        (self.section(Section::Protection, self.protection()))
                        (self.section(Section::Access, self.access()))
                        (self.section(Section::Use, self.usage()))
                        (self.section(Section::Denials, self.denials()))
                        (self.section(Section::Changes, self.changes()))
                        (self.section(Section::DualControl, self.dual_control()))
                        (self.section(Section::Checkpoints, self.checkpoints()))
                        (self.section(Section::Exceptions, self.exceptions()))
                    }
                    footer {
                        p { "Made by strongroom " (about.version) " at " (about.made) " UTC. All times are UTC. The same data is in "
                            code { "report.json" } " and the CSV files beside this page." }
                    }
                }
            }
        }
    }

    fn section(&self, section: Section, content: Markup) -> Markup {
        let controls = self.report.controls.iter();
        let controls = controls.filter(|control| control.section == section);
        let heading = format!("{}-heading", anchor(section));
        html! {
            section id=(anchor(section)) aria-labelledby=(heading) {
                h2 id=(heading) { (section.heading()) }
                (content)
                div.controls {
                    (table(
                        "Controls that this section serves",
                        html! { th scope="col" { "Standard" } th scope="col" { "Reference" } th scope="col" { "What is shown for it" } },
                        html! {
                            @for control in controls {
                                tr {
                                    td.nowrap { (control.standard) }
                                    td.nowrap { (control.reference) }
                                    td { (control.shows) }
                                }
                            }
                        },
                    ))
                }
            }
        }
    }

    /// A key as people call it, with a link to its line of the inventory.
    fn key(&self, arn: &str) -> Markup {
        match self.keys.get(arn) {
            Some(at) => {
                let key = &self.report.keys[*at];
                html! { a href={ "#key-" (at) } { (key.name()) } }
            }
            None => html! { span.mono { (short(arn)) } },
        }
    }

    /// The resources of an act.
    fn resources(&self, resources: &[String]) -> Markup {
        html! {
            @for (at, resource) in resources.iter().enumerate() {
                @if at > 0 { ", " }
                (self.key(resource))
            }
        }
    }
}
