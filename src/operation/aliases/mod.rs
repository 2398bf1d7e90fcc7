//! Aliases: names for keys that can be pointed elsewhere.

pub mod create_alias;
pub mod delete_alias;
pub mod list_aliases;
pub mod update_alias;

use super::Request;
use crate::model::arn::alias_arn;
use crate::{Error, ErrorCode};

/// Of an alias of the caller's account, in the Region of the request.
fn arn(name: &str, request: &Request) -> String {
    alias_arn(&request.principal.account, &request.region, name)
}

/// Checks an alias name that is to be made.
///
/// # Errors
/// `InvalidAliasNameException`.
fn check_name(name: &str) -> Result<(), Error> {
    let refused = |message: String| Err(Error::new(ErrorCode::InvalidAliasName, message));
    match name.strip_prefix("alias/") {
        None | Some("") => refused(format!(
            "Alias name '{name}' must begin with alias/ and name something."
        )),
        Some(rest) if rest.starts_with("aws/") => refused(format!(
            "Alias name '{name}' is reserved: alias/aws/ is for keys that AWS manages."
        )),
        Some(rest) if rest.contains(':') => {
            refused(format!("Alias name '{name}' must not contain a colon."))
        }
        Some(_) => Ok(()),
    }
}

/// Checks the name of an alias that is there already.
///
/// # Errors
/// `ValidationException` for what no alias can be called.
fn check_known(name: &str) -> Result<(), Error> {
    match name.strip_prefix("alias/") {
        None | Some("") => Err(Error::new(ErrorCode::Validation, "Invalid identifier")),
        Some(_) => Ok(()),
    }
}

/// Checks what an alias is to point at.
///
/// # Errors
/// `ValidationException` for another alias.
fn check_target(key_id: &str) -> Result<(), Error> {
    if key_id.starts_with("alias/") || key_id.contains(":alias/") {
        let message = "Aliases must refer to keys. Not aliases";
        return Err(Error::new(ErrorCode::Validation, message));
    }
    Ok(())
}
