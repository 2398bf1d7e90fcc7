//! Calls that wait for approvals, and the approvals. None of it is cached.

use super::error::StoreError;
use super::keys::place;
use super::pool::{Connection, Params, column};
use super::row_mac::{self, refused};
use super::{Approval, ApprovalRequest, ApprovalState, Shared, Store, Transaction};
use crate::Error;
use crate::model::{AccountId, Region};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "approval_request";

macro_rules! select {
    ($name:literal) => {
        concat!(
            "/* approvals::",
            $name,
            " */ select id, account, region, operation, requester, identity, hands, call, \
             parameters, resources, needed, approvers, created, expires, state, denied_by, \
             row_version, mac, expires <= strongroom_now() as expired from approval_request where "
        )
    };
}

const GET: &str = concat!(select!("get"), "id = $1");
const LOCK: &str = concat!(select!("lock"), "id = $1 for update");
const OPEN: &str = concat!(
    select!("open"),
    "call = $1 and state in ('PENDING', 'DENIED')"
);
const LOCK_OPEN: &str = concat!(
    select!("lock_open"),
    "call = $1 and state in ('PENDING', 'DENIED') for update"
);
const LIST: &str = concat!(
    select!("list"),
    "(account = $1 or ($2 and approvers::jsonb ? $3)) and id > $4 order by id limit $5"
);
const APPROVALS: &str = "/* approvals::approvals */ select request, approver_id, approver, \
    hands, principal, access_key, created, mac from approval where request = $1 order by created";
const LOCK_ACCOUNT: &str =
    "/* approvals::lock_account */ select id from account where id = $1 for no key update";
const COUNT: &str = "/* approvals::count */ select count(*) as all, \
    count(*) filter (where identity = $2) as own from approval_request \
    where account = $1 and state in ('PENDING', 'DENIED') and expires > strongroom_now()";
const INSERT: &str = "/* approvals::insert */ insert into approval_request \
    (id, account, region, operation, requester, identity, hands, call, parameters, \
    resources, needed, approvers, created, expires, state, denied_by, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
const UPDATE: &str = "/* approvals::update */ update approval_request \
    set state = $3, denied_by = $4, row_version = $2 + 1, mac = $5 \
    where id = $1 and row_version = $2";
const APPROVE: &str = "/* approvals::approve */ insert into approval \
    (request, approver_id, approver, hands, principal, access_key, created, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const NOW: &str = "/* approvals::now */ select strongroom_now() as now";
const FORGET: &str = "/* approvals::forget */ delete from approval_request where id in \
    (select id from approval_request where expires < strongroom_now() - interval '30 days' \
    order by expires limit $1)";

/// What makes a call the same as another.
#[derive(Debug)]
pub struct Call<'a> {
    /// The operation's name.
    pub operation: &'a str,
    /// The Region that is called.
    pub region: &'a Region,
    /// The ARN of the principal that calls.
    pub requester: &'a str,
    /// The row of its identity.
    pub identity: Uuid,
    /// The ARNs of the keys that it comes to, in their order.
    pub resources: &'a [String],
    /// A digest of the parameters, secrets included.
    pub parameters: &'a [u8],
}

/// How many requests are open.
#[derive(Debug)]
pub struct OpenRequests {
    /// Of the account.
    pub account: i64,
    /// Of the identity.
    pub identity: i64,
}

