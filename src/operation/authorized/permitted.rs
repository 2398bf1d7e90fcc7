//! Step 6 for a key: by its policy, the caller's own, and its grants.

use super::facts::On;
use super::find::{Found, Named};
use super::permit::{Caller, Resource};
use super::policy_cache::Compiled;
use super::{Resolved, Seen, Source, arn_of, granted};
use crate::authz::{Allowed, Decision, Permit, PrincipalKind, Reason};
use crate::model::arn::root_arn;
use crate::model::shapes::GrantOperation;
use crate::model::{Constraints, GrantOperationSet};
use crate::operation::OperationName;
use crate::operation::access::{By, KeyAccess, Permission, Purpose};
use crate::operation::grants::check_id;
use crate::store::{Candidate, Grant, Key};
use crate::{Error, ErrorCode};
use std::sync::Arc;
use uuid::Uuid;

impl Caller<'_> {
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
            true => Some(source.alias_names(key).await?),
            false => None,
        };
        let on = On {
            key: Some(key),
            aliases: aliases.as_deref(),
            ..on
        };
        let arn = arn_of(key);
        let resource = Resource {
            arn: &arn,
            owner: &key.account,
            policy: policy.policies.first().map(|policy| &**policy),
        };
        let facts = self.known(on, resource.owner);
        let question = self.question(action, &resource, &facts);
        let judgement = self.judge(&question, resource.policy);
        // What the policies allow or forbid, no grant is looked up for.
        let grants = match judgement.is_open() && is_granted(action) {
            true => self.grants(key.row, on, tokens, source).await?,
            false => Vec::new(),
        };
        let permits = grants.iter().map(Candidate::claimed).map(permit);
        let permits: Vec<Permit<'_>> = permits.collect();
        let used = match judgement.or_by(&permits, &question) {
            Decision::Allow(Allowed::Grant(at)) => &grants[at],
            Decision::Allow(_) => return Ok(Ok(())),
            Decision::Deny(reason) => return Ok(Err(reason)),
        };
        // One that is gone is noted too: this is then asked once more.
        seen.note_grant(used.claimed());
        if source.confirm_grant(used).await? {
            return Ok(Ok(()));
        }
        Ok(match judgement.or_by(&[], &question) {
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
        let permits = retiring.into_iter().chain(grant.map(permit));
        let meant =
            |permit: &Permit<'_>| grant.is_some_and(|grant| self.is_meant(permit.grantee, grant));
        let permits: Vec<Permit<'_>> = permits.filter(meant).collect();
        let resource = Resource {
            arn: &arn_of(key),
            owner: &key.account,
            policy: None,
        };
        let on = On {
            key: Some(key),
            ..On::default()
        };
        let action = OperationName::RetireGrant.action();
        self.decide(action, on, &resource, &permits)
    }

    /// The grants of a key that are the caller's, those that the request names first. Of them, for
    /// CreateGrant, those that are not exceeded by what is to be granted.
    async fn grants(
        &self,
        key: Uuid,
        on: On<'_>,
        tokens: &[Arc<Grant>],
        source: Source<'_>,
    ) -> Result<Vec<Candidate>, Error> {
        let principal = &self.request.principal;
        let role = match &principal.kind {
            PrincipalKind::AssumedRole { role } => Some(role.as_str()),
            PrincipalKind::Root | PrincipalKind::User => None,
            PrincipalKind::WebIdentity { .. } => return Ok(Vec::new()),
        };
        let root = (principal.kind != PrincipalKind::Root).then(|| root_arn(&principal.account));
        let named = tokens.iter().filter(|grant| grant.key == key);
        let mut grants: Vec<_> = named.cloned().map(Candidate::from).collect();
        let grantees = [Some(principal.arn.as_str()), role, root.as_deref()];
        for grantee in grantees.into_iter().flatten() {
            let of_grantee = source.grants_of(key, grantee).await?;
            grants.extend(of_grantee.iter().cloned());
        }
        grants.retain(|grant| self.is_meant(&grant.claimed().grantee, grant.claimed()));
        if let Some(Purpose::Grant { operations, .. }) = on.purpose {
            let constraints = self.constraints();
            grants.retain(|grant| permit(grant.claimed()).covers(operations, constraints.as_ref()));
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
