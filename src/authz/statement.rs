//! One statement: who, what, on what, under which conditions.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.

use super::Question;
use super::condition::Condition;
use super::facts::{ConditionKey, Facts, NoFacts};
use super::json::Node;
use super::pattern::{Pattern, Syntax};
use super::policy::{Effect, PolicyError, PolicyKind};
use super::principals::{Named, Principals};

/// A statement, ready to be asked.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    /// Only of policies that are on a resource.
    principals: Option<Principals>,
    actions: Patterns,
    /// Not of a role's trust policy, which is about the role.
    resources: Option<Patterns>,
    conditions: Box<[Condition]>,
}

/// Whether statements with conditions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conditions {
    Tested,
    /// What depends on a condition is left out.
    LeftOut,
    /// Where it depends on what is not known ([`Facts::knows`]), what suits whoever asks.
    Favourable,
    /// The contrary.
    Adverse,
}

/// The patterns of an element or of its opposite.
#[derive(Debug)]
struct Patterns {
    patterns: Box<[Pattern]>,
    negated: bool,
}

/// The members of a statement, before what they are to each other is known.
#[derive(Default)]
struct Members<'a> {
    effect: Option<Effect>,
    principals: Option<Principals>,
    actions: Option<Patterns>,
    resources: Option<Patterns>,
    conditions: Box<[Condition]>,
    sid: Option<&'a str>,
}

impl Statement {
    /// Reads a statement, and its Sid where it has one. A statement of a key policy that lacks an
    /// action or a resource is right, and none.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn parse<'a>(
        node: &Node<'a>,
        kind: PolicyKind,
        variables: bool,
    ) -> Result<(Option<&'a str>, Option<Self>), PolicyError> {
        let mut members = Members::default();
        for (name, value) in node.members()? {
            members.read(name, &value, kind, variables)?;
        }
        let effect = members.effect.ok_or_else(|| node.error("has no Effect"))?;
        let lacks = |what: &str| Err(node.error(format!("has neither {what} nor Not{what}")));
        if kind.has_principals() && members.principals.is_none() {
            return lacks("Principal");
        }
        if members
            .principals
            .as_ref()
            .is_some_and(Principals::are_negated)
            && effect == Effect::Allow
        {
            return Err(node.error("NotPrincipal is for Deny alone"));
        }
        match (kind, &members.actions, &members.resources) {
            (PolicyKind::Key, None, _) | (PolicyKind::Key, _, None) => {
                return Ok((members.sid, None));
            }
            (_, None, _) => return lacks("Action"),
            (PolicyKind::Identity | PolicyKind::Session, _, None) => return lacks("Resource"),
            _ => {}
        }
        let statement = members.actions.map(|actions| Self {
            effect,
            principals: members.principals,
            actions,
            resources: members.resources,
            conditions: members.conditions,
        });
        Ok((members.sid, statement))
    }

    /// Whether it is about a question, and how it names who asks.
    pub(super) fn applies(&self, asked: &Question<'_>, conditions: Conditions) -> Option<Named> {
        if conditions == Conditions::LeftOut && !self.conditions.is_empty() {
            return None;
        }
        let named = match &self.principals {
            Some(principals) => principals.name(asked.principal, self.effect)?,
            None => Named::Itself,
        };
        // `None` where all that is asked for is known.
        let presumed = match conditions {
            Conditions::Tested | Conditions::LeftOut => None,
            Conditions::Favourable => Some(self.effect == Effect::Allow),
            Conditions::Adverse => Some(self.effect == Effect::Deny),
        };
        let resources = self.resources.as_ref();
        let applies = self.actions.match_text(asked.action, &NoFacts)
            && resources.is_none_or(|these| these.name(asked, presumed))
            && self.conditions.iter().all(|one| {
                let unknown = presumed.filter(|_| !one.keys().all(|key| asked.facts.knows(key)));
                unknown.unwrap_or_else(|| one.holds(asked.facts))
            });
        applies.then_some(named)
    }

    /// The ARNs that it names as principals.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.principals.iter().flat_map(Principals::arns)
    }

    /// The condition keys that it may ask for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        let resources = self.resources.iter().flat_map(|these| &these.patterns);
        let conditions = self.conditions.iter().flat_map(Condition::keys);
        resources.flat_map(Pattern::keys).chain(conditions)
    }
}

