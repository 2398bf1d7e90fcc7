//! What an auditor should ask about: facts that the rest of the report shows, gathered.

use super::Report;
use super::access::{Condition, Kind, Who};
use super::chain::Found;
use super::keys::KeyEntry;
use super::moment::Moment;
use super::protection::{exportability, provenance};
use crate::audit::RESUMED;
use crate::operation::evidence::Exportability;
use crate::store::{AccessKey, IdentityKind, Metadata};
use serde::Serialize;
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};

/// Defines [`Kind`](ExceptionKind) as one table: variant, heading, what to ask.
macro_rules! kinds {
    ($($variant:ident $heading:literal, $ask:literal;)*) => {
        /// The kinds of exception, the gravest first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[allow(missing_docs)]
        pub enum ExceptionKind { $($variant,)* }

        impl ExceptionKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// A heading.
            pub const fn heading(self) -> &'static str {
                match self { $(Self::$variant => $heading,)* }
            }

            /// What to ask.
            pub const fn ask(self) -> &'static str {
                match self { $(Self::$variant => $ask,)* }
            }
        }
    };
}

kinds! {
    NotVerified "Rows were not verified",
        "Why was the token not read? Without it nobody knows whether the database was edited.";
    Differs "Token and database differ",
        "What happened, and what was done about it? See strongroom reconcile.";
    Exportable "Not shown to be non-exportable",
        "Where else is this material, and who has vouched for it?";
    CheckpointBad "Checkpoints that do not hold",
        "Was the log tampered with? Verify an export of it, against a checkpoint from elsewhere.";
    NoCheckpoint "No checkpoint in the period",
        "What shows that the log was not rewritten before it was next signed?";
    LateRecords "Records that are not in the tree",
        "Why does no gateway sequence the log?";
    UnreadableRecords "Records that cannot be read",
        "What wrote them?";
    OpenToAll "Open to other accounts",
        "Is any principal of any account meant to be able to do this?";
    OpenToAccount "Open to the whole account",
        "Is everybody in the account meant to be able to do this, whatever their own policies say?";
    PolicyUnreadable "Key policies that do not parse",
        "Nobody can use these keys. Who wrote the policy?";
    OverCryptoPeriod "Over the crypto-period",
        "When will the key be rotated or replaced, and who has accepted it until then?";
    ImportedForGood "Imported material that never expires",
        "Where did it come from, where else is it, and when is it replaced?";
    RootAccessKey "Access keys of roots",
        "Who holds it? No policy limits a root in its account.";
    OldAccessKey "Access keys that are old",
        "When is it replaced?";
    UnusedAccessKey "Access keys that are not used",
        "Who needs it?";
    GrantToNobody "Grants to nobody",
        "The grantee is not there. Was the grant forgotten when they left?";
    UnusedKey "Keys that are not used",
        "What is it for?";
    Uncounted "Counts that are not complete",
        "There were more different keys and principals than are told apart. Make a report of a shorter period.";
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Exception {
    /// Which kind.
    pub kind: ExceptionKind,
    /// What it is about.
    pub subject: String,
    /// What was found.
    pub found: String,
}

/// How old an access key may be, and how long it or a key may go unused.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Days.
    pub access_key_days: u32,
    /// Days.
    pub unused_days: u32,
}

struct Exceptions(Vec<Exception>);

impl Exceptions {
    fn add(&mut self, kind: ExceptionKind, subject: impl Into<String>, found: impl Into<String>) {
        self.0.push(Exception {
            kind,
            subject: subject.into(),
            found: found.into(),
        });
    }
}

/// All of them, by kind.
pub(super) fn exceptions(report: &Report, metadata: &Metadata, limits: Limits) -> Vec<Exception> {
    let mut found = Exceptions(Vec::new());
    if !report.about.rows_verified {
        let why = report.about.notes.first().cloned().unwrap_or_default();
        found.add(ExceptionKind::NotVerified, "all rows", why);
    }
    for difference in &report.differences {
        found.add(ExceptionKind::Differs, &difference.id, &difference.found);
    }
    found.of_versions(report);
    found.of_log(report);
    found.of_access(report);
    for key in &report.keys {
        found.of_key(key, metadata, limits);
    }
    for key in metadata.access_keys.iter().filter(|key| key.enabled) {
        found.of_access_key(key, metadata, limits);
    }
    found.of_grants(metadata);
    if report.log.crowded > 0 {
        let counts = format!("{} counts were left out", report.log.crowded);
        found.add(ExceptionKind::Uncounted, "the log", counts);
    }
    found.0.sort_by_key(|exception| exception.kind);
    found.0
}

impl Exceptions {
    fn of_versions(&mut self, report: &Report) {
        for version in &report.versions {
            let shown = matches!(version.shown, Exportability::Never | Exportability::NotNow);
            if version.has_material() && !shown {
                let subject = format!("{} version {}", version.key, version.version.version);
                let how = provenance(version.version.provenance);
                let how = format!("{how}, {}", exportability(version.shown));
                self.add(ExceptionKind::Exportable, subject, how);
            }
        }
    }

