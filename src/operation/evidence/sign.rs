//! Notes signed by the token's audit key (`SystemKey::Audit`), as all evidence is.

use crate::Error;
use crate::audit::{Note, Signature, VerifierKey, origin};
use crate::model::SigningAlgorithm;
use crate::operation::Context;
use crate::token::{KeyRef, SystemKey, Token};
use openssl::sha::sha256;
use std::sync::Arc;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// The deployment's audit key, on the gateway's own token.
pub struct AuditKey {
    token: Token,
    key: KeyRef,
    /// The name that it signs by.
    name: String,
    /// Read once: what it signs is verified by it before anybody else has it.
    public: OnceCell<Arc<VerifierKey>>,
}

impl AuditKey {
    /// Nothing is asked of the token yet.
    pub fn new(token: Token, deployment: Uuid) -> Self {
        Self {
            key: token.system_key(deployment, SystemKey::Audit),
            token,
            name: origin(deployment),
            public: OnceCell::new(),
        }
    }

    /// What its signatures are verified with.
    ///
    /// # Errors
    /// Whatever keeps the token from answering; internal if it has no such key.
    pub async fn public(&self) -> Result<Arc<VerifierKey>, Error> {
        let read = async {
            let der = self.token.public_key(&self.key).await?;
            let key = VerifierKey::ecdsa(&self.name, &der);
            let key = key.ok_or_else(|| Error::internal("the audit key is not of P-256"))?;
            Ok::<_, Error>(Arc::new(key))
        };
        self.public.get_or_try_init(|| read).await.cloned()
    }

    /// A text as a signed note.
    ///
    /// # Errors
    /// As [`AuditKey::public`]; internal for a text that no note can have, or if the token signs by
    /// another key than the one that it shows.
    pub async fn sign(&self, text: String) -> Result<String, Error> {
        let public = self.public().await?;
        let digest = sha256(text.as_bytes()).to_vec();
        let algorithm = SigningAlgorithm::EcdsaSha256;
        let signature = self.token.sign(&self.key, algorithm, digest).await?;
        let note = Note::new(text).map_err(Error::internal)?.signed(Signature {
            name: self.name.clone(),
            key_id: public.id(),
            signature,
        });
        note.verify(&public).map_err(Error::internal)?;
        Ok(note.to_string())
    }
}

/// A text as a note that the deployment's audit key has signed.
///
/// # Errors
/// As [`AuditKey::sign`].
pub async fn sign_note(cx: &Context, text: String) -> Result<String, Error> {
    cx.audit_key.sign(text).await
}
