//! One cluster for the binary, one database for each test, and rows to put there.

use crate::postgres::Cluster;
use futures_util::future::BoxFuture;
use openssl::{hash::MessageDigest, memcmp, pkey::PKey, sign::Signer};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use strongroom::Error;
use strongroom::model::shapes::GrantOperation;
use strongroom::model::{
    AccountId, BareKeyId, Constraints, EncryptionContext, KeySpec, KeyUsage, Origin, Region, arn,
};
use strongroom::store::*;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// A seal with a key in memory.
pub struct Seal;

impl RowSeal for Seal {
    fn mac(&self, row: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let key = PKey::hmac(&[7; 32]).map_err(Error::internal)?;
            let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(Error::internal)?;
            signer.sign_oneshot_to_vec(&row).map_err(Error::internal)
        })
    }
    fn verify(&self, row: Vec<u8>, mac: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let right = self.mac(row).await?;
            Ok(right.len() == mac.len() && memcmp::eq(&right, &mac))
        })
    }
}

/// A database with the schema, and one to change behind the store's back.
pub struct Database {
    pub cluster: Arc<Cluster>,
    pub name: String,
}

/// The tests' common cluster: a static is never dropped, so the last test's reference ends it.
static SHARED: Mutex<(Weak<Cluster>, Option<String>)> = Mutex::new((Weak::new(), None));

impl Database {
    /// From the template.
    pub async fn new() -> Self {
        let (cluster, template) = tokio::task::spawn_blocking(|| {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(cluster), Some(template)) = (shared.0.upgrade(), &shared.1) {
                return (cluster, template.clone());
            }
            let cluster = Arc::new(Cluster::start());
            let template = cluster.database(None);
            let config = config(cluster.url(&template));
            tokio::runtime::Runtime::new()
                .unwrap()
                .block_on(Store::migrate(&config))
                .unwrap();
            *shared = (Arc::downgrade(&cluster), Some(template.clone()));
            (cluster, template)
        })
        .await
        .unwrap();
        let name = {
            // Two at a time would each find the template in use.
            let _one = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            cluster.database(Some(&template))
        };
        Self { cluster, name }
    }

    /// In a cluster of its own.
    pub async fn alone() -> Self {
        let cluster = Arc::new(Cluster::start());
        let name = cluster.database(None);
        let database = Self { cluster, name };
        Store::migrate(&database.config()).await.unwrap();
        database
    }

    pub fn config(&self) -> StoreConfig {
        config(self.cluster.url(&self.name))
    }

    pub async fn store(&self) -> Store {
        let store = Store::open(self.config()).await.unwrap();
        store.set_seal(Arc::new(Seal));
        store
    }

    /// As the database's owner.
    pub async fn sql(&self) -> tokio_postgres::Client {
        let url = self.cluster.url(&self.name);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Has the next group of records look at its rows.
    pub async fn change_stamp(&self) {
        let change = "update last_change set stamp = gen_random_uuid()";
        self.sql().await.batch_execute(change).await.unwrap();
    }
}

pub fn config(url: String) -> StoreConfig {
    StoreConfig {
        url: url.into(),
        connections: 8,
        deadline: Duration::from_secs(10),
        cache_entries: 100,
        quotas: ResourceQuotas::default(),
    }
}

pub fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

pub fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

/// With nanoseconds, which the database does not keep.
pub const CREATED: OffsetDateTime = datetime!(2024-02-03 04:05:06.123456789 UTC);

/// A grant that is in no table yet.
pub fn grant(key: &Key) -> Grant {
    let pairs = [("b", "\u{0}"), ("a", "1")];
    Grant {
        row: Uuid::new_v4(),
        row_version: 1,
        key: key.row,
        account: key.account.clone(),
        region: key.region.clone(),
        key_id: key.key_id.to_string(),
        grant_id: format!("{:032x}{:032x}", Uuid::new_v4().as_u128(), 7),
        name: Some("n".into()),
        grantee: "arn:aws:iam::111122223333:user/alice".into(),
        retiring: Some("arn:aws:iam::111122223333:root".into()),
        issuer: account(),
        operations: [GrantOperation::Sign, GrantOperation::DescribeKey]
            .into_iter()
            .collect(),
        constraints: Some(Constraints {
            encryption_context_equals: Some(EncryptionContext(
                pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            )),
            ..Constraints::default()
        }),
        created: CREATED,
    }
}

/// A key that is in no table yet.
pub fn key() -> Key {
    let profile = KeyProfile {
        account: account(),
        region: region(),
        spec: KeySpec::Rsa2048,
        usage: KeyUsage::SignVerify,
        origin: Origin::AwsKms,
        description: "for tests \u{1f512}".into(),
        policy: r#"{"Version":"2012-10-17"}"#.into(),
        tags: [("b", ""), ("a", "1")]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
        deletion: None,
        key_store: None,
        multi_region: false,
        primary_region: None,
        rotation_days: None,
        pending_days: None,
    };
    let version = KeyVersion::made(
        Uuid::new_v4(),
        1,
        "0123456789abcdef".into(),
        Some(Arc::from(&b"\x30\x00spki"[..])),
        serde_json::json!({"z": 1, "local": true, "a": 1.0}),
        CREATED,
    );
    let key_id = BareKeyId::of(Uuid::new_v4(), false);
    Key::made(key_id, profile, version, CREATED)
}

