//! Wildcards and policy variables.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use super::Facts;
use serde_json::Value;

/// A character of a pattern: a wildcard, or one that stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub character: char,
    pub wild: bool,
}

/// Text without variables: `*` and `?` are wildcards.
pub(crate) fn plain(text: &str) -> Vec<Glyph> {
    let glyph = |character| Glyph {
        character,
        wild: matches!(character, '*' | '?'),
    };
    text.chars().map(glyph).collect()
}

/// Text that stands for itself.
fn literal(text: &str) -> Vec<Glyph> {
    let glyph = |character| Glyph {
        character,
        wild: false,
    };
    text.chars().map(glyph).collect()
}

/// A pattern with the values of its variables in their places; `None` where one has none: nothing
/// is equal to it or like it. A value's own `*` is no wildcard.
pub(crate) fn expand(text: &str, variables: bool, facts: &Facts) -> Option<Vec<Glyph>> {
    let parts = text.split_once("${").filter(|_| variables);
    let Some((before, rest)) = parts else {
        return Some(plain(text));
    };
    let (variable, after) = rest.split_once('}').expect("a closing brace");
    let mut glyphs = plain(before);
    glyphs.extend(literal(&value_of(variable, facts)?));
    glyphs.extend(expand(after, variables, facts)?);
    Some(glyphs)
}

fn value_of(variable: &str, facts: &Facts) -> Option<String> {
    if matches!(variable, "*" | "?" | "$") {
        return Some(variable.to_owned());
    }
    let (key, default) = match variable.split_once(',') {
        Some((key, default)) => (key, Some(default.trim().trim_matches('\'').to_owned())),
        None => (variable, None),
    };
    // A multivalued key is no variable.
    let known = facts.get(&key.trim().to_lowercase());
    known.and_then(Value::as_str).map(str::to_owned).or(default)
}

/// Whether the text is like the pattern.
pub(crate) fn like(pattern: &[Glyph], text: &str) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    let mut characters = text.chars();
    let next = characters.next();
    match (first.wild, first.character) {
        (true, '*') => like(rest, text) || next.is_some() && like(pattern, characters.as_str()),
        (true, _) => next.is_some() && like(rest, characters.as_str()),
        (false, character) => next == Some(character) && like(rest, characters.as_str()),
    }
}

/// The pattern as text, in which nothing is wild.
pub(crate) fn exactly(pattern: &[Glyph]) -> String {
    pattern.iter().map(|glyph| glyph.character).collect()
}
