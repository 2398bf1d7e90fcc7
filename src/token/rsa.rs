//! RSAES-OAEP (RFC 8017 section 7.1; PKCS#11 v3.1 section 6.1.8), and the raw private-key
//! operation where a token has no OAEP under SHA-256.

use super::attributes::Class;
use super::cipher::secret;
use super::error::{TokenError, TokenErrorClass};
use super::key::KeyRef;
use super::oaep;
use super::public_key::rsa_from_der;
use super::session::TokenSession;
use crate::model::algorithm::Hash;
use crate::model::{EncryptionAlgorithm, KeyUsage};
use cryptoki::error::RvError;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::Attribute;
use openssl::bn::BigNum;
use openssl::encrypt::Encrypter;
use openssl::pkey::{PKey, Public};
use openssl::rsa::{Padding, Rsa};
use secrecy::SecretSlice;
use zeroize::Zeroizing;

/// The OAEP mechanism with both hashes the same and an empty label.
pub(super) fn oaep_mechanism(hash: Hash) -> Mechanism<'static> {
    let (hash, mgf) = match hash {
        Hash::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        Hash::Sha224 => (MechanismType::SHA224, PkcsMgfType::MGF1_SHA224),
        Hash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        Hash::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        Hash::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
    };
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mgf, PkcsOaepSource::empty()))
}

/// The hash of `algorithm`, and the key's modulus length in bytes.
fn checked(key: &KeyRef, algorithm: EncryptionAlgorithm) -> Result<(Hash, usize), TokenError> {
    let bits = key
        .spec
        .rsa_bits()
        .filter(|_| key.usage == KeyUsage::EncryptDecrypt);
    match (algorithm.oaep_hash(), bits) {
        (Some(hash), Some(bits)) => Ok((hash, bits as usize / 8)),
        _ => Err(key.wrong("RSAES-OAEP")),
    }
}

