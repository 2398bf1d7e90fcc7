//! C_UnwrapKey (PKCS#11 v3.1 section 5.18.4) under a wrapping key: by the token alone, or around it
//! where it cannot.

use super::attributes::{Birthright, Class};
use super::error::TokenError;
use super::export_check::forget;
use super::import::{Import, Imported};
use super::key::{self, KeyRef};
use super::material;
use super::rsa::{self, oaep_mechanism};
use super::session::TokenSession;
use super::wrapping::{Way, transport_key, transport_template, unwrap, way, wrap};
use crate::model::algorithm::Hash;
use crate::model::{EncryptionAlgorithm, KeyUsage};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use openssl::cipher::Cipher;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

/// What became of wrapped material.
pub(super) enum Unwrapped {
    /// It is an object, of the right kind and length.
    Object {
        object: ObjectHandle,
        /// The attributes that the object must have.
        expected: Vec<Attribute>,
        through_memory: bool,
    },
    /// It is none; or it was one that is not right, and is gone.
    Refused(Imported),
}

/// An object, and the attributes that it must have.
type Born = (ObjectHandle, Vec<Attribute>);

/// Makes an object of `right` out of what was wrapped.
pub(super) fn unwrap_material(
    session: &mut TokenSession,
    import: &Import,
    right: &Birthright<'_>,
) -> Result<Unwrapped, TokenError> {
    const UNDECIPHERABLE: Unwrapped = Unwrapped::Refused(Imported::Undecipherable);
    let (way, parts) = way(session, import.algorithm, import.spec)?;
    let modulus_len = import.wrapping_spec.rsa_bits().unwrap_or(0) as usize / 8;
    let Some((by_rsa, by_aes)) = import.wrapped.split_at_checked(modulus_len) else {
        return Ok(UNDECIPHERABLE);
    };
    let fits = match parts.transport_key {
        // RFC 5649: a header and at least one block.
        true => by_aes.len() >= 16 && by_aes.len().is_multiple_of(8),
        false => by_aes.is_empty(),
    };
    if !fits {
        return Ok(UNDECIPHERABLE);
    }
    let class = Class::of(import.spec);
    let born = match way {
        Way::Token if parts.transport_key => {
            let template = transport_template();
            match unwrap_by_rsa(session, import, parts.hash, by_rsa, &template)? {
                Some(key) => unwrap_by_aes(session, key, by_aes, right, class)?,
                None => None,
            }
        }
        Way::Token => with_templates(right, class, |template| {
            unwrap_by_rsa(session, import, parts.hash, by_rsa, template)
        })?,
        Way::Memory => match open(session, import, (by_rsa, by_aes))? {
            Opened::Transport(key, wrapped) => {
                let key = transport_key(session.raw(), &key)?;
                unwrap_by_aes(session, key, &wrapped, right, class)?
            }
            Opened::Refused(refused) => return Ok(Unwrapped::Refused(refused)),
        },
    };
    let Some((object, expected)) = born else {
        return Ok(UNDECIPHERABLE);
    };
    // What passed through memory was measured there.
    let measured = way == Way::Memory && !import.spec.is_asymmetric();
    if !measured {
        let misfit = material::misfit(session, object, import.spec);
        if !matches!(misfit, Ok(None)) {
            // By its handle: nobody would find one that is to pass.
            forget(session.raw(), object);
        }
        if let Some(why) = misfit? {
            return Ok(Unwrapped::Refused(Imported::Unfit(why)));
        }
    }
    Ok(Unwrapped::Object {
        object,
        expected,
        through_memory: way == Way::Memory,
    })
}

/// Unwraps with the wrapping key itself.
fn unwrap_by_rsa(
    session: &mut TokenSession,
    import: &Import,
    hash: Hash,
    wrapped: &[u8],
    template: &[Attribute],
) -> Result<Option<ObjectHandle>, TokenError> {
    let answer = session.with_key(import.wrapping_key, Class::Private, |raw, key| {
        raw.unwrap_key(&oaep_mechanism(hash), key, wrapped, template)
    });
    settle(session, answer)
}

/// Unwraps with an AES key that is a session object, and destroys that.
fn unwrap_by_aes(
    session: &mut TokenSession,
    key: ObjectHandle,
    wrapped: &[u8],
    right: &Birthright<'_>,
    class: Class,
) -> Result<Option<Born>, TokenError> {
    let unwrapped = with_templates(right, class, |template| {
        let raw = session.raw();
        let answer = raw.unwrap_key(&Mechanism::AesKeyWrapPad, key, wrapped, template);
        settle(session, answer.map_err(TokenError::from))
    });
    forget(session.raw(), key);
    unwrapped
}

