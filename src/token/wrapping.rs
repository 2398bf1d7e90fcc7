//! Wrapping keys: RSA pairs of the token under whose public half key material comes, and what the
//! token can do with it (PKCS#11 v3.1 section 5.18.4).

use super::attributes::{Birthright, Role};
use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::generate::generate_as;
use super::rsa::{has_oaep_sha256, openssl_error};
use super::self_test::MechanismCheck;
use super::session::TokenSession;
use crate::model::algorithm::Hash;
use crate::model::import::Wrapping;
use crate::model::shapes::WrappingAlgorithm;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::error::ErrorStack;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

/// What a token unwraps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unwraps {
    /// C_UnwrapKey under RSAES-OAEP, with the hashes that the token has.
    oaep: bool,
    /// C_UnwrapKey under AES key wrap with padding (RFC 5649).
    key_wrap_pad: bool,
    /// `CKA_VALUE_LEN` of what was unwrapped: without it a token cannot be asked whether a secret
    /// key has the length that it must have (SoftHSM says 0).
    tells_length: bool,
}

/// How wrapped key material gets into the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The token does all of it.
    Token,
    /// The token makes the private-key operation alone; what it gives (the material, or the AES key
    /// that wraps it) is in this process's memory until it is given back under an AES key.
    Memory,
}

/// Makes the pair, for material of `material`; answers its public half as DER
/// SubjectPublicKeyInfo.
pub(super) fn generate_wrapping_key(
    session: &mut TokenSession,
    id: Uuid,
    label: &str,
    (spec, algorithm): (KeySpec, WrappingAlgorithm),
    material: KeySpec,
) -> Result<Vec<u8>, TokenError> {
    let (way, parts) = way(session, algorithm, material)?;
    let decrypts = way == Way::Memory;
    let right = Birthright {
        version: id,
        label,
        spec,
        usage: KeyUsage::EncryptDecrypt,
        raw_rsa: decrypts && parts.hash != Hash::Sha1 && !has_oaep_sha256(session)?,
        role: Role::Wrapping { decrypts },
    };
    let birth = generate_as(session, &right)?;
    birth.public_key.ok_or_else(|| right.unsupported())
}

/// How the token takes what is wrapped with `algorithm` and is to be `material`.
///
/// # Errors
/// Class Unsupported if it does not, or only through memory and that is not allowed.
pub(super) fn way(
    session: &TokenSession,
    algorithm: WrappingAlgorithm,
    material: KeySpec,
) -> Result<(Way, Wrapping), TokenError> {
    let unsupported =
        |detail: String| TokenError::new(TokenErrorClass::Unsupported, "C_UnwrapKey", detail);
    let parts = algorithm
        .parts()
        .ok_or_else(|| unsupported(algorithm.to_string()))?;
    let unwraps = unwraps(session)?;
    let oaep = unwraps.oaep && (parts.hash == Hash::Sha1 || has_oaep_sha256(session)?);
    let checked = unwraps.tells_length || material.is_asymmetric();
    if oaep && checked && (unwraps.key_wrap_pad || !parts.transport_key) {
        return Ok((Way::Token, parts));
    }
    if !unwraps.key_wrap_pad {
        let detail = format!("{algorithm} needs CKM_AES_KEY_WRAP_PAD as RFC 5649 has it");
        return Err(unsupported(detail));
    }
    if !session.epoch().import_through_memory {
        return Err(unsupported(format!(
            "it cannot import {material} by {algorithm} by itself, and token.import_through_memory is \
             off"
        )));
    }
    Ok((Way::Memory, parts))
}

/// Asked once an epoch: what the mechanism list says of OAEP, and what the token does with AES key
/// wrap, for older tokens pad otherwise under the same number.
fn unwraps(session: &TokenSession) -> Result<Unwraps, TokenError> {
    let epoch = session.epoch();
    if let Some(known) = epoch.unwraps.get() {
        return Ok(*known);
    }
    let claims = |mechanism| {
        let info = epoch.pkcs11.get_mechanism_info(epoch.slot, mechanism);
        info.is_ok_and(|info| info.unwrap())
    };
    let mut found = Unwraps {
        oaep: claims(MechanismType::RSA_PKCS_OAEP),
        key_wrap_pad: false,
        // Unless it is known not to: each import looks again.
        tells_length: true,
    };
    if claims(MechanismType::AES_KEY_WRAP_PAD) {
        let (right, length) = unwraps_rfc_5649(session.raw())?;
        found.key_wrap_pad = right;
        found.tells_length = length || !right;
    }
    // Another thread may have been first, with the same answer.
    let _ = epoch.unwraps.set(found);
    Ok(found)
}

/// Whether the token unwraps as RFC 5649 has it, and tells how long what it unwrapped is.
fn unwraps_rfc_5649(session: &Session) -> Result<(bool, bool), TokenError> {
    match try_rfc_5649(session) {
        Err(error)
            if matches!(
                error.class,
                TokenErrorClass::Bug | TokenErrorClass::Unsupported | TokenErrorClass::CallersFault
            ) =>
        {
            log::warn!("the token does not unwrap under CKM_AES_KEY_WRAP_PAD: {error}");
            Ok((false, false))
        }
        other => other,
    }
}

