//! The verbs of a [`Token`]: what each is given, where it runs, and for how long.

use super::key::Born;
use super::pool::Lane;
use super::{
    Adopted, Adoption, Birth, KeyRef, Sealed, SystemKey, Token, TokenError, TokenErrorClass, adopt,
    adopted, cipher, generate, mac, rsa, signature, system_key,
};
use crate::model::{EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, SigningAlgorithm};
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;
use uuid::Uuid;

/// The least time that a generation, or a search through all objects, is given.
pub(super) const GENERATION_DEADLINE: Duration = Duration::from_secs(60);

impl Token {
    /// Makes a key (pair) under `CKA_ID` = `version`, every attribute explicit, reads it back, and
    /// destroys it if it reads back otherwise (C_GenerateKey, C_GenerateKeyPair). After any error
    /// but those below a key may have been made: [`Token::destroy`] it.
    ///
    /// # Errors
    ///
    /// Class Unsupported for a spec that the token or this gateway has not; Bug if the token has
    /// an object with that `CKA_ID`.
    pub async fn generate(
        &self,
        version: Uuid,
        label: &str,
        spec: KeySpec,
        usage: KeyUsage,
    ) -> Result<Birth, TokenError> {
        let label = label.to_owned();
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        self.call(Lane::ReadWrite, deadline, false, move |session| {
            generate::generate(session, version, &label, spec, usage)
        })
        .await
    }

    /// Destroys every object under `version`; `Ok(0)` only if the token is there and has none
    /// (C_DestroyObject). The gateway's own keys are refused.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from it; some of the objects may then be gone.
    pub async fn destroy(&self, version: Uuid) -> Result<usize, TokenError> {
        if self.is_system_key(version) {
            return Err(TokenError::new(
                TokenErrorClass::Bug,
                "destroy",
                "one of the gateway's own keys was to be destroyed",
            ));
        }
        self.call(
            Lane::ReadWrite,
            self.handle.deadline,
            true,
            move |session| generate::destroy(session, version),
        )
        .await
    }

    /// Examines an object that already is on the token, and changes nothing of it.
    ///
    /// # Errors
    ///
    /// Class CallersFault, saying why it cannot be adopted; Unsupported for a usage that cannot be
    /// tried out.
    pub async fn adopt(&self, adoption: Adoption) -> Result<Adopted, TokenError> {
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        let ours = self.handle.system_keys.read();
        let ours = ours.unwrap_or_else(PoisonError::into_inner).clone();
        self.call(Lane::ReadWrite, deadline, true, move |session| {
            adopt::adopt(session, &adoption, |id| ours.contains(&id))
        })
        .await
    }

    /// Destroys the objects of an adopted key, unless there are more under its `CKA_ID` than it had.
    ///
    /// # Errors
    ///
    /// As [`Token::destroy`]; Bug if there are more.
    pub async fn destroy_adopted(
        &self,
        version: Uuid,
        object_id: Vec<u8>,
        is_pair: bool,
    ) -> Result<usize, TokenError> {
        let deadline = self.handle.deadline;
        self.call(Lane::ReadWrite, deadline, true, move |session| {
            adopted::destroy(session, version, &object_id, is_pair)
        })
        .await
    }

    /// The `CKA_ID`s of all key objects on the token that are UUIDs (16 bytes), for
    /// reconciliation; without those that [`Token::ensure_system_key`] was asked for.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; never a part of the list.
    pub async fn object_ids(&self) -> Result<Vec<Uuid>, TokenError> {
        let objects = self.objects().await?;
        let ids = objects
            .iter()
            .map(|object| Uuid::from_slice(&object.object_id));
        let mut ids: BTreeSet<Uuid> = ids.flatten().collect();
        ids.retain(|id| !self.is_system_key(*id));
        Ok(ids.into_iter().collect())
    }

