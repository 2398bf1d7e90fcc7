//! What an object is and should not be, attribute by attribute.

use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, AttributeType};
use serde_json::{Value, json};
use std::fmt;

use crate::model::hex;

/// One attribute that is otherwise than it has to be.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Deviation {
    /// Its PKCS#11 name.
    pub attribute: String,
    /// What it has to be.
    pub expected: Value,
    /// What it is; null where the token has no answer.
    pub found: Value,
}

impl Deviation {
    pub(super) fn new(
        attribute: impl fmt::Display,
        expected: impl Into<Value>,
        found: impl Into<Value>,
    ) -> Self {
        Self {
            attribute: attribute.to_string(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// That `attribute` has not the value of `want`.
    pub(super) fn of(want: &Attribute, found: Option<&Attribute>) -> Self {
        let found = found.map_or(Value::Null, value);
        Self::new(want.attribute_type(), value(want), found)
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attribute,
            expected,
            found,
        } = self;
        write!(f, "{attribute} should be {expected} and is {found}")
    }
}

/// All of them in one line; `None` if there are none.
pub(super) fn in_words(deviations: &[Deviation]) -> Option<String> {
    let words: Vec<String> = deviations.iter().map(Deviation::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// An attribute's value as JSON: bytes in hexadecimal, mechanisms by name in the order of their
/// numbers.
pub(super) fn value(attribute: &Attribute) -> Value {
    use Attribute as A;
    if let Some(flag) = boolean(attribute) {
        return flag.into();
    }
    match attribute {
        A::Id(bytes) | A::CheckValue(bytes) => hex::encode(bytes).into(),
        A::Label(text) => String::from_utf8_lossy(text).into(),
        A::AllowedMechanisms(list) => {
            let mut list = list.clone();
            list.sort_unstable_by_key(|kind| **kind);
            list.iter().map(MechanismType::to_string).collect()
        }
        A::KeyGenMechanism(kind) => kind.to_string().into(),
        A::KeyType(kind) => kind.to_string().into(),
        A::Class(class) => class.to_string().into(),
        A::ValueLen(len) => json!(u64::from(*len)),
        A::StartDate(date) | A::EndDate(date) if date.is_empty() => Value::Null,
        A::StartDate(date) | A::EndDate(date) => date.to_string().into(),
        other => format!("{other:?}").into(),
    }
}

/// The value of an attribute that is a CK_BBOOL.
pub(super) fn boolean(attribute: &Attribute) -> Option<bool> {
    use Attribute as A;
    match attribute {
        A::AlwaysAuthenticate(is)
        | A::AlwaysSensitive(is)
        | A::Copyable(is)
        | A::Decapsulate(is)
        | A::Decrypt(is)
        | A::Derive(is)
        | A::Destroyable(is)
        | A::Encapsulate(is)
        | A::Encrypt(is)
        | A::Extractable(is)
        | A::Local(is)
        | A::Modifiable(is)
        | A::NeverExtractable(is)
        | A::Private(is)
        | A::Sensitive(is)
        | A::Sign(is)
        | A::SignRecover(is)
        | A::Token(is)
        | A::Trusted(is)
        | A::Unwrap(is)
        | A::Verify(is)
        | A::VerifyRecover(is)
        | A::Wrap(is)
        | A::WrapWithTrusted(is) => Some(*is),
        _ => None,
    }
}

/// That an attribute, which must not be readable, is.
pub(super) fn readable(kind: AttributeType) -> Deviation {
    Deviation::new(kind, "unreadable", "readable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::types::Ulong;

    #[test]
    fn in_words_and_as_json() {
        use MechanismType as M;
        let want = Attribute::Extractable(false);
        let differs = Deviation::of(&want, Some(&Attribute::Extractable(true)));
        let said = "CKA_EXTRACTABLE should be false and is true";
        assert_eq!(differs.to_string(), said);
        let unknown = Deviation::of(&want, None);
        assert_eq!(
            in_words(&[differs, unknown]).unwrap(),
            format!("{said}; CKA_EXTRACTABLE should be false and is null")
        );
        assert_eq!(in_words(&[]), None);
        let list = Attribute::AllowedMechanisms(vec![M::RSA_PKCS_PSS, M::RSA_PKCS]);
        assert_eq!(value(&list), json!(["CKM_RSA_PKCS", "CKM_RSA_PKCS_PSS"]));
        assert_eq!(value(&Attribute::ValueLen(Ulong::new(32))), json!(32));
        assert_eq!(value(&Attribute::Id(vec![10, 11])), json!("0a0b"));
    }
}
