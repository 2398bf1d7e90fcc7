//! Key versions, each against the object that it should have.

use super::Difference;
use super::difference::{Kind, Place, Repair};
use super::look::{Look, OnceCompared};
use crate::Error;
use crate::model::{Origin, VersionState, hex};
use crate::store::{Key, KeyVersion, VersionRow};
use crate::token::{Birth, Expected, TokenObject};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Versions read in one statement.
const PAGE: i64 = 1000;

fn place(key: &Key) -> Place {
    Place {
        account: key.account.clone(),
        region: key.region.clone(),
        key_id: key.key_id.to_string(),
    }
}

impl Look<'_> {
    pub(super) async fn versions(&mut self) -> Result<(), Error> {
        let (mut after, mut orphaned) = (Uuid::nil(), BTreeMap::<Uuid, usize>::new());
        loop {
            let page = self.reconciler.store.version_rows(after, PAGE).await?;
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
        let Ok(birth) = Birth::deserialize(version.birth.json()) else {
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
}
