//! EME-OAEP decoding (RFC 8017 section 7.1.2, step 3) in constant time, for tokens that have the
//! RSA private-key operation but not OAEP under the hash asked for.
//!
//! Nothing about a bad block may be told apart from outside (Manger's attack): every check is
//! made on every block, the results are combined without branches, and only one bit, good or bad,
//! leaves. The length of a good message is no secret: it is the caller's answer.

use crate::model::algorithm::Hash;
use openssl::hash::{MessageDigest, hash};
use secrecy::SecretSlice;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// The message in the encoded block `block` (as long as the modulus) under an empty label, or
/// `None` for anything malformed. MGF1 uses the same hash. `block` is wiped.
pub(super) fn decode(
    mut block: Zeroizing<Vec<u8>>,
    with: Hash,
) -> Result<Option<SecretSlice<u8>>, openssl::error::ErrorStack> {
    let digest = message_digest(with);
    let hash_len = with.len_bytes();
    // Both are public: they follow from the key's size.
    if block.len() < 2 * hash_len + 2 {
        return Ok(None);
    }
    let (first, rest) = block.split_at_mut(1);
    let (seed, db) = rest.split_at_mut(hash_len);
    let seed_mask = mgf1(db, hash_len, digest)?;
    xor(seed, &seed_mask);
    let db_mask = mgf1(seed, db.len(), digest)?;
    xor(db, &db_mask);

    let label_hash = hash(digest, &[])?;
    let mut good = first[0].ct_eq(&0);
    good &= db[..hash_len].ct_eq(&label_hash);

    // Find the first 0x01 after the label hash; only zeros may stand before it.
    let padded = &db[hash_len..];
    let mut looking = Choice::from(1);
    let mut start = 0u32;
    for (index, byte) in padded.iter().enumerate() {
        let is_one = byte.ct_eq(&1);
        let is_zero = byte.ct_eq(&0);
        // A block is at most a few hundred bytes long.
        start.conditional_assign(&(index as u32 + 1), looking & is_one);
        good &= !looking | is_one | is_zero;
        looking &= !is_one;
    }
    good &= !looking;

    if bool::from(good) {
        Ok(Some(Vec::from(&padded[start as usize..]).into()))
    } else {
        Ok(None)
    }
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mgf1(
    seed: &[u8],
    len: usize,
    digest: MessageDigest,
) -> Result<Zeroizing<Vec<u8>>, openssl::error::ErrorStack> {
    // Reserved whole, so that growing leaves no copy behind.
    let mut mask = Zeroizing::new(Vec::with_capacity(len + digest.size()));
    let mut input = Zeroizing::new(Vec::with_capacity(seed.len() + 4));
    input.extend_from_slice(seed);
    let mut counter = 0u32;
    while mask.len() < len {
        input.truncate(seed.len());
        input.extend_from_slice(&counter.to_be_bytes());
        mask.extend_from_slice(&hash(digest, &input)?);
        counter += 1;
    }
    mask.truncate(len);
    Ok(mask)
}

fn xor(into: &mut [u8], mask: &[u8]) {
    for (byte, mask) in into.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// OpenSSL's name for a hash.
pub(super) fn message_digest(hash: Hash) -> MessageDigest {
    match hash {
        Hash::Sha1 => MessageDigest::sha1(),
        Hash::Sha224 => MessageDigest::sha224(),
        Hash::Sha256 => MessageDigest::sha256(),
        Hash::Sha384 => MessageDigest::sha384(),
        Hash::Sha512 => MessageDigest::sha512(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::encrypt::Encrypter;
    use openssl::pkey::PKey;
    use openssl::rsa::{Padding, Rsa};
    use secrecy::ExposeSecret;

    const LEN: usize = 256;

    /// Encodes `db_tail` (what follows the label hash) under a fixed seed.
    fn encode(first: u8, label_hash: &[u8], db_tail: &[u8], with: Hash) -> Zeroizing<Vec<u8>> {
        let digest = message_digest(with);
        let mut seed = vec![0x5a; with.len_bytes()];
        let mut db = [label_hash, db_tail].concat();
        assert_eq!(1 + seed.len() + db.len(), LEN);
        let db_mask = mgf1(&seed, db.len(), digest).unwrap();
        xor(&mut db, &db_mask);
        let seed_mask = mgf1(&db, seed.len(), digest).unwrap();
        xor(&mut seed, &seed_mask);
        Zeroizing::new([vec![first], seed, db].concat())
    }

    fn tail(message: &[u8], separator: u8, with: Hash) -> Vec<u8> {
        let zeros = LEN - 1 - 2 * with.len_bytes() - 1 - message.len();
        [vec![0; zeros], vec![separator], message.to_vec()].concat()
    }

    fn opened(block: Zeroizing<Vec<u8>>, with: Hash) -> Option<Vec<u8>> {
        decode(block, with)
            .unwrap()
            .map(|message| message.expose_secret().to_vec())
    }

    #[test]
    fn every_length_of_message_comes_back() {
        for with in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
            let label = hash(message_digest(with), &[]).unwrap();
            for len in 0..=LEN - 2 * with.len_bytes() - 2 {
                let message = vec![0x01; len];
                let block = encode(0, &label, &tail(&message, 1, with), with);
                assert_eq!(opened(block, with), Some(message), "{with:?} {len}");
            }
        }
    }

    #[test]
    fn every_malformed_block_is_refused() {
        let with = Hash::Sha256;
        let label = hash(message_digest(with), &[]).unwrap();
        let good = tail(b"message", 1, with);
        assert!(opened(encode(0, &label, &good, with), with).is_some());
        for first in 1..=255 {
            assert_eq!(opened(encode(first, &label, &good, with), with), None);
        }
        for bit in 0..label.len() * 8 {
            let mut wrong = label.to_vec();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opened(encode(0, &wrong, &good, with), with), None);
        }
        for separator in (0..=255).filter(|byte| *byte != 1) {
            let block = encode(0, &label, &tail(b"message", separator, with), with);
            assert_eq!(opened(block, with), None, "separator {separator}");
        }
        let padding = good.iter().position(|byte| *byte == 1).unwrap();
        for index in 0..padding {
            let mut wrong = good.clone();
            wrong[index] = 0x80;
            assert_eq!(opened(encode(0, &label, &wrong, with), with), None);
        }
        let zeros = vec![0; good.len()];
        assert_eq!(opened(encode(0, &label, &zeros, with), with), None);
        for len in 0..2 * with.len_bytes() + 2 {
            assert_eq!(opened(Zeroizing::new(vec![0; len]), with), None);
        }
    }

    #[test]
    fn it_undoes_what_openssl_does() {
        let rsa = Rsa::generate(2048).unwrap();
        let key = PKey::from_rsa(rsa.clone()).unwrap();
        for with in [Hash::Sha1, Hash::Sha256] {
            let mut encrypter = Encrypter::new(&key).unwrap();
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(message_digest(with)).unwrap();
            encrypter.set_rsa_mgf1_md(message_digest(with)).unwrap();
            let mut sealed = vec![0; encrypter.encrypt_len(b"attack at dawn").unwrap()];
            let len = encrypter.encrypt(b"attack at dawn", &mut sealed).unwrap();
            let mut block = Zeroizing::new(vec![0; LEN]);
            rsa.private_decrypt(&sealed[..len], &mut block, Padding::NONE)
                .unwrap();
            assert_eq!(opened(block, with), Some(b"attack at dawn".to_vec()));
        }
    }
}
