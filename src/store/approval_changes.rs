//! Calls that wait for approvals, and the approvals: what is changed.

use super::approvals::select;
use super::error::StoreError;
use super::pool::{Params, column};
use super::row_mac;
use super::{Approval, ApprovalRequest, Transaction};
use crate::Error;
use crate::model::AccountId;
use uuid::Uuid;

const LOCK: &str = concat!(select!("lock"), "id = $1 for update");
const LOCK_OPEN: &str = concat!(
    select!("lock_open"),
    "call = $1 and state in ('PENDING', 'DENIED') for update"
);
const LOCK_ACCOUNT: &str =
    "/* approvals::lock_account */ select id from account where id = $1 for no key update";
const COUNT: &str = "/* approvals::count */ select count(*) as all, \
    count(*) filter (where identity = $2) as own from approval_request \
    where account = $1 and state in ('PENDING', 'DENIED') and expires > strongroom_now()";
const FORGET_OLDEST: &str = "/* approvals::forget_oldest */ delete from approval_request where id in \
    (select id from approval_request where identity = $1 \
    and (state in ('EXECUTED', 'EXPIRED') or expires <= strongroom_now()) \
    order by created desc offset $2)";
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

/// How many requests are open.
#[derive(Debug)]
pub struct OpenRequests {
    /// Of the account.
    pub account: i64,
    /// Of the identity.
    pub identity: i64,
}

fn json(list: &[String]) -> Result<String, Error> {
    serde_json::to_string(list).map_err(Error::internal)
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

    /// Inserts a request, whose approvals are not part of it; removes those of the same identity
    /// that are over, but for the latest `keep`.
    ///
    /// # Errors
    /// Those of the database; internal if the call has one that is open.
    pub async fn insert_approval_request(
        &self,
        request: &ApprovalRequest,
        keep: i64,
    ) -> Result<(), Error> {
        let params: Params<'_> = &[&request.identity, &keep];
        self.connection.execute(FORGET_OLDEST, params).await?;
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
