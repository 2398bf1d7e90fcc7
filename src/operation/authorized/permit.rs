//! Step 6: whether the caller may, by the policies of who they are, of their session and of the key,
//! and by the key's grants.

use super::facts::{Known, On};
use super::find::{Found, Named, denied, foreign};
use super::policy_cache::{Compiled, Parsed, PolicyCache};
use super::{Request, Resolved, Seen, Source, arn_of, granted};
use crate::authz::{
    self, Allowed, Decision, Permit, Policies, Policy, PrincipalKind, Question, Reason,
};
use crate::model::arn::{self, key_arn, root_arn};
use crate::model::member::Members;
use crate::model::shapes::GrantOperation;
use crate::model::{AccountId, Constraints, GrantOperationSet};
use crate::operation::OperationName;
use crate::operation::access::{Access, By, Further, KeyAccess, Permission, Purpose, Subject};
use crate::operation::grants::check_id;
use crate::store::{Grant, Identity, Key, RowVersion};
use crate::{Error, ErrorCode};
use std::borrow::Cow;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// Who asks, with the policies that are theirs.
pub(super) struct Caller<'a> {
    pub(super) operation: OperationName,
    pub(super) request: &'a Request,
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) now: OffsetDateTime,
    pub(super) input: Option<&'a dyn Members>,
    cache: &'a PolicyCache,
    policies: Parsed,
    session: Option<Parsed>,
}

