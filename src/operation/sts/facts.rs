//! What trust policies may ask about a request to assume a role.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use super::trust::Assuming;
use crate::authz::{ConditionKey, Facts, PrincipalKind, Values};
use crate::operation::{Claim, Request};
use crate::store::Identity;
use std::borrow::Cow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The request's context.
pub(super) struct AssumeFacts<'a> {
    pub wanted: Assuming<'a>,
    pub role: &'a Identity,
    /// The caller's identity: `None` where an issuer speaks for them.
    pub caller: Option<&'a Identity>,
    pub request: &'a Request,
    pub now: OffsetDateTime,
}

fn one<'a>(value: impl Into<Cow<'a, str>>) -> Option<Values<'a>> {
    Some(Values::One(value.into()))
}

impl AssumeFacts<'_> {
    fn principal_tag(&self, key: &str) -> Option<&str> {
        let same = |(known, _): &(&String, &String)| known.eq_ignore_ascii_case(key);
        let session = self.request.proof.session();
        let session = session.and_then(|session| session.tags.iter().find(same));
        let own = || self.caller.and_then(|caller| caller.tags.iter().find(same));
        session.or_else(own).map(|(_, value)| value.as_str())
    }

    /// `ISSUER:CLAIM`, the issuer without its scheme.
    fn claim(&self, name: &str) -> Option<Values<'_>> {
        let identity = self.request.proof.web_identity()?;
        let issuer = identity.issuer_name().to_ascii_lowercase();
        let claim = name.strip_prefix(&issuer)?.strip_prefix(':')?;
        if claim == "aud" {
            return one(identity.audience.as_str());
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
        let principal = &self.request.principal;
        let ours = !matches!(principal.kind, PrincipalKind::WebIdentity { .. });
        match (key.name.as_str(), key.part.as_deref()) {
            ("sts:externalid", None) => one(self.wanted.external_id?),
            ("sts:rolesessionname", None) => one(self.wanted.session),
            ("aws:requesttag", Some(key)) => {
                let mut tags = self.wanted.tags.iter();
                let tag = tags.find(|tag| tag.key.eq_ignore_ascii_case(key))?;
                one(tag.value.0.as_str())
            }
            ("aws:tagkeys", None) => {
                let keys = self.wanted.tags.iter().map(|tag| tag.key.0.as_str().into());
                let keys: Vec<_> = keys.collect();
                (!keys.is_empty()).then_some(Values::Many(keys))
            }
            ("aws:resourcetag" | "iam:resourcetag", Some(key)) => {
                let mut tags = self.role.tags.iter();
                let (_, value) = tags.find(|(known, _)| known.eq_ignore_ascii_case(key))?;
                one(value.as_str())
            }
            ("aws:resourceaccount", None) => one(self.role.account.as_str()),
            ("aws:principaltag", Some(key)) => one(self.principal_tag(key)?),
            ("aws:principalarn", None) => one(principal.identity()?),
            ("aws:principalaccount", None) if ours => one(principal.account.as_str()),
            ("aws:principaltype", None) => one(match principal.kind {
                PrincipalKind::Root => "Account",
                PrincipalKind::User => "User",
                PrincipalKind::AssumedRole { .. } => "AssumedRole",
                PrincipalKind::WebIdentity { .. } => "FederatedUser",
            }),
            ("aws:userid", None) if ours => one(principal.user_id.as_str()),
            ("aws:username", None) => match principal.kind {
                PrincipalKind::User => one(self.caller?.name.as_deref()?),
                _ => None,
            },
            ("aws:federatedprovider", None) => match &principal.kind {
                PrincipalKind::WebIdentity { provider } => one(provider.as_str()),
                _ => None,
            },
            ("aws:tokenissuetime", None) => {
                one(self.request.proof.session()?.issued.format(&Rfc3339).ok()?)
            }
            ("aws:requestedregion", None) => one(self.request.region.as_str()),
            ("aws:sourceip", None) => one(self.request.source_ip.to_string()),
            ("aws:useragent", None) => one(self.request.user_agent.as_deref()?),
            ("aws:currenttime", None) => one(self.now.format(&Rfc3339).ok()?),
            ("aws:epochtime", None) => one(self.now.unix_timestamp().to_string()),
            (name, None) => self.claim(name),
            _ => None,
        }
    }
}
