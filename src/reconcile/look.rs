//! One look at token and database.
//!
//! The token comes first: an object that is made meanwhile is then known to the rows that are read
//! after it, not the other way round.

use super::difference::{Kind, Place, Repair};
use super::recognise::recognise;
use super::{Difference, Reconciler, Report};
use crate::Error;
use crate::token::{Expected, SystemKey, Token, TokenObject};
use std::collections::{BTreeMap, BTreeSet};

/// The objects of a token, by their `CKA_ID`.
pub(super) type Objects = BTreeMap<Vec<u8>, Vec<TokenObject>>;

pub(super) async fn objects(token: &Token) -> Result<Objects, Error> {
    let mut objects = Objects::new();
    for object in token.objects().await? {
        let id = object.object_id.clone();
        objects.entry(id).or_default().push(object);
    }
    Ok(objects)
}

/// Of keys that are due, as many are looked at.
const DUE: i64 = 10_000;

/// A look in progress.
pub(super) struct Look<'r> {
    pub(super) reconciler: &'r Reconciler,
    pub(super) objects: Objects,
    pub(super) serial: String,
    pub(super) of_stores: BTreeSet<String>,
    pub(super) report: Report,
    /// `CKA_ID`s that rows know, whatever token they are on.
    pub(super) known: BTreeSet<Vec<u8>>,
    /// Versions on custom key stores' tokens.
    pub(super) elsewhere: usize,
    /// What the token is yet to be asked about, and what it means if it is as expected.
    pub(super) expected: Vec<(Expected, OnceCompared)>,
}

/// What follows from a comparison of attributes.
pub(super) struct OnceCompared {
    pub(super) kind: Kind,
    pub(super) subject: String,
    pub(super) what: String,
    /// What is wrong all the same where the object is as it was made.
    pub(super) otherwise: Option<Difference>,
}

impl Reconciler {
    pub(super) async fn look(&self) -> Result<Report, Error> {
        let objects = objects(self.home()).await?;
        let replaces = self.replaces.as_ref();
        let serial = recognise(&self.store, self.home(), &objects, replaces).await?;
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

impl Look<'_> {
    pub(super) fn differs(
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
}
