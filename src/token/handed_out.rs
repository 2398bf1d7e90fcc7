//! Secrets that are not a CMK's and are handed out: the private key of a data key pair, a shared
//! secret. They are made on the token as session objects that may be read; nothing here is ever
//! given the handle of a CMK.
//!
//! Such a secret leaves the token wrapped under a session key that lives as long as the one call,
//! and is unwrapped in memory that is wiped: the binding's own copies of what it reads are not.
//! Where a token does not wrap it (SoftHSM: Ed25519), its attributes are read.
//!
//! SoftHSM leaks about 240 bytes for each session object: two for a data key pair, one for a secret,
//! and one to wrap.

use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::session::TokenSession;
use super::wrapping::unwrap;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use secrecy::SecretSlice;
use zeroize::{Zeroize, Zeroizing};

/// What keeps a session object of a secret that is handed out from being a CMK, and from being used.
pub(super) fn readable(class: ObjectClass, key_type: KeyType) -> Vec<Attribute> {
    vec![
        Attribute::Class(class),
        Attribute::KeyType(key_type),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ]
}

/// Wraps the object under a fresh session key with CKM_AES_KEY_WRAP_PAD and unwraps it here: a
/// PKCS#8 PrivateKeyInfo for a private key, the value for a secret (PKCS#11 v3.1 section 5.18.3);
/// `None` where the token does not.
pub(super) fn wrapped_out(
    session: &mut TokenSession,
    object: ObjectHandle,
) -> Result<Option<Zeroizing<Vec<u8>>>, TokenError> {
    let mut key = Zeroizing::new([0; 32]);
    session.fill_random(&mut *key)?;
    let raw = session.raw();
    let wrapped = match wrap(raw, &key, object) {
        Ok(wrapped) => wrapped,
        Err(error) if refuses_to_wrap(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    // Some tokens pad otherwise than RFC 5649: what does not unwrap is read.
    unwrap(&*key, &wrapped)
}

fn wrap(raw: &Session, key: &[u8; 32], object: ObjectHandle) -> Result<Vec<u8>, TokenError> {
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Value(key.to_vec()),
    ];
    let wrapping = raw.create_object(&template);
    template.iter_mut().for_each(wipe);
    let wrapping = wrapping?;
    let wrapped = raw.wrap_key(&Mechanism::AesKeyWrapPad, wrapping, object);
    forget(raw, wrapping);
    Ok(wrapped?)
}

/// Whether the token will not wrap this kind of key, import a wrapping key, or has no such mechanism.
fn refuses_to_wrap(error: &TokenError) -> bool {
    matches!(error.class, TokenErrorClass::Unsupported)
        || matches!(
            error.code,
            Some(
                RvError::KeyNotWrappable
                    | RvError::KeyUnextractable
                    | RvError::KeyFunctionNotPermitted
                    | RvError::KeyTypeInconsistent
                    | RvError::WrappingKeyTypeInconsistent
                    | RvError::WrappingKeySizeRange
                    | RvError::AttributeValueInvalid
                    | RvError::TemplateInconsistent
                    | RvError::ActionProhibited
            )
        )
}

/// Reads attributes that hold a secret, in the order of `types`.
pub(super) fn read_out(
    session: &TokenSession,
    object: ObjectHandle,
    types: &[AttributeType],
) -> Result<Vec<Zeroizing<Vec<u8>>>, TokenError> {
    let mut found = session.raw().get_attributes(object, types)?;
    let values = found.iter_mut().filter_map(take).map(Zeroizing::new);
    let values: Vec<_> = values.collect();
    if values.len() == types.len() {
        return Ok(values);
    }
    Err(TokenError::new(
        TokenErrorClass::Unsupported,
        "C_GetAttributeValue",
        "it neither wraps nor shows a key that it was asked to make readable",
    ))
}

/// The value of a secret key object of `len` bytes.
pub(super) fn value_out(
    session: &mut TokenSession,
    object: ObjectHandle,
    len: usize,
) -> Result<SecretSlice<u8>, TokenError> {
    let value = match wrapped_out(session, object)? {
        Some(value) => value,
        None => read_out(session, object, &[AttributeType::Value])?.swap_remove(0),
    };
    // SoftHSM fills a value up to a multiple of 8 bytes before it wraps it with padding.
    match value.split_at_checked(len) {
        Some((value, fill)) if fill.len() < 8 && fill.iter().all(|byte| *byte == 0) => {
            Ok(SecretSlice::from(Box::<[u8]>::from(value)))
        }
        _ => Err(TokenError::new(
            TokenErrorClass::Bug,
            "shared secret",
            format!("the token gave {} bytes, not {len}", value.len()),
        )),
    }
}

fn wipe(attribute: &mut Attribute) {
    if let Some(mut bytes) = take(attribute) {
        bytes.zeroize();
    }
}

/// The bytes of an attribute that may hold a secret.
fn take(attribute: &mut Attribute) -> Option<Vec<u8>> {
    use Attribute as A;
    match attribute {
        A::Value(bytes)
        | A::Seed(bytes)
        | A::Modulus(bytes)
        | A::PublicExponent(bytes)
        | A::PrivateExponent(bytes)
        | A::Prime1(bytes)
        | A::Prime2(bytes)
        | A::Exponent1(bytes)
        | A::Exponent2(bytes)
        | A::Coefficient(bytes) => Some(std::mem::take(bytes)),
        _ => None,
    }
}
