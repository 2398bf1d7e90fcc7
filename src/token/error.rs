//! What goes wrong at a token, sorted into the classes that decide what follows.

use super::config::TokenTrouble;
use crate::ErrorCode;
use cryptoki::context::Function;
use cryptoki::error::{Error as CkError, RvError};

/// What went wrong at the token, and the class that alone decides what follows.
#[derive(Debug, thiserror::Error)]
#[error("{function}: {detail}")]
pub struct TokenError {
    /// What follows from it.
    pub class: TokenErrorClass,
    /// The PKCS#11 function, or the step of ours.
    pub function: &'static str,
    /// The `CKR_` code, or what happened.
    pub detail: String,
    /// The code itself, where a token gave one.
    pub(super) code: Option<RvError>,
}

/// The classes of token errors (design, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenErrorClass {
    CallersFault,
    Busy,
    SessionLost,
    TokenLost,
    Deadline,
    Operator,
    Unsupported,
    NoSuchObject,
    NotAsBorn,
    Bug,
}

impl TokenErrorClass {
    /// Every class, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::CallersFault,
        Self::Busy,
        Self::SessionLost,
        Self::TokenLost,
        Self::Deadline,
        Self::Operator,
        Self::Unsupported,
        Self::NoSuchObject,
        Self::NotAsBorn,
        Self::Bug,
    ];

    /// Its name in the metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CallersFault => "callers_fault",
            Self::Busy => "busy",
            Self::SessionLost => "session_lost",
            Self::TokenLost => "token_lost",
            Self::Deadline => "deadline",
            Self::Operator => "operator",
            Self::Unsupported => "unsupported",
            Self::NoSuchObject => "no_such_object",
            Self::NotAsBorn => "not_as_born",
            Self::Bug => "bug",
        }
    }
}

impl TokenError {
    /// An error that no token reported.
    pub fn new(class: TokenErrorClass, function: &'static str, detail: impl Into<String>) -> Self {
        Self {
            class,
            function,
            detail: detail.into(),
            code: None,
        }
    }

    /// What an error of an opening says of the token.
    pub(super) fn trouble(&self) -> TokenTrouble {
        use RvError as R;
        match (self.function, self.code) {
            (_, Some(R::PinIncorrect | R::PinInvalid | R::PinLenRange)) => TokenTrouble::WrongPin,
            (_, Some(R::PinLocked | R::PinExpired)) => TokenTrouble::PinLocked,
            (_, Some(R::UserPinNotInitialized)) => TokenTrouble::NoPin,
            ("C_GetSlotList" | "dlopen", _) => TokenTrouble::NotFound,
            ("claim", _) => TokenTrouble::InUse,
            _ if self.class == TokenErrorClass::Operator => TokenTrouble::Unfit,
            _ => TokenTrouble::Silent,
        }
    }

    /// Whether the object handle is no longer any good: deleted elsewhere, or the token is gone.
    pub(super) fn is_stale_handle(&self) -> bool {
        matches!(
            self.code,
            Some(RvError::ObjectHandleInvalid | RvError::KeyHandleInvalid)
        )
    }

    /// Whether the code says nothing about its cause: SoftHSM answers a bad GCM tag and a vanished
    /// token directory alike. Vendors' own codes are no better known.
    pub(super) fn is_ambiguous(&self) -> bool {
        matches!(
            self.code,
            Some(
                RvError::GeneralError
                    | RvError::FunctionFailed
                    | RvError::ObjectHandleInvalid
                    | RvError::KeyHandleInvalid
                    | RvError::VendorDefined(_)
            )
        )
    }
}

impl From<CkError> for TokenError {
    fn from(error: CkError) -> Self {
        match error {
            CkError::Pkcs11(code, function) => Self {
                class: class_of(code),
                function: function_name(function),
                detail: ckr_name(code),
                code: Some(code),
            },
            // The module file is missing or is no PKCS#11 module: it may appear (a package is
            // being upgraded, a volume mounted), so the supervisor keeps looking.
            CkError::LibraryLoading(_) | CkError::MissingSymbol(_) => {
                Self::new(TokenErrorClass::TokenLost, "dlopen", error.to_string())
            }
            CkError::NullFunctionPointer | CkError::NotSupported => Self::new(
                TokenErrorClass::Unsupported,
                "PKCS#11 module",
                error.to_string(),
            ),
            other => Self::new(TokenErrorClass::Bug, "PKCS#11 binding", other.to_string()),
        }
    }
}

/// The code of an error that is only told, by its PKCS#11 name.
pub(super) fn name_of(error: &CkError) -> String {
    match error {
        CkError::Pkcs11(code, function) => {
            format!("{}: {}", function_name(*function), ckr_name(*code))
        }
        other => other.to_string(),
    }
}

