//! One look at token and database.
//!
//! The token comes first: an object that is made meanwhile is then known to the rows that are read
//! after it, not the other way round.

use super::difference::{Kind, Place, Repair};
use super::{Difference, Reconciler, Report};
use crate::Error;
use crate::model::{Origin, VersionState, hex};
use crate::store::{IntentKind, IntentRow, Key, KeyVersion, VersionRow};
use crate::token::{Birth, Expected, SystemKey, TokenObject};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The objects of a token, by their `CKA_ID`.
pub(super) type Objects = BTreeMap<Vec<u8>, Vec<TokenObject>>;

/// How the labels begin of what Strongroom makes: for keys and for imports, and the gateway's own.
const FOR_KEYS: [&str; 2] = ["strongroom key ", "strongroom wrapping key for "];
const FOR_ITSELF: &str = "strongroom:";

/// Of many strangers, this many are named.
const NAMED: usize = 20;

/// Of keys that are due, as many are looked at.
const DUE: i64 = 10_000;

/// A look in progress.
struct Look<'r> {
    reconciler: &'r Reconciler,
    objects: Objects,
    serial: String,
    of_stores: BTreeSet<String>,
    report: Report,
    /// `CKA_ID`s that rows know, whatever token they are on.
    known: BTreeSet<Vec<u8>>,
    /// Versions on custom key stores' tokens.
    elsewhere: usize,
    /// What the token is yet to be asked about, and what it means if it is as expected.
    expected: Vec<(Expected, OnceCompared)>,
}

/// What follows from a comparison of attributes.
struct OnceCompared {
    kind: Kind,
    subject: String,
    what: String,
    /// What is wrong all the same where the object is as it was made.
    otherwise: Option<Difference>,
}

impl Reconciler {
    pub(super) async fn look(&self) -> Result<Report, Error> {
        let mut objects = Objects::new();
        for object in self.home().objects().await? {
            objects
                .entry(object.object_id.clone())
                .or_default()
                .push(object);
        }
        let serial = self.recognise(&objects).await?;
        let stores = self.store.key_store_serials().await?;
        let mut look = Look {
            reconciler: self,
            report: Report {
                deployment: self.store.deployment(),
                token_serial: serial.clone(),
                versions: 0,
                objects: objects.values().map(Vec::len).sum(),
                notes: Vec::new(),
                differences: Vec::new(),
            },
            serial,
            objects,
            of_stores: stores.into_iter().collect(),
            known: BTreeSet::new(),
            elsewhere: 0,
            expected: Vec::new(),
        };
        look.system_keys();
        look.versions().await?;
        look.compare_attributes().await?;
        for row in self.store.intent_rows().await? {
            look.intent(&row);
        }
        look.unknown_objects();
        for (account, region, key_id) in self.store.due_deletions(DUE).await? {
            let found = format!("key {key_id} is pending deletion, and its date is past");
            let place = Place {
                account,
                region,
                key_id,
            };
            let repair = Some(Repair::CancelDeletion(place.clone()));
            look.differs(Kind::DeletionDue, place.arn(), found, repair);
        }
        for row in self.store.refused_rows().await? {
            let found = format!("the row {} of {} does not verify", row.id, row.table);
            let subject = format!("{}/{}", row.table, row.id);
            look.differs(Kind::RowRefused, subject, found, None);
        }
        Ok(look.report)
    }
}

fn place(key: &Key) -> Place {
    Place {
        account: key.account.clone(),
        region: key.region.clone(),
        key_id: key.key_id.clone(),
    }
}

