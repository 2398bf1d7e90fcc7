//! Step 6: who asks, and what they may do besides what they may to keys.

use super::facts::{Known, On};
use super::find::{denied, foreign};
use super::policy_cache::{Compiled, Parsed, PolicyCache};
use super::{Request, Seen, Source};
use crate::Error;
use crate::authz::{self, Decision, Facts, Judgement, Permit, Policies, Policy, Question, Reason};
use crate::model::AccountId;
use crate::model::arn::{self, key_arn, root_arn};
use crate::model::member::Members;
use crate::operation::OperationName;
use crate::operation::access::{Access, Further, New, Permission, Subject};
use crate::store::{Grant, Identity, Key, RowVersion};
use std::borrow::Cow;
use std::sync::Arc;
use time::OffsetDateTime;

/// Who asks, with the policies that are theirs.
pub(super) struct Caller<'a> {
    pub(super) operation: OperationName,
    pub(super) request: &'a Request,
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) now: OffsetDateTime,
    pub(super) input: Option<&'a dyn Members>,
    pub(super) cache: &'a PolicyCache,
    pub(super) policies: Parsed,
    pub(super) session: Option<Parsed>,
}

/// What an action is done to: its ARN or `*`, whose it is, and its own policy.
#[derive(Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) arn: &'a str,
    pub(super) owner: &'a AccountId,
    pub(super) policy: Option<&'a Policy>,
}

/// Nobody's policies: a web identity has none.
fn none() -> Parsed {
    Some(Arc::default())
}

impl<'a> Caller<'a> {
    pub(super) fn new(
        operation: OperationName,
        request: &'a Request,
        identity: Option<Arc<Identity>>,
        now: OffsetDateTime,
        input: Option<&'a dyn Members>,
        cache: &'a PolicyCache,
    ) -> Self {
        let policies = identity.as_deref();
        let session = request.proof.session();
        let session = session.and_then(|session| session.policy.as_ref());
        Self {
            policies: policies.map_or_else(none, |identity| cache.of_identity(identity)),
            session: session.map(|text| cache.of_session(text)),
            operation,
            request,
            identity,
            now,
            input,
            cache,
        }
    }

