//! Calls that wait for approvals, and the approvals: what is read. None of it is cached.

use super::keys::place;
use super::pool::{Connection, Params, column};
use super::row_mac::{self, refused};
use super::{Approval, ApprovalRequest, ApprovalState, Shared, Store};
use crate::Error;
use crate::model::{AccountId, Region};
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

pub(super) use select;

pub(super) const PAGE: &str = concat!(select!("page"), "id > $1 order by id limit $2");
const GET: &str = concat!(select!("get"), "id = $1");
const OPEN: &str = concat!(
    select!("open"),
    "call = $1 and state in ('PENDING', 'DENIED')"
);
const LIST: &str = concat!(
    select!("list"),
    "(account = $1 or (approvers::jsonb ? $3 and ($2 or resources like '%:' || $1 || ':key/%'))) \
     and id > $4 order by id limit $5"
);
const APPROVALS: &str = "/* approvals::approvals */ select request, approver_id, approver, \
    hands, principal, access_key, created, mac from approval where request = $1 order by created";
const FORGET: &str = "/* approvals::forget */ delete from approval_request where id in \
    (select id from approval_request \
    where expires < (select strongroom_now()) - interval '30 days' order by expires limit $1)";

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

impl ApprovalState {
    /// As the column has it.
    pub(super) fn as_str(self) -> &'static str {
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

impl Shared {
    /// A request with its approvals. One row that does not verify makes all of it worthless.
    pub(super) async fn read_approval_request(
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

    pub(super) async fn approval_request_by(
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

    /// Those of an account, and those that name `approver`: for a key of the account, or for
    /// whatever if `everywhere`; after `after` in the order of their ids, at most `limit`.
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
