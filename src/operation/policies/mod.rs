//! Key policies. Every key has one, called `default`.

pub mod get_key_policy;
pub mod list_key_policies;
pub mod put_key_policy;

use crate::authz::{KeyPolicy, Principal};
use crate::model::shapes::{Flag, PolicyName};
use crate::{Error, ErrorCode};

/// The one policy that a key has.
const DEFAULT: &str = "default";

/// The longest policy, in bytes.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>.
const MAX_BYTES: usize = 32 * 1024;

fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::MalformedPolicyDocument, message)
}

/// Reads a policy that is to be put on a key.
///
/// # Errors
/// `LimitExceededException`, `MalformedPolicyDocumentException`.
pub(super) fn parse(policy: &str) -> Result<KeyPolicy, Error> {
    if policy.len() > MAX_BYTES {
        let message = format!("The key policy is longer than {MAX_BYTES} bytes.");
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    KeyPolicy::parse(policy).map_err(malformed)
}

/// The lockout safety check: under its new policy the key `arn` must still be manageable by whoever
/// puts it there. What depends on a condition is not counted on.
///
/// # Errors
/// As [`parse`].
pub(super) fn check(
    policy: &str,
    bypass: Option<Flag>,
    caller: &Principal,
    arn: &str,
) -> Result<(), Error> {
    let policy = parse(policy)?;
    let bypassed = bypass.is_some_and(|bypass| bypass.0);
    if bypassed || policy.allows(caller, "kms:PutKeyPolicy", arn) {
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
