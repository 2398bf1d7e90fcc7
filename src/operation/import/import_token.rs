//! ImportToken: which wrapping key is whose, and until when; the caller keeps it, and a MAC by a
//! key on the token keeps it as it is.
//!
//! ```text
//! 0        1              17        33          34      35          43    75
//! | format | wrapping key | KMS key | algorithm | spec  | valid to  | MAC |
//! ```

use crate::model::MacAlgorithm;
use crate::model::shapes::{WrappingAlgorithm, WrappingKeySpec};
use crate::operation::Context;
use crate::store::Key;
use crate::token::{KeyRef, SystemKey};
use crate::{Error, ErrorCode};
use time::OffsetDateTime;
use uuid::Uuid;

/// Tells the MAC from those of rows, which the same key makes.
const DOMAIN: &[u8] = b"strongroom import token 1\0";
const FORMAT: u8 = 1;
const BODY_BYTES: usize = 43;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImportToken {
    /// The `CKA_ID` of the wrapping key.
    pub(super) wrapping_key: Uuid,
    /// The row of the KMS key.
    pub(super) key: Uuid,
    pub(super) algorithm: WrappingAlgorithm,
    pub(super) spec: WrappingKeySpec,
    /// In whole seconds.
    pub(super) valid_to: OffsetDateTime,
}

fn invalid() -> Error {
    Error::new(
        ErrorCode::InvalidImportToken,
        "The import token is invalid.",
    )
}

impl ImportToken {
    /// The token as the caller gets it.
    ///
    /// # Errors
    /// Those of the token.
    pub(super) async fn seal(&self, cx: &Context) -> Result<Vec<u8>, Error> {
        let mut bytes = self.body();
        let input = [DOMAIN, &bytes].concat();
        let mac = cx.tokens.home().mac(&mac_key(cx), MAC, input).await?;
        bytes.extend(mac);
        Ok(bytes)
    }

    /// What the caller gave back, for `key`.
    ///
    /// # Errors
    /// `InvalidImportTokenException` for anything that is not a token for this key;
    /// `ExpiredImportTokenException`; those of the token.
    pub(super) async fn open(bytes: &[u8], key: &Key, cx: &Context) -> Result<Self, Error> {
        let (body, mac) = bytes.split_at_checked(BODY_BYTES).ok_or_else(invalid)?;
        let input = [DOMAIN, body].concat();
        let home = cx.tokens.home();
        if !home
            .verify_mac(&mac_key(cx), MAC, input, mac.to_vec())
            .await?
        {
            return Err(invalid());
        }
        let token = Self::parse(body).ok_or_else(invalid)?;
        if token.key != key.row {
            return Err(invalid());
        }
        if token.valid_to <= cx.clock.now() {
            let message = "The import token has expired.";
            return Err(Error::new(ErrorCode::ExpiredImportToken, message));
        }
        Ok(token)
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BODY_BYTES + 32);
        bytes.push(FORMAT);
        bytes.extend(self.wrapping_key.as_bytes());
        bytes.extend(self.key.as_bytes());
        bytes.push(self.algorithm as u8);
        bytes.push(self.spec as u8);
        bytes.extend(self.valid_to.unix_timestamp().to_be_bytes());
        bytes
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let (&format, rest) = body.split_first()?;
        let (wrapping_key, rest) = rest.split_first_chunk::<16>()?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let (&[algorithm, spec], rest) = rest.split_first_chunk::<2>()?;
        let (valid_to, rest) = rest.split_first_chunk::<8>()?;
        (format == FORMAT && rest.is_empty()).then_some(())?;
        Some(Self {
            wrapping_key: Uuid::from_bytes(*wrapping_key),
            key: Uuid::from_bytes(*key),
            // The position in the model's list, which is what `as u8` gave.
            algorithm: *WrappingAlgorithm::ALL.get(usize::from(algorithm))?,
            spec: *WrappingKeySpec::ALL.get(usize::from(spec))?,
            valid_to: OffsetDateTime::from_unix_timestamp(i64::from_be_bytes(*valid_to)).ok()?,
        })
    }
}

const MAC: MacAlgorithm = MacAlgorithm::HmacSha256;

fn mac_key(cx: &Context) -> KeyRef {
    let deployment = cx.store.deployment();
    cx.tokens.home().system_key(deployment, SystemKey::RowMac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_it_was_written_and_nothing_else_is() {
        let token = ImportToken {
            wrapping_key: Uuid::from_u128(1),
            key: Uuid::from_u128(2),
            algorithm: WrappingAlgorithm::RsaAesKeyWrapSha256,
            spec: WrappingKeySpec::Rsa4096,
            valid_to: OffsetDateTime::UNIX_EPOCH,
        };
        let body = token.body();
        assert_eq!(body.len(), BODY_BYTES);
        assert_eq!(ImportToken::parse(&body), Some(token));
        for len in 0..body.len() {
            assert_eq!(ImportToken::parse(&body[..len]), None);
        }
        assert_eq!(ImportToken::parse(&[&body[..], &[0]].concat()), None);
        for (at, value) in [(0, 2), (33, 6), (34, 4)] {
            let mut wrong = body.clone();
            wrong[at] = value;
            assert_eq!(ImportToken::parse(&wrong), None, "byte {at}");
        }
    }
}
