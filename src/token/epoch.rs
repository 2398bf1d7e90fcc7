//! One life of the module between C_Initialize and C_Finalize: finding the token, logging in, and
//! what all threads share meanwhile.

use super::attributes::Class;
use super::config::{TokenConfig, TokenSelector};
use super::error::{TokenError, TokenErrorClass};
use super::export_check::{Hardened, harden};
use super::wrapping::Unwraps;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as CkError, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use uuid::Uuid;

/// When C_GetTokenInfo is tried again after CKR_GENERAL_ERROR: SoftHSM has no other answer while
/// another process logs in to the token, or out of it, and writes its flags.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];

/// How many handles are kept, of those that are used: more than most tokens have objects. Some 6 MB.
const HANDLES: usize = 1 << 16;

/// What the session threads of one epoch share.
pub(super) struct Epoch {
    pub(super) number: u64,
    pub(super) pkcs11: Pkcs11,
    pub(super) slot: Slot,
    pub(super) serial: String,
    pub(super) label: String,
    pub(super) model: String,
    /// Handles hold in every session of the process, and only in this epoch.
    pub(super) handles: Cache<(Uuid, Class), ObjectHandle>,
    /// Set once the token is known to be gone: what is still queued is answered at once.
    pub(super) lost: AtomicBool,
    /// A session key of the anchor session, to see whether the token is well.
    pub(super) canary: ObjectHandle,
    /// Whether the token has RSAES-OAEP with SHA-256; asked when first needed.
    pub(super) oaep_sha256: OnceLock<bool>,
    /// Whether its CKM_EDDSA has Ed25519ph; asked when first needed.
    pub(super) ed25519ph: OnceLock<bool>,
    /// What the token unwraps; asked when first needed.
    pub(super) unwraps: OnceLock<Unwraps>,
    /// [`TokenConfig::import_through_memory`].
    pub(super) import_through_memory: bool,
}

impl Epoch {
    /// Fails with class TokenLost unless the token answers and is the one that was opened
    /// (C_GetTokenInfo; PKCS#11 v3.1 section 5.5.3).
    pub(super) fn check_present(&self) -> Result<(), TokenError> {
        let lost =
            |detail: String| TokenError::new(TokenErrorClass::TokenLost, "C_GetTokenInfo", detail);
        let mut pauses = LOOK_AGAIN.iter();
        loop {
            let error = match self.pkcs11.get_token_info(self.slot) {
                Ok(info) if info.serial_number() == self.serial => return Ok(()),
                Ok(_) => return Err(lost("another token is in the slot".into())),
                Err(error) => TokenError::from(error),
            };
            match pauses.next() {
                Some(pause) if error.code == Some(RvError::GeneralError) => {
                    std::thread::sleep(*pause);
                }
                _ => return Err(lost(error.detail)),
            }
        }
    }
}

/// Why an epoch did not begin.
#[derive(Debug)]
pub(super) enum OpenFailure {
    /// Try again, with backoff.
    Away(TokenError),
    /// An operator must act; looking again is harmless.
    Operator(TokenError),
    /// An operator must act, and trying again would do harm or be in vain.
    Final(TokenError),
}

impl OpenFailure {
    pub(super) fn error(&self) -> &TokenError {
        match self {
            Self::Away(error) | Self::Operator(error) | Self::Final(error) => error,
        }
    }

    /// Whether the token is not to be found, which may be over once the module is initialised
    /// anew: some list only the tokens that were there at C_Initialize.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Operator(error) => error.function == "C_GetSlotList",
            Self::Final(_) => false,
        }
    }

    pub(super) fn into_error(self) -> TokenError {
        match self {
            Self::Away(error) | Self::Operator(error) | Self::Final(error) => error,
        }
    }
}

impl From<TokenError> for OpenFailure {
    fn from(error: TokenError) -> Self {
        match error.class {
            // A token without AES, say, does not grow it by itself.
            TokenErrorClass::Operator | TokenErrorClass::Unsupported => {
                Self::Operator(TokenError {
                    class: TokenErrorClass::Operator,
                    ..error
                })
            }
            _ => Self::Away(error),
        }
    }
}

impl From<CkError> for OpenFailure {
    fn from(error: CkError) -> Self {
        TokenError::from(error).into()
    }
}

