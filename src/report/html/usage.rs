//! Use of keys over time, and by whom.

use super::plot::{Series, bars, spark};
use super::summary::thousands;
use super::{Page, short, table};
use crate::report::tally::{Use, Uses};
use maud::{Markup, html};

/// Identities named beside a key.
const NAMED: usize = 4;
const CLASSES: [&str; Use::ALL.len()] = ["s0", "s1", "s2", "s3", "s4", "s5"];

fn total(uses: &Uses) -> u64 {
    uses.iter().sum()
}

fn heads() -> Markup {
    html! {
        th scope="col" { "Over time" } th.n scope="col" { "All" }
        @for kind in Use::ALL { th.n scope="col" { (kind.name()) } }
    }
}

fn cells(over_time: &[u64], uses: &Uses) -> Markup {
    html! {
        td { (spark(over_time)) }
        td.n { (thousands(total(uses))) }
        @for many in uses { td.n { @if *many > 0 { (thousands(*many)) } } }
    }
}

impl Page<'_> {
    pub(super) fn usage(&self) -> Markup {
        let log = &self.report.log;
        let series = Use::ALL.iter().zip(CLASSES).map(|(kind, class)| Series {
            name: kind.name(),
            class,
            values: log.uses.iter().map(|step| step[*kind as usize]).collect(),
        });
        let series: Vec<Series> = series.collect();
        let mut keys: Vec<_> = log.keys.iter().collect();
        keys.sort_by_key(|(_, tally)| std::cmp::Reverse(total(&tally.uses)));
        let mut identities: Vec<_> = log.identities.iter().collect();
        identities.retain(|(_, tally)| total(&tally.uses) > 0);
        identities.sort_by_key(|(_, tally)| std::cmp::Reverse(total(&tally.uses)));
        let unused = self
            .report
            .keys
            .iter()
            .filter(|key| !log.keys.contains_key(&key.arn));
        html! {
            p { "Cryptographic operations that succeeded, from the audit log. ReEncrypt is a decryption under one key and an encryption under the other. "
                "Sessions stand under their role. " code { "use.csv" } " has every pair of key and identity." }
            (bars("Uses of keys", log.steps, &series))
            (table(
                &format!("Use by identity: {}", identities.len()),
                html! { th scope="col" { "Identity" } (heads()) },
                html! {
                    @for (name, tally) in &identities {
                        tr { th.wide scope="row" { (short(name)) } (cells(&tally.over_time, &tally.uses)) }
                    }
                },
            ))
            (table(
                &format!("Use by key: {} were used, {} that are there now were not", keys.len(), unused.count()),
                html! { th scope="col" { "Key" } (heads()) th scope="col" { "By" } },
                html! {
                    @for (arn, tally) in &keys {
                        @let who = { let mut who: Vec<_> = tally.by.iter().collect(); who.sort_by_key(|(_, uses)| std::cmp::Reverse(total(uses))); who };
                        tr {
                            th.wide scope="row" { (self.key(arn)) }
                            (cells(&tally.over_time, &tally.uses))
                            td {
                                @for (at, (name, uses)) in who.iter().take(NAMED).enumerate() {
                                    @if at > 0 { ", " }
                                    (short(name)) " " span.soft { (thousands(total(uses))) }
                                }
                                @if who.len() > NAMED { ", and " (who.len() - NAMED) " more" }
                            }
                        }
                    }
                },
            ))
        }
    }
}
