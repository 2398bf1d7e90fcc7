//! Repairs: each in one transaction with its record; what is then destroyed has an intent, so that a
//! crash is resumed by any gateway.

use super::difference::{Place, Repair};
use super::{Difference, Reconciler};
use crate::audit::{Actor, Record};
use crate::model::{AccountId, KeyState, Region};
use crate::operation::import::delete_material;
use crate::operation::leftover;
use crate::store::{Intent, Key, StoreError, Transaction};
use crate::token::SystemKey;
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a gateway keeps off what is being repaired.
const LEASE: Duration = Duration::from_secs(60);

impl Reconciler {
    /// Repairs one difference, which a comparison has just found. `operator` says in the record who
    /// wanted it.
    ///
    /// # Errors
    /// There is no repair for it, or it is no longer as it was found; those of token and database.
    pub async fn repair(&self, difference: &Difference, operator: &str) -> Result<(), Error> {
        let Some(repair) = difference.repair.clone() else {
            let message = format!("{}: {}", difference.id(), difference.kind.remedy());
            return Err(Error::new(ErrorCode::Validation, message));
        };
        let parameters = json!({"difference": difference.id(), "operator": operator});
        let (record_id, record) = self.record(&repair, parameters).await?;
        let mut left = Vec::new();
        if let Repair::FinishIntent(version) = &repair {
            let at_hand = self.tokens.at_hand();
            let claimed = self
                .store
                .claim_intent(*version, record_id, LEASE, &at_hand);
            let claimed = claimed.await?;
            left.push(claimed.ok_or(StoreError::Changed("reconcile::finish"))?);
        }
        let shared = Arc::new((repair, record));
        let noted = self.store.transaction("reconcile", move |tx| {
            let shared = shared.clone();
            async move {
                apply(tx, &shared.0).await?;
                tx.record(record_id, &shared.1).await?;
                Ok(tx.left())
            }
            .boxed()
        });
        left.extend::<Vec<Intent>>(noted.await?);
        for intent in &left {
            leftover::destroy(intent, &self.tokens, &self.store).await?;
        }
        Ok(())
    }

    /// Counts `more` GCM encryptions of every key version that makes any: those that a restored
    /// database does not know of. Answers how many versions there are.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count_encryptions(&self, more: u32, operator: &str) -> Result<u64, Error> {
        let account = self.store.management_account().await?;
        let parameters = json!({"encryptions": more, "operator": operator});
        let place = (&account, &self.region);
        let recorded = self.recorded("CountEncryptions", place, parameters, Vec::new())?;
        let wrapping = SystemKey::Wrapping.object_id(self.store.deployment());
        let recorded = Arc::new(recorded);
        self.store
            .transaction("reconcile", move |tx| {
                let recorded = recorded.clone();
                async move {
                    tx.record(recorded.0, &recorded.1).await?;
                    tx.add_gcm_invocations(more, wrapping).await
                }
                .boxed()
            })
            .await
    }

    async fn record(&self, repair: &Repair, parameters: Value) -> Result<(Uuid, Vec<u8>), Error> {
        match repair.key() {
            Some(key) => {
                let place = (&key.account, &key.region);
                self.recorded(repair.event_name(), place, parameters, vec![key.arn()])
            }
            None => {
                let account = self.store.management_account().await?;
                let place = (&account, &self.region);
                self.recorded(repair.event_name(), place, parameters, Vec::new())
            }
        }
    }

    fn recorded(
        &self,
        event_name: &str,
        (account, region): (&AccountId, &Region),
        parameters: Value,
        resources: Vec<String>,
    ) -> Result<(Uuid, Vec<u8>), Error> {
        let parameters: Option<&Map<String, Value>> = parameters.as_object();
        let record = Record {
            parameters,
            resources,
            ..Record::unasked(
                self.clock.now(),
                event_name,
                region.as_str(),
                Actor::Operator(account),
            )
        };
        Ok((record.request_id, record.to_bytes()?))
    }
}

/// What is done in the transaction.
async fn apply(tx: &Transaction<'_>, repair: &Repair) -> Result<(), Error> {
    match repair {
        Repair::DestroyObject { object, serial } => tx.leave_object(*object, serial.clone()).await,
        // Claimed already; what is left to do is on the token.
        Repair::FinishIntent(_) => Ok(()),
        Repair::ForgetIntent(version) => tx.forget_intent(*version).await,
        Repair::DestroyMaterial(set) => tx.delete_material_set(*set).await,
        Repair::CancelDeletion(key) => cancel_deletion(tx, key).await,
        Repair::AwaitImport { key, version } => await_import(tx, key, *version).await,
        Repair::MoveVersion { key, version, to } => move_version(tx, key, *version, to).await,
    }
}

fn changed() -> Error {
    StoreError::Changed("reconcile::repair").into()
}

async fn lock(tx: &Transaction<'_>, key: &Place) -> Result<Key, Error> {
    let key = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
    key.ok_or_else(changed)
}

async fn await_import(tx: &Transaction<'_>, key: &Place, version: Uuid) -> Result<(), Error> {
    let key = lock(tx, key).await?;
    match delete_material(tx, &key, |v| v.id == version).await? {
        true => Ok(()),
        false => Err(changed()),
    }
}

async fn move_version(
    tx: &Transaction<'_>,
    key: &Place,
    version: Uuid,
    to: &str,
) -> Result<(), Error> {
    let key = lock(tx, key).await?;
    let related = tx.lock_related(&key).await?;
    let mut moved = key.version(version).ok_or_else(changed)?.clone();
    moved.token_serial = to.to_owned();
    tx.update_version(&key, &moved).await?;
    // Written though nothing of them changes: results computed on the old version are recognised.
    for key in related {
        tx.update_key(&key).await?;
    }
    Ok(())
}

async fn cancel_deletion(tx: &Transaction<'_>, key: &Place) -> Result<(), Error> {
    let key = lock(tx, key).await?;
    if key.state != KeyState::PendingDeletion {
        return Err(changed());
    }
    tx.update_key(&key.deletion_cancelled()).await
}
