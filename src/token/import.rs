//! Imported key material: from its wrapped form to an object that is as one generated here would
//! be. Only C_UnwrapKey makes such an object, so that the token is the one who knows what is in it.

use super::attributes::{Birthright, Class};
use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::generate::{birth, birthright, destroy, nothing_under, verify};
use super::key::{Birth, KeyRef};
use super::material::{self, PublicHalf};
use super::rsa::{self, oaep_mechanism};
use super::session::TokenSession;
use super::wrapping::{Way, transport_key, transport_template, unwrap, way, wrap};
use crate::model::algorithm::Hash;
use crate::model::shapes::WrappingAlgorithm;
use crate::model::{EncryptionAlgorithm, KeySpec, KeyUsage};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use openssl::cipher::Cipher;
use secrecy::ExposeSecret;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Key material on its way into the token.
#[derive(Debug, Clone)]
pub struct Import {
    /// The `CKA_ID` of what is to be made; nothing may be there under it yet.
    pub object: Uuid,
    /// For people.
    pub label: String,
    /// What the material must be.
    pub spec: KeySpec,
    /// The one thing it may be used for.
    pub usage: KeyUsage,
    /// The `CKA_ID` of the wrapping key.
    pub wrapping_key: Uuid,
    /// What kind of key that is.
    pub wrapping_spec: KeySpec,
    /// How the material is wrapped under it.
    pub algorithm: WrappingAlgorithm,
    /// The wrapped material.
    pub wrapped: Vec<u8>,
}

/// What became of an [`Import`]. Where nothing was made, nothing is left.
#[derive(Debug)]
pub enum Imported {
    /// It is on the token.
    Made {
        /// What the token says of it.
        birth: Birth,
        /// Whether it, or the key that it was wrapped with, passed through this process's memory.
        through_memory: bool,
    },
    /// It was not wrapped under this wrapping key, or not so.
    Undecipherable,
    /// It is something else than the spec asks for.
    Unfit(String),
}

pub(super) fn import(session: &mut TokenSession, import: &Import) -> Result<Imported, TokenError> {
    let right = birthright(
        session,
        import.object,
        &import.label,
        import.spec,
        import.usage,
    )?;
    if right.key_type().is_none() {
        return Err(right.unsupported());
    }
    nothing_under(session, import.object)?;
    let outcome = attempt(session, import, &right);
    if !matches!(outcome, Ok(Imported::Made { .. }))
        && let Err(error) = destroy(session, import.object)
    {
        log::error!(
            "objects may be left under CKA_ID {}: {error}",
            import.object
        );
    }
    outcome
}

/// Unwraps and looks at what came out. On failure objects may be left.
fn attempt(
    session: &mut TokenSession,
    import: &Import,
    right: &Birthright<'_>,
) -> Result<Imported, TokenError> {
    let (way, parts) = way(session, import.algorithm, import.spec)?;
    let modulus_len = import.wrapping_spec.rsa_bits().unwrap_or(0) as usize / 8;
    let Some((by_rsa, by_aes)) = import.wrapped.split_at_checked(modulus_len) else {
        return Ok(Imported::Undecipherable);
    };
    let fits = match parts.transport_key {
        // RFC 5649: a header and at least one block.
        true => by_aes.len() >= 16 && by_aes.len().is_multiple_of(8),
        false => by_aes.is_empty(),
    };
    if !fits {
        return Ok(Imported::Undecipherable);
    }
    let class = Class::of(import.spec);
    let unwrapped = match way {
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
                let key = transport_key(session, &key)?;
                unwrap_by_aes(session, key, &wrapped, right, class)?
            }
            Opened::Refused(refused) => return Ok(refused),
        },
    };
    let Some((object, expected)) = unwrapped else {
        return Ok(Imported::Undecipherable);
    };
    // What passed through memory was measured there.
    let measured = way == Way::Memory && !import.spec.is_asymmetric();
    if !measured && let Some(why) = material::misfit(session, object, import.spec)? {
        return Ok(Imported::Unfit(why));
    }
    verify(session, object, class, &expected)?;
    let public_key = match class {
        Class::Private => {
            let half = material::public_half(session, object, import.spec)?;
            create_public(session, right, &half)?;
            Some(half.der)
        }
        Class::Secret | Class::Public => None,
    };
    Ok(Imported::Made {
        birth: birth(session, object, public_key)?,
        through_memory: way == Way::Memory,
    })
}

/// The object, and the attributes that it must have; `None` for what does not unwrap.
type Unwrapped = Option<(ObjectHandle, Vec<Attribute>)>;

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
) -> Result<Unwrapped, TokenError> {
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
fn with_templates(
    right: &Birthright<'_>,
    class: Class,
    mut unwrap: impl FnMut(&[Attribute]) -> Result<Option<ObjectHandle>, TokenError>,
) -> Result<Unwrapped, TokenError> {
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

/// The public half beside the private one, as a generated pair has it.
fn create_public(
    session: &TokenSession,
    right: &Birthright<'_>,
    half: &PublicHalf,
) -> Result<(), TokenError> {
    let created = with_templates(right, Class::Public, |template| {
        let template = [template, &half.attributes].concat();
        Ok(Some(session.raw().create_object(&template)?))
    })?;
    match created {
        Some((object, expected)) => verify(session, object, Class::Public, &expected),
        None => Err(TokenError::new(
            TokenErrorClass::Bug,
            "C_CreateObject",
            "no public key object was made",
        )),
    }
}
