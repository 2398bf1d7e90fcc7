//! Steps 5 to 7 of the pipeline: resolve, authorize, state. Their outcome is [`Authorized`],
//! which nothing else makes, and which alone carries key records and rights to use the token.

mod assumed;
mod facts;
mod find;
mod granted;
mod permit;
mod permitted;
mod policy_cache;
mod source;
mod stores;
mod versions;

pub(super) use facts::{Known, On};
pub use policy_cache::PolicyCache;
pub(super) use source::Source;

use super::access::{Access, KeyAccess, Permission, Purpose, Subject};
use super::key_stores::state_of;
use super::{Operation, Request, caller};
use crate::authz::Policy;
use crate::model::key_state::StateRule;
use crate::model::key_store::StoreRule;
use crate::model::member::Members;
use crate::model::{KeyState, arn};
use crate::store::{Alias, Grant, Identity, Key, KeyStore, RowVersion};
use crate::{Error, ErrorCode};
use find::{Found, find};
use permit::Caller;
use policy_cache::Compiled;
use std::marker::PhantomData;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// A request of operation `O` that may be executed.
pub struct Authorized<O> {
    now: OffsetDateTime,
    identity: Option<Arc<Identity>>,
    policies: Arc<Compiled>,
    entity: Option<Arc<Identity>>,
    role: Option<Arc<Identity>>,
    keys: Vec<Resolved>,
    key_store: Option<Arc<KeyStore>>,
    needed: Vec<Arc<KeyStore>>,
    operation: PhantomData<fn() -> O>,
}

struct Resolved {
    key: Arc<Key>,
    alias: Option<Arc<Alias>>,
    grant: Option<Arc<Grant>>,
    /// The number of the version that was named, where one was.
    version: Option<i32>,
    store: Option<Arc<KeyStore>>,
}

impl Resolved {
    /// By itself.
    fn plain(key: Arc<Key>) -> Self {
        Self {
            key,
            alias: None,
            grant: None,
            version: None,
            store: None,
        }
    }
}

impl<O: Operation> Authorized<O> {
    /// Resolves, authorizes and checks the state of every key of `access`, in order. `seen` has
    /// what was looked at, also where the answer is no.
    pub(super) async fn resolve(
        access: &Access<'_>,
        request: &Request,
        now: OffsetDateTime,
        source: Source<'_>,
        seen: &mut Seen,
        policies: &PolicyCache,
    ) -> Result<Self, Error> {
        let identity = caller::identity(request, now, source, seen).await?;
        let caller = Caller::new(O::NAME, request, identity, now, access.input, policies);
        let role = match access.subject {
            Subject::RoleToAssume(wanted) => Some(caller.assumed(wanted, source, seen).await?),
            _ => None,
        };
        let entity = caller.of_subject(access, source, seen).await?;
        let mut keys = Vec::with_capacity(access.keys.len());
        let mut needed = Vec::new();
        let key_store = match access.key_store {
            Some(wanted) => Some(stores::find(wanted, request, source, seen).await?),
            None => None,
        };
        if access
            .key_store
            .is_some_and(|wanted| wanted.state == StoreRule::Connected)
        {
            needed.extend(key_store.clone());
        }
        let mut ahead = None;
        let mut same_key = None;
        let mut tokens = None;
        for (at, wanted) in access.keys.iter().enumerate() {
            let before = keys.last().map(|before: &Resolved| &*before.key);
            let found = match ahead.take() {
                Some(found) => found,
                None => find::<O>(wanted.by, before, request, source).await?,
            };
            if wanted.permission == Permission::Action("kms:ReEncryptFrom")
                && let Some(other) = access.keys.get(at + 1)
            {
                let other = find::<O>(other.by, None, request, source).await?;
                let row = |found: &Found| found.resolved.as_ref().map(|it| it.key.row);
                same_key = Some(row(&found).is_some() && row(&found) == row(&other));
                ahead = Some(other);
            }
            // The key is locked before its grants: everybody locks in this order.
            if tokens.is_none() {
                let named = access.grant_tokens;
                tokens = Some(caller.grants_named(named, source, seen).await?);
            }
            let on = On {
                purpose: Some(wanted.purpose),
                context: wanted
                    .context
                    .or_else(|| access.input.and_then(Members::encryption_context)),
                same_key,
                ..On::default()
            };
            let tokens = tokens.as_deref().unwrap_or_default();
            let mut resolved = caller
                .permitted(wanted, found, on, tokens, source, seen)
                .await?;
            resolved.store = source.store_of_key(&resolved.key).await?;
            let store = resolved.store.iter();
            seen.uses
                .extend(store.map(|store| RowVersion::KeyStore(store.row, store.row_version)));
            let arn = arn_of(&resolved.key);
            versions::check_named(wanted, &resolved, &arn)?;
            let state = state_of(&resolved.key, resolved.store.as_deref());
            check::<O>(wanted, &resolved.key, state, &arn)?;
            if wanted.state == StateRule::Usable {
                needed.extend(resolved.store.clone());
            }
            keys.push(resolved);
        }
        for further in &access.further {
            let of = keys.first().map(|first: &Resolved| &*first.key);
            caller.further(*further, of)?;
        }
        let (identity, policies) = caller.into_policies();
        Ok(Self {
            now,
            identity,
            policies,
            entity,
            role,
            keys,
            key_store,
            needed,
            operation: PhantomData,
        })
    }

