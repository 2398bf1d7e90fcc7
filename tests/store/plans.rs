//! What Postgres does for the statements that must cost the same however many keys there are: those of
//! the worker's rounds, of the sequencer and of forwarding, the group of records, and pages of lists.
//!
//! The server explains whatever the store runs (`auto_explain`), so nothing is explained here that is not
//! run so, and each runs often enough for Postgres to take up a plan that is good for all parameters.

use crate::fixture::*;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use strongroom::model::shapes::KeyLastUsageTrackingOperation;
use strongroom::store::*;
use strongroom::worker::sequencer;
use strongroom::{Error, ErrorCode};
use uuid::Uuid;

/// After five times Postgres may keep a plan.
const ROUNDS: usize = 7;
/// Rows of each large table; of keys so many that a page of them by index costs less than all of them.
const ROWS: i32 = 20_000;
const KEYS: i32 = 60_000;
/// A page of the longest list, and what follows it.
const MOST_READ: f64 = 1001.0;
/// A few of their rows are due, disabled, worn, not placed yet: what the worker is there for.
const FILL: &str = r#"
set session_replication_role = replica; -- no triggers: the tally is written below
insert into account values ('111122223333', now());
insert into tally values ('111122223333', 'eu-central-1', 'key', $KEYS);
insert into material_set select md5('s' || g)::uuid, now() from generate_series(1, $KEYS) g;
insert into key_version (id, material_set, number, spec, token_serial, birth, created, valid_to, object_id,
        row_version, mac)
    select md5('v' || g)::uuid, md5('s' || g)::uuid, 1, 'SYMMETRIC_DEFAULT', '0123', '{}', now(),
        case when g % 50 = 0 then now() + (g - 100) * interval '1 hour' end,
        case when g % 2 = 0 then uuid_send(md5('o' || g)::uuid) end, 1, ''
    from generate_series(1, $KEYS) g;
insert into kms_key (id, account, region, key_id, spec, key_usage, origin, multi_region, material_set, created,
        state, description, policy, tags, deletion, current_version, rotation_days, next_rotation, row_version, mac)
    select md5('k' || g)::uuid, '111122223333', 'eu-central-1', md5('i' || g)::uuid::text, 'SYMMETRIC_DEFAULT',
        'ENCRYPT_DECRYPT', 'AWS_KMS', false, md5('s' || g)::uuid, now(),
        case when g % 200 = 1 then 'PendingDeletion' when g % 200 = 2 then 'Disabled' else 'Enabled' end, '', '{}',
        '{}', case when g % 200 = 1 then now() + (g - 500) * interval '1 hour' end, md5('v' || g)::uuid,
        365, now() + (g - 100) * interval '1 hour', 1, ''
    from generate_series(1, $KEYS) g;
insert into alias select md5('a' || g)::uuid, '111122223333', 'eu-central-1', 'alias/' || g, now(),
        md5('i' || 1 + g % 100)::uuid::text, now(), 1, ''
    from generate_series(1, $ROWS) g;
insert into kms_grant (id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations,
        created, row_version, mac)
    select md5('g' || g)::uuid, md5('k' || 1 + g % 10)::uuid, md5('g' || g) || md5('h' || g), '111122223333',
        'eu-central-1', md5('i' || 1 + g % 10)::uuid::text, 'n' || g, 'arn:aws:iam::111122223333:user/u' || g % 100,
        'arn:aws:iam::111122223333:user/r' || g % 10, '111122223333', '{Encrypt}', now(), 1, ''
    from generate_series(1, $ROWS) g;
insert into key_usage select md5('k' || g)::uuid, 'Encrypt', now(), md5('r' || g)::uuid
    from generate_series(1, $ROWS) g;
insert into principal (arn, id, account, kind, name, unique_id, created, row_version, mac)
    select 'arn:aws:iam::111122223333:user/u' || g, md5('p' || g)::uuid, '111122223333', 'user', 'u' || g,
        'AIDA' || g, now(), 1, ''
    from generate_series(1, $ROWS) g;
insert into principal (arn, account, kind, created, management, row_version, mac)
    values ('arn:aws:iam::111122223333:root', '111122223333', 'root', now(), true, 1, '');
