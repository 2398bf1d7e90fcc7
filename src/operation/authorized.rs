//! Steps 5 to 7 of the pipeline: resolve, authorize, state. Their outcome is [`Authorized`],
//! which nothing else makes, and which alone carries key records and rights to use the token.

use super::access::{Access, By, KeyAccess, Purpose};
use super::import::import_key_material::ImportKeyMaterial;
use super::{Operation, Request};
use crate::authz::{self, Decision};
use crate::model::key_id::{KeyForms, KeyName, KeyResource};
use crate::model::{AccountId, Region, VersionState, arn};
use crate::store::{Alias, Key, KeyVersion, RowVersion, Store, Transaction};
use crate::token::KeyRef;
use crate::{Error, ErrorCode};
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

/// A request of operation `O` that may be executed.
pub struct Authorized<O> {
    keys: Vec<Resolved>,
    operation: PhantomData<fn() -> O>,
}

struct Resolved {
    key: Arc<Key>,
    alias: Option<Arc<Alias>>,
}

/// Where records are read: the cache, whose lag the re-check at the record makes good, or the
/// rows themselves, locked by the transaction that changes them.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Cache(&'a Store),
    Locked(&'a Transaction<'a>),
}

impl Source<'_> {
    async fn key(
        self,
        account: &AccountId,
        region: &Region,
        id: &str,
    ) -> Result<Option<Arc<Key>>, Error> {
        match self {
            Source::Cache(store) => store.key(account, region, id).await,
            Source::Locked(tx) => Ok(tx.lock_key(account, region, id).await?.map(Arc::new)),
        }
    }

    async fn alias(
        self,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<Arc<Alias>>, Error> {
        match self {
            Source::Cache(store) => store.alias(account, region, name).await,
            Source::Locked(tx) => Ok(tx.lock_alias(account, region, name).await?.map(Arc::new)),
        }
    }

    async fn key_of_version(
        self,
        region: &Region,
        version: Uuid,
    ) -> Result<Option<Arc<Key>>, Error> {
        match self {
            Source::Cache(store) => store.key_of_version(region, version).await,
            Source::Locked(_) => Err(Error::internal("no change names its key by a ciphertext")),
        }
    }
}

