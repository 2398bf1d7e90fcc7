//! `strongroom report`: what an auditor takes away of a period, as a model and as a page. Nothing here
//! reads anything; whoever calls has read the metadata, the log and, if it is there, the token.

pub mod access;
pub mod chain;
pub mod controls;
pub mod csv;
mod event;
pub mod exceptions;
mod html;
pub mod keys;
mod moment;
mod period;
pub mod protection;
pub mod tables;
pub mod tally;

pub use exceptions::Limits;
pub use html::page;
pub use moment::Moment;
pub use period::{Period, Steps};

use crate::audit::VerifierKey;
use crate::reconcile;
use crate::store::{CheckpointsMade, Metadata, TreeState};
use crate::token::Sighting;
use access::AccessMap;
use chain::Chain;
use controls::{CONTROLS, Control};
use exceptions::Exception;
use keys::KeyEntry;
use protection::VersionEntry;
use serde::Serialize;
use std::collections::BTreeMap;
use tally::Tally;
use uuid::Uuid;

/// The parts of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)]
pub enum Section {
    Inventory,
    Protection,
    Access,
    Use,
    Denials,
    Changes,
    DualControl,
    Checkpoints,
    Exceptions,
}

impl Section {
    /// A heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Section::Inventory => "Inventory",
            Section::Protection => "Non-exportability",
            Section::Access => "Who can use what",
            Section::Use => "Use",
            Section::Denials => "Denials",
            Section::Changes => "Administrative changes",
            Section::DualControl => "Dual control",
            Section::Checkpoints => "Checkpoints of the audit log",
            Section::Exceptions => "Exceptions",
        }
    }
}

/// All of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `strongroom/report/v1`.
    pub format: &'static str,
    /// What it is about, and what it rests on.
    pub about: About,
    /// Every key.
    pub keys: Vec<KeyEntry>,
    /// Every key version.
    pub versions: Vec<VersionEntry>,
    /// What differs between token and database.
    pub differences: Vec<DifferenceEntry>,
    /// Who can use what.
    pub access: AccessMap,
    /// What the log says.
    pub log: Tally,
    /// The rules of dual control that this host's configuration has.
    pub rules: Vec<RuleEntry>,
    /// Checkpoints.
    pub chain: Chain,
    /// What to ask about.
    pub exceptions: Vec<Exception>,
    /// What serves which control.
    pub controls: &'static [Control],
}

/// What a report is about, and what it rests on.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The deployment.
    pub deployment: Uuid,
    /// The period, as far as it is over.
    pub period: Period,
    /// When the metadata was read, by the database's clock.
    pub made: Moment,
    /// The version of Strongroom that made it.
    pub version: &'static str,
    /// The serial number of the token, where it was read.
    pub token_serial: Option<String>,
    /// Whether the rows of the database were verified by their MACs.
    pub rows_verified: bool,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

/// A difference between token and database.
#[derive(Debug, Clone, Serialize)]
pub struct DifferenceEntry {
    /// Its kind and subject.
    pub id: String,
    /// What was found.
    pub found: String,
}

/// A rule of dual control.
#[derive(Debug, Clone, Serialize)]
pub struct RuleEntry {
    /// The operations that it is about.
    pub operations: Vec<String>,
    /// The accounts that it is about; none for all.
    pub accounts: Vec<String>,
    /// How many approvals a call needs.
    pub approvals: u32,
    /// Of whom.
    pub approvers: Vec<String>,
}

/// What was read.
pub struct Read<'r> {
    /// The deployment.
    pub deployment: Uuid,
    /// The period, as far as it is over.
    pub period: Period,
    /// The rows.
    pub metadata: Metadata,
    /// What `reconcile` found; `None` where the token was not read, and why.
    pub token: Result<&'r reconcile::Report, String>,
    /// What it has of key versions, by their ids.
    pub seen: BTreeMap<Uuid, Sighting>,
    /// The public half of the token's audit key, where it was read.
    pub audit_key: Option<&'r VerifierKey>,
    /// The log, counted.
    pub log: Tally,
    /// The tree over it.
    pub tree: TreeState,
    /// Its checkpoints in the period.
    pub checkpoints: &'r CheckpointsMade,
    /// The rules of dual control.
    pub rules: Vec<RuleEntry>,
    /// How long every key's crypto-period is, in days, if it is not the keys' own.
    pub crypto_period: Option<u32>,
    /// When access keys are old, and what is unused.
    pub limits: Limits,
}

impl Report {
    /// Puts together what was read.
    pub fn new(read: Read<'_>) -> Self {
        let mut metadata = read.metadata;
        keys::sort(&mut metadata);
        let metadata = &metadata;
        let keys = keys::inventory(metadata, read.crypto_period);
        let compared = read.token.as_ref().ok().copied();
        let (versions, unreadable) = protection::versions(&metadata.keys, &keys, read.seen);
        let mut notes = Vec::new();
        if let Err(why) = &read.token {
            notes.push(format!("The token was not read: {why}"));
        }
        notes.extend(compared.iter().flat_map(|report| report.notes.clone()));
        notes.extend(unreadable);
        if read.tree.pruned > 0 {
            notes.push(format!(
                "The first {} records of the log are in an archive and not counted here.",
                read.tree.pruned
            ));
        }
        let differences = compared.iter().flat_map(|report| &report.differences);
        let mut report = Self {
            format: "strongroom/report/v1",
            about: About {
                deployment: read.deployment,
                period: read.period,
                made: Moment(metadata.at),
                version: env!("CARGO_PKG_VERSION"),
                token_serial: compared.map(|report| report.token_serial.clone()),
                rows_verified: compared.is_some(),
                notes,
            },
            differences: differences
                .map(|difference| DifferenceEntry {
                    id: difference.id(),
                    found: difference.found.clone(),
                })
                .collect(),
            access: access::access(metadata),
            chain: Chain::new(read.deployment, read.tree, read.checkpoints, read.audit_key),
            keys,
            versions,
            log: read.log,
            rules: read.rules,
            exceptions: Vec::new(),
            controls: CONTROLS,
        };
        report.exceptions = exceptions::exceptions(&report, metadata, read.limits);
        report
    }
}