/// C_Initialize, with the module's own locks. `Ok(false)` if it was initialised already: then it
/// is not ours to finalize.
pub(super) fn initialize(pkcs11: &Pkcs11) -> Result<bool, TokenError> {
    match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) => Ok(true),
        Err(CkError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The slots with a token whose description can be read. One that cannot (openCryptoki's breaks
/// the binding's parser) is skipped: it is not the token that is looked for, whose label or serial
/// must be readable.
pub(super) fn tokens(pkcs11: &Pkcs11) -> Result<Vec<(Slot, TokenInfo)>, TokenError> {
    let mut tokens = Vec::new();
    for slot in pkcs11.get_slots_with_token()? {
        match pkcs11.get_token_info(slot) {
            Ok(info) => tokens.push((slot, info)),
            Err(error) => log::warn!("slot {} is skipped: {error}", slot.id()),
        }
    }
    Ok(tokens)
}

/// The one token that `select` names.
pub(super) fn find_token(
    pkcs11: &Pkcs11,
    select: &TokenSelector,
) -> Result<(Slot, TokenInfo), TokenError> {
    let operator =
        |detail: String| TokenError::new(TokenErrorClass::Operator, "C_GetSlotList", detail);
    let mut matching = tokens(pkcs11)?.into_iter().filter(|(_, info)| {
        info.token_initialized()
            && match select {
                TokenSelector::Label(label) => info.label() == label,
                TokenSelector::Serial(serial) => info.serial_number() == serial,
            }
    });
    match (matching.next(), matching.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(operator(format!("there is no token {select}"))),
        (Some(_), Some(_)) => Err(operator(format!(
            "there is more than one token {select}; name it by its serial number"
        ))),
    }
}

/// Logs the user in, unless that could lock the token (PKCS#11 v3.1 section 5.6.8).
pub(super) fn login(
    session: &Session,
    info: &TokenInfo,
    pin: &SecretString,
    retry_pin: bool,
) -> Result<(), OpenFailure> {
    let refuse = |code, detail: &str| {
        let error = TokenError::new(TokenErrorClass::Operator, "C_Login", detail);
        Err(OpenFailure::Operator(TokenError {
            code: Some(code),
            ..error
        }))
    };
    if info.user_pin_locked() {
        let detail = "the user PIN is locked; the security officer must set it anew";
        return refuse(RvError::PinLocked, detail);
    }
    if !info.user_pin_initialized() {
        let detail = "the token has no user PIN yet";
        return refuse(RvError::UserPinNotInitialized, detail);
    }
    if (info.user_pin_count_low() || info.user_pin_final_try()) && !retry_pin {
        return refuse(
            RvError::PinLocked,
            "a wrong user PIN was given before, and more would lock the token: \
             see that the PIN is right, then start with retry_pin",
        );
    }
    match session.login(UserType::User, Some(pin)) {
        Ok(()) | Err(CkError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) => {
            let error = TokenError::from(error);
            match error.class {
                // Every further try brings the token nearer to its lock.
                TokenErrorClass::Operator => Err(OpenFailure::Final(error)),
                _ => Err(OpenFailure::Away(error)),
            }
        }
    }
}

/// Logs in and looks whether the token keeps its keys. The session that is answered anchors the
/// login: when a token's last session closes, the login and all handles are gone.
pub(super) fn begin(
    pkcs11: &Pkcs11,
    slot: Slot,
    info: &TokenInfo,
    config: &TokenConfig,
    number: u64,
) -> Result<(Epoch, Session), OpenFailure> {
    let anchor = pkcs11.open_ro_session(slot)?;
    login(&anchor, info, &config.pin, config.retry_pin)?;
    let Hardened { key, leaks } = harden(&anchor)?;
    if let Some(leak) = leaks.iter().find(|check| !check.holds) {
        return Err(OpenFailure::Final(TokenError::new(
            TokenErrorClass::Operator,
            "export check",
            leak.refusal(),
        )));
    }
    let epoch = Epoch {
        number,
        pkcs11: pkcs11.clone(),
        slot,
        serial: info.serial_number().to_owned(),
        label: info.label().to_owned(),
        model: info.model().to_owned(),
        handles: Cache::new(HANDLES),
        lost: AtomicBool::new(false),
        canary: key,
        oaep_sha256: OnceLock::new(),
        ed25519ph: OnceLock::new(),
        unwraps: OnceLock::new(),
        import_through_memory: config.import_through_memory,
    };
    Ok((epoch, anchor))
}
