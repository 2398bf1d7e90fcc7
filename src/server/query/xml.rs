//! JSON as XML: a member of a structure becomes an element of its name, an element of a list
//! `member`. Nothing is kept on the way: answers have secrets.

use crate::Error;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Appends a document without what surrounds it.
///
/// # Errors
/// Internal: it is not JSON.
pub(super) fn push(out: &mut String, json: &[u8]) -> Result<(), Error> {
    let mut json = serde_json::Deserializer::from_slice(json);
    Value(out).deserialize(&mut json).map_err(Error::internal)
}

struct Value<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        push_text(self.0, text);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.push_str(&number.to_string());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            element(self.0, &name, |out| map.next_value_seed(Value(out)))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let before = self.0.len();
            let more = element(self.0, "member", |out| list.next_element_seed(Value(out)))?;
            if more.is_none() {
                self.0.truncate(before);
                return Ok(());
            }
        }
    }
}

fn element<T, E>(
    out: &mut String,
    name: &str,
    content: impl FnOnce(&mut String) -> Result<T, E>,
) -> Result<T, E> {
    for part in ["<", name, ">"] {
        out.push_str(part);
    }
    let done = content(out)?;
    for part in ["</", name, ">"] {
        out.push_str(part);
    }
    Ok(done)
}

/// A text, with what XML would take for something else, or cannot have, replaced.
pub(super) fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push;

    fn xml(json: &str) -> String {
        let mut out = String::new();
        push(&mut out, json.as_bytes()).unwrap();
        out
    }

    #[test]
    fn structures_lists_and_texts() {
        let json =
            r#"{"B": "1 < 2 & \"3\"\u0001", "A": {"N": 7}, "L": ["x", {"K": "y"}], "E": []}"#;
        assert_eq!(
            xml(json),
            "<B>1 &lt; 2 &amp; &quot;3&quot;\u{fffd}</B><A><N>7</N></A><L><member>x</member>\
             <member><K>y</K></member></L><E></E>"
        );
        assert!(push(&mut String::new(), b"{").is_err());
    }
}
