//! What all requests of one principal for one key have in common.

use crate::authz::{ConditionKey, Facts, Principal, PrincipalKind, Values};
use crate::store::{Identity, Key};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A principal before a key. What only a request knows (its address, its time, its encryption context,
/// the tags of a session) is not known here.
pub(super) struct Standing<'a> {
    pub(super) principal: &'a Principal,
    /// The user or the role, where there is one.
    pub(super) identity: Option<&'a Identity>,
    pub(super) key: &'a Key,
    pub(super) aliases: &'a [&'a str],
}

fn one<'a>(text: impl Into<Cow<'a, str>>) -> Option<Values<'a>> {
    Some(Values::One(text.into()))
}

fn flag<'a>(flag: bool) -> Option<Values<'a>> {
    one(if flag { "true" } else { "false" })
}

fn of_pair<'p>(pairs: &'p BTreeMap<String, String>, key: &str) -> Option<&'p str> {
    let mut alike = pairs.iter();
    let alike = alike.find(|(name, _)| name.eq_ignore_ascii_case(key));
    let value = pairs.get(key).or(alike.map(|pair| pair.1))?;
    Some(value)
}

impl Standing<'_> {
    fn is_session(&self) -> bool {
        matches!(self.principal.kind, PrincipalKind::AssumedRole { .. })
    }
}

impl Facts for Standing<'_> {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let (principal, cmk) = (self.principal, self.key);
        if let Some(part) = &key.part {
            return match key.name.as_str() {
                "aws:resourcetag" => one(of_pair(&cmk.tags, part)?),
                "aws:principaltag" => one(of_pair(&self.identity?.tags, part)?),
                _ => None,
            };
        }
        match key.name.as_str() {
            "aws:principalaccount" | "kms:calleraccount" => one(principal.account.as_str()),
            "aws:principalarn" => one(principal.identity().unwrap_or(&principal.arn)),
            "aws:principalisawsservice" | "aws:viaawsservice" => flag(false),
            "aws:principaltype" => one(match principal.kind {
                PrincipalKind::Root => "Account",
                PrincipalKind::User => "User",
                PrincipalKind::AssumedRole { .. } => "AssumedRole",
                PrincipalKind::WebIdentity { .. } => "FederatedUser",
            }),
            "aws:requestedregion" => one(cmk.region.as_str()),
            "aws:resourceaccount" => one(cmk.account.as_str()),
            "aws:userid" => one(principal.user_id.as_str()),
            "aws:username" => match principal.kind {
                PrincipalKind::User => one(self.identity?.name.as_deref()?),
                _ => None,
            },
            "kms:keyorigin" => one(cmk.origin.as_str()),
            "kms:keyspec" => one(cmk.spec.as_str()),
            "kms:keyusage" => one(cmk.usage.as_str()),
            "kms:multiregion" => flag(cmk.multi_region),
            "kms:multiregionkeytype" if !cmk.multi_region => None,
            "kms:multiregionkeytype" => one(if cmk.is_primary() {
                "PRIMARY"
            } else {
                "REPLICA"
            }),
            "kms:resourcealiases" => {
                let names = self.aliases.iter().map(|name| Cow::Borrowed(*name));
                Some(Values::Many(names.collect()))
            }
            _ => None,
        }
    }

    fn knows(&self, key: &ConditionKey) -> bool {
        match key.name.as_str() {
            "aws:resourcetag" => key.part.is_some(),
            // A session may have brought tags of its own, and has its name in its id.
            "aws:principaltag" => key.part.is_some() && !self.is_session(),
            "aws:userid" => !self.is_session(),
            "aws:principalaccount"
            | "aws:principalarn"
            | "aws:principalisawsservice"
            | "aws:principaltype"
            | "aws:requestedregion"
            | "aws:resourceaccount"
            | "aws:username"
            | "aws:viaawsservice"
            | "kms:calleraccount"
            | "kms:keyorigin"
            | "kms:keyspec"
            | "kms:keyusage"
            | "kms:multiregion"
            | "kms:multiregionkeytype"
            | "kms:resourcealiases" => true,
            _ => false,
        }
    }
}