/// What allows or denies one action on one thing.
struct Say<'a> {
    resource: &'a str,
    owner: &'a AccountId,
    policy: Option<&'a Policy>,
    grants: &'a [Permit<'a>],
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

    fn decide(&self, action: &str, on: On<'_>, say: &Say<'_>) -> Decision {
        let Some(identity) = &self.policies else {
            return Decision::Deny(Reason::ExplicitIdentity);
        };
        let session = match &self.session {
            None => None,
            Some(None) => return Decision::Deny(Reason::ExplicitSession),
            Some(Some(session)) => session.policies.first().map(|policy| &**policy),
        };
        let facts = Known {
            operation: self.operation,
            request: self.request,
            identity: self.identity.as_deref(),
            now: self.now,
            input: self.input,
            owner: say.owner,
            on,
        };
        let question = Question {
            principal: &self.request.principal,
            action,
            resource: say.resource,
            owner: say.owner,
            facts: &facts,
        };
        let policies = Policies {
            identity: &identity.policies,
            session,
            resource: say.policy,
            grants: say.grants,
        };
        authz::decide(&question, &policies)
    }

    /// The caller's own policies: none if one of them does not parse, as nothing is allowed then.
    pub(super) fn into_policies(self) -> (Option<Arc<Identity>>, Arc<Compiled>) {
        (self.identity, self.policies.unwrap_or_default())
    }

    /// Step 6 for what a request is about beside its keys.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) async fn of_subject(
        &self,
        access: &Access<'_>,
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let (request, action) = (self.request, self.operation.action());
        let account = &request.principal.account;
        let resource = match access.subject {
            Subject::Account => {
                let mut keys = access.keys.iter();
                if keys.any(|key| key.permission == Permission::Account) || access.keys.is_empty() {
                    Cow::Borrowed("*")
                } else {
                    return Ok(());
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
            // Asked elsewhere, or nothing to ask.
            Subject::RoleToAssume(_) | Subject::Open => return Ok(()),
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
        self.of_account(action, &resource, On::default())
            .map_err(|reason| denied(request, action, &resource, reason))
    }

    /// Steps 5 and 6 for one key: what was found, if the caller may know of it.
    ///
    /// # Errors
    /// `AccessDeniedException`; `NotFoundException` for who might use it, were it there.
    pub(super) async fn permitted(
        &self,
        wanted: &KeyAccess<'_>,
        found: Found,
        on: On<'_>,
        tokens: &[Arc<Grant>],
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Resolved, Error> {
        let Found { name, resolved } = found;
        let request = self.request;
        let action = match wanted.permission {
            Permission::Action(action) => action,
            _ => self.operation.action(),
        };
        let by_identity = wanted.permission == Permission::Account;
        let Some(mut resolved) = resolved else {
            if let Named::Own { arn, .. } = &name
                && !by_identity
                && let Err(reason) = self.of_account(action, arn, on)
            {
                return Err(name.denied(None, request, action, reason));
            }
            if let Some(nothing) = name.placeholder(wanted.by).filter(|_| is_granted(action)) {
                // As much is asked of the database as for what is there.
                self.grants(nothing, on, &[], source).await?;
            }
            return Err(name.missing(request, action));
        };
        seen.note(&resolved);
        if let By::Grant(_, id) = wanted.by {
            check_id(id)?;
            if wanted.permission == Permission::Retire {
                resolved.grant = granted::of_key(&resolved.key, id, source).await?;
            }
        }
        let key = &*resolved.key;
        let may = match (wanted.permission, &resolved.grant) {
            (Permission::Account, _) => Ok(()),
            (Permission::Retire, grant) => {
                grant.iter().for_each(|grant| seen.note_grant(grant));
                self.of_grant(grant.as_deref(), key)
            }
            (Permission::Own | Permission::Action(_), _) => {
                let alias = resolved.alias.as_ref();
                let on = On {
                    alias: alias.map(|alias| alias.name.as_str()),
                    ..on
                };
                self.of_key(action, on, key, tokens, source, seen).await?
            }
        };
        may.map_err(|reason| name.denied(Some(key), request, action, reason))?;
        if let By::Grant(_, id) = wanted.by
            && resolved.grant.is_none()
        {
            let grant = match wanted.permission {
                Permission::Retire => None,
                _ => granted::of_key(key, id, source).await?,
            };
            let grant = grant.ok_or_else(|| {
                let message = format!("Grant {id} of {} is not found.", arn_of(key));
                Error::new(ErrorCode::NotFound, message)
            })?;
            seen.note_grant(&grant);
            resolved.grant = Some(grant);
        }
        Ok(resolved)
    }

    /// Whether the caller may do something in their own account to what has no policy of its own.
    pub(super) fn of_account(
        &self,
        action: &str,
        resource: &str,
        on: On<'_>,
    ) -> Result<(), Reason> {
        let say = Say {
            resource,
            owner: &self.request.principal.account,
            policy: None,
            grants: &[],
        };
        match self.decide(action, on, &say) {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) => Err(reason),
        }
    }

    /// Whether the caller may do what the request needs besides, to keys that are yet to be made.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) fn further(&self, further: Further<'_>, of: Option<&Key>) -> Result<(), Error> {
        let region = further.region.unwrap_or(&self.request.region);
        let keys = key_arn(&self.request.principal.account, region, "*");
        let on = On {
            key: of,
            replica: of.is_some(),
            region: Some(region),
            ..On::default()
        };
        let may = self.of_account(further.action, &keys, on);
        may.map_err(|reason| denied(self.request, further.action, &keys, reason))
    }

    /// Whether the caller may do something to a key. What of it a grant allows is noted in `seen`:
    /// it is not allowed any more once the grant is gone.
    async fn of_key(
        &self,
        action: &str,
        on: On<'_>,
        key: &Key,
        tokens: &[Arc<Grant>],
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Result<(), Reason>, Error> {
        let Some(policy) = self.cache.of_key(key) else {
            return Ok(Err(Reason::NoResource));
        };
        let aliases = match self.asks_for_aliases(&policy) {
            true => Some(self.aliases_of(key, source, seen).await?),
            false => None,
        };
        let on = On {
            key: Some(key),
            aliases: aliases.as_deref(),
            ..on
        };
        let arn = arn_of(key);
        let say = Say {
            resource: &arn,
            owner: &key.account,
            policy: policy.policies.first().map(|policy| &**policy),
            grants: &[],
        };
        let reason = match self.decide(action, on, &say) {
            Decision::Allow(_) => return Ok(Ok(())),
            Decision::Deny(reason) => reason,
        };
        let denied = matches!(
            reason,
            Reason::ExplicitIdentity | Reason::ExplicitResource | Reason::ExplicitSession
        );
        if denied || !is_granted(action) {
            return Ok(Err(reason));
        }
        let grants = self.grants(key.row, on, tokens, source).await?;
        let permits: Vec<Permit<'_>> = grants.iter().map(|grant| permit(grant)).collect();
        let say = Say {
            grants: &permits,
            ..say
        };
        Ok(match self.decide(action, on, &say) {
            Decision::Allow(Allowed::Grant(at)) => {
                let used = grants.get(at);
                let used = used.map(|grant| RowVersion::Grant(grant.row, grant.row_version));
                seen.uses.extend(used);
                Ok(())
            }
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) => Err(reason),
        })
    }

    /// Whether the caller may retire a grant: who may retire it by name; its grantee, if it says so;
    /// and, in the account that the key belongs to, those whom their own policies allow to. The key's
    /// policy is not asked.
    ///
    /// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html>.
    fn of_grant(&self, grant: Option<&Grant>, key: &Key) -> Result<(), Reason> {
        let retire: GrantOperationSet = [GrantOperation::RetireGrant].into_iter().collect();
        let retiring = grant.and_then(|grant| grant.retiring.as_deref());
        let retiring = retiring.map(|grantee| Permit {
            grantee,
            operations: retire,
            constraints: None,
        });
        let permits: Vec<Permit<'_>> = retiring.into_iter().chain(grant.map(permit)).collect();
        let say = Say {
            resource: &arn_of(key),
            owner: &key.account,
            policy: None,
            grants: &permits,
        };
        let on = On {
            key: Some(key),
            ..On::default()
        };
        let action = OperationName::RetireGrant.action();
        match self.decide(action, on, &say) {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) => Err(reason),
        }
    }

    /// The grants of a key that are the caller's, those that the request names first. Of them, for
    /// CreateGrant, those that are not exceeded by what is to be granted.
    async fn grants(
        &self,
        key: Uuid,
        on: On<'_>,
        tokens: &[Arc<Grant>],
        source: Source<'_>,
    ) -> Result<Vec<Arc<Grant>>, Error> {
        let principal = &self.request.principal;
        let role = match &principal.kind {
            PrincipalKind::AssumedRole { role } => Some(role.as_str()),
            PrincipalKind::Root | PrincipalKind::User => None,
            PrincipalKind::WebIdentity { .. } => return Ok(Vec::new()),
        };
        let root = (principal.kind != PrincipalKind::Root).then(|| root_arn(&principal.account));
        let named = tokens.iter().filter(|grant| grant.key == key);
        let mut grants: Vec<_> = named.cloned().collect();
        let grantees = [Some(principal.arn.as_str()), role, root.as_deref()];
        for grantee in grantees.into_iter().flatten() {
            let of_grantee = source.grants_of(key, grantee).await?;
            grants.extend(of_grantee.iter().cloned());
        }
        if let Some(Purpose::Grant { operations, .. }) = on.purpose {
            let constraints = self.constraints();
            grants.retain(|grant| permit(grant).covers(operations, constraints.as_ref()));
        }
        Ok(grants)
    }

    /// Those that CreateGrant asks for.
    fn constraints(&self) -> Option<Constraints> {
        let mut given = self.input?.member("constraints")?;
        let mut context = |name| {
            let context = given.get_mut(name).map(serde_json::Value::take)?;
            serde_json::from_value(context).ok()
        };
        Some(Constraints {
            encryption_context_subset: context("encryptionContextSubset"),
            encryption_context_equals: context("encryptionContextEquals"),
            source_arn: given
                .get("sourceArn")
                .and_then(|arn| arn.as_str().map(str::to_owned)),
        })
    }

    /// Whether a policy that has a say asks for `kms:ResourceAliases`.
    fn asks_for_aliases(&self, policy: &Compiled) -> bool {
        let session = self.session.iter().flatten();
        let mut all = self.policies.iter().chain(session);
        policy.asks_for_aliases || all.any(|compiled| compiled.asks_for_aliases)
    }

    async fn aliases_of(
        &self,
        key: &Key,
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Vec<String>, Error> {
        let aliases = source.aliases_of(key).await?;
        let used = aliases.iter();
        seen.uses
            .extend(used.map(|alias| RowVersion::Alias(alias.row, alias.row_version)));
        Ok(aliases.into_iter().map(|alias| alias.name).collect())
    }

    /// Whether a grant is the caller's own.
    pub(super) fn is_grantee(&self, grant: &Grant) -> bool {
        let principal = &self.request.principal;
        grant.grantee == principal.arn
            || principal.identity() == Some(&grant.grantee)
            || grant.grantee == root_arn(&principal.account)
    }
}

fn permit(grant: &Grant) -> Permit<'_> {
    Permit {
        grantee: &grant.grantee,
        operations: grant.operations,
        constraints: grant.constraints.as_ref(),
    }
}

/// Whether a grant can allow an action.
fn is_granted(action: &str) -> bool {
    let name = action.strip_prefix("kms:");
    name.is_some_and(|name| name.parse::<GrantOperation>().is_ok())
}
