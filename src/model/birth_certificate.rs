//! What a token said of a key version when it was made.

use serde_json::Value;
use std::sync::Arc;

const CHECK_VALUE: &str = "check_value";
const PUBLIC_KEY: &str = "public_key";

/// What the token said of a key version when it was made, as JSON: the database's, whatever of it
/// this gateway understands. Taken apart, because all of it but the key's own is the same for all
/// keys that one token made of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BirthCertificate {
    /// What may be kept once for all of them.
    pub breed: Arc<Breed>,
    /// `CKA_CHECK_VALUE`, if it is of three bytes, as PKCS#11 has it.
    check_value: Option<[u8; 3]>,
}

/// What the birth certificates of many keys have alike.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Breed {
    /// Without what is beside it.
    json: Value,
    /// DER, which as JSON would be large; that of one key pair alone.
    public_key: Option<Box<[u8]>>,
}

impl BirthCertificate {
    /// A member; not that of the check value, nor the public key.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.breed.json.get(name)
    }

    /// The whole of it.
    pub fn json(&self) -> Value {
        let mut json = self.breed.json.clone();
        let check_value = self.check_value.as_ref().map(<[u8; 3]>::as_slice);
        let apart = [
            (CHECK_VALUE, check_value),
            (PUBLIC_KEY, self.breed.public_key.as_deref()),
        ];
        for (name, bytes) in apart {
            if let Some(bytes) = bytes {
                json[name] = bytes.into();
            }
        }
        json
    }
}

impl From<Value> for BirthCertificate {
    fn from(mut json: Value) -> Self {
        let check_value = bytes(&json, CHECK_VALUE).and_then(|bytes| bytes.try_into().ok());
        let public_key = bytes(&json, PUBLIC_KEY).map(Vec::into_boxed_slice);
        if let Some(members) = json.as_object_mut() {
            members.retain(|name, _| match name.as_str() {
                CHECK_VALUE => check_value.is_none(),
                PUBLIC_KEY => public_key.is_none(),
                _ => true,
            });
        }
        Self {
            breed: Arc::new(Breed { json, public_key }),
            check_value,
        }
    }
}

/// A member that is nothing but bytes.
fn bytes(json: &Value, name: &str) -> Option<Vec<u8>> {
    let byte = |number: &Value| u8::try_from(number.as_u64()?).ok();
    json.get(name)?.as_array()?.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_put_together_as_it_was() {
        for whole in [
            json!({"check_value": [1, 2, 255], "public_key": null, "local": true}),
            json!({"check_value": [1, 2, 3, 4], "public_key": [48, 0], "later": {"a": [1.5]}}),
            json!({"check_value": [1, 2, 256], "public_key": [-1], "imported": false}),
            json!({"check_value": null, "public_key": []}),
            json!({}),
            json!("no certificate"),
        ] {
            assert_eq!(BirthCertificate::from(whole.clone()).json(), whole);
        }
    }

    #[test]
    fn keys_of_one_kind_have_all_alike_but_what_is_their_own() {
        let of = |value: [u8; 3]| BirthCertificate::from(json!({"check_value": value, "local": 1}));
        let (one, other) = (of([1, 2, 3]), of([4, 5, 6]));
        assert_eq!(one.breed, other.breed);
        assert_ne!(one, other);
    }
}