    fn is_system_key(&self, id: Uuid) -> bool {
        let ids = self.handle.system_keys.read();
        ids.unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// The gateway's own symmetric key of `role` in `deployment`, whether or not the token is there
    /// at this moment.
    pub fn system_key(&self, deployment: Uuid, role: SystemKey) -> KeyRef {
        let version = role.object_id(deployment);
        let ids = self.handle.system_keys.write();
        ids.unwrap_or_else(PoisonError::into_inner).insert(version);
        let (spec, usage) = role.spec_and_usage();
        KeyRef {
            version,
            spec,
            usage,
            public_key: None,
            object_id: None,
            born: Born::Here,
        }
    }

    /// Makes the gateway's own key of `role` unless it is there; answers its reference. Not
    /// protected against two gateways at once: take an advisory lock.
    ///
    /// # Errors
    ///
    /// As [`Token::generate`]; Bug if what is there is not a key of this role.
    pub async fn ensure_system_key(
        &self,
        deployment: Uuid,
        role: SystemKey,
    ) -> Result<KeyRef, TokenError> {
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        let key = self
            .call(Lane::ReadWrite, deadline, false, move |session| {
                system_key::ensure(session, deployment, role)
            })
            .await?;
        let ids = self.handle.system_keys.write();
        ids.unwrap_or_else(PoisonError::into_inner)
            .insert(key.version);
        Ok(key)
    }

    /// The public half of a pair, as DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn public_key(&self, key: &KeyRef) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| session.with_public(&key, key.spec))
            .await
    }

    /// Random bytes from the token (C_GenerateRandom), at most 1 MiB.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; CallersFault if `len` is too much.
    pub async fn random(&self, len: usize) -> Result<SecretSlice<u8>, TokenError> {
        self.crypto(move |session| cipher::random(session, len))
            .await
    }
    /// AES-256-GCM under a fresh IV (PKCS#11 v3.1 section 6.13.3).
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn seal(
        &self,
        key: &KeyRef,
        aad: Vec<u8>,
        plaintext: SecretSlice<u8>,
    ) -> Result<Sealed, TokenError> {
        let key = key.clone();
        self.crypto(move |session| cipher::seal(session, &key, &aad, plaintext.expose_secret()))
            .await
    }
    /// `len` random bytes, and the same sealed: one job.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn seal_random(
        &self,
        key: &KeyRef,
        aad: Vec<u8>,
        len: usize,
    ) -> Result<(SecretSlice<u8>, Sealed), TokenError> {
        let key = key.clone();
        self.crypto(move |session| cipher::seal_random(session, &key, &aad, len))
            .await
    }
    /// Opens what [`Token::seal`] gave; `Ok(None)` if it does not authenticate.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn unseal(
        &self,
        key: &KeyRef,
        iv: [u8; 12],
        aad: Vec<u8>,
        sealed: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| cipher::unseal(session, &key, iv, &aad, &sealed))
            .await
    }
    /// RSAES-OAEP encryption, with an empty label (PKCS#11 v3.1 section 6.1.8); under SHA-256 in the
    /// gateway, from the public key, where the token lacks it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn rsa_encrypt(
        &self,
        key: &KeyRef,
        algorithm: EncryptionAlgorithm,
        plaintext: SecretSlice<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| {
            rsa::encrypt(session, &key, algorithm, plaintext.expose_secret())
        })
        .await
    }
    /// RSAES-OAEP decryption; `Ok(None)` for bad padding or length. Where the token lacks SHA-256
    /// the private-key operation is its own and the padding is taken off here, in constant time.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn rsa_decrypt(
        &self,
        key: &KeyRef,
        algorithm: EncryptionAlgorithm,
        ciphertext: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| rsa::decrypt(session, &key, algorithm, &ciphertext))
            .await
    }
    /// Signs `input`: a digest of the algorithm's length, or with Ed25519 and ML-DSA the message.
    /// ECDSA signatures come DER-encoded.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn sign(
        &self,
        key: &KeyRef,
        algorithm: SigningAlgorithm,
        input: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| signature::sign(session, &key, algorithm, &input))
            .await
    }
    /// Whether `signature` (ECDSA: DER) over `input` is right; anything malformed is `false`.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn verify(
        &self,
        key: &KeyRef,
        algorithm: SigningAlgorithm,
        input: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<bool, TokenError> {
        let key = key.clone();
        self.crypto(move |session| signature::verify(session, &key, algorithm, &input, &signature))
            .await
    }
    /// HMAC of a message (PKCS#11 v3.1 section 6.20).
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn mac(
        &self,
        key: &KeyRef,
        algorithm: MacAlgorithm,
        message: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| mac::mac(session, &key, algorithm, &message))
            .await
    }
    /// Whether `mac` is the HMAC of `message`, compared in constant time.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn verify_mac(
        &self,
        key: &KeyRef,
        algorithm: MacAlgorithm,
        message: Vec<u8>,
        mac: Vec<u8>,
    ) -> Result<bool, TokenError> {
        let key = key.clone();
        self.crypto(move |session| mac::verify(session, &key, algorithm, &message, &mac))
            .await
    }
}