    /// What is known of the request, for conditions.
    pub(super) fn known<'k>(&'k self, on: On<'k>, owner: &'k AccountId) -> Known<'k> {
        Known {
            operation: self.operation,
            request: self.request,
            identity: self.identity.as_deref(),
            now: self.now,
            input: self.input,
            owner,
            on,
        }
    }

    pub(super) fn question<'q>(
        &'q self,
        action: &'q str,
        resource: &Resource<'q>,
        facts: &'q dyn Facts,
    ) -> Question<'q> {
        Question {
            principal: &self.request.principal,
            action,
            resource: resource.arn,
            owner: resource.owner,
            facts,
        }
    }

    /// What the caller's own policies and the resource's say to a question.
    pub(super) fn judge(&self, question: &Question<'_>, policy: Option<&Policy>) -> Judgement {
        let Some(identity) = &self.policies else {
            return Judgement::denied(Reason::ExplicitIdentity);
        };
        let session = match &self.session {
            None => None,
            Some(None) => return Judgement::denied(Reason::ExplicitSession),
            Some(Some(session)) => session.policies.first().map(|policy| &**policy),
        };
        let policies = Policies {
            identity: &identity.policies,
            session,
            resource: policy,
        };
        authz::judge(question, &policies)
    }

    /// Whether the caller may do something, where it is known at once which grants there are.
    pub(super) fn decide(
        &self,
        action: &str,
        on: On<'_>,
        resource: &Resource<'_>,
        grants: &[Permit<'_>],
    ) -> Result<(), Reason> {
        let facts = self.known(on, resource.owner);
        let question = self.question(action, resource, &facts);
        match self
            .judge(&question, resource.policy)
            .or_by(grants, &question)
        {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) => Err(reason),
        }
    }

    /// The caller's own policies: none if one of them does not parse, as nothing is allowed then.
    pub(super) fn into_policies(self) -> (Option<Arc<Identity>>, Arc<Compiled>) {
        (self.identity, self.policies.unwrap_or_default())
    }

    /// Step 6 for what a request is about beside its keys: the user, role or root, if it is one.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) async fn of_subject(
        &self,
        access: &Access<'_>,
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Option<Arc<Identity>>, Error> {
        let (request, action) = (self.request, self.operation.action());
        let account = &request.principal.account;
        let resource = match access.subject {
            Subject::Account => {
                let mut keys = access.keys.iter();
                if keys.any(|key| key.permission == Permission::Account) || access.keys.is_empty() {
                    Cow::Borrowed("*")
                } else {
                    return Ok(None);
                }
            }
            Subject::Alias(name) => arn::alias_arn(account, &request.region, name).into(),
            Subject::User(name) => arn::user_arn(account, name).into(),
            Subject::Role(name) => arn::role_arn(account, name).into(),
            Subject::Caller => {
                let principal = &request.principal;
                principal.identity().unwrap_or(&principal.arn).into()
            }
            Subject::Principal(arn) => match arn::principal_account(arn) {
                Some(owner) if owner == *account => arn.into(),
                _ => return Err(foreign(request, action, arn)),
            },
            // Asked by itself, or nothing to ask.
            Subject::RoleToAssume(_) | Subject::Open => return Ok(None),
            Subject::Deployment => {
                let root = source.identity(&root_arn(account)).await?;
                if let Some(root) = &root {
                    seen.uses
                        .push(RowVersion::Identity(root.row, root.row_version));
                }
                if !root.is_some_and(|root| root.management) {
                    return Err(denied(request, action, "*", Reason::NoIdentity));
                }
                "*".into()
            }
        };
        let entity = match access.subject {
            Subject::User(_) | Subject::Role(_) | Subject::Caller => {
                source.entity(&resource).await?
            }
            _ => None,
        };
        if let Some(entity) = &entity {
            let row = RowVersion::Identity(entity.row, entity.row_version);
            seen.uses.push(row);
        }
        let on = On {
            entity: entity.as_deref(),
            ..On::default()
        };
        self.of_account(action, &resource, on)
            .map_err(|reason| denied(request, action, &resource, reason))?;
        Ok(entity)
    }

    /// Whether the caller may do something in their own account to what has no policy of its own.
    pub(super) fn of_account(
        &self,
        action: &str,
        resource: &str,
        on: On<'_>,
    ) -> Result<(), Reason> {
        let resource = Resource {
            arn: resource,
            owner: &self.request.principal.account,
            policy: None,
        };
        self.decide(action, on, &resource, &[])
    }

    /// Whether the caller may do what the request needs besides, to what is yet to be made. `of`: the
    /// key that a new one is to be a replica of.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) fn further(&self, further: Further<'_>, of: Option<&Key>) -> Result<(), Error> {
        let account = &self.request.principal.account;
        let (resource, on) = match further.on {
            New::Key(region) => {
                let region = region.unwrap_or(&self.request.region);
                let on = On {
                    key: of,
                    replica: of.is_some(),
                    region: Some(region),
                    ..On::default()
                };
                (key_arn(account, region, "*"), on)
            }
            New::User(name) => (arn::user_arn(account, name), On::default()),
            New::Role(name) => (arn::role_arn(account, name), On::default()),
        };
        let may = self.of_account(further.action, &resource, on);
        may.map_err(|reason| denied(self.request, further.action, &resource, reason))
    }

    /// Whether a grant is the caller's own.
    pub(super) fn is_grantee(&self, grant: &Grant) -> bool {
        let principal = &self.request.principal;
        let named = grant.grantee == principal.arn
            || principal.identity() == Some(&grant.grantee)
            || grant.grantee == root_arn(&principal.account);
        named && self.is_meant(&grant.grantee, grant)
    }

    /// Whether a grant that names a principal, who may be the caller, is about the caller and not
    /// about whoever bore the name before. An account is never another.
    pub(super) fn is_meant(&self, named: &str, grant: &Grant) -> bool {
        named == root_arn(&self.request.principal.account)
            || self
                .identity
                .as_ref()
                .is_some_and(|identity| identity.created <= grant.created)
    }
}
