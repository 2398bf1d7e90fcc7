//! What is known of a request, for the conditions of policies: from the request, from who makes it,
//! and from what it is about. Nothing is looked up before a policy asks.
//!
//! Sources: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use super::Request;
use crate::authz::{ConditionKey, Facts, PrincipalKind, Values};
use crate::model::member::Members;
use crate::model::{AccountId, EncryptionContext, Region};
use crate::operation::OperationName;
use crate::operation::access::Purpose;
use crate::store::{Identity, Key};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Condition keys that are a member of the request, the member, and what AWS takes an absent one to
/// say; "" where it says nothing.
const MEMBERS: &[(&str, &str, &str)] = &[
    (
        "kms:bypasspolicylockoutsafetycheck",
        "bypass_policy_lockout_safety_check",
        "false",
    ),
    ("kms:datakeypairspec", "key_pair_spec", ""),
    (
        "kms:expirationmodel",
        "expiration_model",
        "KEY_MATERIAL_EXPIRES",
    ),
    ("kms:messagetype", "message_type", "RAW"),
    ("kms:policyname", "policy_name", "default"),
    ("kms:primaryregion", "primary_region", ""),
    ("kms:replicaregion", "replica_region", ""),
    ("kms:rotationperiodindays", "rotation_period_in_days", "365"),
    (
        "kms:schedulekeydeletionpendingwindowindays",
        "pending_window_in_days",
        "30",
    ),
    ("kms:wrappingalgorithm", "wrapping_algorithm", ""),
    ("kms:wrappingkeyspec", "wrapping_key_spec", ""),
];

/// The same for what a key is to be: of one that is there the key says it.
const OF_NEW_KEYS: &[(&str, &str, &str)] = &[
    ("kms:keyorigin", "origin", "AWS_KMS"),
    ("kms:keyspec", "key_spec", "SYMMETRIC_DEFAULT"),
    ("kms:keyusage", "key_usage", "ENCRYPT_DECRYPT"),
    ("kms:multiregion", "multi_region", "false"),
];

/// The same, of the grant that CreateGrant is to make.
const OF_NEW_GRANTS: &[(&str, &str, &str)] = &[
    ("kms:granteeprincipal", "grantee_principal", ""),
    (
        "kms:granteeserviceprincipal",
        "grantee_service_principal",
        "",
    ),
    ("kms:retiringprincipal", "retiring_principal", ""),
    (
        "kms:retiringserviceprincipal",
        "retiring_service_principal",
        "",
    ),
];

/// What one question is about.
#[derive(Clone, Copy, Default)]
pub(in crate::operation) struct On<'a> {
    /// The key.
    pub(in crate::operation) key: Option<&'a Key>,
    /// That it is not the key itself, but a replica that is yet to be made of it.
    pub(in crate::operation) replica: bool,
    /// The name of the alias by which the request names the key.
    pub(in crate::operation) alias: Option<&'a str>,
    /// The names of all its aliases, if a policy asks for them.
    pub(in crate::operation) aliases: Option<&'a [String]>,
    /// What the key is to be used for.
    pub(in crate::operation) purpose: Option<Purpose>,
    /// The encryption context that it is to be used with.
    pub(in crate::operation) context: Option<&'a EncryptionContext>,
    /// Of ReEncrypt: whether both of its keys are one.
    pub(in crate::operation) same_key: Option<bool>,
    /// The Region, if it is not the request's.
    pub(in crate::operation) region: Option<&'a Region>,
    /// The user or the role, where there is no key.
    pub(in crate::operation) entity: Option<&'a Identity>,
}

/// What is known of a request in view of one question.
pub(in crate::operation) struct Known<'a> {
    pub(in crate::operation) operation: OperationName,
    pub(in crate::operation) request: &'a Request,
    pub(in crate::operation) identity: Option<&'a Identity>,
    pub(in crate::operation) now: OffsetDateTime,
    pub(in crate::operation) input: Option<&'a dyn Members>,
    pub(in crate::operation) owner: &'a AccountId,
    pub(in crate::operation) on: On<'a>,
}

fn one<'a>(text: impl Into<Cow<'a, str>>) -> Option<Values<'a>> {
    Some(Values::One(text.into()))
}

fn flag<'a>(flag: bool) -> Option<Values<'a>> {
    one(if flag { "true" } else { "false" })
}

fn moment<'a>(at: OffsetDateTime) -> Option<Values<'a>> {
    at.format(&Rfc3339)
        .ok()
        .map(|text| Values::One(text.into()))
}

fn scalar<'a>(value: Value) -> Option<Cow<'a, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        _ => None,
    }
}

