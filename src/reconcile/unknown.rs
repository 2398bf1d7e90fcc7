//! Intents, and the objects that neither a version nor an intent knows.

use super::difference::{Kind, Repair};
use super::look::{Look, Objects};
use crate::model::hex;
use crate::store::{IntentKind, IntentRow};
use crate::token::TokenObject;
use uuid::Uuid;

/// How the labels begin of what Strongroom makes: for keys and for imports, and the gateway's own.
const FOR_KEYS: [&str; 2] = ["strongroom key ", "strongroom wrapping key for "];
const FOR_ITSELF: &str = "strongroom:";

/// Of many strangers, this many are named.
const NAMED: usize = 20;

impl Look<'_> {
    pub(super) fn intent(&mut self, row: &IntentRow) {
        let intent = &row.intent;
        let object_id = match &intent.adopted {
            Some(adopted) => adopted.object_id.clone(),
            None => intent.version.as_bytes().to_vec(),
        };
        self.known.insert(object_id);
        let aim = match intent.kind {
            IntentKind::Create => "to make",
            IntentKind::Destroy => "to destroy",
        };
        let what = format!("the intent {aim} {}", intent.version);
        let forget = Some(Repair::ForgetIntent(intent.version));
        if !row.genuine {
            let found = format!("{what} does not verify");
            let subject = format!("intent/{}", intent.version);
            self.differs(Kind::RowRefused, subject, found, forget);
        } else if row.in_use {
            let found = format!("{what} is about an object that a key has");
            self.differs(Kind::IntentInUse, intent.version, found, forget);
        } else if let Some(serial) = intent.token_serial.as_ref().filter(|s| **s != self.serial) {
            if self.of_stores.contains(serial) {
                let note = format!("{what} is for a custom key store's token");
                self.report.notes.push(note);
                return;
            }
            let found = format!("{what} is for the token with serial {serial}");
            self.differs(Kind::IntentElsewhere, intent.version, found, forget);
        } else if intent.lease.is_zero() {
            let found = format!("{what} has a lease that is over");
            let repair = Some(Repair::FinishIntent(intent.version));
            self.differs(Kind::IntentOverdue, intent.version, found, repair);
        } else {
            let seconds = intent.lease.as_secs();
            let note = format!("{what} is under way, or may be used, for {seconds} s more");
            self.report.notes.push(note);
        }
    }

    pub(super) fn unknown_objects(&mut self) {
        let mut unknown: Objects = std::mem::take(&mut self.objects);
        unknown.retain(|id, _| !self.known.contains(id));
        let begins = |object: &TokenObject, with: &[&str]| {
            with.iter().any(|start| object.label.starts_with(start))
        };
        let shared = unknown
            .values()
            .flatten()
            .any(|object| begins(object, &[FOR_ITSELF]));
        let mut strangers = Vec::new();
        for (id, objects) in &unknown {
            let named = hex::encode(id);
            if !objects.iter().all(|object| begins(object, &FOR_KEYS)) {
                strangers.push(named);
                continue;
            }
            let kinds: Vec<&str> = objects.iter().map(TokenObject::kind).collect();
            let label = objects.first().map_or("", |object| &object.label);
            let mut found = format!(
                "no row knows the {} {label:?} with CKA_ID {named}",
                kinds.join(" and ")
            );
            if shared {
                found.push_str(", which may be the key of another deployment that has this token");
            }
            let repair = Uuid::from_slice(id).ok().filter(|_| !shared);
            let repair = repair.map(|object| Repair::DestroyObject {
                object,
                serial: self.serial.clone(),
            });
            self.differs(Kind::ObjectWithoutRow, named, found, repair);
        }
        if !strangers.is_empty() {
            let many = strangers.len();
            strangers.truncate(NAMED);
            let mut note = format!(
                "left alone are the objects under {many} CKA_IDs that this deployment has not made, \
                 and does not use: {}",
                strangers.join(", ")
            );
            if many > NAMED {
                note.push_str(", …");
            }
            self.report.notes.push(note);
        }
    }
}
