//! Policy documents: the grammar, and what a policy as a whole says to a question.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use super::Question;
use super::facts::ConditionKey;
use super::json::{Json, Node};
use super::principals::Named;
use super::statement::{Conditions, Statement};
use std::fmt;

/// What a policy is attached to, which decides which elements it must and may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// A key: every statement has principals. One without an action or a resource has no effect.
    Key,
    /// A user or a role: no principals, no `Id`.
    Identity,
    /// A session of a role: as [`PolicyKind::Identity`].
    Session,
    /// A role, for those who assume it: principals, and no resource.
    Trust,
}

/// A policy document whose grammar is right, ready to be asked.
#[derive(Debug)]
pub struct Policy {
    statements: Box<[Statement]>,
}

/// What is wrong with a policy document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    place: String,
    what: String,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// What a policy says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Some statement denies it.
    Denied,
    /// Some statement allows it; how the strongest of them names the principal.
    Allowed(Named),
    /// No statement is about it.
    Silent,
}

impl PolicyError {
    pub(super) fn new(place: &str, what: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            what: what.into(),
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for PolicyError {}

/// The most of `*` and `?` in a policy: what may be like anything is what comparing costs.
const MAX_WILDCARDS: usize = 1000;

impl PolicyKind {
    pub(super) const fn has_principals(self) -> bool {
        matches!(self, PolicyKind::Key | PolicyKind::Trust)
    }

    pub(super) const fn has_resources(self) -> bool {
        !matches!(self, PolicyKind::Trust)
    }
}

impl Policy {
    /// Reads a policy document. Its size is for the caller to bound.
    ///
    /// # Errors
    /// What is wrong with it, and where: `Statement[1].Condition.StringEquals: …`. Statements are
    /// counted from 0.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        let wildcards = text.bytes().filter(|b| matches!(b, b'*' | b'?')).count();
        if wildcards > MAX_WILDCARDS {
            let what = format!("The policy has more than {MAX_WILDCARDS} of * and ?");
            return Err(PolicyError::new("", what));
        }
        let json: Json = serde_json::from_str(text)
            .map_err(|error| PolicyError::new("", format!("The policy is not JSON: {error}")))?;
        if !matches!(json, Json::Object(_)) {
            return Err(PolicyError::new("", "The policy is not a JSON object"));
        }
        let members = Node::root(&json).members()?;
        let mut variables = false;
        let mut statements = None;
        for (name, node) in &members {
            match *name {
                "Version" => match node.text()? {
                    "2012-10-17" => variables = true,
                    "2008-10-17" => {}
                    _ => return Err(node.error(r#"must be "2012-10-17" or "2008-10-17""#)),
                },
                "Id" if kind.has_principals() => drop(node.text()?),
                "Id" => return Err(node.error("an identity-based policy has no Id")),
                "Statement" => statements = Some(node),
                _ => return Err(node.error("is no element of a policy")),
            }
        }
        let Some(statements) = statements else {
            return Err(PolicyError::new("", "The policy has no Statement"));
        };
        let nodes = match kind {
            PolicyKind::Key => statements.any_number(),
            _ => statements.one_or_many()?,
        };
        let mut sids: Vec<&str> = Vec::new();
        let mut effective = Vec::with_capacity(nodes.len());
        for node in &nodes {
            let (sid, statement) = Statement::parse(node, kind, variables)?;
            if let Some(sid) = sid {
                if sids.contains(&sid) {
                    return Err(node.error(format!("the Sid {sid:?} is not the only one")));
                }
                sids.push(sid);
            }
            effective.extend(statement);
        }
        Ok(Self {
            statements: effective.into(),
        })
    }

    /// Whether a decision by this policy may ask for a condition key, as a condition or as a
    /// variable. A name without a part stands for every part: `kms:EncryptionContext`.
    pub fn mentions(&self, condition_key: &str) -> bool {
        let Some(wanted) = ConditionKey::parse(condition_key) else {
            return false;
        };
        let mut keys = self.statements.iter().flat_map(Statement::keys);
        keys.any(|key| {
            key.name == wanted.name && (wanted.part.is_none() || key.part == wanted.part)
        })
    }

    /// The ARNs of the users, roles and sessions that it names as principals.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(Statement::named)
    }

    /// What it says.
    pub(super) fn verdict(&self, question: &Question<'_>, conditions: Conditions) -> Verdict {
        let mut strongest = None;
        for statement in &*self.statements {
            let Some(named) = statement.applies(question, conditions) else {
                continue;
            };
            match statement.effect {
                Effect::Deny => return Verdict::Denied,
                Effect::Allow => strongest = strongest.max(Some(named)),
            }
        }
        strongest.map_or(Verdict::Silent, Verdict::Allowed)
    }
}

#[cfg(test)]
mod tests;