    fn of_log(&mut self, report: &Report) {
        let chain = &report.chain;
        if chain.many == 0 && report.log.records > 0 {
            let records = format!("{} records, and no checkpoint", report.log.records);
            self.add(ExceptionKind::NoCheckpoint, &chain.origin, records);
        }
        for checkpoint in chain.first.iter().chain(&chain.last) {
            if matches!(checkpoint.found, Found::NotSigned | Found::Malformed) {
                let subject = format!("checkpoint of size {}", checkpoint.size);
                self.add(
                    ExceptionKind::CheckpointBad,
                    subject,
                    checkpoint.found.name(),
                );
            }
        }
        if chain.disordered > 0 {
            let found = format!("{} were made before smaller ones", chain.disordered);
            self.add(ExceptionKind::CheckpointBad, &chain.origin, found);
        }
        if chain.late > 0 {
            let found = format!("{} records have had no leaf for ten minutes", chain.late);
            self.add(ExceptionKind::LateRecords, &chain.origin, found);
        }
        if let Some(many) = report.log.changes_by_operation.get("DetectKeyDrift") {
            let found = format!("the gateways' daily scan found a difference {many} times");
            self.add(ExceptionKind::Differs, "the period", found);
        }
        if let Some(many) = report.log.changes_by_operation.get(RESUMED) {
            let found = format!("it went on after a restore, without its end, {many} times");
            self.add(ExceptionKind::CheckpointBad, &chain.origin, found);
        }
        if report.log.unreadable > 0 {
            let found = format!(
                "{} records are not of a form that is known",
                report.log.unreadable
            );
            self.add(ExceptionKind::UnreadableRecords, &chain.origin, found);
        }
    }

    fn of_access(&mut self, report: &Report) {
        for pattern in &report.access.patterns {
            for access in &pattern.access {
                let kind = match report.access.principals[access.principal].who {
                    Who::Stranger => ExceptionKind::OpenToAll,
                    Who::Neighbour => ExceptionKind::OpenToAccount,
                    _ => continue,
                };
                let kinds = access.kinds.iter().map(|(kind, condition)| {
                    let name = name_of(*kind);
                    match condition {
                        Condition::Always => name.to_owned(),
                        Condition::OnConditions => format!("{name} (on conditions)"),
                    }
                });
                let kinds: Vec<String> = kinds.collect();
                for key in &pattern.keys {
                    self.add(kind, &report.keys[*key].arn, kinds.join(", "));
                }
            }
        }
        for key in &report.access.unreadable {
            let arn = &report.keys[*key].arn;
            self.add(ExceptionKind::PolicyUnreadable, arn, "nothing is allowed");
        }
    }

    fn of_key(&mut self, key: &KeyEntry, metadata: &Metadata, limits: Limits) {
        if let Some(ends) = key.crypto_period_ends.filter(|_| key.over_crypto_period) {
            let period = key.crypto_period;
            let found = format!(
                "current since {}; {} days by {} were over on {}",
                key.current_since.day(),
                period.days,
                period.by,
                ends.day()
            );
            self.add(ExceptionKind::OverCryptoPeriod, &key.arn, found);
        }
        if key.origin == "EXTERNAL" && key.state == "Enabled" && key.material_expires.is_none() {
            let found = format!("imported, in use since {}", key.current_since.day());
            self.add(ExceptionKind::ImportedForGood, &key.arn, found);
        }
        let last = key.last_used.unwrap_or(key.created);
        let since = Moment(metadata.usage_since).max(last);
        let unused = metadata.at - since.0;
        if key.state == "Enabled" && unused > Duration::days(limits.unused_days.into()) {
            let found = match key.last_used {
                Some(at) => format!("last used on {}", at.day()),
                None => format!("not used since {}", since.day()),
            };
            self.add(ExceptionKind::UnusedKey, &key.arn, found);
        }
    }

    fn of_access_key(&mut self, key: &AccessKey, metadata: &Metadata, limits: Limits) {
        let subject = format!("{} of {}", key.id, key.principal);
        let made = Moment(key.created);
        let used = metadata.access_key_uses.get(&key.row).map(|used| used.at);
        let days = |since: OffsetDateTime| (metadata.at - since).whole_days();
        let identities = metadata.identities.iter();
        let mut roots = identities.filter(|identity| identity.kind == IdentityKind::Root);
        if roots.any(|root| root.arn == key.principal) {
            let found = format!("enabled, made on {}", made.day());
            self.add(ExceptionKind::RootAccessKey, &subject, found);
        }
        if days(key.created) > i64::from(limits.access_key_days) {
            let found = format!("made on {}, {} days ago", made.day(), days(key.created));
            self.add(ExceptionKind::OldAccessKey, &subject, found);
        }
        if days(used.unwrap_or(key.created)) > i64::from(limits.unused_days) {
            let found = match used {
                Some(used) => format!("last used on {}", Moment(used).day()),
                None => format!("made on {}, and never seen in use", made.day()),
            };
            self.add(ExceptionKind::UnusedAccessKey, &subject, found);
        }
    }

    fn of_grants(&mut self, metadata: &Metadata) {
        let there: BTreeSet<&str> = metadata.identities.iter().map(|i| &*i.arn).collect();
        for grant in &metadata.grants {
            // A session is there while its role is.
            let named = super::access::role_of(&grant.grantee, &metadata.identities).is_some();
            if named || there.contains(&*grant.grantee) {
                continue;
            }
            let key = crate::model::arn::key_arn(&grant.account, &grant.region, &grant.key_id);
            let found = format!("grant {} to {}", grant.grant_id, grant.grantee);
            self.add(ExceptionKind::GrantToNobody, key, found);
        }
    }
}

fn name_of(kind: Kind) -> &'static str {
    let mut kinds = super::access::KINDS.iter();
    kinds.find(|row| row.0 == kind).map_or("", |row| row.1)
}