impl ApprovalState {
    /// As the column has it.
    fn as_str(self) -> &'static str {
        match self {
            ApprovalState::Pending => "PENDING",
            ApprovalState::Denied => "DENIED",
            ApprovalState::Executed => "EXECUTED",
            ApprovalState::Expired => "EXPIRED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        use ApprovalState::{Denied, Executed, Expired, Pending};
        let all = [Pending, Denied, Executed, Expired];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

fn json(list: &[String]) -> Result<String, Error> {
    serde_json::to_string(list).map_err(Error::internal)
}

impl Shared {
    /// A request with its approvals. One row that does not verify makes all of it worthless.
    async fn read_approval_request(
        &self,
        row: &Row,
        connection: &Connection,
    ) -> Result<ApprovalRequest, Error> {
        let id: Uuid = column(row, "id")?;
        let named = id.to_string();
        let unreadable = || refused(TABLE, &named);
        let (account, region) = place(row, TABLE, &named)?;
        let list = |row: &Row, name| -> Result<Vec<String>, Error> {
            serde_json::from_str(column(row, name)?).map_err(|_| unreadable())
        };
        let mut request = ApprovalRequest {
            row: id,
            row_version: column(row, "row_version")?,
            account,
            region,
            operation: column(row, "operation")?,
            requester: column(row, "requester")?,
            identity: column(row, "identity")?,
            hands: list(row, "hands")?,
            call: column(row, "call")?,
            parameters: column(row, "parameters")?,
            resources: list(row, "resources")?,
            needed: column(row, "needed")?,
            approvers: list(row, "approvers")?,
            created: column(row, "created")?,
            expires: column(row, "expires")?,
            state: ApprovalState::parse(column(row, "state")?).ok_or_else(unreadable)?,
            denied_by: column(row, "denied_by")?,
            expired: column(row, "expired")?,
            approvals: Vec::new(),
        };
        let bytes = row_mac::approval_request(&request, request.state.as_str());
        self.verify(TABLE, &named, bytes, column(row, "mac")?)
            .await?;
        for row in connection.query(APPROVALS, &[&id]).await? {
            let approval = Approval {
                identity_row: column(&row, "approver_id")?,
                approver: column(&row, "approver")?,
                hands: list(&row, "hands")?,
                principal: column(&row, "principal")?,
                access_key: column(&row, "access_key")?,
                created: column(&row, "created")?,
            };
            let bytes = row_mac::approval(id, &approval);
            self.verify("approval", &named, bytes, column(&row, "mac")?)
                .await?;
            request.approvals.push(approval);
        }
        Ok(request)
    }

    async fn approval_request_by(
        &self,
        connection: &Connection,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Option<ApprovalRequest>, Error> {
        match connection.query_opt(sql, params).await? {
            Some(row) => Ok(Some(self.read_approval_request(&row, connection).await?)),
            None => Ok(None),
        }
    }
}

impl Store {
    /// What is the same for the same call alone. A key on the token makes it, so that what it
    /// tells of a secret parameter is nothing.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn call(&self, call: &Call<'_>) -> Result<Vec<u8>, Error> {
        self.shared.mac(row_mac::call(call)).await
    }

    /// An approval request by its id.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn approval_request(&self, id: Uuid) -> Result<Option<ApprovalRequest>, Error> {
        let connection = self.shared.connections.get().await?;
        let shared = &self.shared;
        shared.approval_request_by(&connection, GET, &[&id]).await
    }

    /// The one that is open for a call: it waits, or was denied; its time may be over.
    ///
    /// # Errors
    /// As [`Store::approval_request`].
    pub async fn open_approval_request(
        &self,
        call: &[u8],
    ) -> Result<Option<ApprovalRequest>, Error> {
        let connection = self.shared.connections.get().await?;
        let shared = &self.shared;
        shared
            .approval_request_by(&connection, OPEN, &[&call])
            .await
    }

    /// Those of an account, and those of any account that name `approver` if `everywhere`; after
    /// `after` in the order of their ids, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::approval_request`].
    pub async fn list_approval_requests(
        &self,
        account: &AccountId,
        everywhere: bool,
        approver: &str,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<ApprovalRequest>, Error> {
        let connection = self.shared.connections.get().await?;
        let params: Params<'_> = &[&account.as_str(), &everywhere, &approver, &after, &limit];
        let rows = connection.query(LIST, params).await?;
        let mut requests = Vec::with_capacity(rows.len());
        for row in &rows {
            let read = self.shared.read_approval_request(row, &connection);
            requests.push(read.await?);
        }
        Ok(requests)
    }

    /// Removes at most `limit` requests whose time has been over for thirty days, whatever became
    /// of them: the audit log knows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget_approval_requests(&self, limit: i64) -> Result<u64, Error> {
        let connection = self.shared.connections.get().await?;
        Ok(connection.execute(FORGET, &[&limit]).await?)
    }
}

impl Transaction<'_> {
    /// As [`Store::approval_request`], locked.
    ///
    /// # Errors
    /// As [`Store::approval_request`].
    pub async fn lock_approval_request(&self, id: Uuid) -> Result<Option<ApprovalRequest>, Error> {
        let shared = self.shared;
        shared
            .approval_request_by(self.connection, LOCK, &[&id])
            .await
    }