insert into access_key select md5('c' || g)::uuid, 'AKIA' || g, '111122223333',
        'arn:aws:iam::111122223333:user/u' || g, now(), '', true, 1, ''
    from generate_series(1, $ROWS) g;
insert into access_key_usage select md5('c' || g)::uuid, now(), 'kms', 'eu-central-1'
    from generate_series(1, $ROWS) g;
insert into gcm_reservation select md5('v' || g)::uuid, g::int8 * case when g % 1000 = 0 then 200000 else 1 end
    from generate_series(1, $ROWS) g;
insert into intent (version, token_serial, kind, owner, lease_until, mac)
    select md5('d' || g)::uuid, '0123', 'destroy', md5('')::uuid, now() + (g - 9) * interval '1 second', ''
    from generate_series(1, 20) g;
insert into approval_request (id, account, region, operation, requester, identity, hands, call, parameters, resources,
        needed, approvers, created, expires, state, row_version, mac)
    select md5('q' || g)::uuid, '111122223333', 'eu-central-1', 'ScheduleKeyDeletion', 'u' || g, 'u' || g, '[]',
        convert_to(g::text, 'UTF8'), '{}', '[]', 1, '[]', now(),
        now() + (g - 10) * interval '1 minute' - interval '30 days', 'EXECUTED', 1, ''
    from generate_series(1, $ROWS) g;
insert into approval select md5('q' || g)::uuid, md5('p' || g)::uuid, 'a', '[]', 'a', null, now(), ''
    from generate_series(1, $ROWS) g;
insert into audit_record (request_id, record) select md5('r' || g)::uuid, convert_to('{}', 'UTF8')
    from generate_series(1, $ROWS) g;
insert into audit_leaf select g - 1, g, md5('r' || g)::uuid from generate_series(1, $ROWS) g;
insert into audit_group (request_ids, records)
    select array[md5('t' || g)::uuid, md5('u' || g)::uuid], array['{}', '{}']::bytea[]
    from generate_series(1, $ROWS) g;
insert into audit_group_leaf select $ROWS + 2 * (g - 1), g, array[md5('t' || g)::uuid, md5('u' || g)::uuid]
    from generate_series(1, $ROWS) g;
update audit_tree set size = 3 * $ROWS, settled = $ROWS, settling = $ROWS, groups_settled = $ROWS,
    groups_settling = $ROWS;
insert into audit_tile select level, tile, decode(repeat('00', 8192), 'hex')
    from generate_series(0, 1) level, generate_series(0, 3 * $ROWS / 256) tile;
insert into audit_checkpoint select g, now(), 'note' from generate_series(1, $ROWS) g;
set session_replication_role = origin;
analyze;
alter database $NAME set session_preload_libraries = auto_explain;
load 'auto_explain';
alter database $NAME set auto_explain.log_min_duration = 0;
alter database $NAME set auto_explain.log_analyze = on;
alter database $NAME set auto_explain.log_format = json;
alter database $NAME set auto_explain.log_buffers = on;
alter database $NAME set auto_explain.log_nested_statements = on;
"#;

/// As `FILL` makes them.
fn id(name: &str) -> Uuid {
    let md5 = openssl::hash::hash(openssl::hash::MessageDigest::md5(), name.as_bytes());
    Uuid::from_slice(&md5.unwrap()).unwrap()
}

/// Takes every row for genuine: those here have no MAC.
struct AnyRow;