/// Whether the token has OAEP under SHA-256: asked once an epoch, with a public session key,
/// because the mechanism list does not tell (SoftHSM lists CKM_RSA_PKCS_OAEP and has SHA-1 only).
pub(super) fn has_oaep_sha256(session: &TokenSession) -> Result<bool, TokenError> {
    if let Some(known) = session.epoch().oaep_sha256.get() {
        return Ok(*known);
    }
    let raw = session.raw();
    // Any odd number of 2048 bits will do for a public key that nothing is kept under.
    let mut modulus = vec![0xa5; 256];
    modulus[255] = 0x57;
    let object = raw.create_object(&[
        Attribute::Class(cryptoki::object::ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(cryptoki::object::KeyType::RSA),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Encrypt(true),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Modulus(modulus),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ]);
    let object = match object.map_err(TokenError::from) {
        Ok(object) => object,
        Err(error)
            if matches!(
                error.class,
                TokenErrorClass::Bug | TokenErrorClass::Unsupported
            ) =>
        {
            // Not known then; the raw operation is what every token with RSA has.
            log::warn!("whether the token has OAEP with SHA-256 cannot be asked: {error}");
            let _ = session.epoch().oaep_sha256.set(false);
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let answer = raw.encrypt(&oaep_mechanism(Hash::Sha256), object, b"strongroom");
    if let Err(error) = raw.destroy_object(object) {
        log::warn!("a session object of the OAEP self-test stays behind: {error}");
    }
    let has = match answer.map_err(TokenError::from) {
        Ok(_) => true,
        Err(error) if refuses_oaep(&error) => false,
        Err(error) => return Err(error),
    };
    // Another thread may have been first, with the same answer.
    let _ = session.epoch().oaep_sha256.set(has);
    Ok(has)
}

fn refuses_oaep(error: &TokenError) -> bool {
    matches!(
        error.code,
        Some(
            RvError::ArgumentsBad
                | RvError::MechanismInvalid
                | RvError::MechanismParamInvalid
                | RvError::FunctionNotSupported
        )
    )
}

/// The longest plaintext, RFC 8017 section 7.1.1 step 1b.
fn max_plaintext(modulus_len: usize, hash: Hash) -> usize {
    modulus_len - 2 * hash.len_bytes() - 2
}

pub(super) fn encrypt(
    session: &mut TokenSession,
    key: &KeyRef,
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, TokenError> {
    let (hash, modulus_len) = checked(key, algorithm)?;
    if plaintext.len() > max_plaintext(modulus_len, hash) {
        return Err(TokenError::new(
            TokenErrorClass::CallersFault,
            "RSAES-OAEP",
            format!(
                "the plaintext is longer than the {} bytes this key and algorithm take",
                max_plaintext(modulus_len, hash)
            ),
        ));
    }
    if hash == Hash::Sha1 || has_oaep_sha256(session)? {
        return session.with_key(key, Class::Public, |raw, object| {
            raw.encrypt(&oaep_mechanism(hash), object, plaintext)
        });
    }
    let public = public_key(session, key)?;
    let sealed = (|| {
        let public = PKey::from_rsa(public)?;
        let mut encrypter = Encrypter::new(&public)?;
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        encrypter.set_rsa_oaep_md(oaep::message_digest(hash))?;
        encrypter.set_rsa_mgf1_md(oaep::message_digest(hash))?;
        let mut sealed = vec![0; encrypter.encrypt_len(plaintext)?];
        let len = encrypter.encrypt(plaintext, &mut sealed)?;
        sealed.truncate(len);
        Ok(sealed)
    })();
    sealed.map_err(|error| openssl_error(&error))
}

pub(super) fn decrypt(
    session: &mut TokenSession,
    key: &KeyRef,
    algorithm: EncryptionAlgorithm,
    ciphertext: &[u8],
) -> Result<Option<SecretSlice<u8>>, TokenError> {
    let (hash, modulus_len) = checked(key, algorithm)?;
    if ciphertext.len() != modulus_len {
        return Ok(None);
    }
    if hash == Hash::Sha1 || has_oaep_sha256(session)? {
        let answer = session.with_key(key, Class::Private, |raw, object| {
            raw.decrypt(&oaep_mechanism(hash), object, ciphertext)
        });
        return match answer {
            Ok(plaintext) => Ok(Some(secret(plaintext))),
            Err(error) => session.bad_input(error, &["C_Decrypt"]),
        };
    }
    // The representative must be below the modulus (RFC 8017 section 5.1.2): tokens answer one
    // that is not with any code they like.
    let public = public_key(session, key)?;
    let number = BigNum::from_slice(ciphertext).map_err(|error| openssl_error(&error))?;
    if number.ucmp(public.n()) != std::cmp::Ordering::Less {
        return Ok(None);
    }
    let plain = session.with_key(key, Class::Private, |raw, object| {
        raw.decrypt(&Mechanism::RsaX509, object, ciphertext)
    })?;
    let plain = Zeroizing::new(plain);
    let mut block = Zeroizing::new(vec![0; modulus_len]);
    // Some tokens strip leading zeros of the number.
    let Some(gap) = modulus_len.checked_sub(plain.len()) else {
        return Err(TokenError::new(
            TokenErrorClass::Bug,
            "C_Decrypt",
            "CKM_RSA_X_509 gave more bytes than the modulus has",
        ));
    };
    block[gap..].copy_from_slice(&plain);
    oaep::decode(block, hash).map_err(|error| openssl_error(&error))
}

/// The public key: the authenticated one of the reference, else the token's public object.
fn public_key(session: &mut TokenSession, key: &KeyRef) -> Result<Rsa<Public>, TokenError> {
    if let Some(der) = &key.public_key {
        return rsa_from_der(der).map_err(|error| openssl_error(&error));
    }
    let der = session.with_public(key, key.spec)?;
    rsa_from_der(&der).map_err(|error| openssl_error(&error))
}

pub(super) fn openssl_error(error: &openssl::error::ErrorStack) -> TokenError {
    TokenError::new(TokenErrorClass::Bug, "OpenSSL", error.to_string())
}
