//! Data key pairs: made on the token as session objects, handed out, and destroyed.
//!
//! Their private key is the caller's, to be used outside: that it can be read is their purpose. They
//! have no `CKA_ID`, never become a CMK, and no CMK becomes one: nothing here takes a reference to a
//! key.

use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::generate::generate_pair;
use super::handed_out::{read_out, readable, wrapped_out};
use super::pair::pair;
use super::pkcs8::{ec_pkcs8, padded, pkcs8, rsa_key, scalar_in, seed_format};
use super::public_key::{curve, lattice, subject_public_key_info};
use super::rsa::openssl_error;
use super::session::TokenSession;
use super::verbs::GENERATION_DEADLINE;
use super::{Token, pool::Lane};
use crate::model::KeySpec;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use openssl::pkey::{Id, PKey, Private};
use secrecy::SecretSlice;
use zeroize::Zeroizing;

/// A pair that belongs to the caller.
pub struct DataKeyPair {
    /// DER PrivateKeyInfo (PKCS#8, RFC 5958).
    pub private_key: SecretSlice<u8>,
    /// DER SubjectPublicKeyInfo (RFC 5280).
    pub public_key: Vec<u8>,
}

impl Token {
    /// Makes a key pair that belongs to the caller, as session objects; nothing stays on the token.
    ///
    /// # Errors
    ///
    /// Class Unsupported for a spec that the token or this gateway has not; Busy while too many
    /// jobs wait for the read-write session, so that CMKs are still made.
    pub async fn generate_data_key_pair(&self, spec: KeySpec) -> Result<DataKeyPair, TokenError> {
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        self.call(Lane::DataKeyPair, deadline, true, move |session| {
            generate(session, spec)
        })
        .await
    }
}

/// Makes a pair of `spec`; nothing of it stays on the token.
pub(super) fn generate(
    session: &mut TokenSession,
    spec: KeySpec,
) -> Result<DataKeyPair, TokenError> {
    let Some(pair) = pair(spec) else {
        return Err(TokenError::new(
            TokenErrorClass::Unsupported,
            "generate",
            format!("{spec} key pairs are not supported"),
        ));
    };
    let mut public = vec![
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(pair.key_type),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Encrypt(false),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Derive(false),
    ];
    public.extend(pair.parameters);
    let mut private = readable(ObjectClass::PRIVATE_KEY, pair.key_type);
    private.extend([
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ]);
    let (public, private) = generate_pair(session, &pair.mechanism, &public, &private)?;
    let read = read(session, public, private, spec);
    forget(session.raw(), private);
    forget(session.raw(), public);
    read
}

fn read(
    session: &mut TokenSession,
    public: ObjectHandle,
    private: ObjectHandle,
    spec: KeySpec,
) -> Result<DataKeyPair, TokenError> {
    let public_key = subject_public_key_info(session.raw(), public, spec)?;
    let encoded = match (curve(spec), lattice(spec)) {
        (Some(curve), _) => {
            let scalar = scalar(session, private, curve.len)?;
            ec_pkcs8(&scalar, &public_key)
        }
        (_, Some((oid, _))) => {
            let seed = read_out(session, private, &[AttributeType::Seed])?;
            Ok(Some(seed_format(oid, &seed[0])))
        }
        (None, None) => {
            let key = private_key(session, private, spec)?;
            pkcs8(&key, &public_key)
        }
    };
    // What the token calls a pair must be one, whatever it wrapped or showed.
    let encoded = encoded.map_err(|error| openssl_error(&error))?;
    let encoded = encoded.ok_or_else(|| malformed("does not belong to its public key"))?;
    Ok(DataKeyPair {
        private_key: SecretSlice::from(Box::<[u8]>::from(encoded.as_slice())),
        public_key,
    })
}

fn malformed(what: &str) -> TokenError {
    TokenError::new(
        TokenErrorClass::Bug,
        "C_GenerateKeyPair",
        format!("the private key of a data key pair {what}"),
    )
}

/// An EC key's scalar, `len` bytes long.
fn scalar(
    session: &mut TokenSession,
    private: ObjectHandle,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>, TokenError> {
    let found = match wrapped_out(session, private)? {
        Some(der) => scalar_in(&der).map(|scalar| padded(scalar, len)),
        None => Some(padded(
            &read_out(session, private, &[AttributeType::Value])?[0],
            len,
        )),
    };
    found.flatten().ok_or_else(|| malformed("is malformed"))
}

/// An RSA or Ed25519 key, wrapped out of the token or, where it does not wrap it, read from its
/// attributes.
fn private_key(
    session: &mut TokenSession,
    private: ObjectHandle,
    spec: KeySpec,
) -> Result<PKey<Private>, TokenError> {
    use AttributeType as A;
    let key = if let Some(der) = wrapped_out(session, private)? {
        PKey::private_key_from_pkcs8(&der)
    } else if spec.rsa_bits().is_some() {
        rsa_key(&read_out(
            session,
            private,
            &[
                A::Modulus,
                A::PublicExponent,
                A::PrivateExponent,
                A::Prime1,
                A::Prime2,
                A::Exponent1,
                A::Exponent2,
                A::Coefficient,
            ],
        )?)
    } else {
        let value = read_out(session, private, &[A::Value])?;
        PKey::private_key_from_raw_bytes(&value[0], Id::ED25519)
    };
    key.map_err(|error| openssl_error(&error))
}
