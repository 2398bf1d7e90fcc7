//! Intents: what is about to be done to the token, recorded first.

use super::error::StoreError;
use super::pool::{Connection, Params, column};
use super::{AdoptedObject, Intent, IntentKind, KeyVersion, Shared, Store, Transaction, row_mac};
use crate::Error;
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

const BEGIN: &str = "/* intents::begin */
    insert into intent (version, token_serial, object_id, is_pair, kind, owner, lease_until, mac)
    values ($1, $2, $3, $4, $5, $6, strongroom_now() + make_interval(secs => $7), $8)";
pub(super) const DROP: &str = "/* intents::drop */ delete from intent where version = $1";
// Whether a key has the objects of an intent i.
macro_rules! in_use {
    () => {
        "exists (select from key_version v where v.id = i.version and v.object_id is null) \
         or exists (select from key_version v \
            where v.object_id = coalesce(i.object_id, uuid_send(i.version)) \
            and (i.object_id is null or v.token_serial = i.token_serial)) as in_use"
    };
}
// What another gateway is claiming at this moment is skipped, not waited for.
const CLAIM: &str = concat!(
    "/* intents::claim */
    with due as materialized (
        select version from intent where lease_until < (select strongroom_now())
        and case when token_serial is null then $4 else token_serial = any($5) end
        and ($6::uuid is null or version = $6)
        order by lease_until limit $3 for update skip locked
    )
    update intent i
    set owner = $1, lease_until = strongroom_now() + make_interval(secs => $2), taken_over = true
    from due where i.version = due.version
    returning i.version, i.token_serial, i.object_id, i.is_pair, i.kind, i.owner,
        $2::float8 as lease, i.mac, ",
    in_use!()
);
pub(super) const LIST: &str = concat!(
    "/* intents::list */
    select version, token_serial, object_id, is_pair, kind, owner, mac,
        greatest(extract(epoch from lease_until - strongroom_now()), 0)::float8 as lease, ",
    in_use!(),
    " from intent i order by version"
);
const WRAPPING_KEYS: &str = "/* intents::wrapping_keys */
    select count(*) as many from intent where kind = 'create' and owner = $1";
// An intent that somebody else has taken over is as good as gone: they may be destroying the object.
const FULFIL: &str = "/* intents::fulfil */
    delete from intent where version = $1 and kind = 'create' and not taken_over";

const KNOWN: &str = "/* intents::known */ select exists (select from key_version \
    where id = $1 or object_id = uuid_send($1)) as known";

/// How long whoever leaves an object has to destroy it before a worker does.
const DESTROY_LEASE: Duration = Duration::from_secs(60);

impl IntentKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            IntentKind::Create => "create",
            IntentKind::Destroy => "destroy",
        }
    }
}

/// Writes an intent.
pub(super) async fn begin(
    shared: &Shared,
    connection: &Connection,
    intent: &Intent,
) -> Result<(), Error> {
    let (kind, lease) = (intent.kind.as_str(), intent.lease.as_secs_f64());
    let mac = shared.mac(row_mac::intent(intent)).await?;
    let adopted = intent.adopted.as_ref();
    let params: Params<'_> = &[
        &intent.version,
        &intent.token_serial,
        &adopted.map(|adopted| &adopted.object_id),
        &adopted.map(|adopted| adopted.is_pair),
        &kind,
        &intent.owner,
        &lease,
        &mac,
    ];
    connection.execute(BEGIN, params).await?;
    Ok(())
}

/// Removes the intent to create a version, in the transaction that inserts it.
pub(super) async fn fulfil(connection: &Connection, version: Uuid) -> Result<(), StoreError> {
    match connection.execute(FULFIL, &[&version]).await? {
        1 => Ok(()),
        _ => Err(StoreError::IntentLost(version)),
    }
}

pub(super) fn read(row: &Row) -> Result<Intent, Error> {
    let lease: f64 = column(row, "lease")?;
    let object_id: Option<Vec<u8>> = column(row, "object_id")?;
    let adopted = object_id.zip(column(row, "is_pair")?);
    Ok(Intent {
        version: column(row, "version")?,
        token_serial: column(row, "token_serial")?,
        adopted: adopted.map(|(object_id, is_pair)| AdoptedObject { object_id, is_pair }),
        kind: match column(row, "kind")? {
            "destroy" => IntentKind::Destroy,
            _ => IntentKind::Create,
        },
        owner: column(row, "owner")?,
        lease: Duration::try_from_secs_f64(lease).unwrap_or_default(),
    })
}