impl<'a> Members<'a> {
    fn read(
        &mut self,
        name: &str,
        value: &Node<'a>,
        kind: PolicyKind,
        variables: bool,
    ) -> Result<(), PolicyError> {
        let both = |name: &str| Err(value.error(format!("stands beside {name}")));
        let other = match name.strip_prefix("Not") {
            Some(other) => other.to_owned(),
            None => format!("Not{name}"),
        };
        let negated = name.starts_with("Not");
        match name {
            "Sid" => self.sid = sid(value, kind)?,
            "Effect" => {
                self.effect = Some(match value.text()? {
                    "Allow" => Effect::Allow,
                    "Deny" => Effect::Deny,
                    _ => return Err(value.error(r#"must be "Allow" or "Deny""#)),
                });
            }
            "Principal" | "NotPrincipal" if !kind.has_principals() => {
                return Err(value.error("an identity-based policy has no principals"));
            }
            "NotPrincipal" if kind == PolicyKind::Trust => {
                return Err(value.error("a trust policy has no NotPrincipal"));
            }
            "Principal" | "NotPrincipal" => {
                if self.principals.is_some() {
                    return both(&other);
                }
                self.principals = Some(Principals::parse(value, negated)?);
            }
            "Action" | "NotAction" => {
                if self.actions.is_some() {
                    return both(&other);
                }
                self.actions = Some(Patterns::parse(value, negated, action)?);
            }
            "Resource" | "NotResource" if !kind.has_resources() => {
                return Err(value.error("a trust policy has no resource"));
            }
            "Resource" | "NotResource" => {
                if self.resources.is_some() {
                    return both(&other);
                }
                let read = |text: &str| resource(text, kind, variables);
                self.resources = Some(Patterns::parse(value, negated, read)?);
            }
            "Condition" => self.conditions = Condition::parse_all(value, kind, variables)?,
            _ => return Err(value.error("is no element of a statement")),
        }
        Ok(())
    }
}

/// An identity-based policy's Sid has letters and digits; a key policy's may have more. An empty
/// one is none.
fn sid<'a>(value: &Node<'a>, kind: PolicyKind) -> Result<Option<&'a str>, PolicyError> {
    let text = value.text()?;
    if kind != PolicyKind::Key && !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(value.error("must be of letters and digits"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// `*`, or a service and a name.
fn action(text: &str) -> Result<Pattern, String> {
    let (service, name) = text.split_once(':').unwrap_or(("", ""));
    if text != "*" && (service.is_empty() || name.is_empty()) {
        return Err(format!("{text:?} is not an action"));
    }
    let syntax = Syntax {
        wildcards: true,
        variables: false,
        any_case: true,
    };
    Pattern::parse(text, syntax)
}

/// `*` or an ARN, whose variables are in its last part. On a key a resource that is neither is
/// right, and is not the key.
fn resource(text: &str, kind: PolicyKind, variables: bool) -> Result<Pattern, String> {
    if kind != PolicyKind::Key && !text.starts_with("arn:") && !text.starts_with('*') {
        return Err(format!("{text:?} must be in ARN format or \"*\""));
    }
    let syntax = Syntax {
        wildcards: true,
        variables,
        any_case: false,
    };
    let pattern = Pattern::parse(text, syntax)?;
    if pattern.has_variable_before_colon(5) {
        return Err(format!("{text:?} has a variable before its fifth colon"));
    }
    Ok(pattern)
}

impl Patterns {
    fn parse(
        value: &Node<'_>,
        negated: bool,
        read: impl Fn(&str) -> Result<Pattern, String>,
    ) -> Result<Self, PolicyError> {
        let values = value.one_or_many()?;
        let pattern = |node: &Node<'_>| read(node.text()?).map_err(|what| node.error(what));
        let patterns: Result<_, _> = values.iter().map(pattern).collect();
        Ok(Self {
            patterns: patterns?,
            negated,
        })
    }

    /// Whether the element is about the resource; `presumed`, if given, where that is not known.
    fn name(&self, asked: &Question<'_>, presumed: Option<bool>) -> bool {
        let mut keys = self.patterns.iter().flat_map(Pattern::keys);
        let unknown = presumed.filter(|_| !keys.all(|key| asked.facts.knows(key)));
        unknown.unwrap_or_else(|| self.match_text(asked.resource, asked.facts))
    }

    /// Whether the element is about a text.
    fn match_text(&self, text: &str, facts: &dyn Facts) -> bool {
        let mut patterns = self.patterns.iter();
        patterns.any(|pattern| pattern.matches(text, facts)) != self.negated
    }
}

#[cfg(test)]
mod tests;
