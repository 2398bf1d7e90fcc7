//! Texts with `*` (any characters), `?` (one) and policy variables, and what is like them.
//!
//! A resource's pattern is compared with the whole ARN: where a star ends a segment it may go on
//! past the colon, as AWS has it. `ArnLike` looks at each of the six segments by itself.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>.

use super::facts::{ConditionKey, Facts};
use super::variables::{Braced, Variable, braced};
use std::borrow::Cow;

/// What a text may have in it beside characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    pub(super) wildcards: bool,
    pub(super) variables: bool,
    /// Whether letters are compared without their case.
    pub(super) any_case: bool,
}

/// A text that was read with a [`Syntax`].
#[derive(Debug)]
pub(super) struct Pattern {
    tokens: Box<[Token]>,
    any_case: bool,
    has_variables: bool,
}

#[derive(Debug)]
enum Token {
    Text(Box<str>),
    /// `?`.
    One,
    /// `*`.
    Many,
    Variable(Variable),
}

/// A token in one request.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    One,
    Many,
}

impl Pattern {
    /// # Errors
    /// What is wrong with a policy variable.
    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let token = if syntax.variables && rest.starts_with("${") {
                let (inside, behind) = braced(&rest[2..])?;
                rest = behind;
                match inside {
                    Braced::Literal(text) => {
                        literal.push_str(text);
                        continue;
                    }
                    Braced::Variable(variable) => Token::Variable(variable),
                }
            } else {
                rest = &rest[c.len_utf8()..];
                match c {
                    '?' if syntax.wildcards => Token::One,
                    '*' if syntax.wildcards => Token::Many,
                    _ => {
                        literal.push(c);
                        continue;
                    }
                }
            };
            if !literal.is_empty() {
                tokens.push(Token::Text(std::mem::take(&mut literal).into()));
            }
            // Two stars are one.
            if !matches!((&token, tokens.last()), (Token::Many, Some(Token::Many))) {
                tokens.push(token);
            }
        }
        if !literal.is_empty() {
            tokens.push(Token::Text(literal.into()));
        }
        Ok(Self {
            any_case: syntax.any_case,
            has_variables: tokens.iter().any(|t| matches!(t, Token::Variable(_))),
            tokens: tokens.into(),
        })
    }

    /// Whether a text is like it. Nothing is like a pattern with a variable that has no value.
    pub(super) fn matches(&self, text: &str, facts: &dyn Facts) -> bool {
        let (tokens, any_case) = (&self.tokens, self.any_case);
        if !self.has_variables {
            let piece = |at: usize| tokens[at].piece("");
            return is_like(text, tokens.len(), piece, any_case);
        }
        let values = tokens.iter().map(|token| match token {
            Token::Variable(variable) => variable.value(facts),
            _ => Some(Cow::Borrowed("")),
        });
        let Some(values) = values.collect::<Option<Vec<_>>>() else {
            return false;
        };
        let piece = |at: usize| tokens[at].piece(&values[at]);
        is_like(text, tokens.len(), piece, any_case)
    }

    /// The text with its variables filled in; `None` where one has no value. For a pattern without
    /// wildcards.
    pub(super) fn fill<'a>(&'a self, facts: &'a dyn Facts) -> Option<Cow<'a, str>> {
        match &*self.tokens {
            [] => Some(Cow::Borrowed("")),
            [Token::Text(text)] => Some(Cow::Borrowed(text)),
            [Token::Variable(variable)] => variable.value(facts),
            tokens => {
                let mut filled = String::new();
                for token in tokens {
                    match token {
                        Token::Text(text) => filled.push_str(text),
                        Token::One => filled.push('?'),
                        Token::Many => filled.push('*'),
                        Token::Variable(variable) => filled.push_str(&variable.value(facts)?),
                    }
                }
                Some(Cow::Owned(filled))
            }
        }
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Variable(variable) => Some(&variable.key),
            _ => None,
        })
    }

    /// Whether a variable stands before the `n`th colon of the text.
    pub(super) fn has_variable_before_colon(&self, n: usize) -> bool {
        let mut colons = 0;
        self.tokens.iter().any(|token| {
            if let Token::Text(text) = token {
                colons += text.matches(':').count();
            }
            matches!(token, Token::Variable(_)) && colons < n
        })
    }
}

