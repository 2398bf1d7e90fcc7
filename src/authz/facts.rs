//! What a decision asks about the request: the values of condition keys.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html#AccessPolicyLanguage_RequestContext>.

use std::borrow::Cow;
use std::fmt;

/// The name of something that is known of a request. Names are compared without their case; what
/// case means in the part after a name is for whoever answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionKey {
    /// In lower case, without the part that names a tag or a pair: `aws:principaltag`,
    /// `kms:encryptioncontext`, `aws:sourceip`.
    pub name: String,
    /// That part, as written.
    pub part: Option<String>,
}

/// The values of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// Of a key that has one at most.
    One(Cow<'a, str>),
    /// Of a key that may have several.
    Many(Vec<Cow<'a, str>>),
}

/// What is known of a request, looked up when a policy asks.
pub trait Facts: Sync {
    /// The values of a key; `None` where it is absent from the request's context.
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>>;

    /// Whether it is known at all what the values of a key are, or that it is absent. Of a request
    /// everything is; of all the requests that there could be, little ([`reach`](super::reach)).
    fn knows(&self, _: &ConditionKey) -> bool {
        true
    }
}

/// Nothing is known.
pub(super) struct NoFacts;

impl Facts for NoFacts {
    fn values(&self, _: &ConditionKey) -> Option<Values<'_>> {
        None
    }
}

impl ConditionKey {
    /// The namespaces whose keys have parts. Elsewhere (the claims of a token, under its issuer's
    /// name) a colon or a slash is the name's own.
    const WITH_PARTS: &[&str] = &["aws", "kms", "sts", "iam", "strongroom"];

    /// Reads `namespace:name`, `namespace:name:part` or `namespace:name/part`; `None` for what has
    /// no namespace or no name.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once(':')?;
        if namespace.is_empty() || name.is_empty() {
            return None;
        }
        let lower = namespace.to_ascii_lowercase();
        let parts = Self::WITH_PARTS.contains(&lower.as_str());
        let cut = if parts { name.find([':', '/']) } else { None };
        let (name, part) = match cut {
            Some(0) => return None,
            Some(at) => (&name[..at], Some(name[at + 1..].to_owned())),
            None => (name, None),
        };
        if namespace.contains(char::is_whitespace) || name.contains(char::is_whitespace) {
            return None;
        }
        Some(Self {
            name: format!("{lower}:{}", name.to_ascii_lowercase()),
            part,
        })
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{}/{part}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Values<'_> {
    pub(super) fn as_slice(&self) -> &[Cow<'_, str>] {
        match self {
            Values::One(one) => std::slice::from_ref(one),
            Values::Many(many) => many,
        }
    }
}

/// Facts for tests: pairs of a key's text and its values; one value is single-valued.
#[cfg(test)]
pub(super) struct Known(pub(super) Vec<(&'static str, Vec<&'static str>)>);

#[cfg(test)]
impl Facts for Known {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let (_, values) = self
            .0
            .iter()
            .find(|(text, _)| ConditionKey::parse(text).as_ref() == Some(key))?;
        let mut values = values.iter().map(|value| Cow::Borrowed(*value));
        match values.len() {
            1 => values.next().map(Values::One),
            _ => Some(Values::Many(values.collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_case_and_parts_do_not() {
        for (text, name, part) in [
            ("aws:SourceIp", "aws:sourceip", None),
            (
                "AWS:PrincipalTag/Cost:Center",
                "aws:principaltag",
                Some("Cost:Center"),
            ),
            (
                "kms:EncryptionContext:App/Name",
                "kms:encryptioncontext",
                Some("App/Name"),
            ),
            ("kms:EncryptionContext:", "kms:encryptioncontext", Some("")),
            ("Token.example.com:sub", "token.example.com:sub", None),
            (
                "localhost:8443/realms/a:sub",
                "localhost:8443/realms/a:sub",
                None,
            ),
        ] {
            let key = ConditionKey::parse(text).expect(text);
            assert_eq!((key.name.as_str(), key.part.as_deref()), (name, part));
        }
        for wrong in ["", "username", ":x", "aws:", "aws:/x", "aws: username"] {
            assert_eq!(ConditionKey::parse(wrong), None, "{wrong}");
        }
    }
}
