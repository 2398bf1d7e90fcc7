//! Whom there is to ask about: every root, user and role; whoever else is named by a key's policy or a
//! grant; and two strangers, for whom nothing is allowed unless it is allowed to everybody.

use crate::authz::{Policy, PolicyKind, Principal, PrincipalKind};
use crate::model::AccountId;
use crate::model::arn::{assumed_role_arn, principal_account, root_arn, user_arn};
use crate::store::{Identity, IdentityKind, Metadata};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A principal that was asked about.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalEntry {
    /// Its ARN; of a stranger, in words.
    pub name: String,
    /// The account that it belongs to; empty for strangers.
    pub account: String,
    /// What it is.
    pub who: Who,
    /// How many access keys it has that are enabled.
    pub access_keys: usize,
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Who {
    /// An account's root.
    Root,
    /// A user.
    User,
    /// Sessions of a role.
    Role,
    /// One session of a role, that something names.
    Session,
    /// Anybody else of the key's account, whom no policy of their own allows anything.
    Neighbour,
    /// Anybody of an account that is not there yet, whom their own policies allow everything.
    Stranger,
}

impl Who {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Who::Root => "root",
            Who::User => "user",
            Who::Role => "role",
            Who::Session => "session",
            Who::Neighbour | Who::Stranger => "anybody",
        }
    }
}

/// A principal, with all that speaks for it.
pub(super) struct Asker<'a> {
    pub(super) entry: PrincipalEntry,
    pub(super) principal: Principal,
    pub(super) identity: Option<&'a Identity>,
    /// `None` where one of them does not parse: what it denies is not known, so that nothing is allowed.
    pub(super) policies: Option<Vec<Arc<Policy>>>,
    /// Whether it stands for those of the key's own account.
    pub(super) only_own: bool,
}

fn parsed(identity: &Identity) -> Option<Vec<Arc<Policy>>> {
    let texts = identity.policies.values();
    let parse = |text: &String| Policy::parse(text, PolicyKind::Identity).map(Arc::new).ok();
    texts.map(parse).collect()
}

/// Of a role: as a session of a name that nobody gives one.
fn principal(identity: &Identity) -> Principal {
    let (account, name) = (&identity.account, identity.name.as_deref());
    let unique_id = identity.unique_id.clone().unwrap_or_default();
    match identity.kind {
        IdentityKind::Root => Principal::root(account),
        IdentityKind::User => Principal {
            arn: identity.arn.clone(),
            kind: PrincipalKind::User,
            user_id: unique_id,
            account: account.clone(),
        },
        IdentityKind::Role => Principal {
            arn: assumed_role_arn(account, name.unwrap_or_default(), ""),
            kind: PrincipalKind::AssumedRole {
                role: identity.arn.clone(),
            },
            user_id: unique_id,
            account: account.clone(),
        },
    }
}

/// The role that a session's ARN names, if it is there.
pub(in crate::report) fn role_of<'a>(
    session: &str,
    identities: &'a [Identity],
) -> Option<&'a Identity> {
    let account = principal_account(session)?;
    let (_, rest) = session.split_once(":assumed-role/")?;
    let (role, _) = rest.split_once('/')?;
    identities.iter().find(|identity| {
        identity.kind == IdentityKind::Role
            && identity.account == account
            && identity.name.as_deref() == Some(role)
    })
}

/// Everybody.
pub(super) fn askers<'a, 'p>(
    metadata: &'a Metadata,
    policies: impl Iterator<Item = &'p Policy>,
) -> Vec<Asker<'a>> {
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for key in metadata.access_keys.iter().filter(|key| key.enabled) {
        *keys.entry(&key.principal).or_default() += 1;
    }
    let mut askers: Vec<Asker<'a>> = Vec::new();
    let mut identities: Vec<&Identity> = metadata.identities.iter().collect();
    identities.sort_by(|one, other| one.arn.cmp(&other.arn));
    for identity in identities {
        let who = match identity.kind {
            IdentityKind::Root => Who::Root,
            IdentityKind::User => Who::User,
            IdentityKind::Role => Who::Role,
        };
        askers.push(Asker {
            entry: PrincipalEntry {
                name: identity.arn.clone(),
                account: identity.account.to_string(),
                who,
                access_keys: keys.get(&*identity.arn).copied().unwrap_or_default(),
            },
            principal: principal(identity),
            identity: Some(identity),
            policies: parsed(identity),
            only_own: false,
        });
    }
    let mut named: BTreeSet<String> = policies
        .flat_map(Policy::named)
        .map(str::to_owned)
        .collect();
    named.extend(metadata.grants.iter().map(|grant| grant.grantee.clone()));
    askers.extend(named.iter().filter_map(|arn| session(arn, metadata)));
    askers.extend(strangers(metadata));
    askers
}

/// A session that something names, of a role that is there: no other name can come back.
fn session<'a>(arn: &str, metadata: &'a Metadata) -> Option<Asker<'a>> {
    let role = role_of(arn, &metadata.identities)?;
    Some(Asker {
        entry: PrincipalEntry {
            name: arn.to_owned(),
            account: role.account.to_string(),
            who: Who::Session,
            access_keys: 0,
        },
        principal: Principal {
            arn: arn.to_owned(),
            ..principal(role)
        },
        identity: Some(role),
        policies: parsed(role),
        only_own: false,
    })
}

fn strangers<'a>(metadata: &'a Metadata) -> Vec<Asker<'a>> {
    let accounts: BTreeSet<&AccountId> = metadata.identities.iter().map(|i| &i.account).collect();
    let entry = |name: &str, who| PrincipalEntry {
        name: name.to_owned(),
        account: String::new(),
        who,
        access_keys: 0,
    };
    let neighbour = |account: &&AccountId| Asker {
        entry: PrincipalEntry {
            account: account.to_string(),
            ..entry("anybody else of the account", Who::Neighbour)
        },
        principal: Principal {
            // Without a name there is no such user.
            arn: user_arn(account, ""),
            kind: PrincipalKind::User,
            user_id: String::new(),
            account: (*account).clone(),
        },
        identity: None,
        policies: Some(Vec::new()),
        only_own: true,
    };
    let mut all: Vec<Asker<'a>> = accounts.iter().map(neighbour).collect();
    let numbers = (0..=999_999_999_999u64).rev();
    let mut numbers = numbers.filter_map(|number| AccountId::parse(&format!("{number:012}")));
    if let Some(account) = numbers.find(|number| !accounts.contains(number)) {
        all.push(Asker {
            entry: entry("anybody of another account", Who::Stranger),
            principal: Principal {
                arn: root_arn(&account),
                ..Principal::root(&account)
            },
            identity: None,
            policies: Some(Vec::new()),
            only_own: false,
        });
    }
    all
}
