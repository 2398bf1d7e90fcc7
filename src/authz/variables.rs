//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`,
//! `${$}` for the characters themselves. A variable without a value is null: nothing is equal to
//! it or like it, and everything is unlike it.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use super::facts::{ConditionKey, Facts, Values};
use std::borrow::Cow;

/// A place in a text that the request fills.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) key: ConditionKey,
    default: Option<Box<str>>,
}

/// What stands between `${` and `}`.
pub(super) enum Braced {
    Literal(&'static str),
    Variable(Variable),
}

/// Reads what follows a `${`; the rest is what is behind its brace.
///
/// # Errors
/// What is wrong with it.
pub(super) fn braced(text: &str) -> Result<(Braced, &str), String> {
    let (inside, rest) = text
        .split_once('}')
        .ok_or("a policy variable has no closing brace")?;
    let literal = match inside {
        "*" => Some("*"),
        "?" => Some("?"),
        "$" => Some("$"),
        _ => None,
    };
    if let Some(literal) = literal {
        return Ok((Braced::Literal(literal), rest));
    }
    let wrong = || format!("${{{inside}}} is not a policy variable");
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'');
            let default = default.and_then(|default| default.strip_suffix('\''));
            (key, Some(default.ok_or_else(wrong)?.into()))
        }
    };
    let key = ConditionKey::parse(key.trim()).ok_or_else(wrong)?;
    Ok((Braced::Variable(Variable { key, default }), rest))
}

impl Variable {
    /// Its value in a request; `None` where the request has none, or several, and there is no
    /// default.
    pub(super) fn value<'a>(&'a self, facts: &'a dyn Facts) -> Option<Cow<'a, str>> {
        match facts.values(&self.key) {
            Some(Values::One(value)) => Some(value),
            Some(Values::Many(_)) => None,
            None => self.default.as_deref().map(Cow::Borrowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Known;
    use super::*;

    fn value(text: &str, facts: &dyn Facts) -> Option<String> {
        match braced(text).unwrap().0 {
            Braced::Literal(literal) => Some(literal.into()),
            Braced::Variable(variable) => variable.value(facts).map(Cow::into_owned),
        }
    }

    #[test]
    fn values_and_defaults() {
        let facts = Known(vec![
            ("aws:username", vec!["alice"]),
            ("aws:TagKeys", vec!["a", "b"]),
        ]);
        for (text, expected) in [
            ("aws:username}", Some("alice")),
            ("AWS:UserName}", Some("alice")),
            ("aws:username, 'nobody'}", Some("alice")),
            ("aws:userid, 'nobody'}", Some("nobody")),
            ("aws:userid,''}", Some("")),
            ("aws:userid}", None),
            ("aws:TagKeys, 'x'}", None),
            ("*}", Some("*")),
            ("?}", Some("?")),
            ("$}", Some("$")),
        ] {
            assert_eq!(value(text, &facts).as_deref(), expected, "{text}");
        }
        assert_eq!(braced("aws:username}/x").unwrap().1, "/x");
    }

    #[test]
    fn what_is_no_variable() {
        for wrong in [
            "aws:username",
            "}",
            "username}",
            "aws:username, nobody}",
            "aws:username, 'a}",
            "aws:username,}",
        ] {
            assert!(braced(wrong).is_err(), "{wrong}");
        }
    }
}
