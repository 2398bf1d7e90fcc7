//! The first use of an adopted object, and its end.

use super::adopt::refused;
use super::attributes::Class;
use super::error::{TokenError, TokenErrorClass};
use super::key::{KeyRef, Place};
use super::session::TokenSession;
use super::{cipher, mac, rsa, signature};
use crate::model::{EncryptionAlgorithm, KeySpec, hex};
use secrecy::ExposeSecret;
use uuid::Uuid;

/// Uses the key once as it is going to be used: an object may lack the flag, the mechanism or the
/// other half for it, whatever else it says.
pub(super) fn try_out(session: &mut TokenSession, key: &KeyRef) -> Result<(), TokenError> {
    let works = used(session, key);
    for class in Class::ALL {
        // Whatever becomes of the key, these were for this once.
        session.forget(Place::from(key).version, class);
    }
    use TokenErrorClass as C;
    match works {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused(
            "the two halves of the key pair do not belong together",
        )),
        Err(error) => match session.refine(error) {
            error if matches!(error.class, C::TokenLost | C::SessionLost | C::Operator) => {
                Err(error)
            }
            error => Err(refused(format!(
                "the object cannot be used for {}: {error}",
                key.usage.as_str()
            ))),
        },
    }
}

fn used(session: &mut TokenSession, key: &KeyRef) -> Result<bool, TokenError> {
    const TEST: &[u8] = b"strongroom adopts this key";
    if let Some(algorithm) = key.spec.signing_algorithms(key.usage).first() {
        let data = match algorithm.parts() {
            Some((_, hash)) => vec![0x5a; hash.len_bytes()],
            None => TEST.to_vec(),
        };
        let made = signature::sign(session, key, *algorithm, &data)?;
        return signature::verify(session, key, *algorithm, &data, &made);
    }
    if let Some(algorithm) = key.spec.mac_algorithms().first() {
        return mac::mac(session, key, *algorithm, TEST).map(|_| true);
    }
    if key.spec == KeySpec::SymmetricDefault {
        let sealed = cipher::seal(session, key, TEST, TEST)?;
        let opened = cipher::unseal(session, key, sealed.iv, TEST, &sealed.ciphertext)?;
        return Ok(opened.is_some_and(|opened| opened.expose_secret() == TEST));
    }
    let algorithm = EncryptionAlgorithm::RsaesOaepSha256;
    let ciphertext = rsa::encrypt(session, key, algorithm, TEST)?;
    let opened = rsa::decrypt(session, key, algorithm, &ciphertext)?;
    Ok(opened.is_some_and(|opened| opened.expose_secret() == TEST))
}

/// Destroys the objects of an adopted key. Where there is more under its `CKA_ID` than it had,
/// nothing is: some of it is somebody else's.
pub(super) fn destroy(
    session: &mut TokenSession,
    version: Uuid,
    object_id: &[u8],
    is_pair: bool,
) -> Result<usize, TokenError> {
    let place = Place {
        version,
        object_id: Some(object_id),
        key: None,
    };
    let classes = match is_pair {
        true => &[Class::Private, Class::Public][..],
        false => &[Class::Secret][..],
    };
    let mut doomed = Vec::new();
    for class in classes {
        let found = session.find(place, *class)?;
        if found.len() > 1 {
            return Err(TokenError::new(
                TokenErrorClass::Bug,
                "destroy",
                format!(
                    "more than one {class:?} key object has CKA_ID {}: which is the adopted one is \
                     for an operator to say",
                    hex::encode(object_id)
                ),
            ));
        }
        doomed.extend(found);
    }
    for object in &doomed {
        session.raw().destroy_object(*object)?;
    }
    // A key whose CKA_ID is a UUID is known by that.
    for known in Uuid::from_slice(object_id).into_iter().chain([version]) {
        for class in classes {
            session.forget(known, *class);
        }
    }
    session.check_present()?;
    Ok(doomed.len())
}
