//! The self-tests of what is done with elliptic curves and lattices.

use super::agreement::secret_template;
use super::export_check::forget;
use super::message_signature::{eddsa, ml_dsa, verifies_ed25519ph};
use super::pair::pair;
use super::public_key::curve;
use super::self_test::{Bench, MESSAGE, private_template};
use crate::model::KeySpec;
use cryptoki::error::Result as CkResult;
use cryptoki::mechanism::eddsa::EddsaSignatureScheme;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};

impl Bench<'_> {
    pub(super) fn curves(&mut self) {
        for (spec, with, digest) in [
            (KeySpec::EccNistP256, " P-256", 32),
            (KeySpec::EccNistP384, " P-384", 48),
            (KeySpec::EccNistP521, " P-521", 64),
            (KeySpec::EccSecgP256k1, " secp256k1", 32),
        ] {
            let Some((public, private)) = self.signing_pair(spec, with) else {
                continue;
            };
            let outcome = self.signs(&Mechanism::Ecdsa, public, private, &vec![7; digest]);
            self.note(MechanismType::ECDSA, with, spec.as_str(), &outcome);
            forget(self.session, public);
            forget(self.session, private);
        }
    }

    pub(super) fn ed25519(&mut self) {
        let spec = KeySpec::EccNistEdwards25519;
        let with = " Ed25519";
        let Some((public, private)) = self.signing_pair(spec, with) else {
            return;
        };
        let mechanism = eddsa(EddsaSignatureScheme::Ed25519);
        let outcome = self.signs(&mechanism, public, private, MESSAGE);
        self.note(MechanismType::EDDSA, with, "ED25519_SHA_512", &outcome);
        forget(self.session, public);
        forget(self.session, private);
        let outcome = verifies_ed25519ph(self.session).map(Some);
        let need = "ED25519_PH_SHA_512";
        self.note(MechanismType::EDDSA, " Ed25519ph", need, &outcome);
    }

    pub(super) fn agreement(&mut self) {
        for (spec, with, need) in [
            (KeySpec::EccNistP256, " P-256", "ECDH on ECC_NIST_P256"),
            (KeySpec::EccNistP384, " P-384", "ECDH on ECC_NIST_P384"),
            (KeySpec::EccNistP521, " P-521", "ECDH on ECC_NIST_P521"),
        ] {
            let outcome = self.agrees(spec);
            self.note(MechanismType::ECDH1_DERIVE, with, need, &outcome);
        }
    }

    pub(super) fn lattices(&mut self) {
        let spec = KeySpec::MlDsa65;
        if let Some((public, private)) = self.signing_pair(spec, " ML-DSA-65") {
            let outcome = self.signs(&ml_dsa(), public, private, MESSAGE);
            self.note(MechanismType::ML_DSA, " ML-DSA-65", "ML_DSA_65", &outcome);
            forget(self.session, public);
            forget(self.session, private);
        }
        let usage = (Attribute::Encapsulate(true), Attribute::Decapsulate(true));
        let with = " ML-KEM-768";
        let Some((public, private)) = self.noted_pair(KeySpec::MlKem768, with, usage) else {
            return;
        };
        let outcome = self.encapsulates(public, private);
        self.note(MechanismType::ML_KEM, with, "ML_KEM_768", &outcome);
        forget(self.session, public);
        forget(self.session, private);
    }

    fn signing_pair(&mut self, spec: KeySpec, with: &str) -> Option<(ObjectHandle, ObjectHandle)> {
        let usage = (Attribute::Verify(true), Attribute::Sign(true));
        self.noted_pair(spec, with, usage)
    }

    /// A pair for a public and a private use; whether the token makes it is noted.
    fn noted_pair(
        &mut self,
        spec: KeySpec,
        with: &str,
        usage: (Attribute, Attribute),
    ) -> Option<(ObjectHandle, ObjectHandle)> {
        let mechanism = pair(spec)?.mechanism.mechanism_type();
        let made = self.session_pair(spec, usage).map(Some);
        self.note(mechanism, with, spec.as_str(), &made);
        made.ok().flatten()
    }

    fn session_pair(
        &self,
        spec: KeySpec,
        (public_use, private_use): (Attribute, Attribute),
    ) -> CkResult<(ObjectHandle, ObjectHandle)> {
        let pair = pair(spec).ok_or(cryptoki::error::Error::NotSupported)?;
        let mut public = vec![Attribute::Token(false), public_use];
        public.extend(pair.parameters);
        let private = private_template(&[private_use]);
        self.session
            .generate_key_pair(&pair.mechanism, &public, &private)
    }

    /// Whether two pairs come to the same secret.
    fn agrees(&self, spec: KeySpec) -> CkResult<Option<()>> {
        let session = self.session;
        let usage = || (Attribute::Derive(false), Attribute::Derive(true));
        let (ours, theirs) = (
            self.session_pair(spec, usage())?,
            self.session_pair(spec, usage())?,
        );
        let derive = |(public, _), (_, private)| {
            let len = curve(spec).map_or(0, |curve| curve.len);
            let point = session.get_attributes(public, &[AttributeType::EcPoint])?;
            let Some(Attribute::EcPoint(point)) = point.first() else {
                return Ok(None);
            };
            // The point without what the token may have put around it.
            let bare = &point[point.len().saturating_sub(1 + 2 * len)..];
            let params = Ecdh1DeriveParams::new(EcKdf::null(), bare);
            let template = secret_template(len)?;
            let secret = session.derive_key(&Mechanism::Ecdh1Derive(params), private, &template)?;
            self.value(secret).map(Some)
        };
        let secrets = (derive(ours, theirs)?, derive(theirs, ours)?);
        for (public, private) in [ours, theirs] {
            forget(session, public);
            forget(session, private);
        }
        Ok((secrets.0.is_some() && secrets.0 == secrets.1).then_some(()))
    }

    /// Whether what is encapsulated comes out again.
    fn encapsulates(&self, public: ObjectHandle, private: ObjectHandle) -> CkResult<Option<()>> {
        let template = secret_template(32)?;
        let (ciphertext, sent) =
            self.session
                .encapsulate_key(&Mechanism::MlKem, public, &template)?;
        let received =
            self.session
                .decapsulate_key(&Mechanism::MlKem, private, &template, &ciphertext)?;
        Ok((self.value(sent)? == self.value(received)?).then_some(()))
    }

    /// Reads a secret that nothing is kept under, and destroys it.
    fn value(&self, secret: ObjectHandle) -> CkResult<Vec<Attribute>> {
        let value = self.session.get_attributes(secret, &[AttributeType::Value]);
        forget(self.session, secret);
        value
    }
}
