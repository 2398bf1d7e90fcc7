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
use super::public_key::{curve, lattice, subject_public_key_info};
use super::rsa::openssl_error;
use super::session::TokenSession;
use super::verbs::GENERATION_DEADLINE;
use super::{Token, pool::Lane};
use crate::model::KeySpec;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use openssl::bn::BigNum;
use openssl::ec::EcKey;
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::rsa::Rsa;
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
    let encoded = if let Some((oid, _)) = lattice(spec) {
        let seed = read_out(session, private, &[AttributeType::Seed])?;
        seed_format(oid, &seed[0])
    } else {
        let spki = PKey::public_key_from_der(&public_key).map_err(|error| openssl_error(&error))?;
        let key = private_key(session, private, spec, &spki)?;
        // What the token calls a pair must be one, whatever it wrapped or showed.
        if !key.public_eq(&spki) {
            return Err(TokenError::new(
                TokenErrorClass::Bug,
                "C_GenerateKeyPair",
                "the private key of a data key pair does not belong to its public key",
            ));
        }
        Zeroizing::new(
            key.private_key_to_pkcs8()
                .map_err(|error| openssl_error(&error))?,
        )
    };
    Ok(DataKeyPair {
        private_key: SecretSlice::from(Box::<[u8]>::from(encoded.as_slice())),
        public_key,
    })
}

/// The private key, wrapped out of the token or, where it does not wrap it, read from its attributes.
fn private_key(
    session: &mut TokenSession,
    private: ObjectHandle,
    spec: KeySpec,
    spki: &PKey<Public>,
) -> Result<PKey<Private>, TokenError> {
    use AttributeType as A;
    let wrapped = wrapped_out(session, private)?;
    let read = |types: &[AttributeType]| read_out(session, private, types);
    let key = match (wrapped, curve(spec), spec.rsa_bits()) {
        (Some(der), None, _) => PKey::private_key_from_pkcs8(&der),
        (Some(der), Some(_), _) => PKey::private_key_from_pkcs8(&der)
            .and_then(|key| with_public_point(key.ec_key()?.private_key().to_owned()?, spki)),
        (None, Some(_), _) => {
            let value = read(&[A::Value])?;
            BigNum::from_slice(&value[0]).and_then(|scalar| with_public_point(scalar, spki))
        }
        (None, None, Some(_)) => rsa_key(&read(&[
            A::Modulus,
            A::PublicExponent,
            A::PrivateExponent,
            A::Prime1,
            A::Prime2,
            A::Exponent1,
            A::Exponent2,
            A::Coefficient,
        ])?),
        (None, None, None) => {
            let value = read(&[A::Value])?;
            PKey::private_key_from_raw_bytes(&value[0], Id::ED25519)
        }
    };
    key.map_err(|error| openssl_error(&error))
}

/// An EC key with its public point in it, which some tokens leave out of what they wrap.
fn with_public_point(mut scalar: BigNum, spki: &PKey<Public>) -> Result<PKey<Private>, ErrorStack> {
    let public = spki.ec_key()?;
    let key = EcKey::from_private_components(public.group(), &scalar, public.public_key());
    scalar.clear();
    let key = key?;
    key.check_key()?;
    PKey::from_ec_key(key)
}

/// From modulus, exponents, primes, their exponents and the coefficient.
fn rsa_key(parts: &[Zeroizing<Vec<u8>>]) -> Result<PKey<Private>, ErrorStack> {
    // RSA_free wipes them.
    let number = |at: usize| BigNum::from_slice(&parts[at]);
    let key = Rsa::from_private_components(
        number(0)?,
        number(1)?,
        number(2)?,
        number(3)?,
        number(4)?,
        number(5)?,
        number(6)?,
        number(7)?,
    )?;
    PKey::from_rsa(key)
}

/// ML-KEM's PrivateKeyInfo with the seed alone (RFC 9935 section 6), which is what AWS gives.
fn seed_format(oid: &[u8], seed: &[u8]) -> Zeroizing<Vec<u8>> {
    let (oid_len, seed_len) = (oid.len() as u8, seed.len() as u8);
    let mut der = Zeroizing::new(Vec::with_capacity(128));
    der.extend([0x30, 3 + 2 + oid_len + 4 + seed_len, 0x02, 0x01, 0x00]);
    der.extend([0x30, oid_len]);
    der.extend_from_slice(oid);
    der.extend([0x04, 2 + seed_len, 0x80, seed_len]);
    der.extend_from_slice(seed);
    der
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::EcGroup;

    #[test]
    fn an_rsa_key_is_put_together_from_its_attributes() {
        let key = Rsa::generate(2048).unwrap();
        let parts = [
            Some(key.n()),
            Some(key.e()),
            Some(key.d()),
            key.p(),
            key.q(),
            key.dmp1(),
            key.dmq1(),
            key.iqmp(),
        ];
        let parts: Vec<_> = parts
            .iter()
            .map(|part| Zeroizing::new(part.unwrap().to_vec()))
            .collect();
        let made = rsa_key(&parts).unwrap();
        let whole = PKey::from_rsa(key).unwrap();
        assert_eq!(
            made.private_key_to_pkcs8().unwrap(),
            whole.private_key_to_pkcs8().unwrap()
        );
    }

    #[test]
    fn an_ec_key_gets_its_point_and_no_other() {
        let group = EcGroup::from_curve_name(openssl::nid::Nid::SECP384R1).unwrap();
        let key = EcKey::generate(&group).unwrap();
        let other = EcKey::generate(&group).unwrap();
        let spki = |key: &EcKey<Private>| {
            let der = key.public_key_to_der().unwrap();
            PKey::public_key_from_der(&der).unwrap()
        };
        let scalar = || key.private_key().to_owned().unwrap();
        let made = with_public_point(scalar(), &spki(&key)).unwrap();
        assert!(made.public_eq(&spki(&key)));
        assert!(with_public_point(scalar(), &spki(&other)).is_err());
    }

    #[test]
    fn a_seed_is_encoded_as_rfc_9935_has_it() {
        let (oid, _) = lattice(KeySpec::MlKem512).unwrap();
        let der = seed_format(oid, &[7; 64]);
        assert_eq!(der.len(), 86);
        let head = "3054020100300b0609608648016503040401044280 40".replace(' ', "");
        assert_eq!(crate::model::hex::encode(&der[..22]), head);
        assert_eq!(der[22..], [7; 64]);
    }
}