    /// The identity that the caller is, or whose session: `None` for a web identity.
    pub fn identity(&self) -> Option<&Arc<Identity>> {
        self.identity.as_ref()
    }

    /// The records of the keys of the operation's `access`.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter().map(|resolved| &resolved.key)
    }

    /// The caller's own policies.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies.policies
    }

    /// The user, role or root that the request is about, as it was asked about: `None` if there is
    /// none of that name. In a change it is locked.
    pub fn entity(&self) -> Option<&Identity> {
        self.entity.as_deref()
    }

    /// The role that may be assumed.
    ///
    /// # Errors
    /// Internal if the operation's `access` names none.
    pub fn role(&self) -> Result<&Identity, Error> {
        let role = self.role.as_deref();
        role.ok_or_else(|| Error::internal("the operation assumes no role"))
    }

    /// The record of the `at`th key of the operation's `access`.
    pub fn key(&self, at: usize) -> &Arc<Key> {
        &self.keys[at].key
    }

    /// The alias by which the `at`th key was named, where it was.
    pub fn alias(&self, at: usize) -> Option<&Arc<Alias>> {
        self.keys[at].alias.as_ref()
    }

    /// The grant by which the `at`th key was named, where it was.
    pub fn grant(&self, at: usize) -> Option<&Arc<Grant>> {
        self.keys[at].grant.as_ref()
    }
}

/// What the answer to a request depends on, whatever the answer is.
#[derive(Default)]
pub(super) struct Seen {
    /// The rows, in the versions that were looked at.
    pub(super) uses: Vec<RowVersion>,
    /// The ARNs of the keys.
    pub(super) resources: Vec<String>,
}

impl Seen {
    /// The rows of the keys.
    pub(super) fn keys(&self) -> Vec<Uuid> {
        let key = |used: &RowVersion| match *used {
            RowVersion::Key(row, _) => Some(row),
            _ => None,
        };
        self.uses.iter().filter_map(key).collect()
    }

    /// What was found, before it is asked whether the caller may.
    fn note(&mut self, resolved: &Resolved) {
        self.uses
            .push(RowVersion::Key(resolved.key.row, resolved.key.row_version));
        if let Some(alias) = &resolved.alias {
            self.uses
                .push(RowVersion::Alias(alias.row, alias.row_version));
        }
        if let Some(grant) = &resolved.grant {
            self.note_grant(grant);
        }
        self.resources.push(arn_of(&resolved.key));
    }

    fn note_grant(&mut self, grant: &Grant) {
        self.uses
            .push(RowVersion::Grant(grant.row, grant.row_version));
    }
}

/// The ARN of a key record.
pub fn arn_of(key: &Key) -> String {
    arn::key_arn(&key.account, &key.region, &key.key_id)
}

/// Step 7 for one key: usage and algorithm, then state.
fn check<O: Operation>(
    wanted: &KeyAccess<'_>,
    key: &Key,
    state: KeyState,
    arn: &str,
) -> Result<(), Error> {
    if let Some(usage) = wanted.purpose.usage()
        && usage != key.usage
    {
        let message = format!(
            "{arn} key usage is {} which is not valid for {}.",
            key.usage,
            O::NAME
        );
        return Err(Error::new(ErrorCode::InvalidKeyUsage, message));
    }
    let algorithm = match wanted.purpose {
        Purpose::Manage => None,
        Purpose::Material(rule) => {
            rule.check(key, arn)?;
            None
        }
        Purpose::Encryption(a) => {
            (!key.spec.encryption_algorithms(key.usage).contains(&a)).then_some(a.as_str())
        }
        Purpose::Signing(a) => {
            (!key.spec.signing_algorithms(key.usage).contains(&a)).then_some(a.as_str())
        }
        Purpose::Mac(a) => (!key.spec.mac_algorithms().contains(&a)).then_some(a.as_str()),
        Purpose::Agreement(a) => {
            (!key.spec.key_agreement_algorithms(key.usage).contains(&a)).then_some(a.as_str())
        }
        Purpose::Encapsulation(a) => {
            (!key.spec.encapsulation_algorithms(key.usage).contains(&a)).then_some(a.as_str())
        }
        Purpose::PublicKey if !key.spec.is_asymmetric() => {
            let message = format!("{arn} is a {} key and has no public key.", key.spec);
            return Err(Error::new(ErrorCode::UnsupportedOperation, message));
        }
        Purpose::PublicKey => None,
        Purpose::Grant {
            operations,
            context,
        } => {
            granted::suits(operations, context, key)?;
            None
        }
    };
    if let Some(algorithm) = algorithm {
        let message = format!(
            "Algorithm {algorithm} is incompatible with key spec {}.",
            key.spec
        );
        return Err(Error::new(ErrorCode::InvalidKeyUsage, message));
    }
    wanted.state.check(state, arn)
}
