//! Denials, changes, and dual control.

use super::plot::{Series, bars};
use super::summary::thousands;
use super::{Page, exact, short, table};
use crate::report::tally::{Act, Recent};
use maud::{Markup, html};

/// Groups of refusals on the page.
const GROUPS: usize = 500;
/// Acts of each list on the page.
const ACTS: usize = 500;
/// Characters of an act's parameters on the page.
const PARAMETERS: usize = 300;

/// What happened at a step of dual control.
fn step(act: &Act) -> &'static str {
    match act.operation.as_str() {
        "ApproveRequest" => "approved",
        "DenyRequest" => "denied",
        _ if act.approvers.is_empty() => "waits for approvals",
        _ => "executed",
    }
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(PARAMETERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// How many more there are.
fn more(recent: &Recent, file: &str) -> Markup {
    let shown = recent.newest.len().min(ACTS) as u64;
    html! {
        @if recent.many > shown {
            p.soft { "These are the newest; " (thousands(recent.many - shown)) " more are in " code { (file) } "." }
        }
    }
}

impl Page<'_> {
    pub(super) fn denials(&self) -> Markup {
        let log = &self.report.log;
        let many: u64 = log.denials_over_time.iter().sum();
        let series = [Series {
            name: "denials",
            class: "sd",
            values: log.denials_over_time.clone(),
        }];
        html! {
            p { "Requests that authorization refused (" code { "AccessDeniedException" } "). A request that is not authenticated has no identity "
                "and is not in the audit log; the gateways' metrics count it." }
            (bars("Denials", log.steps, &series))
            @if many > 0 {
                (table(
                    &format!("{} denials, those that are alike together", thousands(many)),
                    html! {
                        th.n scope="col" { "Count" } th scope="col" { "Identity" } th scope="col" { "Operation" } th scope="col" { "Resource" }
                        th scope="col" { "First" } th scope="col" { "Last" }
                    },
                    html! {
                        @for group in log.denials.iter().take(GROUPS) {
                            tr {
                                td.n { (thousands(group.many)) }
                                th scope="row" { (short(&group.identity)) }
                                td { (group.operation) }
                                td { @if group.resource.is_empty() { "–" } @else { (self.key(&group.resource)) } }
                                td { (exact(group.first)) }
                                td { (exact(group.last)) }
                            }
                        }
                    },
                ))
                @if log.denials.len() > GROUPS { p.soft { (log.denials.len() - GROUPS) " more groups are in " code { "report.json" } "; every denial is in " code { "denials.csv" } "." } }
            }
            @if !log.failures.is_empty() {
                (table(
                    "Requests that failed for another reason",
                    html! { th.n scope="col" { "Count" } th scope="col" { "Error" } },
                    html! { @for (code, many) in &log.failures { tr { td.n { (thousands(*many)) } td { (code) } } } },
                ))
            }
        }
    }

    pub(super) fn changes(&self) -> Markup {
        let log = &self.report.log;
        html! {
            p { "Changes that were made to keys, aliases, grants, policies, identities and access keys, by whom, and what the gateways did when it was due. "
                code { "changes.csv" } " has all of them with their parameters and request ids." }
            @if !log.changes_by_operation.is_empty() {
                (table(
                    "Changes by operation",
                    html! { th.n scope="col" { "Count" } th scope="col" { "Operation" } },
                    html! { @for (operation, many) in &log.changes_by_operation { tr { td.n { (thousands(*many)) } td { (operation) } } } },
                ))
            }
            (table(
                &format!("{} changes", thousands(log.changes.many)),
                html! {
                    th scope="col" { "When" } th scope="col" { "Operation" } th scope="col" { "Who" } th scope="col" { "From" }
                    th scope="col" { "On" } th scope="col" { "Parameters" }
                },
                html! {
                    @for act in log.changes.newest.iter().rev().take(ACTS) {
                        tr {
                            td { (exact(act.at)) }
                            th scope="row" { (act.operation) }
                            td { (short(&act.principal)) }
                            td.nowrap { (act.source) }
                            td { (self.resources(&act.resources)) }
                            td.mono { (cut(&act.parameters)) }
                        }
                    }
                },
            ))
            (more(&log.changes, "changes.csv"))
        }
    }

    pub(super) fn dual_control(&self) -> Markup {
        let (log, rules) = (&self.report.log, &self.report.rules);
        html! {
            p { "Operations that nobody does alone: the rules of the configuration on the host where this report was made, and what the log has of them." }
            @if rules.is_empty() { p { "There is no rule." } } @else {
                (table(
                    "Rules",
                    html! { th scope="col" { "Operations" } th.n scope="col" { "Approvals" } th scope="col" { "Approvers" } th scope="col" { "Accounts" } },
                    html! {
                        @for rule in rules {
                            tr {
                                th scope="row" { (rule.operations.join(", ")) }
                                td.n { (rule.approvals) }
                                td { @for approver in &rule.approvers { span.sub { (short(approver)) } } }
                                td { @if rule.accounts.is_empty() { "all" } @else { (rule.accounts.join(", ")) } }
                            }
                        }
                    },
                ))
            }
            @if log.decisions.many == 0 { p { "Nothing was asked, approved or denied in the period." } } @else {
                (table(
                    &format!("{} steps", thousands(log.decisions.many)),
                    html! {
                        th scope="col" { "When" } th scope="col" { "Approval request" } th scope="col" { "Step" } th scope="col" { "Operation" }
                        th scope="col" { "Who" } th scope="col" { "On the approvals of" } th scope="col" { "On" }
                    },
                    html! {
                        @for act in log.decisions.newest.iter().rev().take(ACTS) {
                            tr {
                                td { (exact(act.at)) }
                                td.mono { (act.approval.as_deref().unwrap_or("–")) }
                                th scope="row" { (step(act)) }
                                td { (act.operation) }
                                td { (short(&act.principal)) }
                                td { @for approver in &act.approvers { span.sub { (short(approver)) } } }
                                td { (self.resources(&act.resources)) }
                            }
                        }
                    },
                ))
                (more(&log.decisions, "dual-control.csv"))
            }
        }
    }
}