/// What passed through memory: an AES key and what it wraps.
enum Opened {
    Transport(Zeroizing<Vec<u8>>, Vec<u8>),
    Refused(Imported),
}

/// The token makes the RSA private-key operation alone; what it gives is the material or an AES
/// key. Either way the token gets an AES key, and unwraps the material with that.
fn open(
    session: &mut TokenSession,
    import: &Import,
    (by_rsa, by_aes): (&[u8], &[u8]),
) -> Result<Opened, TokenError> {
    let wrapping_key = KeyRef {
        version: import.wrapping_key,
        spec: import.wrapping_spec,
        usage: KeyUsage::EncryptDecrypt,
        public_key: None,
        object_id: None,
        // It is no CMK: what it wraps is let in, and nothing is let out by it.
        born: key::Born::Unasked,
    };
    let algorithm = match import.algorithm.parts().map(|parts| parts.hash) {
        Some(Hash::Sha1) => EncryptionAlgorithm::RsaesOaepSha1,
        _ => EncryptionAlgorithm::RsaesOaepSha256,
    };
    const UNDECIPHERABLE: Opened = Opened::Refused(Imported::Undecipherable);
    let Some(opened) = rsa::decrypt(session, &wrapping_key, algorithm, by_rsa)? else {
        return Ok(UNDECIPHERABLE);
    };
    let opened = opened.expose_secret();
    let misfit = |len| match import.spec.is_asymmetric() {
        true => None,
        false => material::misfit_length(len, import.spec),
    };
    if by_aes.is_empty() {
        if let Some(why) = misfit(opened.len()) {
            return Ok(Opened::Refused(Imported::Unfit(why)));
        }
        // RFC 5649 wraps at least one byte.
        if opened.is_empty() {
            return Ok(UNDECIPHERABLE);
        }
        let mut fresh = Zeroizing::new(vec![0; 32]);
        session.fill_random(&mut fresh)?;
        let wrapped = wrap(Cipher::aes_256_wrap_pad(), &fresh, opened)?;
        return Ok(Opened::Transport(fresh, wrapped));
    }
    if !matches!(opened.len(), 16 | 24 | 32) {
        return Ok(UNDECIPHERABLE);
    }
    if !import.spec.is_asymmetric() {
        match unwrap(opened, by_aes)? {
            Some(material) => {
                if let Some(why) = misfit(material.len()) {
                    return Ok(Opened::Refused(Imported::Unfit(why)));
                }
            }
            None => return Ok(UNDECIPHERABLE),
        }
    }
    let key = Zeroizing::new(opened.to_vec());
    Ok(Opened::Transport(key, by_aes.to_vec()))
}

/// Tries with every attribute, then without those that some tokens do not know.
pub(super) fn with_templates(
    right: &Birthright<'_>,
    class: Class,
    mut unwrap: impl FnMut(&[Attribute]) -> Result<Option<ObjectHandle>, TokenError>,
) -> Result<Option<Born>, TokenError> {
    let (mut required, optional) = right.attributes(class);
    let mut all = [required.clone(), optional].concat();
    // SoftHSM takes them one by one, and none after the one that says that none may change.
    for template in [&mut required, &mut all] {
        template.sort_by_key(|attribute| matches!(attribute, Attribute::Modifiable(_)));
    }
    let (answer, expected) = match unwrap(&all) {
        Err(error)
            if matches!(
                error.code,
                Some(
                    RvError::AttributeTypeInvalid
                        | RvError::AttributeValueInvalid
                        | RvError::TemplateInconsistent
                )
            ) =>
        {
            (unwrap(&required), required)
        }
        answer => (answer, all),
    };
    Ok(answer?.map(|object| (object, expected)))
}

/// Tells what the caller sent wrong from what is wrong with the token.
fn settle(
    session: &mut TokenSession,
    answer: Result<ObjectHandle, TokenError>,
) -> Result<Option<ObjectHandle>, TokenError> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(error) => match error.code {
            Some(RvError::WrappedKeyInvalid | RvError::WrappedKeyLenRange) => Ok(None),
            _ => session.bad_input(error, &["C_UnwrapKey"]),
        },
    }
}
