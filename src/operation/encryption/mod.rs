//! Encrypt, Decrypt, ReEncrypt: small secrets under a CMK.

pub mod decrypt;
pub mod encrypt;
pub mod re_encrypt;

use super::access::{Access, By, Purpose};
use super::{Authorized, Context, Operation};
use crate::model::algorithm::Hash;
use crate::model::ciphertext_blob::{self, CiphertextBlob};
use crate::model::key_state::StateRule;
use crate::model::member::{Decode, DryRun, Violations};
use crate::model::shapes::RecipientInfo;
use crate::model::{EncryptionAlgorithm, EncryptionContext, KeySpec};
use crate::token::KeyRef;
use crate::{Error, ErrorCode};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Map, Value};
use uuid::Uuid;

/// `requestParameters` as CloudTrail has them: always with the algorithms.
fn parameters<const N: usize>(
    input: &impl Decode,
    algorithms: [(&str, EncryptionAlgorithm); N],
) -> Map<String, Value> {
    let mut parameters = input.parameters();
    for (name, algorithm) in algorithms {
        parameters.insert(name.to_owned(), algorithm.as_str().into());
    }
    parameters
}

/// Encrypts `plaintext` under the current version of the `at`th key; answers the CiphertextBlob.
///
/// # Errors
/// `ValidationException` for a context with an asymmetric key or a plaintext too long for it.
pub(super) async fn seal<O: Operation>(
    call: &Authorized<O>,
    at: usize,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    plaintext: SecretSlice<u8>,
    cx: &Context,
) -> Result<Vec<u8>, Error> {
    let key = call.current(at)?;
    let version = call.key(at).current_version;
    let Some(hash) = algorithm.oaep_hash() else {
        cx.store.count_gcm_invocation(version).await?;
        let sealed = cx
            .tokens
            .of(call.key(at))?
            .seal(&key, ciphertext_blob::aad(version, context), plaintext)
            .await?;
        return Ok(ciphertext_blob::encode(
            version,
            &sealed.iv,
            &sealed.ciphertext,
        ));
    };
    refuse_context(context, algorithm)?;
    let spec = call.key(at).spec;
    let longest = longest_oaep_plaintext(spec, hash);
    if plaintext.expose_secret().len() > longest {
        let message = format!(
            "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {longest} bytes."
        );
        return Err(Error::new(ErrorCode::Validation, message));
    }
    Ok(cx
        .tokens
        .of(call.key(at))?
        .rsa_encrypt(&key, algorithm, plaintext)
        .await?)
}

/// Decrypts `ciphertext` with the `at`th key.
///
/// # Errors
/// `InvalidCiphertextException` for whatever does not authenticate; `IncorrectKeyException` for a
/// ciphertext of another key.
async fn open<O: Operation>(
    call: &Authorized<O>,
    at: usize,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    ciphertext: &[u8],
    cx: &Context,
) -> Result<Opened, Error> {
    let invalid = || Error::new(ErrorCode::InvalidCiphertext, "");
    if algorithm.oaep_hash().is_some() {
        refuse_context(context, algorithm)?;
        let key = call.current(at)?;
        let plaintext = cx
            .tokens
            .of(call.key(at))?
            .rsa_decrypt(&key, algorithm, ciphertext.to_vec())
            .await?;
        return Ok(Opened {
            plaintext: plaintext.ok_or_else(invalid)?,
            version: None,
        });
    }
    let blob = CiphertextBlob::parse(ciphertext).ok_or_else(invalid)?;
    let key: KeyRef = call.version(at, blob.version)?.ok_or_else(|| {
        let message =
            "The key ID in the request does not identify a CMK that can perform this operation.";
        Error::new(ErrorCode::IncorrectKey, message)
    })?;
    let aad = ciphertext_blob::aad(blob.version, context);
    let plaintext = cx
        .tokens
        .of(call.key(at))?
        .unseal(&key, blob.iv, aad, blob.sealed.to_vec())
        .await?;
    Ok(Opened {
        plaintext: plaintext.ok_or_else(invalid)?,
        version: Some(blob.version),
    })
}

/// A plaintext, and the symmetric key version that opened it.
struct Opened {
    plaintext: SecretSlice<u8>,
    version: Option<Uuid>,
}

/// The longest message of RSAES-OAEP: k - 2 hLen - 2 (RFC 8017 section 7.1.1), in bytes.
fn longest_oaep_plaintext(spec: KeySpec, hash: Hash) -> usize {
    let modulus = spec.rsa_bits().unwrap_or(0) as usize / 8;
    modulus.saturating_sub(2 * hash.len_bytes() + 2)
}

fn refuse_context(
    context: &EncryptionContext,
    algorithm: EncryptionAlgorithm,
) -> Result<(), Error> {
    if context.is_empty() {
        return Ok(());
    }
    let message =
        format!("EncryptionContext is not supported with EncryptionAlgorithm {algorithm}.");
    Err(Error::new(ErrorCode::Validation, message))
}

/// The key that a Decrypt or ReEncrypt reads with: the named one, or that of the ciphertext, which
/// only a dry run that ignores it may lack.
fn source<'i>(
    dry_run: Option<DryRun>,
    key_id: Option<&'i str>,
    ciphertext: Option<&[u8]>,
    algorithm: EncryptionAlgorithm,
) -> Result<Access<'i>, Error> {
    let purpose = Purpose::Encryption(algorithm);
    let ignored = dry_run == Some(DryRun::Authorization);
    if !ignored {
        required(ciphertext, "ciphertext_blob")?;
    }
    if let Some(key_id) = key_id {
        return Ok(Access::using(key_id, purpose));
    }
    if algorithm != EncryptionAlgorithm::SymmetricDefault {
        let message = "KeyId is required to decrypt with an asymmetric KMS key.";
        return Err(Error::new(ErrorCode::Validation, message));
    }
    if ignored {
        let message = "KeyId is required where the ciphertext is ignored.";
        return Err(Error::new(ErrorCode::Validation, message));
    }
    let blob = CiphertextBlob::parse(required(ciphertext, "ciphertext_blob")?)
        .ok_or_else(|| Error::new(ErrorCode::InvalidCiphertext, ""))?;
    Ok(Access::one(
        By::Version(blob.version),
        StateRule::Usable,
        purpose,
    ))
}

/// The ciphertext, where there must be one.
///
/// # Errors
/// `ValidationException` if there is none.
fn required<'i>(ciphertext: Option<&'i [u8]>, at: &str) -> Result<&'i [u8], Error> {
    let mut violations = Violations::default();
    if ciphertext.is_none() {
        violations.missing(at);
    }
    violations.finish()?;
    ciphertext.ok_or_else(|| Error::internal("ciphertext lost in checking"))
}

/// `Recipient` asks for an answer that only a Nitro enclave can open.
///
/// # Errors
/// `UnsupportedOperationException` if it is given.
pub(super) fn refuse_recipient(recipient: Option<&RecipientInfo>) -> Result<(), Error> {
    match recipient {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorCode::UnsupportedOperation,
            "Recipient is not supported: this gateway does not verify attestation documents.",
        )),
    }
}
