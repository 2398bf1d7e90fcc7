//! Key policies. Every key has one, called `default`.

pub mod get_key_policy;
pub mod list_key_policies;
pub mod put_key_policy;

use crate::authz::{self, PolicyKind, Principal};
use crate::model::AccountId;
use crate::model::arn::root_arn;
use crate::model::shapes::{Flag, Policy, PolicyName};
use crate::{Error, ErrorCode};
use std::sync::Arc;

/// The one policy that a key has.
const DEFAULT: &str = "default";

/// The longest policy, in bytes.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>.
const MAX_BYTES: usize = 32 * 1024;

fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::MalformedPolicyDocument, message)
}

/// The policy of a key made without one lets the account's own policies decide. As AWS writes it.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>.
pub(super) fn or_default(given: Option<&Policy>, account: &AccountId) -> String {
    if let Some(policy) = given {
        return policy.to_string();
    }
    let root = root_arn(account);
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "{root}"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// Whether a policy may be put on a key, by its looks.
///
/// # Errors
/// `LimitExceededException`, `MalformedPolicyDocumentException`.
pub(super) fn check(given: Option<&Policy>) -> Result<(), Error> {
    given.map(parse).transpose().map(drop)
}

fn parse(policy: &Policy) -> Result<authz::Policy, Error> {
    if policy.len() > MAX_BYTES {
        let message = format!("The key policy is longer than {MAX_BYTES} bytes.");
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    authz::Policy::parse(policy, PolicyKind::Key).map_err(|error| malformed(error.to_string()))
}

/// The lockout safety check: under its new policy the key `arn` must still be manageable by whoever
/// puts it there. What depends on a condition is not counted on.
///
/// # Errors
/// As [`check`].
pub(super) fn check_lockout(
    given: Option<&Policy>,
    bypass: Option<Flag>,
    caller: &Principal,
    policies: &[Arc<authz::Policy>],
    arn: &str,
) -> Result<(), Error> {
    let Some(policy) = given.filter(|_| bypass.is_none_or(|bypass| !bypass.0)) else {
        return Ok(());
    };
    if authz::keeps_control(&parse(policy)?, caller, policies, arn) {
        return Ok(());
    }
    Err(malformed(
        "The new key policy will not allow you to update the key policy in the future.",
    ))
}

/// A policy's name, where it is given, must be that of the one there is.
///
/// # Errors
/// `NotFoundException`.
fn check_name(name: Option<&PolicyName>) -> Result<(), Error> {
    match name.map(|name| &**name) {
        None | Some(DEFAULT) => Ok(()),
        Some(_) => Err(Error::new(ErrorCode::NotFound, "No such policy exists")),
    }
}
