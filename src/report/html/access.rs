//! Who can use what.

use super::{Page, short, table};
use crate::report::access::{Access, Condition, KINDS, Kind, Pattern, PrincipalEntry, Who};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Keys of a pattern that are named; which others it has, is in the file.
const NAMED: usize = 60;

fn cell(access: &Access, kind: Kind) -> Markup {
    let mut kinds = access.kinds.iter();
    let found = kinds.find(|(of, _)| *of == kind);
    html! {
        @match found.map(|(_, condition)| condition) {
            Some(Condition::Always) => { span aria-hidden="true" { "●" } span.hidden { "yes" } }
            Some(Condition::OnConditions) => { span aria-hidden="true" { "◐" } span.hidden { "on conditions" } }
            None => "",
        }
    }
}

fn name(principal: &PrincipalEntry) -> Markup {
    let class = match principal.who {
        Who::Stranger => "badge bad",
        Who::Neighbour => "badge warn",
        _ => "",
    };
    html! {
        span class=(class) { (short(&principal.name)) }
    }
}

fn heads() -> Markup {
    html! { @for (_, name, _) in KINDS { th.c scope="col" { (name) } } }
}

impl Page<'_> {
    pub(super) fn access(&self) -> Markup {
        let map = &self.report.access;
        html! {
            p { "For every key, every principal that there is was asked about: the decision that requests get was made for each of the operations, with the "
                "key's policy, the principal's own policies and the key's grants. ● is allowed; ◐ is allowed on conditions that a request alone "
                "can meet, such as its address, its encryption context or a grant's constraint. Of a role it is what its sessions can do." }
            (table(
                "What each column stands for",
                html! { th scope="col" { "Column" } th scope="col" { "Any of these actions" } },
                html! {
                    @for (_, name, actions) in KINDS {
                        tr { th scope="row" { (name) } td { (actions.iter().map(|a| a.trim_start_matches("kms:")).collect::<Vec<_>>().join(", ")) } }
                    }
                },
            ))
            (self.principals())
            h3 { "Keys by who can use them" }
            p { "Keys that the same principals can use for the same stand together. Whoever is not named can do nothing. "
                code { "access.csv" } " has a line for each key and principal." }
            @for (at, pattern) in map.patterns.iter().enumerate() { (self.pattern(at, pattern)) }
            @if !map.unreadable.is_empty() {
                h3 { "Keys whose policy does not parse" }
                (self.named(&map.unreadable))
            }
        }
    }

    /// How many keys each principal can use for what.
    fn principals(&self) -> Markup {
        let map = &self.report.access;
        let mut reach: BTreeMap<usize, BTreeMap<Kind, usize>> = BTreeMap::new();
        for pattern in &map.patterns {
            for access in &pattern.access {
                for (kind, _) in &access.kinds {
                    let of = reach.entry(access.principal).or_default();
                    *of.entry(*kind).or_default() += pattern.keys.len();
                }
            }
        }
        html! {
            (table(
                "How many keys each principal can use, on conditions or not",
                html! { th scope="col" { "Principal" } th scope="col" { "Is" } th.n scope="col" { "Access keys" } (heads()) },
                html! {
                    @for (at, principal) in map.principals.iter().enumerate() {
                        @let of = reach.get(&at);
                        @if of.is_some() || !matches!(principal.who, Who::Neighbour | Who::Stranger) {
                            tr {
                                th scope="row" { (name(principal)) }
                                td { (principal.who.name()) }
                                td.n { (principal.access_keys) }
                                @for (kind, ..) in KINDS {
                                    td.c { (of.and_then(|of| of.get(kind)).map_or(String::new(), usize::to_string)) }
                                }
                            }
                        }
                    }
                },
            ))
        }
    }

    fn pattern(&self, at: usize, pattern: &Pattern) -> Markup {
        let label = format!("Pattern {}: {} keys", at + 1, pattern.keys.len());
        html! {
            h3 { (label) }
            (self.named(&pattern.keys))
            @if pattern.access.is_empty() {
                p { "Nobody can use these." }
            } @else {
                (table(
                    &format!("Who can use the keys of pattern {}", at + 1),
                    html! { th scope="col" { "Principal" } th scope="col" { "Is" } (heads()) th scope="col" { "By" } },
                    html! {
                        @for access in &pattern.access {
                            @let principal = &self.report.access.principals[access.principal];
                            tr {
                                th scope="row" { (name(principal)) }
                                td { (principal.who.name()) }
                                @for (kind, ..) in KINDS { td.c { (cell(access, *kind)) } }
                                td { (access.by.join(", ")) }
                            }
                        }
                    },
                ))
            }
        }
    }

    fn named(&self, keys: &[usize]) -> Markup {
        html! {
            ul.keys {
                @for at in keys.iter().take(NAMED) {
                    li { a href={ "#key-" (at) } { (self.report.keys[*at].name()) } }
                }
                @if keys.len() > NAMED { li.soft { "and " (keys.len() - NAMED) " more in access.csv" } }
            }
        }
    }
}
