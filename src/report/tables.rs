//! The report's data as tables for programs: one file each.

use super::Report;
use super::access::{Condition, KINDS};
use super::csv::Csv;
use super::moment::Moment;
use super::protection::{exportability, provenance};
use super::tally::{Act, Use};
use serde_json::Value;
use std::io::{self, Write};

/// The head of `denials.csv`, `changes.csv` and `dual-control.csv`, which are written as the log is read.
pub const ACTS: &[&str] = &[
    "at",
    "operation",
    "principal",
    "source",
    "resources",
    "parameters",
    "approval",
    "approvers",
    "requestId",
];

/// One row of them.
pub fn act(act: &Act) -> [String; 9] {
    [
        act.at.rfc3339(),
        act.operation.clone(),
        act.principal.clone(),
        act.source.clone(),
        act.resources.join(" "),
        act.parameters.clone(),
        act.approval.clone().unwrap_or_default(),
        act.approvers.join(" "),
        act.request_id.clone(),
    ]
}

/// Makes the file of a name.
pub type Open<'o, W> = &'o mut dyn FnMut(&str) -> io::Result<W>;

fn time(at: Option<Moment>) -> String {
    at.map(Moment::rfc3339).unwrap_or_default()
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Report {
    /// Writes every table but those of acts.
    ///
    /// # Errors
    /// Those of the files.
    pub fn write_tables<W: Write>(&self, open: Open<'_, W>) -> io::Result<()> {
        self.keys_table(open("keys.csv")?)?;
        self.versions_table(open("versions.csv")?)?;
        self.access_table(open("access.csv")?)?;
        self.use_table(open("use.csv")?)?;
        self.checkpoints_table(open("checkpoints.csv")?)?;
        let mut csv = Csv::new(open("exceptions.csv")?, &["kind", "subject", "found"])?;
        for exception in &self.exceptions {
            let kind = exception.kind.heading();
            csv.row(&[kind, &exception.subject, &exception.found])?;
        }
        csv.finish()?;
        let head = ["section", "standard", "reference", "shows"];
        let mut csv = Csv::new(open("controls.csv")?, &head)?;
        for control in self.controls {
            let section = control.section.heading();
            csv.row(&[section, control.standard, control.reference, control.shows])?;
        }
        csv.finish()
    }

    fn keys_table(&self, file: impl Write) -> io::Result<()> {
        let head = [
            "arn",
            "aliases",
            "owner",
            "description",
            "spec",
            "usage",
            "origin",
            "state",
            "created",
            "versions",
            "currentVersion",
            "currentSince",
            "cryptoPeriodDays",
            "cryptoPeriodBy",
            "cryptoPeriodEnds",
            "overCryptoPeriod",
            "rotationDays",
            "nextRotation",
            "deletion",
            "materialExpires",
            "lastUsed",
            "lastOperation",
        ];
        let mut csv = Csv::new(file, &head)?;
        for key in &self.keys {
            csv.row(&[
                key.arn.clone(),
                key.aliases.join(" "),
                key.owner.clone(),
                key.description.clone(),
                key.spec.into(),
                key.usage.into(),
                key.origin.into(),
                key.state.into(),
                key.created.rfc3339(),
                key.versions.to_string(),
                text(key.current_version),
                key.current_since.rfc3339(),
                key.crypto_period.days.to_string(),
                key.crypto_period.by.into(),
                time(key.crypto_period_ends),
                key.over_crypto_period.to_string(),
                text(key.rotation_days),
                time(key.next_rotation),
                time(key.deletion),
                time(key.material_expires),
                time(key.last_used),
                text(key.last_operation.as_ref()),
            ])?;
        }
        csv.finish()
    }

    fn versions_table(&self, file: impl Write) -> io::Result<()> {
        const ATTRIBUTES: [&str; 7] = [
            "CKA_SENSITIVE",
            "CKA_EXTRACTABLE",
            "CKA_ALWAYS_SENSITIVE",
            "CKA_NEVER_EXTRACTABLE",
            "CKA_LOCAL",
            "CKA_KEY_GEN_MECHANISM",
            "CKA_CHECK_VALUE",
        ];
        let mut head = vec![
            "key",
            "version",
            "id",
            "created",
            "tokenSerial",
            "provenance",
            "shown",
            "evidence",
        ];
        head.extend(ATTRIBUTES);
        head.push("deviations");
        let mut csv = Csv::new(file, &head)?;
        for entry in &self.versions {
            let version = &entry.version;
            let shown = match entry.has_material() {
                true => exportability(entry.shown),
                false => "",
            };
            let mut row = vec![
                entry.key.clone(),
                version.version.to_string(),
                entry.id.clone(),
                version.creation_date.clone(),
                entry.token_serial.clone(),
                provenance(version.provenance).into(),
                shown.into(),
                entry.evidence.name().into(),
            ];
            let attributes = entry.attributes();
            row.extend(ATTRIBUTES.map(|name| match attributes.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(value) => value.to_string(),
            }));
            let deviations = version.deviations.iter().map(ToString::to_string);
            row.push(deviations.collect::<Vec<_>>().join("; "));
            csv.row(&row)?;
        }
        csv.finish()
    }

    fn access_table(&self, file: impl Write) -> io::Result<()> {
        let mut head = vec!["key", "principal", "who"];
        head.extend(KINDS.iter().map(|row| row.1));
        head.push("by");
        let mut csv = Csv::new(file, &head)?;
        for pattern in &self.access.patterns {
            for key in &pattern.keys {
                for access in &pattern.access {
                    let principal = &self.access.principals[access.principal];
                    let key = self.keys[*key].arn.as_str();
                    let mut row = vec![key, &principal.name, principal.who.name()];
                    for (kind, ..) in KINDS {
                        let mut kinds = access.kinds.iter();
                        let found = kinds.find(|(of, _)| of == kind);
                        row.push(match found.map(|(_, condition)| condition) {
                            Some(Condition::Always) => "yes",
                            Some(Condition::OnConditions) => "on conditions",
                            None => "",
                        });
                    }
                    let by = access.by.join(", ");
                    row.push(&by);
                    csv.row(&row)?;
                }
            }
        }
        csv.finish()
    }

    fn use_table(&self, file: impl Write) -> io::Result<()> {
        let mut head = vec!["key", "identity"];
        head.extend(Use::ALL.iter().map(|kind| kind.name()));
        let mut csv = Csv::new(file, &head)?;
        for (key, tally) in &self.log.keys {
            for (identity, uses) in &tally.by {
                let mut row = vec![key.clone(), identity.clone()];
                row.extend(uses.iter().map(u64::to_string));
                csv.row(&row)?;
            }
        }
        csv.finish()
    }

    fn checkpoints_table(&self, file: impl Write) -> io::Result<()> {
        let head = ["size", "made", "root", "signers", "found"];
        let mut csv = Csv::new(file, &head)?;
        for checkpoint in &self.chain.last {
            csv.row(&[
                &checkpoint.size.to_string(),
                &checkpoint.made.rfc3339(),
                &checkpoint.root,
                &checkpoint.signers.join(" "),
                checkpoint.found.name(),
            ])?;
        }
        csv.finish()
    }
}
