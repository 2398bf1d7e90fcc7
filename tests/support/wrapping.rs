//! Key material, wrapped for its import by OpenSSL as a customer would.

use openssl::cipher::Cipher;
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Padding;

/// What a customer does with the public half of a wrapping key.
pub fn wrap(algorithm: &str, public_key: &[u8], material: &[u8]) -> Vec<u8> {
    let digest = match algorithm.rsplit_once("_SHA_") {
        Some((_, "1")) => MessageDigest::sha1(),
        _ => MessageDigest::sha256(),
    };
    let by_rsa = |plain: &[u8]| {
        let key = PKey::public_key_from_der(public_key).unwrap();
        let mut encrypter = Encrypter::new(&key).unwrap();
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        encrypter.set_rsa_oaep_md(digest).unwrap();
        encrypter.set_rsa_mgf1_md(digest).unwrap();
        let mut sealed = vec![0; encrypter.encrypt_len(plain).unwrap()];
        let len = encrypter.encrypt(plain, &mut sealed).unwrap();
        sealed.truncate(len);
        sealed
    };
    if algorithm.starts_with("RSAES_OAEP") {
        return by_rsa(material);
    }
    let mut key = [0; 32];
    openssl::rand::rand_bytes(&mut key).unwrap();
    let mut context = CipherCtx::new().unwrap();
    context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
    context
        .encrypt_init(Some(Cipher::aes_256_wrap_pad()), Some(&key), None)
        .unwrap();
    let mut wrapped = vec![0; material.len() + 32];
    let len = context.cipher_update(material, Some(&mut wrapped)).unwrap();
    [by_rsa(&key), wrapped[..len].to_vec()].concat()
}