/// The class of a return value (PKCS#11 v3.1, section 5.1), the function aside: where that matters
/// (a wrong tag, a wrong signature) the caller looks at [`TokenError::code`].
fn class_of(code: RvError) -> TokenErrorClass {
    use RvError as R;
    match code {
        R::SessionHandleInvalid
        | R::SessionClosed
        | R::OperationActive
        | R::OperationNotInitialized
        | R::BufferTooSmall => TokenErrorClass::SessionLost,
        R::DeviceError
        | R::DeviceRemoved
        | R::TokenNotPresent
        | R::TokenNotRecognized
        | R::CryptokiNotInitialized
        | R::SlotIdInvalid
        | R::UserNotLoggedIn => TokenErrorClass::TokenLost,
        R::PinIncorrect
        | R::PinInvalid
        | R::PinLenRange
        | R::PinExpired
        | R::PinLocked
        | R::UserPinNotInitialized
        | R::UserTypeInvalid
        | R::UserAnotherAlreadyLoggedIn
        | R::UserTooManyTypes
        | R::HostMemory
        | R::DeviceMemory
        | R::SessionCount
        | R::TokenWriteProtected
        | R::FipsSelfTestFailed => TokenErrorClass::Operator,
        R::MechanismInvalid
        | R::MechanismParamInvalid
        | R::FunctionNotSupported
        | R::CurveNotSupported
        | R::DomainParamsInvalid
        | R::KeySizeRange => TokenErrorClass::Unsupported,
        R::DataInvalid
        | R::DataLenRange
        | R::EncryptedDataInvalid
        | R::EncryptedDataLenRange
        | R::SignatureInvalid
        | R::SignatureLenRange => TokenErrorClass::CallersFault,
        R::ObjectHandleInvalid | R::KeyHandleInvalid => TokenErrorClass::NoSuchObject,
        _ => TokenErrorClass::Bug,
    }
}

/// `SessionHandleInvalid` as `CKR_SESSION_HANDLE_INVALID`.
fn ckr_name(code: RvError) -> String {
    if let RvError::VendorDefined(number) = code {
        return format!("CKR_VENDOR_DEFINED {number:#010x}");
    }
    let mut name = String::from("CKR");
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// The C name of the functions that are called here.
fn function_name(function: Function) -> &'static str {
    match function {
        Function::Initialize => "C_Initialize",
        Function::Finalize => "C_Finalize",
        Function::GetInfo => "C_GetInfo",
        Function::GetFunctionList => "C_GetFunctionList",
        Function::GetInterface => "C_GetInterface",
        Function::GetSlotList => "C_GetSlotList",
        Function::GetSlotInfo => "C_GetSlotInfo",
        Function::GetTokenInfo => "C_GetTokenInfo",
        Function::GetMechanismList => "C_GetMechanismList",
        Function::GetMechanismInfo => "C_GetMechanismInfo",
        Function::InitToken => "C_InitToken",
        Function::InitPIN => "C_InitPIN",
        Function::OpenSession => "C_OpenSession",
        Function::CloseSession => "C_CloseSession",
        Function::GetSessionInfo => "C_GetSessionInfo",
        Function::Login => "C_Login",
        Function::Logout => "C_Logout",
        Function::CreateObject => "C_CreateObject",
        Function::CopyObject => "C_CopyObject",
        Function::DestroyObject => "C_DestroyObject",
        Function::GetAttributeValue => "C_GetAttributeValue",
        Function::FindObjectsInit => "C_FindObjectsInit",
        Function::FindObjects => "C_FindObjects",
        Function::FindObjectsFinal => "C_FindObjectsFinal",
        Function::EncryptInit => "C_EncryptInit",
        Function::Encrypt => "C_Encrypt",
        Function::DecryptInit => "C_DecryptInit",
        Function::Decrypt => "C_Decrypt",
        Function::SignInit => "C_SignInit",
        Function::Sign => "C_Sign",
        Function::VerifyInit => "C_VerifyInit",
        Function::Verify => "C_Verify",
        Function::GenerateKey => "C_GenerateKey",
        Function::GenerateKeyPair => "C_GenerateKeyPair",
        Function::WrapKey => "C_WrapKey",
        Function::UnwrapKey => "C_UnwrapKey",
        Function::GenerateRandom => "C_GenerateRandom",
        _ => "PKCS#11",
    }
}

impl From<TokenError> for crate::Error {
    fn from(error: TokenError) -> Self {
        use TokenErrorClass as C;
        let (code, message) = match error.class {
            C::Busy => (
                ErrorCode::Throttling,
                "The token's queue is full; retry.".to_owned(),
            ),
            C::Deadline => (
                ErrorCode::DependencyTimeout,
                "The token did not answer in time. The request can be retried.".to_owned(),
            ),
            C::TokenLost | C::SessionLost => (
                ErrorCode::KeyUnavailable,
                "The token that holds the key is not available. Retry later.".to_owned(),
            ),
            C::Operator => (
                ErrorCode::KeyUnavailable,
                "The token that holds the key needs its operator's attention.".to_owned(),
            ),
            C::NotAsBorn => (
                ErrorCode::KeyUnavailable,
                "What the token has in the key's place is not what was made. It is not used until \
                 an operator has seen to it."
                    .to_owned(),
            ),
            C::Unsupported => (
                ErrorCode::UnsupportedOperation,
                format!("The token does not support this: {}", error.detail),
            ),
            C::CallersFault => (ErrorCode::Validation, error.detail.clone()),
            C::NoSuchObject | C::Bug => return crate::Error::internal(error),
        };
        crate::Error::new(code, message).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_name_and_function() {
        let error = TokenError::from(CkError::Pkcs11(RvError::SessionClosed, Function::Sign));
        assert_eq!(error.class, TokenErrorClass::SessionLost);
        assert_eq!(error.to_string(), "C_Sign: CKR_SESSION_CLOSED");
    }

    #[test]
    fn a_full_queue_is_throttling_and_an_unknown_code_internal() {
        let busy = TokenError::new(TokenErrorClass::Busy, "queue", "full");
        assert_eq!(crate::Error::from(busy).code(), ErrorCode::Throttling);
        let odd = TokenError::from(CkError::Pkcs11(
            RvError::VendorDefined(0x8000_0001),
            Function::Sign,
        ));
        assert_eq!(odd.class, TokenErrorClass::Bug);
        assert_eq!(crate::Error::from(odd).code(), ErrorCode::KmsInternal);
    }
}