impl Transaction<'_> {
    /// Leaves an object that nothing uses any more, for the caller to destroy once the transaction
    /// has committed: an intent that is nobody's, whose lease gives time before a worker does it.
    pub(super) async fn leave(&self, version: &KeyVersion) -> Result<(), Error> {
        let serial = Some(version.token_serial.clone());
        let adopted = version
            .object_id
            .as_deref()
            .filter(|_| version.is_adopted());
        self.leave_to_destroy(Intent {
            version: match adopted {
                Some(_) => version.id,
                None => version.cka_id().unwrap_or(version.id),
            },
            token_serial: serial.filter(|serial| !serial.is_empty()),
            adopted: adopted.map(|id| AdoptedObject {
                object_id: id.to_vec(),
                is_pair: version.public_key.is_some(),
            }),
            kind: IntentKind::Destroy,
            owner: Uuid::nil(),
            lease: DESTROY_LEASE,
        })
        .await
    }

    /// The same for objects that no row knows, under this `CKA_ID`.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if a row knows them after all; those of the database; internal if there
    /// is an intent for them.
    pub async fn leave_object(&self, object: Uuid, token_serial: String) -> Result<(), Error> {
        let known = self.connection.query_one(KNOWN, &[&object]).await?;
        if column(&known, "known")? {
            return Err(StoreError::Changed("intents::leave_object").into());
        }
        self.leave_to_destroy(Intent {
            version: object,
            token_serial: Some(token_serial),
            adopted: None,
            kind: IntentKind::Destroy,
            owner: Uuid::nil(),
            lease: DESTROY_LEASE,
        })
        .await
    }

    async fn leave_to_destroy(&self, intent: Intent) -> Result<(), Error> {
        begin(self.shared, self.connection, &intent).await?;
        self.note_left(intent);
        Ok(())
    }
}

impl Shared {
    /// Refuses an intent that no gateway wrote.
    pub(super) async fn check_intent(&self, intent: &Intent, row: &Row) -> Result<(), Error> {
        let canonical = row_mac::intent(intent);
        let mac = column(row, "mac")?;
        self.verify("intent", &intent.version, canonical, mac).await
    }
}

impl Store {
    /// Records what is about to be done to the token: own transaction, durable when it returns.
    ///
    /// # Errors
    /// Those of the database; internal if there is an intent for the version.
    pub async fn begin_intent(&self, intent: &Intent) -> Result<(), Error> {
        let connection = self.shared.connections.get().await?;
        begin(&self.shared, &connection, intent).await
    }

    /// Removes an intent whose work is done, or was undone.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn drop_intent(&self, version: Uuid) -> Result<(), Error> {
        let connection = self.shared.connections.get().await?;
        connection.execute(DROP, &[&version]).await?;
        Ok(())
    }

    /// Takes over intents whose lease is past by the database's clock (and extends their lease), of
    /// the tokens that are `at_hand`; `None` among them stands for intents that name no token. The
    /// others wait. Whoever began a taken-over `Create` can no longer insert its key.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn claim_intents(
        &self,
        owner: Uuid,
        lease: Duration,
        limit: i64,
        at_hand: &[Option<String>],
    ) -> Result<Vec<Intent>, Error> {
        self.claim((owner, lease), limit, at_hand, None).await
    }

    /// The same for one intent; `None` if it is not there, not due, or not to be acted on.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn claim_intent(
        &self,
        version: Uuid,
        owner: Uuid,
        lease: Duration,
        at_hand: &[Option<String>],
    ) -> Result<Option<Intent>, Error> {
        let claimed = self
            .claim((owner, lease), 1, at_hand, Some(version))
            .await?;
        Ok(claimed.into_iter().next())
    }

    async fn claim(
        &self,
        (owner, lease): (Uuid, Duration),
        limit: i64,
        at_hand: &[Option<String>],
        only: Option<Uuid>,
    ) -> Result<Vec<Intent>, Error> {
        let connection = self.shared.connections.get().await?;
        let unnamed = at_hand.contains(&None);
        let serials: Vec<&String> = at_hand.iter().flatten().collect();
        let lease = lease.as_secs_f64();
        let params: Params<'_> = &[&owner, &lease, &limit, &unnamed, &serials, &only];
        let rows = connection.query(CLAIM, params).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            let intent = read(row)?;
            // Acting on it destroys an object, so it is not enough that a row says so.
            match self.shared.check_intent(&intent, row).await {
                Err(error)
                    if !error
                        .cause::<StoreError>()
                        .is_some_and(StoreError::is_row_mac) =>
                {
                    return Err(error);
                }
                Err(_) => {} // reported
                Ok(()) if column(row, "in_use")? => log::error!(
                    "the intent for key version {} is left alone: a key has that version",
                    intent.version
                ),
                Ok(()) => claimed.push(intent),
            }
        }
        Ok(claimed)
    }

    /// How many intents to create are nobody's: those of wrapping keys, which every gateway uses
    /// until their lease is past.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wrapping_keys(&self) -> Result<i64, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(WRAPPING_KEYS, &[&Uuid::nil()]).await?;
        column(&row, "many")
    }
}
