//! The daily scan: whether the objects of every key version, and of the gateway's own keys, still are
//! what they were made as. What is not is recorded, once, and counted until it is.

use crate::Error;
use crate::audit::{Actor, Outcome, Record};
use crate::model::{AccountId, Region};
use crate::operation::Context;
use crate::operation::authorized::arn_of;
use crate::operation::evidence::{Finding, survey, survey_own};
use crate::store::{Transaction, VersionRow};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// From the end of one scan to the beginning of the next.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Versions looked at in one round.
const ROUND: i64 = 200;
/// One gateway scans at a time: it would find nothing else than another.
const LEASE: &str = "key scan";

/// Something that was looked at.
struct Looked {
    subject: Uuid,
    finding: Finding,
    /// Whose record it is.
    account: AccountId,
    region: Region,
    resources: Vec<String>,
    /// What it is, in a record.
    named: Value,
}

pub(super) async fn scan(cx: &Arc<Context>) -> Result<(), Error> {
    if !cx.store.key_scan_due(EVERY).await? || !cx.store.lease(LEASE, cx.gateway, cx.lease).await? {
        return Ok(());
    }
    // Asked first: what is due stays due while the token is away, and is no failure.
    if cx.tokens.home().ping().await.is_err() {
        return Ok(());
    }
    let management = cx.store.management_account().await?;
    let after = cx.store.resume_key_scan().await?;
    let rows = cx.store.version_rows(after, ROUND).await?;
    let findings = survey(&rows, cx).await?;
    let last = rows.last().map_or(after, |row| row.id);
    let looked = rows.iter().zip(findings);
    let mut looked: Vec<Looked> = looked
        .map(|(row, finding)| of_version(row, finding, &management, cx))
        .collect();
    let passed_over = looked.iter().filter(|l| l.finding == Finding::PassedOver);
    let passed_over = passed_over.count();
    let counts = (looked.len() - passed_over, passed_over);
    if after.is_nil() {
        looked.extend(own(cx, &management).await?);
    }
    let shared = (cx.clone(), Arc::new(looked));
    let noted = cx.store.transaction("ScanKeys", move |tx| {
        let (cx, looked) = shared.clone();
        async move {
            for one in looked.iter() {
                note(tx, &cx, one).await?;
            }
            let (looked_at, passed_over) = (counts.0 as i64, counts.1 as i64);
            tx.key_scan_reached(last, looked_at, passed_over).await
        }
        .boxed()
    });
    noted.await?;
    match (rows.len() as i64) < ROUND {
        true => end(cx, management).await,
        false => Ok(()),
    }
}

fn of_version(row: &VersionRow, finding: Finding, management: &AccountId, cx: &Context) -> Looked {
    let key = row.keys.first();
    Looked {
        subject: row.id,
        finding,
        account: key.map_or(management, |key| &key.account).clone(),
        region: key.map_or_else(|| cx.region(), |key| key.region.clone()),
        resources: row.keys.iter().map(arn_of).collect(),
        named: json!({
            "keyId": key.map(arn_of),
            "keyVersion": row.version.as_ref().map(|version| version.number),
        }),
    }
}

async fn own(cx: &Context, management: &AccountId) -> Result<Vec<Looked>, Error> {
    let own = survey_own(cx).await?.into_iter().map(|key| Looked {
        subject: key.id,
        finding: key.finding,
        account: management.clone(),
        region: cx.region(),
        resources: Vec::new(),
        named: json!({"gatewayKey": key.role}),
    });
    Ok(own.collect())
}

/// Notes what was found, and records it where it is news.
async fn note(tx: &Transaction<'_>, cx: &Context, looked: &Looked) -> Result<(), Error> {
    let Looked { subject, named, .. } = looked;
    match &looked.finding {
        Finding::PassedOver => tx.keep_drift(*subject).await,
        Finding::AsBorn => {
            if tx.forget_drift(*subject).await? {
                log::warn!("worker: {named} is again what it was made as");
            }
            Ok(())
        }
        Finding::Differs(deviations) => {
            let found = serde_json::to_value(deviations).map_err(Error::internal)?;
            if !tx.note_drift(*subject, &found.to_string()).await? {
                return Ok(());
            }
            log::error!("ALERT worker: {named} is not what it was made as: {found}");
            let mut response = named.clone();
            response["deviations"] = found;
            let of = (&looked.account, &looked.region);
            record(
                tx,
                cx,
                "DetectKeyDrift",
                of,
                looked.resources.clone(),
                response,
            )
            .await
        }
    }
}

async fn end(cx: &Arc<Context>, management: AccountId) -> Result<(), Error> {
    let shared = (cx.clone(), management);
    let scan = cx.store.transaction("ScanKeys", move |tx| {
        let (cx, management) = shared.clone();
        async move {
            let scan = tx.end_key_scan().await?;
            let response = json!({
                "lookedAt": scan.looked_at,
                "passedOver": scan.passed_over,
                "drifted": scan.drifted,
            });
            let of = (&management, &cx.region());
            record(tx, &cx, "ScanKeys", of, Vec::new(), response).await?;
            Ok(scan)
        }
        .boxed()
    });
    let scan = scan.await?;
    log::info!(
        "scanned the objects of {} key versions, passed over {}: {} are not what they were made as",
        scan.looked_at,
        scan.passed_over,
        scan.drifted
    );
    Ok(())
}

async fn record(
    tx: &Transaction<'_>,
    cx: &Context,
    event_name: &str,
    (account, region): (&AccountId, &Region),
    resources: Vec<String>,
    response: Value,
) -> Result<(), Error> {
    let record = Record {
        read_only: true,
        resources,
        outcome: Outcome::Success {
            response: Some(response),
        },
        ..Record::unasked(
            cx.clock.now(),
            event_name,
            region.as_str(),
            Actor::Worker(account),
        )
    };
    tx.record(record.request_id, &record.to_bytes()?).await
}
