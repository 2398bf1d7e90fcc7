//! The audit log of a period, counted record by record: what is kept does not grow with their number.

mod counted;

pub use counted::{Act, DenialGroup, IdentityTally, KeyTally, Noted, Recent, Use, Uses};

use super::event::{Event, parameters};
use super::moment::Moment;
use super::period::{Period, Steps};
use crate::error::ErrorCode;
use crate::operation::OperationName;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use time::OffsetDateTime;

/// Keys, principals, and pairs of them that are told apart; and groups of refusals.
const MOST: usize = 50_000;

/// All that was counted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// The steps that "over time" is in.
    pub steps: Steps,
    /// Records.
    pub records: u64,
    /// Of those, what is no record.
    pub unreadable: u64,
    /// Of those, what has no leaf in the tree (yet).
    pub without_leaf: u64,
    /// Uses by kind, in each step.
    pub uses: Vec<Uses>,
    /// Refusals in each step.
    pub denials_over_time: Vec<u64>,
    /// By the ARN of the key.
    pub keys: BTreeMap<String, KeyTally>,
    /// By identity.
    pub identities: BTreeMap<String, IdentityTally>,
    /// Refusals, those that there are most of first.
    pub denials: Vec<DenialGroup>,
    /// Other failures, by their code.
    pub failures: BTreeMap<String, u64>,
    /// Changes by operation.
    pub changes_by_operation: BTreeMap<String, u64>,
    /// Changes.
    pub changes: Recent,
    /// Dual control.
    pub decisions: Recent,
    /// Counts that were left out: there were too many different ones to tell apart.
    pub crowded: u64,
    #[serde(skip)]
    groups: HashMap<[String; 3], usize>,
    #[serde(skip)]
    pairs: usize,
}

/// The codes of refusals.
fn is_denial(code: &str) -> bool {
    code == ErrorCode::AccessDenied.name()
}

fn is_change(event: &Event<'_>, operation: Option<OperationName>) -> bool {
    // What is no operation is what the worker or `reconcile` did.
    event.error_code.is_none() && operation.is_none_or(OperationName::is_change)
}

impl Tally {
    /// Nothing yet.
    pub fn new(period: Period) -> Self {
        let steps = period.steps();
        Self {
            steps,
            records: 0,
            unreadable: 0,
            without_leaf: 0,
            uses: vec![Uses::default(); steps.many],
            denials_over_time: vec![0; steps.many],
            keys: BTreeMap::new(),
            identities: BTreeMap::new(),
            denials: Vec::new(),
            failures: BTreeMap::new(),
            changes_by_operation: BTreeMap::new(),
            changes: Recent::default(),
            decisions: Recent::default(),
            crowded: 0,
            groups: HashMap::new(),
            pairs: 0,
        }
    }

    /// Counts a record. Answers what else it is, if anything.
    pub fn add(
        &mut self,
        written: OffsetDateTime,
        record: &[u8],
        has_leaf: bool,
    ) -> Option<(Act, Vec<Noted>)> {
        self.records += 1;
        self.without_leaf += u64::from(!has_leaf);
        let Some(event) = Event::parse(record) else {
            self.unreadable += 1;
            return None;
        };
        let step = self.steps.of(written);
        let operation = OperationName::parse(&event.event_name);
        let mut noted = Vec::new();
        let denied = event.error_code.as_deref().is_some_and(is_denial);
        match event.error_code.as_deref() {
            None => {
                if let Some(operation) = operation {
                    self.count_uses(&event, operation, step);
                }
            }
            Some(_) if denied => {
                noted.push(Noted::Denial);
                self.denials_over_time[step] += 1;
                self.group(&event, Moment(written));
            }
            Some(code) => count(&mut self.failures, code, &mut self.crowded),
        }
        let changed = is_change(&event, operation);
        if changed {
            noted.push(Noted::Change);
            let crowded = &mut self.crowded;
            count(&mut self.changes_by_operation, &event.event_name, crowded);
        }
        if let Some(who) = self.identity(event.identity()) {
            who.changes += u64::from(changed);
            who.denied += u64::from(denied);
        }
        let decides = matches!(
            operation,
            Some(OperationName::ApproveRequest | OperationName::DenyRequest)
        );
        if event.approval().is_some() || decides && event.error_code.is_none() {
            noted.push(Noted::Decision);
        }
        if noted.is_empty() {
            return None;
        }
        let act = act(&event, record, Moment(written), denied);
        if changed {
            self.changes.add(&act);
        }
        if noted.contains(&Noted::Decision) {
            self.decisions.add(&act);
        }
        Some((act, noted))
    }

