//! Initialising an empty slot's token. A token that is initialised is never initialised again:
//! that would destroy every key on it.

use super::config::TokenSelector;
use super::epoch::{find_token, initialize, tokens};
use super::error::{TokenError, TokenErrorClass};
use cryptoki::context::Pkcs11;
use cryptoki::error::{Error as CkError, RvError};
use cryptoki::session::UserType;
use secrecy::SecretString;
use std::path::Path;

/// The longest label of a token, in bytes (CK_TOKEN_INFO, PKCS#11 v3.1 section 3.2).
const LABEL_LEN: usize = 32;

/// What [`provision`] found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// The token's serial number.
    pub serial: String,
    /// Whether the token was initialised now; `false` if there was one of that label.
    pub created: bool,
}

/// Sees that there is a token labelled `label` with a user PIN: one that exists is left as it is
/// (and given its user PIN if an earlier run was cut off before that), else the first
/// uninitialised token becomes it (C_InitToken, C_InitPIN; PKCS#11 v3.1 sections 5.5.7, 5.5.8).
///
/// Blocks; must not run while a [`Token`](super::Token) of the same module is open in this process.
///
/// # Errors
///
/// Class Operator if there is no uninitialised token, the label does not fit or two tokens bear
/// it, or the token refuses a PIN.
pub fn provision(
    module: &Path,
    label: &str,
    so_pin: &SecretString,
    user_pin: &SecretString,
) -> Result<Provisioned, TokenError> {
    if label.is_empty() || label.len() > LABEL_LEN {
        return Err(TokenError::new(
            TokenErrorClass::Operator,
            "C_InitToken",
            format!("a token's label has 1 to {LABEL_LEN} bytes"),
        ));
    }
    let pkcs11 = Pkcs11::new(module)?;
    let ours = initialize(&pkcs11)?;
    let outcome = provision_in(&pkcs11, label, so_pin, user_pin);
    if ours && let Err(error) = pkcs11.finalize() {
        log::warn!("{}", TokenError::from(error));
    }
    outcome
}

fn provision_in(
    pkcs11: &Pkcs11,
    label: &str,
    so_pin: &SecretString,
    user_pin: &SecretString,
) -> Result<Provisioned, TokenError> {
    let select = TokenSelector::Label(label.to_owned());
    let exists = tokens(pkcs11)?
        .iter()
        .any(|(_, info)| info.token_initialized() && info.label() == label);
    if !exists {
        let empty = tokens(pkcs11)?
            .into_iter()
            .find(|(_, info)| !info.token_initialized());
        let Some((slot, _)) = empty else {
            return Err(TokenError::new(
                TokenErrorClass::Operator,
                "C_GetSlotList",
                "there is no uninitialised token; initialise one with its vendor's tools",
            ));
        };
        pkcs11.init_token(slot, so_pin, label)?;
    }
    // Looked up again by its label: SoftHSM moves a new token to another slot.
    let (slot, info) = find_token(pkcs11, &select)?;
    if !info.user_pin_initialized() {
        let session = pkcs11.open_rw_session(slot)?;
        match session.login(UserType::So, Some(so_pin)) {
            Ok(()) | Err(CkError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(error.into()),
        }
        session.init_pin(user_pin)?;
        session.logout()?;
    }
    Ok(Provisioned {
        serial: info.serial_number().to_owned(),
        created: !exists,
    })
}
