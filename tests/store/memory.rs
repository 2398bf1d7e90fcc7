//! What a gateway has in memory of a key.

use crate::fixture::*;
use futures_util::future::{BoxFuture, try_join_all};
use mimalloc::MiMalloc;
use std::process::Command;
use std::sync::Arc;
use strongroom::Error;
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::store::*;
use uuid::Uuid;
use zeroizing_alloc::ZeroAlloc;

/// The program's.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

/// Set in a process that does nothing else, so that what it grows by is what the keys take.
const CHILD: &str = "STRONGROOM_MEMORY_OF_KEYS";
/// Keys that are read before it is looked how much there is, and after.
const FIRST: usize = 2_000;
const THEN: usize = 10_000;
/// The most bytes that one may take, of those that the process has from the kernel: in whatever sizes
/// the allocator deals them out, and with what the cache's own tables have spare.
const MOST: usize = 400;

// Each with ids, a material and a check value of its own.
const COPIES: &str = "set session_replication_role = replica;
    create temp table copy as select n, gen_random_uuid() as id, gen_random_uuid() as material,
        gen_random_uuid() as version, gen_random_uuid() as key_id from generate_series(1, 12000) n;
    insert into material_set (id, created) select material, now() from copy;
    insert into key_version select (jsonb_populate_record(v, jsonb_build_object(
        'id', c.version, 'material_set', c.material,
        'birth', replace(v.birth, '[1,2,3]', format('[%s,%s,7]', n / 256, n % 256))
        ))).* from key_version v, copy c;
    insert into kms_key select (jsonb_populate_record(k, jsonb_build_object(
        'id', c.id, 'material_set', c.material, 'key_id', c.key_id, 'current_version', c.version
        ))).* from kms_key k, copy c;";

/// Takes every row for genuine: it is not the MACs that are measured.
struct Trusting;

impl RowSeal for Trusting {
    fn mac(&self, _: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        Box::pin(async { Ok(vec![0; 32]) })
    }
    fn verify(&self, _: Vec<u8>, _: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async { Ok(true) })
    }
}

/// A symmetric key as CreateKey makes it where nothing is asked for.
fn ordinary() -> Key {
    let birth = serde_json::json!({
        "token_serial": "0123456789abcdef", "public_key": null, "check_value": [1, 2, 3],
        "always_sensitive": true, "never_extractable": true, "local": true,
        "key_gen_mechanism": "CKM_AES_KEY_GEN",
    });
    let serial = "0123456789abcdef".to_owned();
    let version = KeyVersion::made(Uuid::new_v4(), 1, serial, None, birth, CREATED);
    let mut key = key();
    key.current_version = version.id;
    key.versions = vec![version].into();
    (key.spec, key.usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
    key.description = String::new();
    key.tags.clear();
    // As long as the default one.
    key.policy = format!(r#"{{"Version":"2012-10-17","Id":"{}"}}"#, "x".repeat(280)).into();
    key
}

/// What the process has, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<usize>().unwrap() << 10
}

async fn read(store: &Store, ids: &[String]) -> Vec<Arc<Key>> {
    let (account, region) = (account(), region());
    let mut keys = Vec::with_capacity(ids.len());
    for some in ids.chunks(8) {
        let some = some.iter().map(|id| store.key(&account, &region, id));
        let some = try_join_all(some).await.unwrap();
        keys.extend(some.into_iter().map(|key| key.expect("the key")));
    }
    keys
}

#[test]
fn a_key_takes_few_bytes() {
    if std::env::var_os(CHILD).is_none() {
        let test = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::a_key_takes_few_bytes", "--nocapture"])
            .env(CHILD, "")
            .status();
        return assert!(test.unwrap().success());
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(measured());
}

async fn measured() {
    let database = Database::new().await;
    let store = Store::open(StoreConfig {
        cache_entries: 100_000,
        ..database.config()
    });
    let store = store.await.unwrap();
    store.set_seal(Arc::new(Trusting));
    insert(&store, &ordinary()).await;
    let sql = database.sql().await;
    sql.batch_execute(COPIES).await.unwrap();
    let ids = sql.query("select key_id from kms_key", &[]).await.unwrap();
    let ids: Vec<String> = ids.iter().map(|row| row.get(0)).collect();

    let (first, rest) = ids.split_at(FIRST);
    let some = read(&store, first).await;
    // So the policy is parsed once for all of them.
    assert!(
        some.iter()
            .all(|key| Arc::ptr_eq(&key.policy, &some[0].policy))
    );
    drop(some);
    let before = resident();
    assert!(rest.len() >= THEN);
    for some in rest.chunks(1000) {
        read(&store, some).await;
    }
    let each = (resident() - before) / rest.len();
    println!("{each} bytes each");
    assert!(each < MOST, "{each} bytes each");
}