    /// Once all are counted.
    pub fn finish(&mut self) {
        self.denials
            .sort_by_key(|group| std::cmp::Reverse(group.many));
        self.groups.clear();
    }

    fn count_uses(&mut self, event: &Event<'_>, operation: OperationName, step: usize) {
        for (at, arn) in event.resources().enumerate() {
            let Some(kind) = Use::of(operation, at) else {
                return;
            };
            let kind = kind as usize;
            self.uses[step][kind] += 1;
            if let Some(who) = self.identity(event.identity()) {
                who.uses[kind] += 1;
                who.over_time[step] += 1;
            }
            if self.keys.len() >= MOST && !self.keys.contains_key(arn) {
                self.crowded += 1;
                continue;
            }
            let many = self.steps.many;
            let key = self.keys.entry(arn.to_owned()).or_insert_with(|| KeyTally {
                uses: Uses::default(),
                over_time: vec![0; many],
                by: BTreeMap::new(),
            });
            key.uses[kind] += 1;
            key.over_time[step] += 1;
            match key.by.get_mut(event.identity()) {
                Some(uses) => uses[kind] += 1,
                None if self.pairs < MOST => {
                    self.pairs += 1;
                    let mut uses = Uses::default();
                    uses[kind] = 1;
                    key.by.insert(event.identity().to_owned(), uses);
                }
                None => self.crowded += 1,
            }
        }
    }

    fn identity(&mut self, name: &str) -> Option<&mut IdentityTally> {
        if !self.identities.contains_key(name) {
            if self.identities.len() >= MOST {
                self.crowded += 1;
                return None;
            }
            let tally = IdentityTally {
                over_time: vec![0; self.steps.many],
                ..IdentityTally::default()
            };
            self.identities.insert(name.to_owned(), tally);
        }
        self.identities.get_mut(name)
    }

    fn group(&mut self, event: &Event<'_>, at: Moment) {
        let resource = event.resources().next().unwrap_or_default();
        let alike = [event.identity(), &event.event_name, resource].map(str::to_owned);
        if let Some(group) = self.groups.get(&alike) {
            let group = &mut self.denials[*group];
            group.many += 1;
            group.first = group.first.min(at);
            group.last = group.last.max(at);
            return;
        }
        if self.denials.len() >= MOST {
            self.crowded += 1;
            return;
        }
        self.groups.insert(alike.clone(), self.denials.len());
        let [identity, operation, resource] = alike;
        self.denials.push(DenialGroup {
            identity,
            operation,
            resource,
            many: 1,
            first: at,
            last: at,
        });
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, crowded: &mut u64) {
    if let Some(many) = counts.get_mut(name) {
        *many += 1;
    } else if counts.len() < MOST {
        counts.insert(name.to_owned(), 1);
    } else {
        *crowded += 1;
    }
}

fn act(event: &Event<'_>, record: &[u8], at: Moment, denied: bool) -> Act {
    let given = if denied { None } else { parameters(record) };
    let approvers = event.additional_event_data.as_ref();
    let approvers = approvers.iter().flat_map(|data| &data.approvers);
    let decided = given.as_ref().and_then(|given| {
        let id = given.get("approvalId")?.as_str()?;
        Some(id.to_owned())
    });
    Act {
        at,
        operation: event.event_name.clone().into_owned(),
        principal: event.principal().to_owned(),
        source: event.source_ip_address.clone().into_owned(),
        resources: event.resources().map(str::to_owned).collect(),
        parameters: given.map(|given| given.to_string()).unwrap_or_default(),
        approval: event.approval().map(str::to_owned).or(decided),
        approvers: approvers.map(|who| who.clone().into_owned()).collect(),
        request_id: event.request_id.clone().into_owned(),
    }
}

#[cfg(test)]
mod tests;
