//! Each mechanism that is needed, tried with session keys: the mechanism list says what a token
//! claims, this says what it does.

use super::attributes::hmac_mechanism;
use super::error::name_of;
use super::export_check::forget;
use super::rsa::oaep_mechanism;
use super::signature::pss;
use super::wrapping;
use crate::model::algorithm::Hash;
use cryptoki::context::Pkcs11;
use cryptoki::error::Result as CkResult;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use cryptoki::types::Ulong;

/// One mechanism, as claimed and as tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MechanismCheck {
    /// Its PKCS#11 name, and what it was tried with.
    pub mechanism: String,
    /// What needs it.
    pub needed_for: &'static str,
    /// Whether the token lists it (C_GetMechanismInfo).
    pub claimed: bool,
    /// Whether it did what it should.
    pub works: bool,
    /// The token's answer where it did not.
    pub detail: String,
}

/// The self-tests of one token.
pub(super) struct Bench<'a> {
    pkcs11: &'a Pkcs11,
    slot: Slot,
    pub(super) session: &'a Session,
    checks: Vec<MechanismCheck>,
}

/// Tries everything; nothing stays on the token.
pub(super) fn run(pkcs11: &Pkcs11, slot: Slot, session: &Session) -> Vec<MechanismCheck> {
    let mut bench = Bench {
        pkcs11,
        slot,
        session,
        checks: Vec::new(),
    };
    bench.aes();
    bench.hmac();
    bench.rsa();
    bench.curves();
    bench.ed25519();
    bench.agreement();
    bench.lattices();
    bench.checks.push(wrapping::check(pkcs11, slot, session));
    bench.checks
}

pub(super) const MESSAGE: &[u8] = b"strongroom self-test";

