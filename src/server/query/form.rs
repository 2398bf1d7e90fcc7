//! The form of a request: taken apart, and put together again as the JSON of an input.

use super::VERSION;
use crate::operation::OperationName;
use crate::{Error, ErrorCode};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

/// More than any operation has: 50 tags are 100.
const MAX_PARAMETERS: usize = 256;
/// `Tags.member.1.Key`.
const MAX_DEPTH: usize = 4;
/// The members that are lists: an empty one comes as an empty text.
const LISTS: [&str; 4] = [
    "PolicyArns",
    "ProvidedContexts",
    "Tags",
    "TransitiveTagKeys",
];

/// A request of the query protocol. Values may be secret.
pub struct Form {
    /// What is asked for.
    pub name: OperationName,
    members: Vec<(String, Zeroizing<String>)>,
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Serialization, message)
}

impl Form {
    /// Reads a body.
    ///
    /// # Errors
    /// `SerializationException` for what is no form, or has a name twice; `UnknownOperationException`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(body).map_err(|_| malformed("The form is not UTF-8."))?;
        let mut members = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?.to_string();
            if members.len() == MAX_PARAMETERS {
                return Err(malformed("The form has too many parameters."));
            }
            if members.iter().any(|(known, _)| *known == name) {
                return Err(malformed("The form has a parameter twice."));
            }
            members.push((name, decoded(value)?));
        }
        let mut form = Self {
            name: OperationName::GetCallerIdentity, // until it is known
            members,
        };
        let action = form.take("Action").unwrap_or_default();
        let version = form.take("Version").unwrap_or_default();
        form.name = OperationName::from_action(&action)?;
        if *version != VERSION {
            let message = format!(
                "Could not find operation {} for that version: it is {VERSION}.",
                form.name
            );
            return Err(Error::new(ErrorCode::UnknownOperation, message));
        }
        Ok(form)
    }

    fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.remove(at).1)
    }

    /// The text of a member; empty if it has none.
    pub(in crate::server) fn get(&self, name: &str) -> &str {
        let mut members = self.members.iter();
        let found = members.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The input's JSON.
    ///
    /// # Errors
    /// `SerializationException`: names that contradict each other.
    pub fn json(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut members = Value::Object(Map::new());
        let put = self.members.iter().try_for_each(|(name, value)| {
            let value = match LISTS.contains(&name.as_str()) && value.is_empty() {
                true => Value::Array(Vec::new()),
                false => Value::String(value.to_string()),
            };
            let path: Vec<&str> = name.split('.').collect();
            if path.len() > MAX_DEPTH {
                return Err(malformed("The name of a parameter has too many parts."));
            }
            let mut place = &mut members;
            for part in path {
                place = child(place, part)?;
            }
            match place {
                Value::Null => *place = value,
                _ => return Err(contradiction()),
            }
            Ok(())
        });
        let json = put.and_then(|()| listed(&mut members));
        let json = json.and_then(|()| serde_json::to_vec(&members).map_err(Error::internal));
        wipe(&mut members);
        json.map(Zeroizing::new)
    }
}

fn contradiction() -> Error {
    malformed("A parameter of the form is a text as well as a structure.")
}

/// The member of a structure; `null` where it is new.
fn child<'v>(structure: &'v mut Value, name: &str) -> Result<&'v mut Value, Error> {
    if structure.is_null() {
        *structure = Value::Object(Map::new());
    }
    let members = structure.as_object_mut().ok_or_else(contradiction)?;
    Ok(members.entry(name).or_insert(Value::Null))
}

/// Makes lists of what has them as `member.1`, `member.2` …
fn listed(value: &mut Value) -> Result<(), Error> {
    let Value::Object(members) = value else {
        return Ok(());
    };
    members.values_mut().try_for_each(listed)?;
    if members.len() != 1 {
        return Ok(());
    }
    let Some(Value::Object(numbered)) = members.get_mut("member") else {
        return Ok(());
    };
    let numbers = 1..=numbered.len();
    let elements = numbers.map(|n| {
        let element = numbered.remove(&n.to_string());
        element.ok_or_else(|| malformed("The elements of a list are not numbered from 1."))
    });
    let elements = elements.collect::<Result<Vec<_>, Error>>()?;
    *value = Value::Array(elements);
    Ok(())
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

/// `%41` and `+` undone.
fn decoded(text: &str) -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let pair = digit(rest.next()).zip(digit(rest.next()));
                let byte = pair.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
                byte.ok_or_else(|| malformed("The form has a % without two digits."))?
            }
            byte => byte,
        });
    }
    match String::from_utf8(std::mem::take(&mut bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(malformed("The form is not UTF-8."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "Action=GetCallerIdentity&Version=2011-06-15";

    fn json(members: &str) -> Result<Value, Error> {
        let form = Form::parse(format!("{CALL}&{members}").as_bytes())?;
        Ok(serde_json::from_slice(&form.json()?).unwrap())
    }

    #[test]
    fn a_form_becomes_json() {
        for (members, expected) in [
            ("", serde_json::json!({})),
            (
                "A=1&B=x+y%2Bz%C3%A9&C",
                serde_json::json!({"A": "1", "B": "x y+zé", "C": ""}),
            ),
            (
                "T.member.1.Key=a&T.member.2.Key=b&T.member.1.Value=&L.member.1=x",
                serde_json::json!({"T": [{"Key": "a", "Value": ""}, {"Key": "b"}], "L": ["x"]}),
            ),
            ("Tags=", serde_json::json!({"Tags": []})),
            ("P.member.1.arn=x", serde_json::json!({"P": [{"arn": "x"}]})),
        ] {
            assert_eq!(json(members).unwrap(), expected, "{members}");
        }
    }

    #[test]
    fn what_is_no_form() {
        let many: String = (0..MAX_PARAMETERS).map(|n| format!("p{n}=&")).collect();
        for members in [
            "A=1&A=2",
            "A=1&%41=2",
            "Action=AssumeRole",
            "A=1&A.b=2",
            "A.b=1&A=2",
            "A=%4",
            "A=%g1",
            "A=%ff",
            "L.member.2=x",
            "L.member.01=x",
            "L.member.1=x&L.member.3=y",
            "a.b.c.d.e=1",
            "Tags=&Tags.member.1.Key=x",
            "Tags.member.1.Key=x&Tags=",
            &many,
        ] {
            let error = json(members).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Serialization, "{members}");
        }
        for call in [
            "",
            "Action=GetCallerIdentity",
            "Version=2011-06-15",
            "Action=Encrypt&Version=2011-06-15",
            "Action=GetCallerIdentity&Version=2014-11-01",
        ] {
            let error = Form::parse(call.as_bytes()).err().expect(call);
            assert_eq!(error.code(), ErrorCode::UnknownOperation, "{call}");
        }
    }
}
