//! What trust policies may ask about a request to assume a role, beside what all policies may.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>.

use super::Assuming;
use crate::authz::{ConditionKey, Facts, PrincipalKind, Values};
use crate::operation::Claim;
use crate::operation::authorized::Known;
use crate::store::Identity;
use std::borrow::Cow;

/// The request's context.
pub(in crate::operation) struct AssumeFacts<'a> {
    pub wanted: Assuming<'a>,
    /// `None` for one that there is not.
    pub role: Option<&'a Identity>,
    /// What is known of every request.
    pub known: Known<'a>,
}

fn one<'a>(value: impl Into<Cow<'a, str>>) -> Option<Values<'a>> {
    Some(Values::One(value.into()))
}

impl AssumeFacts<'_> {
    /// `ISSUER:CLAIM`, the issuer without its scheme.
    fn claim(&self, name: &str) -> Option<Values<'_>> {
        let identity = self.known.request.proof.web_identity()?;
        let issuer = identity.issuer_name().to_ascii_lowercase();
        let claim = name.strip_prefix(&issuer)?.strip_prefix(':')?;
        // What was checked, whatever else the token has under a name like it.
        match claim {
            "aud" => return one(identity.audience.as_str()),
            "sub" => return one(identity.subject.as_str()),
            _ => {}
        }
        let mut claims = identity.claims.iter();
        let (_, claim) = claims.find(|(known, _)| known.eq_ignore_ascii_case(claim))?;
        Some(match claim {
            Claim::One(text) => Values::One(text.into()),
            Claim::Many(texts) => Values::Many(texts.iter().map(Cow::from).collect()),
        })
    }
}

impl Facts for AssumeFacts<'_> {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let (namespace, name) = key.name.split_once(':')?;
        let provider = match &self.known.request.principal.kind {
            PrincipalKind::WebIdentity { provider } => Some(provider.as_str()),
            _ => None,
        };
        match (namespace, name, key.part.as_deref()) {
            ("sts", "externalid", None) => one(self.wanted.external_id?),
            ("sts", "rolesessionname", None) => one(self.wanted.session),
            ("aws", "requesttag", Some(key)) => {
                let mut tags = self.wanted.tags.iter();
                let tag = tags.find(|tag| tag.key.eq_ignore_ascii_case(key))?;
                one(tag.value.0.as_str())
            }
            ("aws", "tagkeys", None) => {
                let keys = self.wanted.tags.iter();
                let keys: Vec<_> = keys.map(|tag| tag.key.0.as_str().into()).collect();
                (!keys.is_empty()).then_some(Values::Many(keys))
            }
            ("aws" | "iam", "resourcetag", Some(key)) => {
                let mut tags = self.role?.tags.iter();
                let (_, value) = tags.find(|(known, _)| known.eq_ignore_ascii_case(key))?;
                one(value.as_str())
            }
            ("aws", "federatedprovider", None) => one(provider?),
            // Whom an issuer names is nobody's principal yet.
            ("aws", "principalarn" | "principalaccount" | "principaltag" | "userid", _)
                if provider.is_some() =>
            {
                None
            }
            ("aws", ..) => self.known.values(key),
            (_, _, None) => self.claim(&key.name),
            _ => None,
        }
    }
}
