//! Imported key material: from its wrapped form to an object that is as one generated here would
//! be. Only C_UnwrapKey makes such an object, so that the token is the one who knows what is in it.

use super::Token;
use super::attributes::{Birthright, Class, Role};
use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::generate::{READ_BACK, TRIES, birth, birthright, destroy, nothing_under, verify};
use super::key::Birth;
use super::material::{self, PublicHalf};
use super::pool::Lane;
use super::session::TokenSession;
use super::unwrapping::{Unwrapped, unwrap_material, with_templates};
use super::verbs::GENERATION_DEADLINE;
use super::wrapping::generate_wrapping_key;
use crate::model::shapes::WrappingAlgorithm;
use crate::model::{KeySpec, KeyUsage};
use uuid::Uuid;

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

impl Token {
    /// Makes an RSA pair of `spec` under `CKA_ID` = `id`, for wrapping key material that is to be
    /// `material` with `algorithm`; answers its public half as DER SubjectPublicKeyInfo. After an
    /// error it may have been made: [`Token::destroy`] it.
    ///
    /// # Errors
    ///
    /// Class Unsupported if the token cannot take what is wrapped so.
    pub async fn generate_wrapping_key(
        &self,
        id: Uuid,
        label: &str,
        (spec, algorithm): (KeySpec, WrappingAlgorithm),
        material: KeySpec,
    ) -> Result<Vec<u8>, TokenError> {
        let label = label.to_owned();
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        self.call(Lane::ReadWrite, deadline, false, move |session| {
            generate_wrapping_key(session, id, &label, (spec, algorithm), material)
        })
        .await
    }

    /// Unwraps key material (C_UnwrapKey), every attribute of the object explicit and read back.
    /// After an error an object may have been made: [`Token::destroy`] it.
    ///
    /// # Errors
    ///
    /// Class Unsupported if the token cannot take what is wrapped so; NoSuchObject if it does not
    /// have the wrapping key.
    pub async fn import(&self, material: Import) -> Result<Imported, TokenError> {
        let deadline = self.handle.deadline;
        self.call(Lane::ReadWrite, deadline, false, move |session| {
            import(session, &material)
        })
        .await
    }
}

fn import(session: &mut TokenSession, import: &Import) -> Result<Imported, TokenError> {
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
    let mut tries = 0;
    loop {
        tries += 1;
        let outcome = attempt(session, import, &right);
        if matches!(outcome, Ok(Imported::Made { .. })) {
            return outcome;
        }
        if let Err(error) = destroy(session, import.object) {
            let object = import.object;
            log::error!("objects may be left under CKA_ID {object}: {error}");
            return outcome;
        }
        match &outcome {
            // SoftHSM now and then makes something else than was asked for.
            Err(error) if error.function == READ_BACK && tries < TRIES => {
                log::warn!("importing {} failed, trying again: {error}", import.object);
            }
            _ => return outcome,
        }
    }
}

/// Unwraps and looks at what came out. On failure objects may be left.
fn attempt(
    session: &mut TokenSession,
    import: &Import,
    right: &Birthright<'_>,
) -> Result<Imported, TokenError> {
    let class = Class::of(import.spec);
    let known_half = match (class, import.usage) {
        // What does not sign does not show its public half: once more, as what does.
        (Class::Private, KeyUsage::KeyAgreement) => {
            let signing = Birthright {
                usage: KeyUsage::SignVerify,
                role: Role::Passing,
                ..right.clone()
            };
            let object = match unwrap_material(session, import, &signing)? {
                Unwrapped::Object { object, .. } => object,
                Unwrapped::Refused(refused) => return Ok(refused),
            };
            let half = material::public_half(session, object, import.spec);
            forget(session.raw(), object);
            Some(half?)
        }
        _ => None,
    };
    let (object, expected, through_memory) = match unwrap_material(session, import, right)? {
        Unwrapped::Object {
            object,
            expected,
            through_memory,
        } => (object, expected, through_memory),
        Unwrapped::Refused(refused) => return Ok(refused),
    };
    if let Err(error) = verify(session, object, class, &expected) {
        // By its handle: it may not be found by what it should have been.
        forget(session.raw(), object);
        return Err(error);
    }
    let public_key = match class {
        Class::Private => {
            let half = match known_half {
                Some(half) => half,
                None => material::public_half(session, object, import.spec)?,
            };
            create_public(session, right, &half)?;
            Some(half.der)
        }
        Class::Secret | Class::Public => None,
    };
    Ok(Imported::Made {
        birth: birth(session, object, public_key)?,
        through_memory,
    })
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