    /// As [`Store::open_approval_request`], locked.
    ///
    /// # Errors
    /// As [`Store::approval_request`].
    pub async fn lock_open_approval_request(
        &self,
        call: &[u8],
    ) -> Result<Option<ApprovalRequest>, Error> {
        let shared = self.shared;
        shared
            .approval_request_by(self.connection, LOCK_OPEN, &[&call])
            .await
    }

    /// Keeps others from opening requests of an account until the transaction ends; counts those
    /// that are open.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count_open_approval_requests(
        &self,
        account: &AccountId,
        identity: &str,
    ) -> Result<OpenRequests, Error> {
        let id = account.as_str();
        self.connection.query_one(LOCK_ACCOUNT, &[&id]).await?;
        let row = self.connection.query_one(COUNT, &[&id, &identity]).await?;
        Ok(OpenRequests {
            account: column(&row, "all")?,
            identity: column(&row, "own")?,
        })
    }

    /// The database's clock.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn now(&self) -> Result<OffsetDateTime, Error> {
        column(&self.connection.query_one(NOW, &[]).await?, "now")
    }

    /// Inserts a request; its approvals are not part of it.
    ///
    /// # Errors
    /// Those of the database; internal if the call has one that is open.
    pub async fn insert_approval_request(&self, request: &ApprovalRequest) -> Result<(), Error> {
        let state = request.state.as_str();
        let bytes = row_mac::approval_request(request, state);
        let mac = self.shared.mac(bytes).await?;
        let (account, region) = (request.account.as_str(), request.region.as_str());
        let lists = [&request.hands, &request.resources, &request.approvers];
        let [hands, resources, approvers] = lists.map(|list| json(list));
        let (hands, resources, approvers) = (hands?, resources?, approvers?);
        let params: Params<'_> = &[
            &request.row,
            &account,
            &region,
            &request.operation,
            &request.requester,
            &request.identity,
            &hands,
            &request.call,
            &request.parameters,
            &resources,
            &request.needed,
            &approvers,
            &request.created,
            &request.expires,
            &state,
            &request.denied_by,
            &request.row_version,
            &mac,
        ];
        self.connection.execute(INSERT, params).await?;
        Ok(())
    }

    /// Writes what has become of a request.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `request.row_version`; those of the
    /// database.
    pub async fn update_approval_request(&self, request: &ApprovalRequest) -> Result<(), Error> {
        let state = request.state.as_str();
        let raised = ApprovalRequest {
            row_version: request.row_version + 1,
            ..request.clone()
        };
        let bytes = row_mac::approval_request(&raised, state);
        let mac = self.shared.mac(bytes).await?;
        let (row, version) = (request.row, request.row_version);
        let params: Params<'_> = &[&row, &version, &state, &request.denied_by, &mac];
        if self.connection.execute(UPDATE, params).await? != 1 {
            return Err(StoreError::Changed("approvals::update").into());
        }
        Ok(())
    }

    /// Adds an approval to a request that is locked.
    ///
    /// # Errors
    /// Those of the database; internal if the identity has approved it already.
    pub async fn insert_approval(&self, request: Uuid, approval: &Approval) -> Result<(), Error> {
        let mac = self
            .shared
            .mac(row_mac::approval(request, approval))
            .await?;
        let hands = json(&approval.hands)?;
        let params: Params<'_> = &[
            &request,
            &approval.identity_row,
            &approval.approver,
            &hands,
            &approval.principal,
            &approval.access_key,
            &approval.created,
            &mac,
        ];
        self.connection.execute(APPROVE, params).await?;
        Ok(())
    }
}
