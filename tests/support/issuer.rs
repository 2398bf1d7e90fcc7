//! An OIDC issuer of tests: its keys, its tokens, good and bad.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::{RsaPssSaltlen, Signer};
use serde_json::{Value, json};

pub fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An RSA and two elliptic key pairs, under the names `rsa`, `ec` and `ed`.
pub struct Issuer {
    pub name: String,
    rsa: PKey<Private>,
    ec: EcKey<Private>,
    ed: PKey<Private>,
}

impl Issuer {
    pub fn new(name: &str) -> Self {
        let p256 = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self {
            name: name.to_owned(),
            rsa: PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            ec: EcKey::generate(&p256).unwrap(),
            ed: PKey::generate_ed25519().unwrap(),
        }
    }

    /// Its public keys.
    pub fn jwks(&self) -> String {
        let rsa = self.rsa.rsa().unwrap();
        let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
        let mut context = BigNumContext::new().unwrap();
        let point = self.ec.public_key();
        point
            .affine_coordinates(self.ec.group(), &mut x, &mut y, &mut context)
            .unwrap();
        let padded = |n: &BigNum| encoded(&n.to_vec_padded(32).unwrap());
        json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "use": "sig",
             "n": encoded(&rsa.n().to_vec()), "e": encoded(&rsa.e().to_vec())},
            {"kty": "EC", "kid": "ec", "alg": "ES256", "crv": "P-256", "x": padded(&x), "y": padded(&y)},
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": encoded(&self.ed.raw_public_key().unwrap())},
            {"kty": "RSA", "kid": "for encryption", "use": "enc",
             "n": encoded(&rsa.n().to_vec()), "e": encoded(&rsa.e().to_vec())},
            {"kty": "oct", "kid": "symmetric", "k": encoded(b"a secret of thirty-two bytes ....")},
        ]})
        .to_string()
    }

    /// The claims of a good token.
    #[allow(clippy::disallowed_methods)] // an issuer has a clock of its own
    pub fn claims(&self) -> Value {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        json!({
            "iss": self.name, "aud": ["sts.amazonaws.com", "others"], "iat": now, "nbf": now,
            "exp": now + 600, "sub": "system:serviceaccount:payments:signer",
            "groups": ["a", "b"],
        })
    }

    /// A token of these claims, signed by RSA.
    pub fn token(&self, claims: &Value) -> String {
        self.signed(&json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"}), claims)
    }

    /// A token signed by the key and the algorithm that its header names, whatever else is in it.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        self.signed_text(&header.to_string(), &claims.to_string())
    }

    pub fn signed_text(&self, header: &str, claims: &str) -> String {
        let text = format!(
            "{}.{}",
            encoded(header.as_bytes()),
            encoded(claims.as_bytes())
        );
        let header: Value = serde_json::from_str(header).unwrap();
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signature = self.signature(algorithm, text.as_bytes());
        format!("{text}.{}", encoded(&signature))
    }

    fn signature(&self, algorithm: &str, text: &[u8]) -> Vec<u8> {
        let with = |digest, key: &PKey<Private>| {
            let mut signer = Signer::new(digest, key).unwrap();
            if algorithm == "PS256" {
                signer
                    .set_rsa_padding(openssl::rsa::Padding::PKCS1_PSS)
                    .unwrap();
                signer
                    .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
                    .unwrap();
            }
            signer.sign_oneshot_to_vec(text).unwrap()
        };
        match algorithm {
            "RS256" | "PS256" => with(MessageDigest::sha256(), &self.rsa),
            "RS384" => with(MessageDigest::sha384(), &self.rsa),
            "RS512" => with(MessageDigest::sha512(), &self.rsa),
            "ES256" => {
                let digest = openssl::sha::sha256(text);
                let signature = EcdsaSig::sign(&digest, &self.ec).unwrap();
                let (r, s) = (signature.r(), signature.s());
                [r.to_vec_padded(32).unwrap(), s.to_vec_padded(32).unwrap()].concat()
            }
            "EdDSA" => {
                let mut signer = Signer::new_without_digest(&self.ed).unwrap();
                signer.sign_oneshot_to_vec(text).unwrap()
            }
            // As if the public key, which everybody has, were a secret.
            "HS256" => {
                let public = self.rsa.public_key_to_pem().unwrap();
                let key = PKey::hmac(&public).unwrap();
                let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
                signer.sign_oneshot_to_vec(text).unwrap()
            }
            _ => Vec::new(),
        }
    }
}