/// For `strongroom doctor`.
pub(super) fn check(pkcs11: &Pkcs11, slot: Slot, session: &Session) -> MechanismCheck {
    let mechanism = MechanismType::AES_KEY_WRAP_PAD;
    let tried = try_rfc_5649(session);
    MechanismCheck {
        mechanism: format!("{mechanism} unwrapping"),
        needed_for: match tried {
            Ok((true, false)) => "imported RSA and ECC keys; it does not tell a secret's length",
            _ => "imported key material",
        },
        claimed: pkcs11.get_mechanism_info(slot, mechanism).is_ok(),
        works: matches!(tried, Ok((true, _))),
        detail: match tried {
            Ok(_) => "not as RFC 5649 has it".to_owned(),
            Err(error) => error.to_string(),
        },
    }
}

/// Unwraps what is no secret, and reads it: whether it is right, and whether its length is.
fn try_rfc_5649(raw: &Session) -> Result<(bool, bool), TokenError> {
    // No multiple of 8 bytes, so that the padding is seen.
    const KEY: [u8; 32] = [0x5a; 32];
    const MATERIAL: [u8; 20] = [0xa5; 20];
    let wrapped = wrap(Cipher::aes_256_wrap_pad(), &KEY, &MATERIAL)?;
    let key = transport_key(raw, &KEY)?;
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let object = raw.unwrap_key(&Mechanism::AesKeyWrapPad, key, &wrapped, &template);
    forget(raw, key);
    let object = object?;
    let value = raw.get_attributes(object, &[AttributeType::Value]);
    let length = raw.get_attributes(object, &[AttributeType::ValueLen]);
    forget(raw, object);
    let length = length.is_ok_and(|length| {
        matches!(length.as_slice(), [Attribute::ValueLen(len)] if **len == MATERIAL.len() as u64)
    });
    let right = matches!(value?.as_slice(), [Attribute::Value(value)] if *value == MATERIAL);
    Ok((right, right && length))
}

/// What an AES key that wraps key material is: a session object that does nothing else.
pub(super) fn transport_template() -> Vec<Attribute> {
    vec![
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
        Attribute::Wrap(false),
        Attribute::Unwrap(true),
        Attribute::Derive(false),
        Attribute::AllowedMechanisms(vec![MechanismType::AES_KEY_WRAP_PAD]),
    ]
}

/// Gives the token an AES key from memory, as a session object.
pub(super) fn transport_key(raw: &Session, key: &[u8]) -> Result<ObjectHandle, TokenError> {
    let mut template = transport_template();
    template.push(Attribute::Value(key.to_vec()));
    let made = raw.create_object(&template);
    if let Some(Attribute::Value(value)) = template.last_mut() {
        value.zeroize();
    }
    Ok(made?)
}

/// The reverse of [`wrap`]; `None` for what is not right.
pub(super) fn unwrap(key: &[u8], wrapped: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, TokenError> {
    let cipher = match key.len() {
        16 => Cipher::aes_128_wrap_pad(),
        24 => Cipher::aes_192_wrap_pad(),
        _ => Cipher::aes_256_wrap_pad(),
    };
    let begin = || -> Result<CipherCtx, ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.decrypt_init(Some(cipher), Some(key), None)?;
        Ok(context)
    };
    let mut context = begin().map_err(|error| openssl_error(&error))?;
    let mut out = Zeroizing::new(vec![0; wrapped.len() + 32]);
    Ok(match context.cipher_update(wrapped, Some(&mut out)) {
        Ok(len) => Some(Zeroizing::new(out[..len].to_vec())),
        Err(_) => None,
    })
}

/// AES key wrap with padding (RFC 5649).
pub(super) fn wrap(cipher: &CipherRef, key: &[u8], material: &[u8]) -> Result<Vec<u8>, TokenError> {
    let wrap = || -> Result<Vec<u8>, ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.encrypt_init(Some(cipher), Some(key), None)?;
        // A block for the padding and one for the header; the material itself may pass through.
        let mut out = Zeroizing::new(vec![0; material.len() + 32]);
        let len = context.cipher_update(material, Some(&mut out))?;
        Ok(out[..len].to_vec())
    };
    wrap().map_err(|error| openssl_error(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5649 section 6.
    #[test]
    fn it_wraps_as_the_rfc_says() {
        let key = b"\x58\x40\xdf\x6e\x29\xb0\x2a\xf1\xab\x49\x3b\x70\x5b\xf1\x6e\xa1\xae\x83\x38\xf4\xdc\xc1\x76\xa8";
        for (material, wrapped) in [
            (
                &b"\xc3\x7b\x7e\x64\x92\x58\x43\x40\xbe\xd1\x22\x07\x80\x89\x41\x15\x50\x68\xf7\x38"[..],
                &b"\x13\x8b\xde\xaa\x9b\x8f\xa7\xfc\x61\xf9\x77\x42\xe7\x22\x48\xee\x5a\xe6\xae\x53\x60\xd1\xae\x6a\x5f\x54\xf3\x73\xfa\x54\x3b\x6a"[..],
            ),
            (
                b"\x46\x6f\x72\x50\x61\x73\x69",
                b"\xaf\xbe\xb0\xf0\x7d\xfb\xf5\x41\x92\x00\xf2\xcc\xb5\x0b\xb2\x4f",
            ),
        ] {
            assert_eq!(wrap(Cipher::aes_192_wrap_pad(), key, material).unwrap(), wrapped);
            assert_eq!(unwrap(key, wrapped).unwrap().unwrap().as_slice(), material);
            let mut wrong = wrapped.to_vec();
            wrong[0] ^= 1;
            assert!(unwrap(key, &wrong).unwrap().is_none());
        }
    }
}