/// The value of a pair whose key is written so; else of one whose key differs in case: the names of
/// condition keys have none.
fn of_pair<'p>(pairs: &'p BTreeMap<String, String>, key: &str) -> Option<&'p String> {
    let alike = || {
        let mut pairs = pairs.iter();
        let pair = pairs.find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        Some(pair.1)
    };
    pairs.get(key).or_else(alike)
}

impl Facts for Known<'_> {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let part = key.part.as_deref();
        match (key.name.split_once(':')?, part) {
            (("kms", name), None) => self.of_kms(name, &key.name),
            (("kms", "encryptioncontext"), Some(part)) => {
                let context = self.context()?;
                match context {
                    Cow::Borrowed(context) => one(of_pair(&context.0, part)?.as_str()),
                    Cow::Owned(context) => one(of_pair(&context.0, part)?.clone()),
                }
            }
            (("aws", name), None) => self.of_aws(name),
            (("aws", "principaltag"), Some(part)) => {
                let session = self.request.proof.session();
                let session = session.and_then(|session| of_pair(&session.tags, part));
                let own = || of_pair(&self.identity?.tags, part);
                one(session.or_else(own)?.as_str())
            }
            (("aws", "requesttag"), Some(part)) => {
                one(of_pair(&self.request_tags()?, part)?.clone())
            }
            (("aws", "resourcetag"), Some(part)) => {
                let key = self.on.key.filter(|_| !self.on.replica);
                let entity = || self.on.entity.map(|entity| &entity.tags);
                let tags = key.map(|key| &key.tags).or_else(entity)?;
                one(of_pair(tags, part)?.as_str())
            }
            _ => None,
        }
    }
}

