//! Aliases: names for keys that can be pointed elsewhere.

pub mod create_alias;
pub mod delete_alias;
pub mod list_aliases;
pub mod update_alias;

use crate::{Error, ErrorCode};

/// Checks an alias name that is to be made or changed.
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
