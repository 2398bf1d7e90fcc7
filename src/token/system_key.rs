//! The gateway's own keys: found by an identifier that no row in the database can change.

use super::attributes::{Birthright, Class, Role};
use super::config::SystemKey;
use super::error::{TokenError, TokenErrorClass};
use super::generate::{birth, generate, otherwise, verify};
use super::key::{Born, KeyRef};
use super::session::TokenSession;
use uuid::Uuid;

/// The gateway's own key of `role`, made if it is not there.
pub(super) fn ensure(
    session: &mut TokenSession,
    deployment: Uuid,
    role: SystemKey,
) -> Result<KeyRef, TokenError> {
    let (spec, usage) = role.spec_and_usage();
    let class = Class::of(spec);
    let version = role.object_id(deployment);
    let label = format!("strongroom:{}:{}", role.role(), deployment.hyphenated());
    let public_key = match session.find(version, class)?.as_slice() {
        [] => {
            // An empty search may mean an absent token, and these keys are made only once.
            session.check_present()?;
            generate(session, version, &label, spec, usage)?.public_key
        }
        [object] => {
            let right = Birthright {
                version,
                label: &label,
                spec,
                usage,
                raw_rsa: false,
                role: Role::Key,
            };
            let (expected, _) = right.attributes(class);
            // Somebody may have put a key of their own in this place.
            verify(session, *object, class, &expected)?;
            let found = birth(session, *object, None)?;
            if !(found.always_sensitive && found.never_extractable && found.local) {
                return Err(otherwise(
                    "the gateway's own key was not born on this token",
                ));
            }
            match class {
                Class::Private => Some(session.with_public(version, spec)?),
                Class::Secret | Class::Public => None,
            }
        }
        _ => {
            return Err(TokenError::new(
                TokenErrorClass::Bug,
                "C_FindObjects",
                format!("more than one object has the CKA_ID of {label}"),
            ));
        }
    };
    Ok(KeyRef {
        version,
        spec,
        usage,
        public_key: public_key.map(Into::into),
        object_id: None,
        born: Born::Here,
    })
}