impl Look<'_> {
    fn differs(
        &mut self,
        kind: Kind,
        subject: impl ToString,
        found: String,
        repair: Option<Repair>,
    ) {
        self.report.differences.push(Difference {
            kind,
            subject: subject.to_string(),
            found,
            repair,
        });
    }

    fn system_keys(&mut self) {
        for role in SystemKey::ALL {
            let id = role.object_id(self.report.deployment);
            self.known.insert(id.as_bytes().to_vec());
            let what = format!("the gateway's {} key", role.role());
            let Some(objects) = self.objects.get(id.as_bytes().as_slice()) else {
                let found = format!("{what} is not on the token");
                self.differs(Kind::SystemKeyMissing, role.role(), found, None);
                continue;
            };
            let (spec, usage) = role.spec_and_usage();
            let expected = Expected {
                objects: objects.clone(),
                spec,
                usage,
                birth: None,
            };
            let then = OnceCompared {
                kind: Kind::SystemKeyDiffers,
                subject: role.role().into(),
                what,
                otherwise: None,
            };
            self.expected.push((expected, then));
        }
    }

    async fn versions(&mut self) -> Result<(), Error> {
        let (mut after, mut orphaned) = (Uuid::nil(), BTreeMap::<Uuid, usize>::new());
        loop {
            let page = self.reconciler.store.version_rows(after).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for row in page {
                self.report.versions += 1;
                let Some(version) = &row.version else {
                    self.known.insert(row.id.as_bytes().to_vec());
                    let found = format!("the row {} of key_version does not verify", row.id);
                    let subject = format!("key_version/{}", row.id);
                    self.differs(Kind::RowRefused, subject, found, None);
                    continue;
                };
                if !row.has_record {
                    *orphaned.entry(row.material_set).or_default() += 1;
                }
                if version.state != VersionState::PendingImport {
                    self.version(&row, version);
                }
            }
        }
        for (set, versions) in orphaned {
            let found = format!("no Region has a key with the {versions} key versions of {set}");
            let repair = Some(Repair::DestroyMaterial(set));
            self.differs(Kind::MaterialWithoutKey, set, found, repair);
        }
        if self.elsewhere > 0 {
            let note = format!(
                "{} key versions are on tokens of custom key stores, which were not looked at",
                self.elsewhere
            );
            self.report.notes.push(note);
        }
        Ok(())
    }

    /// A version that has an object somewhere.
    fn version(&mut self, row: &VersionRow, version: &KeyVersion) {
        if self.of_stores.contains(&version.token_serial) && version.token_serial != self.serial {
            self.elsewhere += 1;
            return;
        }
        let object_id = match &version.object_id {
            Some(id) => id.to_vec(),
            None => version.id.as_bytes().to_vec(),
        };
        self.known.insert(object_id.clone());
        // Of a key whose row does not verify, its use is not known.
        let key = row.keys.first();
        let what = match key {
            Some(key) => format!("version {} of key {}", version.number, key.key_id),
            None => format!("version {}", version.number),
        };
        let moved = match &version.token_serial {
            serial if *serial == self.serial => None,
            serial if self.reconciler.replaces.as_ref() == Some(serial) => Some(serial),
            serial => {
                let found = format!("{what} is on the token with serial {serial}");
                self.differs(Kind::VersionElsewhere, version.id, found, None);
                return;
            }
        };
        let Some(objects) = self.objects.get(&object_id).cloned() else {
            let found = format!(
                "{what} has no object with CKA_ID {}",
                hex::encode(&object_id)
            );
            let imported = key.filter(|key| key.origin == Origin::External);
            let repair = imported.map(|key| Repair::AwaitImport {
                key: place(key),
                version: version.id,
            });
            self.differs(Kind::RowWithoutObject, version.id, found, repair);
            return;
        };
        let mut kinds: Vec<&str> = objects.iter().map(TokenObject::kind).collect();
        kinds.sort_unstable();
        if let Some(two) = kinds.windows(2).find(|two| two[0] == two[1]) {
            let id = hex::encode(&object_id);
            let found = format!("{what} has more than one {} with CKA_ID {id}", two[0]);
            self.differs(Kind::SeveralObjects, version.id, found, None);
            return;
        }
        let Some(key) = key else { return };
        let Ok(birth) = serde_json::from_value::<Birth>(version.birth.clone()) else {
            let found = format!("{what} has a birth certificate that cannot be read");
            self.differs(Kind::ObjectDiffers, version.id, found, None);
            return;
        };
        let otherwise = moved.map(|serial| Difference {
            kind: Kind::VersionMoved,
            subject: version.id.to_string(),
            found: format!(
                "{what} is said to be on the token with serial {serial}, and is on this one"
            ),
            repair: Some(Repair::MoveVersion {
                key: place(key),
                version: version.id,
                to: self.serial.clone(),
            }),
        });
        let expected = Expected {
            objects,
            spec: key.spec,
            usage: key.usage,
            birth: Some(birth),
        };
        let then = OnceCompared {
            kind: Kind::ObjectDiffers,
            subject: version.id.to_string(),
            what,
            otherwise,
        };
        self.expected.push((expected, then));
    }

    async fn compare_attributes(&mut self) -> Result<(), Error> {
        let (expected, then): (Vec<_>, Vec<_>) = self.expected.drain(..).unzip();
        let compared = self.reconciler.home().compare(expected).await?;
        for (difference, then) in compared.into_iter().zip(then) {
            let OnceCompared {
                kind,
                subject,
                what,
                otherwise,
            } = then;
            match difference {
                Some(difference) => {
                    let found = format!("{what} is not as it was made: {difference}");
                    self.differs(kind, subject, found, None);
                }
                None => self.report.differences.extend(otherwise),
            }
        }
        Ok(())
    }

    fn intent(&mut self, row: &IntentRow) {
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

    fn unknown_objects(&mut self) {
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