pub fn alias(name: &str, key: &Key) -> Alias {
    Alias {
        row: Uuid::new_v4(),
        row_version: 1,
        account: account(),
        region: region(),
        name: name.into(),
        key_id: key.key_id.to_string(),
        created: CREATED,
        updated: CREATED,
    }
}

pub fn access_key(id: &str) -> AccessKey {
    AccessKey {
        row: Uuid::new_v4(),
        row_version: 1,
        id: id.into(),
        account: account(),
        principal: arn::root_arn(&account()),
        wrapped_secret: format!("wrapped {id}").into_bytes(),
        enabled: true,
        created: CREATED,
    }
}

/// A user, or a role, that is in no table yet, with all that one can have.
pub fn identity(kind: IdentityKind, name: &str) -> Identity {
    let role = kind == IdentityKind::Role;
    let (arn, prefix) = match role {
        true => (arn::role_arn(&account(), name), "AROA"),
        false => (arn::user_arn(&account(), name), "AIDA"),
    };
    let map = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    Identity {
        row: Uuid::new_v4(),
        row_version: 1,
        arn,
        account: account(),
        kind,
        name: Some(name.into()),
        unique_id: Some(format!("{prefix}{}", Uuid::new_v4().simple())),
        tags: map("team", "\u{1f512}"),
        policies: map("p", r#"{"Version":"2012-10-17"}"#),
        trust: role.then(|| "{}".into()),
        max_session_seconds: role.then_some(3600),
        management: false,
        created: CREATED,
    }
}

/// Inserts the account and an identity.
pub async fn insert_identity(store: &Store, identity: &Identity) -> Result<(), Error> {
    store
        .transaction("insert_identity", |tx| {
            let identity = identity.clone();
            Box::pin(async move {
                tx.ensure_account(&identity.account).await?;
                tx.insert_identity(&identity).await
            })
        })
        .await
}

pub fn create_intent(version: Uuid) -> Intent {
    Intent {
        version,
        token_serial: None,
        adopted: None,
        kind: IntentKind::Create,
        owner: Uuid::new_v4(),
        lease: Duration::from_secs(60),
    }
}

/// Inserts the account and a key, as CreateKey does.
pub async fn insert(store: &Store, key: &Key) {
    for version in &key.versions {
        store
            .begin_intent(&create_intent(version.id))
            .await
            .unwrap();
    }
    store
        .transaction("insert", |tx| {
            let key = key.clone();
            Box::pin(async move {
                tx.ensure_account(&key.account).await?;
                tx.insert_key(&key).await
            })
        })
        .await
        .unwrap();
}

/// Inserts an alias, as CreateAlias does: on the locked key.
pub async fn insert_alias(store: &Store, alias: &Alias) -> Result<(), Error> {
    store
        .transaction("insert_alias", |tx| {
            let alias = alias.clone();
            Box::pin(async move {
                let key = locked(tx, &alias.key_id).await?;
                tx.insert_alias(&alias, &key).await
            })
        })
        .await
}

/// A key as it is, locked.
pub async fn locked(tx: &Transaction<'_>, key_id: &str) -> Result<Key, Error> {
    let key = tx.lock_key(&account(), &region(), key_id).await?;
    Ok(key.expect("the key"))
}

pub async fn insert_access_key(store: &Store, key: &AccessKey) {
    store
        .transaction("insert_access_key", |tx| {
            let key = key.clone();
            Box::pin(async move {
                tx.ensure_account(&key.account).await?;
                tx.insert_access_key(&key).await
            })
        })
        .await
        .unwrap();
}

/// Locks a key, changes it, writes it.
pub async fn change(
    store: &Store,
    key: &Key,
    change: impl Fn(&mut Key) + Send + Sync + Clone + 'static,
) -> Result<(), Error> {
    store
        .transaction("change", |tx| {
            let (key, change) = (key.clone(), change.clone());
            Box::pin(async move {
                let locked = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                let mut key = locked.expect("the key");
                change(&mut key);
                tx.update_key(&key).await
            })
        })
        .await
}

/// An entry that used these rows.
pub fn entry(uses: &[RowVersion]) -> Entry {
    Entry {
        request_id: Uuid::now_v7(),
        record: b"{}".to_vec(),
        uses: uses.to_vec(),
    }
}

/// The cause, where a row was refused.
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    let error = result.expect_err("a refusal");
    match error.cause::<StoreError>() {
        Some(StoreError::RowMac { table, .. }) => table,
        _ => panic!("{error}"),
    }
}

/// The database's clock from now on.
pub async fn set_clock(sql: &tokio_postgres::Client, offset: &str) {
    sql.batch_execute(&format!(
        "create or replace function strongroom_now() returns timestamptz language sql volatile \
         as $$ select clock_timestamp() + interval '{offset}' $$"
    ))
    .await
    .unwrap();
}

/// Waits for what another store says.
pub async fn until(condition: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the other store has not heard of it");
}