impl Token {
    fn piece<'a>(&'a self, value: &'a str) -> Piece<'a> {
        match self {
            Token::Text(text) => Piece::Text(text),
            Token::One => Piece::One,
            Token::Many => Piece::Many,
            Token::Variable(_) => Piece::Text(value),
        }
    }
}

/// Whether a text is like `count` pieces. Where what follows a star does not fit, only the last
/// star is tried again, one character further on, and nothing where the text ran out, so the time
/// is at most the product of the lengths.
fn is_like<'p>(
    text: &str,
    count: usize,
    piece: impl Fn(usize) -> Piece<'p>,
    any_case: bool,
) -> bool {
    let width = |at: usize| text[at..].chars().next().map(char::len_utf8);
    let (mut at, mut next) = (0, 0);
    let mut star = None;
    loop {
        let step = if next == count {
            if at == text.len() {
                return true;
            }
            None
        } else {
            match piece(next) {
                Piece::Many if next + 1 == count => return true,
                Piece::Many => {
                    star = Some((next + 1, at));
                    Some(0)
                }
                Piece::One => width(at),
                Piece::Text(wanted) => {
                    let found = text.as_bytes().get(at..at + wanted.len());
                    let same = found.is_some_and(|found| match any_case {
                        true => found.eq_ignore_ascii_case(wanted.as_bytes()),
                        false => found == wanted.as_bytes(),
                    });
                    same.then_some(wanted.len())
                }
            }
        };
        if let Some(step) = step {
            at += step;
            next += 1;
            continue;
        }
        // Further on there is less of the text, and as much of the pattern.
        if at == text.len() {
            return false;
        }
        let Some((behind, from)) = star else {
            return false;
        };
        let Some(width) = width(from) else {
            return false;
        };
        star = Some((behind, from + width));
        (at, next) = (from + width, behind);
    }
}

/// An ARN as the ARN operators compare it.
#[derive(Debug)]
pub(super) enum ArnPattern {
    /// Segment by segment.
    Segments(Box<[Pattern; 6]>),
    /// `*`, or a variable that stands for several segments.
    Whole(Pattern),
}

impl ArnPattern {
    /// # Errors
    /// It is no ARN.
    pub(super) fn parse(text: &str, variables: bool) -> Result<Self, String> {
        let syntax = Syntax {
            wildcards: true,
            variables,
            any_case: false,
        };
        let segments = segments(text, variables);
        let segments: Result<Vec<_>, _> = segments
            .into_iter()
            .map(|segment| Pattern::parse(segment, syntax))
            .collect();
        match <[Pattern; 6]>::try_from(segments?) {
            Ok(six) => Ok(Self::Segments(Box::new(six))),
            Err(fewer) if text == "*" || fewer.iter().any(|segment| segment.has_variables) => {
                Ok(Self::Whole(Pattern::parse(text, syntax)?))
            }
            Err(_) => Err(format!("{text:?} is not an ARN")),
        }
    }

    /// As [`Pattern::matches`].
    pub(super) fn matches(&self, text: &str, facts: &dyn Facts) -> bool {
        let six = match self {
            ArnPattern::Whole(pattern) => return pattern.matches(text, facts),
            ArnPattern::Segments(six) => six,
        };
        let mut segments = text.splitn(6, ':');
        six.iter().all(|pattern| {
            let segment = segments.next();
            segment.is_some_and(|segment| pattern.matches(segment, facts))
        })
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        let patterns = match self {
            ArnPattern::Segments(six) => &six[..],
            ArnPattern::Whole(pattern) => std::slice::from_ref(pattern),
        };
        patterns.iter().flat_map(Pattern::keys)
    }
}

/// Cuts an ARN at its first five colons, but not at those of a variable.
fn segments(text: &str, variables: bool) -> Vec<&str> {
    let mut found = Vec::with_capacity(6);
    let (mut from, mut braced) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '$' if variables && text[at..].starts_with("${") => braced = true,
            '}' => braced = false,
            ':' if !braced && found.len() < 5 => {
                found.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[from..]);
    found
}

#[cfg(test)]
mod tests;
