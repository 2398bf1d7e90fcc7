//! Operation × form of KeyId: which the pages of the operations take, read from the model's own
//! documentation, and what is answered to the others; and whose keys may be named.

use crate::api::call;
use crate::botocore;
use crate::fixtures::{Key, Kind, has_no_key, leaves_a_mark, name};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use strongroom::operation::OperationName;

/// The four forms, as the documentation names them.
const FORMS: [&str; 4] = ["Key ID", "Key ARN", "Alias name", "Alias ARN"];

/// Members that name a key: the row of `fixtures.rs` and the member.
const MEMBERS: &[(&str, &str)] = &[
    ("ReEncrypt", "SourceKeyId"),
    ("ReEncrypt to", "DestinationKeyId"),
    ("CreateAlias", "TargetKeyId"),
    ("UpdateAlias", "TargetKeyId"),
];

/// Where the documentation does not list the forms: the operation, and those that it takes.
const UNLISTED: &[(&str, &[&str])] = &[
    // "The HMAC KMS key to use": as all cryptographic operations.
    ("GenerateMac", &FORMS),
    ("VerifyMac", &FORMS),
    // "The key ARN KMS key associated with the grant", but also, of the operation as a whole: "a key
    // identifier (key ID or key ARN)".
    ("RetireGrant", &["Key ID", "Key ARN"]),
];

fn rows() -> Vec<(&'static str, &'static str)> {
    let with_key_id = botocore::operations().filter(|operation| {
        let members = botocore::inputs(operation);
        members.iter().any(|(member, _)| *member == "KeyId")
    });
    with_key_id
        .map(|operation| (operation, "KeyId"))
        .chain(MEMBERS.iter().copied())
        .collect()
}

/// The forms that an operation's page lists.
fn listed(operation: &str, member: &str) -> Vec<&'static str> {
    if let Some((_, forms)) = UNLISTED.iter().find(|(known, _)| *known == operation) {
        return forms.to_vec();
    }
    let input = botocore::shape(&format!("{operation}Request"));
    let page = input["members"][member]["documentation"].as_str().unwrap();
    let forms = FORMS.into_iter();
    let forms: Vec<_> = forms
        .filter(|form| page.contains(&format!("{form}: <code>")))
        .collect();
    assert!(forms.len() >= 2, "{operation}.{member}: {page}");
    forms
}

fn in_form(form: &str, key: &Key) -> String {
    let of_alias = |alias: String| key.arn.replace(&format!("key/{}", key.id), &alias);
    match form {
        "Key ID" => key.id.clone(),
        "Key ARN" => key.arn.clone(),
        "Alias name" => key.alias(),
        "Alias ARN" => of_alias(key.alias()),
        other => panic!("{other}"),
    }
}

#[test]
fn every_operation_by_every_form() {
    let mut wrong = Vec::new();
    for (row, member) in rows() {
        let accepted = listed(name(row), member);
        let mut shared = None;
        for form in FORMS {
            let new = || Key::new(Kind::of(name(row)));
            // Whoever is refused leaves no mark.
            let again = !leaves_a_mark(row) || !accepted.contains(&form);
            let own;
            let key = match again {
                true => &*shared.get_or_insert_with(new),
                false => {
                    own = new();
                    &own
                }
            };
            let mut request = key.request(row);
            request[member] = in_form(form, key).into();
            if row == "CancelKeyDeletion" && !again {
                call("ScheduleKeyDeletion", &key.alone()).ok();
            }
            let answer = call(name(row), &request).verdict();
            let expected = match (accepted.contains(&form), member) {
                // The key is found.
                (true, _) if has_no_key(row) => "InvalidKeyUsageException",
                (true, _) => "OK",
                (false, "TargetKeyId") => {
                    "ValidationException: Aliases must refer to keys. Not aliases"
                }
                (false, _) => {
                    "InvalidArnException: Key Aliases are not supported for this operation."
                }
            };
            if !answer.starts_with(expected) {
                wrong.push(format!(
                    "{row}.{member} by {form}: {expected}\n  got: {answer}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_names_no_key() {
    let mut wrong = Vec::new();
    let nobody = "00000000-0000-0000-0000-000000000000";
    let here = "arn:aws:kms:us-east-1:000000000000";
    for (row, member) in rows() {
        let aliases = listed(name(row), member).contains(&"Alias name");
        let mut cases = vec![
            (
                format!("{here}:key/{nobody}"),
                format!("NotFoundException: Key '{here}:key/{nobody}' does not exist"),
            ),
            (
                format!("arn:aws:kms:eu-west-9:000000000000:key/{nobody}"),
                "NotFoundException: Invalid arn eu-west-9".into(),
            ),
            (
                nobody.into(),
                format!("NotFoundException: Key '{here}:key/{nobody}' does not exist"),
            ),
            (
                "key_id".into(),
                "NotFoundException: Invalid keyId 'key_id'".into(),
            ),
        ];
        if aliases {
            let alias = "alias/nobody-is-called-so";
            let missing = format!("NotFoundException: Alias {here}:{alias} is not found.");
            cases.push((alias.into(), missing.clone()));
            cases.push((format!("{here}:{alias}"), missing));
        }
        let request = base(row);
        for (key_id, expected) in cases {
            let mut request = request.clone();
            request[member] = key_id.clone().into();
            let answer = call(name(row), &request).verdict();
            if answer != expected {
                wrong.push(format!(
                    "{row}.{member} {key_id}: {expected}\n  got: {answer}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A right request, whose key does not matter.
fn base(row: &str) -> Value {
    static MADE: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Key::new(Kind::of(name(row))).request(row);
    made.entry(row.to_owned()).or_insert_with(new).clone()
}

#[test]
fn keys_of_other_accounts() {
    let mut wrong = Vec::new();
    for (row, member) in rows() {
        let operation = name(row);
        let page = botocore::operation(operation)["documentation"].as_str();
        let page = page.unwrap();
        let across = page
            .split("Cross-account use</b>")
            .nth(1)
            .unwrap_or_else(|| panic!("{operation} says nothing of other accounts"));
        let across = across.trim_start_matches([':', ' ']).starts_with("Yes");
        let ours = OperationName::ALL
            .iter()
            .find(|known| known.as_str() == operation);
        if ours.is_some_and(|ours| ours.across_accounts() != across) {
            wrong.push(format!("{operation}: its page says {across}"));
        }
        // Today no policy lets anyone in, so that both are refused alike, whether the key is there
        // or not.
        let mut request = base(row);
        request[member] =
            json!("arn:aws:kms:us-east-1:999999999999:key/00000000-0000-0000-0000-000000000000");
        let answer = call(operation, &request);
        let expected = "User: arn:aws:iam::000000000000:root is not authorized to perform: kms:";
        if answer.code() != "AccessDeniedException" || !answer.message().starts_with(expected) {
            wrong.push(format!("{row}: {}", answer.verdict()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
