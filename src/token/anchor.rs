//! What the token remembers for its deployment: small private data objects (CKO_DATA) under a label of
//! their own. They are no keys, and none is found or destroyed by what deals with keys.

use super::error::TokenError;
use super::pool::Lane;
use super::session::TokenSession;
use super::{Token, TokenErrorClass};
use cryptoki::error::RvError;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};

/// CKA_APPLICATION.
const APPLICATION: &[u8] = b"strongroom";
/// Objects of one label that are looked at; more than a few are not made.
const MOST: usize = 16;

impl Token {
    /// The values of the data objects under a label: one, as a rule; more where a replacement was cut
    /// off.
    ///
    /// # Errors
    /// Whatever keeps the token from answering.
    pub async fn data(&self, label: &str) -> Result<Vec<Vec<u8>>, TokenError> {
        let label = label.to_owned();
        self.call(
            Lane::ReadWrite,
            self.handle.deadline,
            true,
            move |session| {
                let found = find(session, &label)?;
                session.check_present()?;
                Ok(found.into_iter().map(|(_, value)| value).collect())
            },
        )
        .await
    }

    /// Makes a data object under a label, and destroys those under it that have one of the values
    /// `old`: in this order, so that a crash leaves one too many.
    ///
    /// # Errors
    /// Whatever keeps the token from it; Unsupported or Operator of a token that keeps no data.
    pub async fn replace_data(
        &self,
        label: &str,
        value: Vec<u8>,
        old: Vec<Vec<u8>>,
    ) -> Result<(), TokenError> {
        let label = label.to_owned();
        self.call(
            Lane::ReadWrite,
            self.handle.deadline,
            false,
            move |session| {
                let before = find(session, &label)?;
                if before.iter().all(|(_, known)| *known != value) {
                    session.raw().create_object(&template(&label, &value))?;
                }
                let old = before.iter().filter(|(_, known)| old.contains(known));
                for (object, _) in old.filter(|(_, known)| *known != value) {
                    match session
                        .raw()
                        .destroy_object(*object)
                        .map_err(TokenError::from)
                    {
                        // Another gateway was first.
                        Err(error) if error.code == Some(RvError::ObjectHandleInvalid) => {}
                        done => done?,
                    }
                }
                Ok(())
            },
        )
        .await
    }
}

fn template(label: &str, value: &[u8]) -> [Attribute; 6] {
    [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Application(APPLICATION.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Value(value.to_vec()),
    ]
}

fn find(session: &TokenSession, label: &str) -> Result<Vec<(ObjectHandle, Vec<u8>)>, TokenError> {
    let template = [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let objects = session.raw().find_objects(&template)?;
    if objects.len() > MOST {
        let many = format!("there are {} data objects labelled {label}", objects.len());
        return Err(TokenError::new(
            TokenErrorClass::Operator,
            "C_FindObjects",
            many,
        ));
    }
    let mut found = Vec::new();
    for object in objects {
        let read = session
            .raw()
            .get_attributes(object, &[AttributeType::Value]);
        match read.map_err(TokenError::from) {
            Ok(attributes) => {
                let value = attributes
                    .into_iter()
                    .find_map(|attribute| match attribute {
                        Attribute::Value(value) => Some(value),
                        _ => None,
                    });
                found.push((object, value.unwrap_or_default()));
            }
            // Destroyed since by another gateway, or behind our back.
            Err(error) if error.code == Some(RvError::ObjectHandleInvalid) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
