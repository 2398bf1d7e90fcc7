//! No measurement, but what one begins with: fills a deployment's database with keys, for `scripts/scale.sh`.
//!
//! They are copies of a key that is there, with MACs by the token, so that a gateway takes them for its
//! own; only the token has no objects of them.
//!
//! `FILL_CONFIG`: the configuration file; `FILL_KEY`: the ARN of the key; `FILL_KEYS`: how many copies.

use futures_util::FutureExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use strongroom::config::Config;
use strongroom::gateway::{reconciler, settings};
use strongroom::model::{AccountId, BareKeyId, Region};
use strongroom::store::{Key, KeyProfile, KeyVersion, Store};
use uuid::Uuid;

/// Keys of one transaction.
const BATCH: usize = 500;
/// Transactions at once.
const AT_ONCE: usize = 4;
/// Intents decide whether a version may be inserted, and by whom; nobody else asks for these.
const INTENTS: &str = "insert into intent (version, kind, owner, lease_until, mac) \
    select id, 'create', gen_random_uuid(), now() + interval '1 day', '' from unnest($1::uuid[]) id";

fn main() {
    let Some(config) = std::env::var_os("FILL_CONFIG").map(PathBuf::from) else {
        return println!("nothing is filled: scripts/scale.sh does that");
    };
    let (arn, keys) = (variable("FILL_KEY"), variable("FILL_KEYS"));
    let config = Config::load(&config).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill(&config, &arn, keys.parse().unwrap()));
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing"))
}

async fn fill(config: &Config, arn: &str, keys: usize) {
    let opened = reconciler(config, None).await.unwrap();
    let model = model(&opened.store, arn).await;
    let url = secrecy::ExposeSecret::expose_secret(&settings::store(config).url).to_owned();
    let left = Arc::new(AtomicUsize::new(keys));
    let begun = Instant::now();
    let filling: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (store, model, url) = (opened.store.clone(), model.clone(), url.clone());
            tokio::spawn(some(store, url, model, Arc::clone(&left)))
        })
        .collect();
    let progress = async {
        loop {
            tokio::time::sleep(Duration::from_secs(30)).await;
            println!("{} keys to go", left.load(Ordering::Relaxed));
        }
    };
    tokio::select! {
        () = progress => {}
        done = futures_util::future::try_join_all(filling) => drop(done.unwrap()),
    }
    println!("{keys} keys in {:.1?}", begun.elapsed());
    opened.tokens.close_all().await;
}

async fn model(store: &Store, arn: &str) -> Key {
    let parts: Vec<&str> = arn.split([':', '/']).collect();
    let region = Region::parse(parts[3]).unwrap();
    let account = AccountId::parse(parts[4]).unwrap();
    let key = store.key(&account, &region, parts[6]).await;
    Key::clone(&key.unwrap().expect("the key"))
}

/// Fills until nothing is left to do.
async fn some(store: Store, url: String, model: Key, left: Arc<AtomicUsize>) {
    let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
    let (sql, connection) = connected.unwrap();
    tokio::spawn(connection);
    let take = |left: usize| Some(left.saturating_sub(BATCH));
    loop {
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let many = before.unwrap().min(BATCH);
        if many == 0 {
            return;
        }
        let batch: Arc<[Key]> = (0..many).map(|_| copy(&model)).collect();
        let versions: Vec<Uuid> = batch.iter().map(|key| key.current_version).collect();
        sql.execute(INTENTS, &[&versions]).await.unwrap();
        let filled = store.transaction("fill", |tx| {
            let batch = Arc::clone(&batch);
            async move {
                for key in batch.iter() {
                    tx.insert_key(key).await?;
                }
                Ok(())
            }
            .boxed()
        });
        filled.await.unwrap();
    }
}

fn copy(model: &Key) -> Key {
    let version = KeyVersion {
        id: Uuid::new_v4(),
        ..model.versions[0].clone()
    };
    let key_id = BareKeyId::of(Uuid::new_v4(), false);
    Key::made(
        key_id,
        KeyProfile::clone(&model.profile),
        version,
        model.created.time(),
    )
}