impl Bench<'_> {
    /// Notes what became of one test; `Ok(None)` is a wrong result without an error code.
    pub(super) fn note<T>(
        &mut self,
        mechanism: MechanismType,
        with: &str,
        needed_for: &'static str,
        outcome: &CkResult<Option<T>>,
    ) {
        let claimed = self.pkcs11.get_mechanism_info(self.slot, mechanism).is_ok();
        let (works, detail) = match outcome {
            Ok(Some(_)) => (true, String::new()),
            Ok(None) => (false, "the result is wrong".to_owned()),
            Err(error) => (false, name_of(error)),
        };
        self.checks.push(MechanismCheck {
            mechanism: format!("{mechanism}{with}"),
            needed_for,
            claimed,
            works,
            detail,
        });
    }

    fn aes(&mut self) {
        let session = self.session;
        let key = session
            .generate_key(
                &Mechanism::AesKeyGen,
                &secret_template(KeyType::AES, 32, true),
            )
            .map(Some);
        let need = "SYMMETRIC_DEFAULT";
        self.note(MechanismType::AES_KEY_GEN, "", need, &key);
        let Ok(Some(key)) = key else { return };
        let outcome = (|| {
            let mut iv = [0; 12];
            session.generate_random_slice(&mut iv)?;
            let seal = |iv: &mut [u8; 12]| -> CkResult<Vec<u8>> {
                let params = GcmParams::new(iv, MESSAGE, Ulong::from(128))?;
                session.encrypt(&Mechanism::AesGcm(params), key, MESSAGE)
            };
            let open = |iv: &mut [u8; 12], sealed: &[u8]| -> CkResult<Vec<u8>> {
                let params = GcmParams::new(iv, MESSAGE, Ulong::from(128))?;
                session.decrypt(&Mechanism::AesGcm(params), key, sealed)
            };
            let mut sealed = seal(&mut iv)?;
            let opened = open(&mut iv, &sealed)?;
            sealed[0] ^= 1;
            // A token that opens what was tampered with has no GCM worth the name.
            let tampered = open(&mut iv, &sealed);
            Ok((opened == MESSAGE && tampered.is_err()).then_some(()))
        })();
        self.note(MechanismType::AES_GCM, "", need, &outcome);
        forget(session, key);
    }

    fn hmac(&mut self) {
        let session = self.session;
        for (hash, mechanism, need) in [
            (Hash::Sha224, Mechanism::Sha224Hmac, "HMAC_224"),
            (Hash::Sha256, Mechanism::Sha256Hmac, "HMAC_256"),
            (Hash::Sha384, Mechanism::Sha384Hmac, "HMAC_384"),
            (Hash::Sha512, Mechanism::Sha512Hmac, "HMAC_512"),
        ] {
            let template = secret_template(KeyType::GENERIC_SECRET, hash.len_bytes() as u64, false);
            let key = session.generate_key(&Mechanism::GenericSecretKeyGen, &template);
            let outcome = key.and_then(|key| {
                let mac = session.sign(&mechanism, key, MESSAGE);
                forget(session, key);
                Ok((mac?.len() == hash.len_bytes()).then_some(()))
            });
            self.note(hmac_mechanism(hash), "", need, &outcome);
        }
    }

    fn rsa(&mut self) {
        let session = self.session;
        let public = [
            Attribute::Token(false),
            Attribute::ModulusBits(Ulong::from(2048)),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Verify(true),
            Attribute::Encrypt(true),
        ];
        let private = private_template(&[Attribute::Sign(true), Attribute::Decrypt(true)]);
        let pair = session
            .generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private)
            .map(Some);
        self.note(
            MechanismType::RSA_PKCS_KEY_PAIR_GEN,
            " 2048",
            "RSA_2048 and longer",
            &pair,
        );
        let Ok(Some((public, private))) = pair else {
            return;
        };
        let need = "RSASSA_PKCS1_V1_5";
        let outcome = self.signs(&Mechanism::RsaPkcs, public, private, MESSAGE);
        self.note(MechanismType::RSA_PKCS, "", need, &outcome);
        for (hash, with, need) in [
            (Hash::Sha256, " SHA-256", "RSASSA_PSS_SHA_256"),
            (Hash::Sha384, " SHA-384", "RSASSA_PSS_SHA_384"),
            (Hash::Sha512, " SHA-512", "RSASSA_PSS_SHA_512"),
        ] {
            let digest = vec![7; hash.len_bytes()];
            let outcome = self.signs(&pss(hash), public, private, &digest);
            self.note(MechanismType::RSA_PKCS_PSS, with, need, &outcome);
        }
        for (hash, with, need) in [
            (Hash::Sha1, " SHA-1", "RSAES_OAEP_SHA_1"),
            (
                Hash::Sha256,
                " SHA-256",
                "RSAES_OAEP_SHA_256, unless CKM_RSA_X_509 works",
            ),
        ] {
            let outcome = session
                .encrypt(&oaep_mechanism(hash), public, MESSAGE)
                .and_then(|sealed| session.decrypt(&oaep_mechanism(hash), private, &sealed))
                .map(|opened| (opened == MESSAGE).then_some(()));
            self.note(MechanismType::RSA_PKCS_OAEP, with, need, &outcome);
        }
        let mut block = [7; 256];
        block[0] = 0;
        let outcome = session
            .encrypt(&Mechanism::RsaX509, public, &block)
            .and_then(|sealed| session.decrypt(&Mechanism::RsaX509, private, &sealed))
            .map(|opened| block.ends_with(&opened).then_some(()));
        let need = "RSAES_OAEP_SHA_256 where CKM_RSA_PKCS_OAEP lacks it";
        self.note(MechanismType::RSA_X_509, "", need, &outcome);
        forget(session, public);
        forget(session, private);
    }

    /// Signs, verifies, and sees that another signature does not verify.
    pub(super) fn signs(
        &self,
        mechanism: &Mechanism<'_>,
        public: ObjectHandle,
        private: ObjectHandle,
        data: &[u8],
    ) -> CkResult<Option<()>> {
        let mut signature = self.session.sign(mechanism, private, data)?;
        self.session.verify(mechanism, public, data, &signature)?;
        if let Some(last) = signature.last_mut() {
            *last ^= 1;
        }
        let forged = self.session.verify(mechanism, public, data, &signature);
        Ok(forged.is_err().then_some(()))
    }
}

fn secret_template(kind: KeyType, len: u64, encrypts: bool) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(kind),
        Attribute::ValueLen(Ulong::from(len)),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(encrypts),
        Attribute::Decrypt(encrypts),
        Attribute::Sign(!encrypts),
        Attribute::Verify(!encrypts),
    ]
}

/// A private session key that does what `usage` says.
pub(super) fn private_template(usage: &[Attribute]) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
    ];
    template.extend_from_slice(usage);
    template
}
