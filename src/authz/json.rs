//! JSON as a policy is read from: every member that was written, in order, with its place in the
//! document. A map would keep only the last of two members of one name.

use super::policy::PolicyError;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value. Numbers are as they print.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A value and where it is: `Statement[1].Condition`.
#[derive(Debug)]
pub(super) struct Node<'a> {
    json: &'a Json,
    place: String,
}

impl<'a> Node<'a> {
    /// The document itself.
    pub(super) fn root(json: &'a Json) -> Self {
        let place = String::new();
        Self { json, place }
    }

    /// Something is wrong here.
    pub(super) fn error(&self, what: impl Into<String>) -> PolicyError {
        PolicyError::new(&self.place, what)
    }

    /// The members of an object, each name once.
    ///
    /// # Errors
    /// It is no object, or has a member twice.
    pub(super) fn members(&self) -> Result<Vec<(&'a str, Node<'a>)>, PolicyError> {
        let Json::Object(members) = self.json else {
            return Err(self.error("must be an object"));
        };
        let mut found: Vec<(&str, Node<'_>)> = Vec::with_capacity(members.len());
        for (name, json) in members {
            let dot = if self.place.is_empty() { "" } else { "." };
            let place = format!("{}{dot}{name}", self.place);
            let node = Node { json, place };
            if found.iter().any(|(other, _)| other == name) {
                return Err(node.error("is given twice"));
            }
            found.push((name, node));
        }
        Ok(found)
    }

    /// The elements of a list, or the one value that stands for a list of one.
    ///
    /// # Errors
    /// The list is empty.
    pub(super) fn one_or_many(&self) -> Result<Vec<Node<'a>>, PolicyError> {
        let Json::List(list) = self.json else {
            let place = self.place.clone();
            let json = self.json;
            return Ok(vec![Node { json, place }]);
        };
        if list.is_empty() {
            return Err(self.error("must not be empty"));
        }
        Ok(self.elements(list))
    }

    /// As [`Node::one_or_many`], and a list may be empty.
    pub(super) fn any_number(&self) -> Vec<Node<'a>> {
        match self.json {
            Json::List(list) => self.elements(list),
            json => vec![Node {
                json,
                place: self.place.clone(),
            }],
        }
    }

    fn elements(&self, list: &'a [Json]) -> Vec<Node<'a>> {
        let node = |(at, json)| Node {
            json,
            place: format!("{}[{at}]", self.place),
        };
        list.iter().enumerate().map(node).collect()
    }

    /// A string.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn text(&self) -> Result<&'a str, PolicyError> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.error("must be a string")),
        }
    }

    /// What a condition compares with: a string, a number or a Boolean, as a string.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn scalar(&self) -> Result<&'a str, PolicyError> {
        match self.json {
            Json::Text(text) | Json::Number(text) => Ok(text),
            Json::Bool(true) => Ok("true"),
            Json::Bool(false) => Ok("false"),
            _ => Err(self.error("must be a string, a number or a Boolean")),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_given_twice_is_seen_wherever_it_is() {
        let json: Json = serde_json::from_str(r#"{"a": [{"b": 1, "b": 2}]}"#).unwrap();
        let members = Node::root(&json).members().unwrap();
        let inner = &members[0].1.one_or_many().unwrap()[0];
        let error = inner.members().unwrap_err();
        assert_eq!(error.to_string(), "a[0].b: is given twice");
    }

    #[test]
    fn scalars_are_read_as_they_print() {
        let json: Json = serde_json::from_str(r#"["x", 10, -1, 1.5, true, false]"#).unwrap();
        let nodes = Node::root(&json).any_number();
        let texts: Vec<_> = nodes.iter().map(|node| node.scalar().unwrap()).collect();
        assert_eq!(texts, ["x", "10", "-1", "1.5", "true", "false"]);
        let json: Json = serde_json::from_str("[null, [], {}]").unwrap();
        for node in Node::root(&json).any_number() {
            assert!(node.scalar().is_err() && node.text().is_err());
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert!(serde_json::from_str::<Json>(&deep).is_err());
    }
}