impl<O: Operation> Authorized<O> {
    /// Resolves, authorizes and checks the state of every key of `access`, in order. `seen` has
    /// what was looked at, also where the answer is no.
    pub(super) async fn resolve(
        access: &Access<'_>,
        request: &Request,
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Self, Error> {
        let mut keys = Vec::with_capacity(access.keys.len());
        for wanted in &access.keys {
            let resolved = find::<O>(wanted.by, request, source).await?;
            let arn = seen.note(&resolved);
            check::<O>(wanted, &resolved.key, arn)?;
            keys.push(resolved);
        }
        Ok(Self {
            keys,
            operation: PhantomData,
        })
    }

    /// The record of the `at`th key of the operation's `access`.
    pub fn key(&self, at: usize) -> &Arc<Key> {
        &self.keys[at].key
    }

    /// The alias by which the `at`th key was named, where it was.
    pub fn alias(&self, at: usize) -> Option<&Arc<Alias>> {
        self.keys[at].alias.as_ref()
    }

    /// The right to use the current version of the `at`th key on the token.
    ///
    /// # Errors
    /// As [`Authorized::version`]; `KMSInternalException` if the record does not hold its own
    /// current version.
    pub fn current(&self, at: usize) -> Result<KeyRef, Error> {
        let key = self.key(at);
        self.version(at, key.current_version)?
            .ok_or_else(|| Error::internal(format!("{} has no current version", arn_of(key))))
    }

    /// The right to use one version of the `at`th key on the token; `None` if it is not its own.
    ///
    /// # Errors
    /// `DisabledException`, `KMSInvalidStateException`: the version is disabled, or has no material.
    pub fn version(&self, at: usize, version: Uuid) -> Result<Option<KeyRef>, Error> {
        let key = self.key(at);
        let Some(known) = key.version(version) else {
            return Ok(None);
        };
        let arn = arn_of(key);
        match known.state {
            VersionState::Enabled => Ok(Some(key_ref(key, known))),
            VersionState::Disabled => {
                let message = format!("Version {} of {arn} is disabled.", known.number);
                Err(Error::new(ErrorCode::Disabled, message))
            }
            VersionState::PendingImport => {
                let message = format!("{arn} is pending import.");
                Err(Error::new(ErrorCode::KmsInvalidState, message))
            }
        }
    }
}

impl Authorized<ImportKeyMaterial> {
    /// The right to use an object that material for the `at`th key was imported into, before it is
    /// the key's: to see whether it is the right material.
    #[allow(clippy::disallowed_methods)] // out of an authorized call
    pub fn imported(&self, at: usize, object: Uuid, public_key: Option<Arc<[u8]>>) -> KeyRef {
        let key = self.key(at);
        KeyRef::new(object, key.spec, key.usage, public_key)
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
    /// Answers the key's ARN.
    fn note(&mut self, resolved: &Resolved) -> &str {
        self.uses
            .push(RowVersion::Key(resolved.key.row, resolved.key.row_version));
        if let Some(alias) = &resolved.alias {
            self.uses
                .push(RowVersion::Alias(alias.row, alias.row_version));
        }
        self.resources.push(arn_of(&resolved.key));
        self.resources.last().map_or("", String::as_str)
    }
}

/// The ARN of a key record.
pub fn arn_of(key: &Key) -> String {
    arn::key_arn(&key.account, &key.region, &key.key_id)
}

#[allow(clippy::disallowed_methods)] // the one place: out of an authorized call
fn key_ref(key: &Key, version: &KeyVersion) -> KeyRef {
    KeyRef::new(
        version.object_id(),
        key.spec,
        key.usage,
        version.public_key.clone(),
    )
}

/// Step 5 and 6 for one key. What belongs to another account is answered the same whether it
/// is there or not.
async fn find<O: Operation>(
    by: By<'_>,
    request: &Request,
    source: Source<'_>,
) -> Result<Resolved, Error> {
    let name = match by {
        By::Version(version) => {
            let key = source.key_of_version(&request.region, version).await?;
            return match key {
                Some(key) if may(request, &key.account) => Ok(Resolved { key, alias: None }),
                _ => Err(Error::new(
                    ErrorCode::AccessDenied,
                    "The ciphertext refers to a customer master key that does not exist, does not \
                     exist in this region, or you are not allowed to access.",
                )),
            };
        }
        By::Name(text, forms) => {
            let name = KeyName::parse(text)?;
            if forms == KeyForms::KeyOnly && matches!(name.resource, KeyResource::Alias(_)) {
                return Err(Error::new(
                    ErrorCode::NotFound,
                    format!("Invalid keyId '{text}'"),
                ));
            }
            name
        }
        By::Alias(alias) => KeyName {
            place: None,
            resource: KeyResource::Alias(alias.to_owned()),
        },
    };
    let (account, region) = match name.place {
        Some((account, region)) => (account, region),
        None => (request.principal.account.clone(), request.region.clone()),
    };
    if region != request.region {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("Invalid arn {region}"),
        ));
    }
    let named = match &name.resource {
        KeyResource::Key(id) => arn::key_arn(&account, &region, id),
        KeyResource::Alias(alias) => arn::alias_arn(&account, &region, alias),
    };
    if !may(request, &account) {
        return Err(denied::<O>(request, &named));
    }
    let not_found = |message: String| Error::new(ErrorCode::NotFound, message);
    match name.resource {
        KeyResource::Key(id) => {
            let key = source.key(&account, &region, &id).await?;
            let key = key.ok_or_else(|| not_found(format!("Key '{named}' does not exist")))?;
            Ok(Resolved { key, alias: None })
        }
        KeyResource::Alias(alias) => {
            let missing = || not_found(format!("Alias {named} is not found."));
            let alias = source
                .alias(&account, &region, &alias)
                .await?
                .ok_or_else(missing)?;
            let key = source
                .key(&account, &region, &alias.key_id)
                .await?
                .ok_or_else(missing)?;
            Ok(Resolved {
                key,
                alias: Some(alias),
            })
        }
    }
}

fn may(request: &Request, owner: &AccountId) -> bool {
    authz::decide(&request.principal, owner) == Decision::Allow
}

fn denied<O: Operation>(request: &Request, resource: &str) -> Error {
    let (who, action) = (&request.principal.arn, O::NAME);
    Error::new(
        ErrorCode::AccessDenied,
        format!(
            "User: {who} is not authorized to perform: kms:{action} on resource: {resource} because \
             no resource-based policy allows the kms:{action} action"
        ),
    )
}

/// Step 7 for one key: usage and algorithm, then state.
fn check<O: Operation>(wanted: &KeyAccess<'_>, key: &Key, arn: &str) -> Result<(), Error> {
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
        Purpose::Encryption(a) => {
            (!key.spec.encryption_algorithms(key.usage).contains(&a)).then_some(a.as_str())
        }
        Purpose::Signing(a) => {
            (!key.spec.signing_algorithms(key.usage).contains(&a)).then_some(a.as_str())
        }
        Purpose::Mac(a) => (!key.spec.mac_algorithms().contains(&a)).then_some(a.as_str()),
        Purpose::PublicKey if !key.spec.is_asymmetric() => {
            let message = format!("{arn} is a {} key and has no public key.", key.spec);
            return Err(Error::new(ErrorCode::UnsupportedOperation, message));
        }
        Purpose::PublicKey => None,
    };
    if let Some(algorithm) = algorithm {
        let message = format!(
            "Algorithm {algorithm} is incompatible with key spec {}.",
            key.spec
        );
        return Err(Error::new(ErrorCode::InvalidKeyUsage, message));
    }
    wanted.state.check(key.state, arn)
}