impl RowSeal for AnyRow {
    fn mac(&self, _: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn verify(&self, _: Vec<u8>, _: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>> {
        async { Ok(true) }.boxed()
    }
}

/// The tables that grow with what a deployment has and does.
const LARGE: [&str; 18] = [
    "access_key",
    "access_key_usage",
    "alias",
    "approval",
    "approval_request",
    "audit_checkpoint",
    "audit_group",
    "audit_group_leaf",
    "audit_leaf",
    "audit_record",
    "audit_tile",
    "gcm_reservation",
    "key_usage",
    "key_version",
    "kms_grant",
    "kms_key",
    "material_set",
    "principal",
];

#[tokio::test]
async fn what_runs_by_itself_and_pages_of_lists_read_no_table_from_end_to_end() {
    let database = Database::alone().await;
    let fill = FILL.replace("$ROWS", &ROWS.to_string());
    let fill = fill.replace("$KEYS", &KEYS.to_string());
    let fill = fill.replace("$NAME", &database.name);
    database.sql().await.batch_execute(&fill).await.unwrap();
    // One connection: a plan is a connection's.
    let connections = 1;
    let config = StoreConfig {
        connections,
        ..database.config()
    };
    let store = Store::open(config).await.unwrap();
    store.set_seal(Arc::new(AnyRow));
    for round in 0..ROUNDS {
        worker(&store).await;
        database.change_stamp().await;
        sequencer_and_forwarding(&store).await;
        lists(&store, round).await;
    }

    let (mut seen, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for plan in plans(&database.cluster.log()) {
        let text = plan["Query Text"].as_str().unwrap();
        // What a function of the database does has no name.
        let name = text
            .strip_prefix("/* ")
            .and_then(|text| text.split(' ').next());
        let name = name.unwrap_or(text);
        seen.insert(name.to_owned());
        look(name, &plan["Plan"], &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let expected = EXPECTED.iter().filter(|name| !seen.contains(**name));
    let missing: Vec<_> = expected.collect();
    assert!(missing.is_empty(), "not run: {missing:?} of {seen:?}");
}

const EXPECTED: [&str; 37] = [
    "aliases::all_of_key",
    "aliases::list",
    "aliases::list_of_key",
    "access_key_usage::write",
    "approvals::forget",
    "audit_checkpoints::figures",
    "audit_checkpoints::last",
    "audit_forward::checkpoints",
    "audit_forward::records",
    "audit_log::group",
    "audit_log::seen_group",
    "audit_reading::leaves",
    "audit_reading::leaves_of",
    "audit_reading::prune",
    "audit_reading::written",
    "audit_tree::place",
    "audit_tree::place_groups",
    "audit_tree::put_tiles",
    "audit_tree::state",
    "audit_tree::tiles",
    "figures::keys",
    "figures::most_used",
    "grants::list",
    "grants::list_of_grantee",
    "grants::retirable",
    "identities::list",
    "imports::due",
    "intents::claim",
    "key_scan::figures",
    "keys::due",
    "keys::get",
    "keys::list",
    "reconcile::keys_of_sets",
    "reconcile::versions",
    "rotations::due",
    "rotations::worn",
    "usage::write",
];

async fn worker(store: &Store) {
    let (gateway, minute) = (Uuid::new_v4(), Duration::from_secs(60));
    let tokens = [None, Some("0123".into())];
    let claim = store.claim_intents(gateway, minute, 2, &tokens);
    claim.await.unwrap();
    store.worn_keys(100).await.unwrap();
    store.forget_approval_requests(2).await.unwrap();
    store.key_scan_due(minute).await.unwrap();
    store.lease("key scan", gateway, minute).await.unwrap();
    let after = store.resume_key_scan().await.unwrap();
    assert_eq!(store.version_rows(after, 200).await.unwrap().len(), 200);
    assert!(!store.due_deletions(100).await.unwrap().is_empty());
    assert!(!store.due_expiries(100).await.unwrap().is_empty());
    assert!(!store.due_rotations(100).await.unwrap().is_empty());
    store.management_account().await.unwrap();
    store.overdue_key_stores().await.unwrap();
    store.keys_by_state().await.unwrap();
    store.least_gcm_budget().await.unwrap();
    store.key_drift().await.unwrap();
    let page = store.list_keys(&account(), &region(), None, 1).await;
    let id = &page.unwrap()[0];
    let key = store.key(&account(), &region(), id).await;
    let key = key.unwrap().unwrap();
    let at = time::OffsetDateTime::now_utc();
    store.note_use(
        key.row,
        KeyUse {
            operation: KeyLastUsageTrackingOperation::Encrypt,
            at,
            request_id: gateway,
        },
    );
    store.note_access_key_use(
        "AKIA1",
        AccessKeyUse {
            at,
            service: "kms".into(),
            region: region(),
        },
    );
    store.write_uses().await.unwrap();
}

async fn sequencer_and_forwarding(store: &Store) {
    let group = [entry(&[
        RowVersion::Key(id("k1"), 1),
        RowVersion::Alias(id("a1"), 1),
        RowVersion::Grant(id("g1"), 1),
        RowVersion::AccessKey(id("c1"), 1),
        RowVersion::Identity(id("p1"), 1),
    ])];
    // Looked at, and then seen.
    for _ in 0..2 {
        let committed = store.commit_group(&group).await.unwrap();
        assert_eq!(committed, [Committed::Durable]);
    }
    sequencer::place(store).await.unwrap();
    store.audit_figures().await.unwrap();
    for from in [1000, ROWS as u64 + 1001] {
        assert_eq!(
            store.audit_leaves(from, from + 100).await.unwrap().len(),
            100
        );
        assert!(store.audit_written_at(from).await.unwrap().is_some());
    }
    let pruned = store.transaction::<()>("prune", |tx| {
        async move {
            assert!(tx.prune_audit(0, 100).await?);
            Err(Error::new(ErrorCode::KmsInternal, "it stays"))
        }
        .boxed()
    });
    assert_eq!(pruned.await.unwrap_err().message(), "it stays");
    let committed = store.audit_leaves_of(group[0].request_id).await.unwrap();
    assert_eq!(committed.len(), 2);
    store.last_checkpoint().await.unwrap();
    store
        .transaction("forward", |tx| {
            async move {
                tx.lock_forward("syslog", true, true).await?;
                tx.records_from(1000, 200).await?;
                tx.checkpoints_from(1000, 200).await?;
                tx.forwarded("syslog", 1200).await
            }
            .boxed()
        })
        .await
        .unwrap();
}

/// The first page of each, and one from the middle; of another key each round, as keys are kept in memory.
async fn lists(store: &Store, round: usize) {
    let (account, region) = (account(), region());
    for after in [None, Some("8")] {
        let page = store.list_keys(&account, &region, after, 1000).await;
        let page = page.unwrap();
        assert_eq!(page.len(), 1000);
        let key = store.key(&account, &region, &page[round]).await;
        let mut key = Arc::unwrap_or_clone(key.unwrap().unwrap());
        let alias = after.map(|_| "alias/5");
        let aliases = store.list_aliases(&account, &region, None, alias, 100);
        let target = &aliases.await.unwrap()[0].key_id;
        let of_key = store.list_aliases(&account, &region, Some(target), alias, 100);
        assert!(!of_key.await.unwrap().is_empty());
        store.alias_names(&key).await.unwrap();
        key.row = id("k2");
        store.list_grants(&key, None, after, 100).await.unwrap();
        let grantee = Some("arn:aws:iam::111122223333:user/u1");
        store.list_grants(&key, grantee, after, 100).await.unwrap();
        let retiring = "arn:aws:iam::111122223333:user/r1";
        let retirable = store.list_retirable_grants(&region, retiring, after, 100);
        assert_eq!(retirable.await.unwrap().len(), 100);
        let user = after.map(|_| "u5");
        let users = store.list_identities(&account, IdentityKind::User, user, 100);
        assert_eq!(users.await.unwrap().len(), 100);
    }
}

/// What `auto_explain` has written.
fn plans(log: &str) -> Vec<Value> {
    let plans = log.split("  plan:\n").skip(1);
    let parsed = plans.map(|rest| {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        values.next().unwrap().unwrap()
    });
    parsed.collect()
}

/// Finds what reads a large table from end to end, or more of anything than a page.
fn look(name: &str, node: &Value, wrong: &mut BTreeSet<String>) {
    let kind = node["Node Type"].as_str().unwrap();
    let table = node["Relation Name"].as_str().unwrap_or_default();
    let number = |field: &str| node[field].as_f64().unwrap_or_default();
    let each = number("Actual Rows")
        + number("Rows Removed by Filter")
        + number("Rows Removed by Index Recheck");
    let read = each * number("Actual Loops");
    if kind == "Seq Scan" && LARGE.contains(&table) {
        wrong.insert(format!("{name}: a sequential scan of {table}"));
    } else if kind.contains("Scan") && read > MOST_READ {
        wrong.insert(format!("{name}: {kind} {table} reads {read} rows"));
    }
    // An index read from end to end for a few rows looks like any other, but for its pages.
    let blocks = number("Shared Hit Blocks") + number("Shared Read Blocks");
    if LARGE.contains(&table)
        && node["Plans"].is_null()
        && blocks > 10.0 * (read + number("Actual Loops"))
    {
        wrong.insert(format!(
            "{name}: {kind} {table} reads {blocks} pages for {read} rows"
        ));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        look(name, child, wrong);
    }
}
