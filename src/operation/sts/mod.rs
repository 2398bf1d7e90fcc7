//! AWS STS: who the caller is, and temporary credentials. Its operations have the query protocol,
//! which `server::query` speaks.
//!
//! Source: botocore `sts` 2011-06-15.

pub mod assume_role;
pub mod assume_role_with_web_identity;
mod assuming;
mod facts;
pub mod get_caller_identity;
mod oidc;
mod sealing;
mod session_token;
mod temporary;

pub use assuming::Assuming;
pub(super) use facts::AssumeFacts;
pub use oidc::{Issuer, Issuers, KeySource};
pub use session_token::SessionTokens;

use crate::model::shapes::Unsupported;
use crate::{Error, ErrorCode};

/// Refuses members that have no meaning here, by their names.
fn unsupported(members: &[(&str, &Option<Unsupported>)]) -> Result<(), Error> {
    match members.iter().find(|(_, given)| given.is_some()) {
        Some((name, _)) => {
            let message = format!("{name} is not supported.");
            Err(Error::new(ErrorCode::UnsupportedOperation, message))
        }
        None => Ok(()),
    }
}
