//! The names of members where they are told: in messages and in the audit log's records.

use crate::Error;
use serde_json::Value;

/// `key_id` -> `keyId`: AWS names members so in its messages, and CloudTrail in its records.
pub fn camel(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// Members whose value is a map: its keys are data, and stay as they are.
const MAPS: [&str; 5] = [
    "encryptionContext",
    "encryptionContextEquals",
    "encryptionContextSubset",
    "sourceEncryptionContext",
    "destinationEncryptionContext",
];

/// An answer as `responseElements` of its record: `KeyId` -> `keyId`, `AWSAccountId` ->
/// `aWSAccountId`, as CloudTrail names members.
///
/// # Errors
/// `KMSInternalException`, should it not serialize.
pub fn recorded<T: serde::Serialize>(answer: &T) -> Result<Value, Error> {
    let answer = serde_json::to_value(answer).map_err(Error::internal)?;
    Ok(lowered(answer))
}

fn lowered(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let name = lower(name);
                let map = MAPS.contains(&name.as_str());
                let value = if map { value } else { lowered(value) };
                (name, value)
            };
            members.into_iter().map(member).collect()
        }
        Value::Array(elements) => elements.into_iter().map(lowered).collect(),
        other => other,
    }
}

/// The first letter alone.
fn lower(mut name: String) -> String {
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_begin_with_a_small_letter_and_maps_keep_their_keys() {
        let answer = json!({
            "AWSAccountId": "111122223333",
            "Tags": [{"TagKey": "Team", "TagValue": "Payments"}],
            "Constraints": {"EncryptionContextSubset": {"Department": "Engineering"}},
            "EncryptionContext": {"Project": "Alpha"},
        });
        let expected = json!({
            "aWSAccountId": "111122223333",
            "tags": [{"tagKey": "Team", "tagValue": "Payments"}],
            "constraints": {"encryptionContextSubset": {"Department": "Engineering"}},
            "encryptionContext": {"Project": "Alpha"},
        });
        assert_eq!(recorded(&answer).unwrap(), expected);
        assert_eq!(recorded(&()).unwrap(), Value::Null);
        assert_eq!(camel("key_id"), "keyId");
    }
}