impl Known<'_> {
    fn of_aws(&self, name: &str) -> Option<Values<'_>> {
        let (request, principal) = (self.request, &self.request.principal);
        match name {
            "currenttime" => moment(self.now),
            "epochtime" => one(self.now.unix_timestamp().to_string()),
            "principalaccount" => one(principal.account.as_str()),
            // Of a session it is the role.
            "principalarn" => one(principal.identity().unwrap_or(&principal.arn)),
            "principalisawsservice" | "viaawsservice" => flag(false),
            "principaltype" => one(match principal.kind {
                PrincipalKind::Root => "Account",
                PrincipalKind::User => "User",
                PrincipalKind::AssumedRole { .. } => "AssumedRole",
                PrincipalKind::WebIdentity { .. } => "FederatedUser",
            }),
            "requestedregion" => one(self.on.region.unwrap_or(&request.region).as_str()),
            "resourceaccount" => one(self.owner.as_str()),
            "securetransport" => flag(request.secure_transport),
            "sourceip" => one(request.source_ip.to_canonical().to_string()),
            "tagkeys" => Some(Values::Many(self.tag_keys()?)),
            "tokenissuetime" => moment(request.proof.session()?.issued),
            "useragent" => one(request.user_agent.as_deref()?),
            "userid" => one(principal.user_id.as_str()),
            "username" => match principal.kind {
                PrincipalKind::User => one(self.identity?.name.as_deref()?),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_kms(&self, name: &str, whole: &str) -> Option<Values<'_>> {
        let on = &self.on;
        match (name, on.purpose) {
            ("calleraccount", _) => one(self.request.principal.account.as_str()),
            ("encryptionalgorithm", Some(Purpose::Encryption(a))) => one(a.as_str()),
            ("signingalgorithm", Some(Purpose::Signing(a))) => one(a.as_str()),
            ("macalgorithm", Some(Purpose::Mac(a))) => one(a.as_str()),
            ("keyagreementalgorithm", Some(Purpose::Agreement(a))) => one(a.as_str()),
            ("encapsulationalgorithm", Some(Purpose::Encapsulation(a))) => one(a.as_str()),
            ("grantoperations", Some(Purpose::Grant { operations, .. })) => {
                let names = operations.iter().map(|o| Cow::Borrowed(o.as_str()));
                Some(Values::Many(names.collect()))
            }
            ("grantconstrainttype", Some(Purpose::Grant { .. })) => {
                let constraints = self.member("constraints")?;
                let kinds = [
                    ("encryptionContextEquals", "EncryptionContextEquals"),
                    ("encryptionContextSubset", "EncryptionContextSubset"),
                    ("sourceArn", "SourceArn"),
                ];
                let kind = kinds.iter().find(|kind| constraints.get(kind.0).is_some());
                one(kind?.1)
            }
            ("validto", _) => {
                let seconds = self.member("valid_to")?.as_f64()?;
                moment(OffsetDateTime::from_unix_timestamp(seconds as i64).ok()?)
            }
            // No AWS service makes requests here.
            ("grantisforawsresource", _) => match self.operation {
                OperationName::CreateGrant
                | OperationName::ListGrants
                | OperationName::RevokeGrant => flag(false),
                _ => None,
            },
            ("encryptioncontextkeys", _) => {
                let keys = match self.context()? {
                    Cow::Borrowed(context) => {
                        let keys = context.0.keys();
                        keys.map(|key| Cow::Borrowed(key.as_str())).collect()
                    }
                    Cow::Owned(context) => context.0.into_keys().map(Cow::Owned).collect(),
                };
                Some(Values::Many(keys))
            }
            ("reencryptonsamekey", _) => flag(on.same_key?),
            ("requestalias", _) => one(on.alias?),
            ("resourcealiases", _) => {
                let names = on.aliases?.iter();
                let names = names.map(|name| Cow::Borrowed(name.as_str()));
                Some(Values::Many(names.collect()))
            }
            _ => self.of_key(name, whole),
        }
    }

    /// What a key is, or is to be; or else what the request says.
    fn of_key(&self, name: &str, whole: &str) -> Option<Values<'_>> {
        if let Some(key) = self.on.key {
            let primary = key.is_primary() && !self.on.replica;
            match name {
                "keyorigin" => return one(key.origin.as_str()),
                "keyspec" => return one(key.spec.as_str()),
                "keyusage" => return one(key.usage.as_str()),
                "multiregion" => return flag(key.multi_region),
                "multiregionkeytype" if !key.multi_region => return None,
                "multiregionkeytype" => return one(if primary { "PRIMARY" } else { "REPLICA" }),
                _ => {}
            }
        } else if self.operation == OperationName::CreateKey {
            let is_true = |value: Value| value.as_bool() == Some(true);
            let older = self.member("customer_master_key_spec");
            match (name, older.and_then(scalar)) {
                ("multiregionkeytype", _) => {
                    return self
                        .member("multi_region")
                        .is_some_and(is_true)
                        .then(|| Values::One("PRIMARY".into()));
                }
                ("keyspec", Some(spec)) => return Some(Values::One(spec)),
                _ => {}
            }
        }
        let granted = matches!(self.on.purpose, Some(Purpose::Grant { .. }));
        let new_key = self.on.key.is_none();
        let tables = [
            (MEMBERS, true),
            (OF_NEW_KEYS, new_key),
            (OF_NEW_GRANTS, granted),
        ];
        let mut rows = tables.iter().filter(|(_, applies)| *applies);
        let (_, member, absent) =
            rows.find_map(|(table, _)| table.iter().find(|row| row.0 == whole))?;
        match self.input?.member(member)? {
            Value::Null if absent.is_empty() => None,
            Value::Null => one(*absent),
            given => scalar(given).map(Values::One),
        }
    }

    fn member(&self, name: &str) -> Option<Value> {
        self.input?.member(name).filter(|value| !value.is_null())
    }

    /// Of CreateGrant, what the grant's constraint asks for.
    fn context(&self) -> Option<Cow<'_, EncryptionContext>> {
        if !matches!(self.on.purpose, Some(Purpose::Grant { .. })) {
            let context = self.on.context.filter(|context| !context.is_empty());
            return context.map(Cow::Borrowed);
        }
        let mut constraints = self.member("constraints")?;
        let names = ["encryptionContextEquals", "encryptionContextSubset"];
        let context = names
            .into_iter()
            .find_map(|name| constraints.get_mut(name).map(Value::take))?;
        serde_json::from_value(context).ok().map(Cow::Owned)
    }

    fn request_tags(&self) -> Option<BTreeMap<String, String>> {
        let Value::Array(tags) = self.member("tags")? else {
            return None;
        };
        let pair = |mut tag: Value| {
            let mut text = |name| match tag.get_mut(name).map(Value::take) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            };
            // As KMS names them, and as IAM does.
            let key = text("tagKey").or_else(|| text("key"))?;
            Some((key, text("tagValue").or_else(|| text("value"))?))
        };
        tags.into_iter().map(pair).collect()
    }

    fn tag_keys(&self) -> Option<Vec<Cow<'_, str>>> {
        if let Some(tags) = self.request_tags() {
            return Some(tags.into_keys().map(Cow::Owned).collect());
        }
        let Value::Array(keys) = self.member("tag_keys")? else {
            return None;
        };
        keys.into_iter().map(scalar).collect()
    }
}
