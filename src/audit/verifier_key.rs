//! Keys that signatures of notes are verified with.

use super::note::{Signature, is_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::sha::sha256;
use openssl::sign::Verifier;

/// The signature types of the C2SP.
const ECDSA: u8 = 0x02;
const COSIGNATURE: u8 = 0x04;

/// A public key, and the name that it signs by.
#[derive(Debug, Clone)]
pub struct VerifierKey {
    /// None where all that is known is the key.
    name: Option<String>,
    algorithm: u8,
    /// The key as the signature type encodes it: DER of a SubjectPublicKeyInfo, or 32 bytes.
    encoded: Vec<u8>,
    key: PKey<Public>,
}

impl VerifierKey {
    /// A log's key: ECDSA on P-256, SHA-256, from its SubjectPublicKeyInfo.
    pub fn ecdsa(name: &str, spki: &[u8]) -> Option<Self> {
        Self::of_spki(spki)?.named(name)
    }

    /// The same from a file: PEM, or the C2SP's `<name>+<key id>+<base64>` on a line of its own, or
    /// both, which then have to be of one key.
    pub fn parse(file: &str) -> Option<Self> {
        let vkey = file.lines().find_map(Self::parse_vkey);
        let pem = match file.contains("-----BEGIN PUBLIC KEY-----") {
            true => {
                let key = PKey::public_key_from_pem(file.as_bytes()).ok()?;
                Some(Self::of_spki(&key.public_key_to_der().ok()?)?)
            }
            false => None,
        };
        match (vkey, pem) {
            (Some(vkey), Some(pem)) => (vkey.encoded == pem.encoded).then_some(vkey),
            (vkey, pem) => vkey.or(pem),
        }
    }

    /// Reads the C2SP's form of a key, be it of a log (ECDSA) or of a witness (Ed25519 cosignatures,
    /// <https://c2sp.org/tlog-cosignature>).
    pub fn parse_vkey(vkey: &str) -> Option<Self> {
        let mut parts = vkey.trim().splitn(3, '+');
        let (name, id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let encoded = STANDARD.decode(encoded).ok()?;
        let key = match encoded.split_first()? {
            (&ECDSA, spki) => Self::of_spki(spki)?,
            (&COSIGNATURE, raw) => Self {
                name: None,
                algorithm: COSIGNATURE,
                encoded: raw.to_vec(),
                key: PKey::public_key_from_raw_bytes(raw, Id::ED25519).ok()?,
            },
            _ => return None,
        };
        key.named(name).filter(|key| hex(&key.id()) == id)
    }

    fn of_spki(spki: &[u8]) -> Option<Self> {
        let key = PKey::public_key_from_der(spki).ok()?;
        let curve = key.ec_key().ok()?.group().curve_name();
        (curve == Some(Nid::X9_62_PRIME256V1)).then(|| Self {
            name: None,
            algorithm: ECDSA,
            encoded: spki.to_vec(),
            key,
        })
    }

    fn named(self, name: &str) -> Option<Self> {
        is_name(name).then(|| Self {
            name: Some(name.to_owned()),
            ..self
        })
    }

    /// The name that it signs by, where that is known.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What a signature names it by, beside the name.
    pub fn id(&self) -> [u8; 4] {
        let digest = match self.algorithm {
            ECDSA => sha256(&self.encoded),
            _ => {
                let name = self.name.as_deref().unwrap_or_default().as_bytes();
                sha256(&[name, b"\n", &[self.algorithm], &self.encoded].concat())
            }
        };
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }

    /// The C2SP's form of it; None where the name is not known.
    pub fn vkey(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let encoded = STANDARD.encode([&[self.algorithm], self.encoded.as_slice()].concat());
        Some(format!("{name}+{}+{encoded}", hex(&self.id())))
    }

    /// Whether a signature says that it is this key's.
    pub fn is_named_by(&self, signature: &Signature) -> bool {
        let name = self.name.as_ref();
        signature.key_id == self.id() && name.is_none_or(|name| *name == signature.name)
    }

    /// Whether a signature of a note's text is this key's.
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        // Errors are those of signatures that cannot be one.
        self.check(text, signature).unwrap_or(false)
    }

    fn check(&self, text: &str, signature: &[u8]) -> Option<bool> {
        if self.algorithm == ECDSA {
            let mut verifier = Verifier::new(MessageDigest::sha256(), &self.key).ok()?;
            return verifier.verify_oneshot(signature, text.as_bytes()).ok();
        }
        let (time, signature) = signature.split_first_chunk()?;
        let signed = cosigned(u64::from_be_bytes(*time), text);
        let mut verifier = Verifier::new_without_digest(&self.key).ok()?;
        verifier.verify_oneshot(signature, signed.as_bytes()).ok()
    }
}

/// What a witness signs of a note, at a time in seconds since 1970.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::note::{Note, NoteError};
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::pkey::Private;
    use openssl::sign::Signer;

    const TEXT: &str = "a log\n7\n\nwith an empty line\n";

    fn pair() -> (PKey<Private>, VerifierKey) {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let pair = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let spki = pair.public_key_to_der().unwrap();
        (pair, VerifierKey::ecdsa("strongroom/test", &spki).unwrap())
    }

    fn signature(pair: &PKey<Private>, key: &VerifierKey, text: &str) -> Signature {
        let mut signer = Signer::new(MessageDigest::sha256(), pair).unwrap();
        Signature {
            name: key.name().unwrap().to_owned(),
            key_id: key.id(),
            signature: signer.sign_oneshot_to_vec(text.as_bytes()).unwrap(),
        }
    }

    #[test]
    fn a_note_is_written_read_and_verified() {
        let (pair, key) = pair();
        let note = Note::new(TEXT.to_owned()).unwrap();
        let note = note.signed(signature(&pair, &key, TEXT)).to_string();
        let read = Note::parse(&note).unwrap();
        assert_eq!(read.text(), TEXT);
        assert_eq!(read.to_string(), note);
        assert_eq!(read.verify(&key), Ok(()));
        let vkey = VerifierKey::parse_vkey(&key.vkey().unwrap()).unwrap();
        assert_eq!(read.verify(&vkey), Ok(()));
        let stranger = self::pair().1;
        assert_eq!(read.verify(&stranger), Err(NoteError::NotSigned));

        // A stranger's signature beside it is passed over; a forged one of the key's is not.
        let (others, stranger) = self::pair();
        let both = read.clone().signed(signature(&others, &stranger, TEXT));
        assert_eq!(both.verify(&key), Ok(()));
        let forged = read.signed(signature(&pair, &key, "another\n"));
        assert_eq!(forged.verify(&key), Err(NoteError::Forged));
        let edited = Note::parse(&note.replace("a log", "a lag")).unwrap();
        assert_eq!(edited.verify(&key), Err(NoteError::Forged));
        let renamed = Note::parse(&note.replace("strongroom/test", "other")).unwrap();
        assert_eq!(renamed.verify(&key), Err(NoteError::NotSigned));
    }

    #[test]
    fn the_specifications_example_is_read() {
        let note = "Ognuno sta solo sul cuor della terra\n\
                    trafitto da un raggio di sole:\n\ned è subito sera.\n\n\
                    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+\
                    EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
        let read = Note::parse(note).unwrap();
        assert!(read.text().ends_with("sole:\n\ned è subito sera.\n"));
        assert_eq!(read.signatures()[0].name, "quasimodo.example/salvatore");
        assert_eq!(read.signatures()[0].key_id, [0x36, 0x7b, 0xa0, 0x4b]);
        assert_eq!(read.to_string(), note);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let (pair, key) = pair();
        let note = Note::new(TEXT.to_owned()).unwrap();
        let note = note.signed(signature(&pair, &key, TEXT)).to_string();
        for bad in [
            String::new(),
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            note.trim_end().to_owned(),
            note.replace('\u{2014}', "-"),
            note.replace("7\n", "7\r\n"),
            note.replace("strongroom/test", "strong+room"),
            format!("{note}more\n"),
            "a".repeat(1 << 20) + &note,
        ] {
            assert_eq!(Note::parse(&bad), Err(NoteError::Malformed));
        }
        assert_eq!(Note::new("no newline".into()), Err(NoteError::Malformed));
    }

    #[test]
    fn a_key_is_read_from_each_form() {
        let (pair, key) = pair();
        let pem = String::from_utf8(pair.public_key_to_pem().unwrap()).unwrap();
        let vkey = key.vkey().unwrap();
        let both = format!("{vkey}\n{pem}");
        for (file, name) in [
            (&pem, None),
            (&vkey, Some("strongroom/test")),
            (&both, Some("strongroom/test")),
        ] {
            let read = VerifierKey::parse(file).unwrap();
            assert_eq!((read.name(), read.id()), (name, key.id()));
        }
        let others = self::pair().1.vkey().unwrap();
        assert!(VerifierKey::parse(&format!("{others}\n{pem}")).is_none());
        assert!(VerifierKey::parse_vkey(&vkey.replace("+", "+0")).is_none());
        assert!(VerifierKey::parse("nothing").is_none());
    }

    /// <https://c2sp.org/tlog-cosignature>'s example is not whole; this one is of its form.
    #[test]
    fn a_witness_cosigns() {
        let pair = PKey::generate_ed25519().unwrap();
        let raw = pair.raw_public_key().unwrap();
        let encoded = STANDARD.encode([&[COSIGNATURE], raw.as_slice()].concat());
        let id = &sha256(&[b"witness.example/w1\n\x04".as_slice(), &raw].concat())[..4];
        let vkey = format!("witness.example/w1+{}+{encoded}", hex(id));
        let key = VerifierKey::parse_vkey(&vkey).unwrap();
        assert_eq!(key.vkey(), Some(vkey));
        let signed = "cosignature/v1\ntime 1679315147\na log\n7\nroot\n";
        let mut signer = Signer::new_without_digest(&pair).unwrap();
        let by_witness = signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap();
        let at = |time: u64| Signature {
            name: "witness.example/w1".into(),
            key_id: key.id(),
            signature: [time.to_be_bytes().as_slice(), &by_witness].concat(),
        };
        let note = Note::new("a log\n7\nroot\n".into()).unwrap();
        assert_eq!(note.clone().signed(at(1_679_315_147)).verify(&key), Ok(()));
        let other_time = note.signed(at(1_679_315_148));
        assert_eq!(other_time.verify(&key), Err(NoteError::Forged));
    }
}
