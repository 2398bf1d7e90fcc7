//! What is handed out is wiped: once the caller has let go of it, the process has no copy.

use crate::support::isolated;
use secrecy::{ExposeSecret, SecretSlice};
use std::io::{Read, Seek, SeekFrom};
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::token::KeyRef;
use uuid::Uuid;

/// The end of a secret, backwards: whoever looks for the secret does not find this.
struct Wanted(Vec<u8>);

impl Wanted {
    fn of(secret: &SecretSlice<u8>) -> Self {
        let backwards = secret.expose_secret().iter().rev();
        Self(backwards.take(24).copied().collect())
    }

    /// How often it lies in this process's memory.
    fn copies(&self) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        let mut copies = 0;
        for map in maps.lines() {
            let mut fields = map.split_whitespace();
            let (range, access) = (fields.next().unwrap(), fields.next().unwrap());
            let bound = |text| u64::from_str_radix(text, 16).unwrap();
            let (from, to) = range.split_once('-').unwrap();
            if !access.starts_with("rw") {
                continue;
            }
            memory.seek(SeekFrom::Start(bound(from))).unwrap();
            let mut bytes = vec![0; (bound(to) - bound(from)) as usize];
            // Some maps, such as the kernel's own, cannot be read.
            if memory.read_exact(&mut bytes).is_ok() {
                let first = self.0[self.0.len() - 1];
                let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
                copies += starts
                    .filter_map(|(at, _)| bytes.get(at..at + self.0.len()))
                    .filter(|found| found.iter().eq(self.0.iter().rev()))
                    .count();
            }
            bytes.fill(0);
        }
        copies
    }
}

#[test]
fn what_the_caller_lets_go_of_is_gone() {
    isolated(
        "memory::what_the_caller_lets_go_of_is_gone",
        |sandbox| async move {
            let token = sandbox.token().await;
            // Not Ed25519, which SoftHSM does not wrap.
            for spec in [
                KeySpec::Rsa2048,
                KeySpec::EccNistP256,
                KeySpec::EccNistP384,
                KeySpec::EccSecgP256k1,
            ] {
                let pair = token.generate_data_key_pair(spec).await.unwrap();
                let wanted = Wanted::of(&private_part(spec, &pair.private_key));
                assert!(
                    wanted.copies() >= 1,
                    "{spec}: it is not seen while it is there"
                );
                drop(pair);
                assert_eq!(wanted.copies(), 0, "{spec}");
            }
            for spec in [KeySpec::EccNistP256, KeySpec::EccNistP521] {
                let (version, usage) = (Uuid::new_v4(), KeyUsage::KeyAgreement);
                let birth = token.generate(version, "", spec, usage).await.unwrap();
                let public = birth.public_key.unwrap();
                let key = KeyRef::new(version, spec, usage, Some(public.clone().into()));
                let secret = token.derive(&key, public).await.unwrap();
                let wanted = Wanted::of(&secret);
                assert!(
                    wanted.copies() >= 1,
                    "{spec}: it is not seen while it is there"
                );
                drop(secret);
                assert_eq!(wanted.copies(), 0, "{spec}");
            }
            token.close().await;
        },
    );
}

/// The middle of an RSA key's numbers, or an EC key's scalar, cut out by hand: OpenSSL, asked to
/// read the key, would leave copies of its own.
fn private_part(spec: KeySpec, pkcs8: &SecretSlice<u8>) -> SecretSlice<u8> {
    let der = pkcs8.expose_secret();
    let part = match spec.rsa_bits() {
        Some(_) => &der[der.len() / 2..][..64],
        // ECPrivateKey (RFC 5915): version 1, then the scalar in an OCTET STRING.
        None => {
            let at = der
                .windows(4)
                .position(|head| head == [2, 1, 1, 4])
                .unwrap();
            &der[at + 5..][..usize::from(der[at + 4])]
        }
    };
    SecretSlice::from(Box::from(part))
}
