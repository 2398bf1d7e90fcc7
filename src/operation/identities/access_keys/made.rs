//! An access key in the making: its secret comes from the token, and is shown once.

use super::AccessKeyMetadata;
use crate::Error;
use crate::model::AccountId;
use crate::operation::Context;
use crate::operation::credential::{LONG_TERM, generate, wrap};
use crate::store::AccessKey;
use crate::token::SystemKey;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use uuid::Uuid;

/// An access key that is in no table yet.
pub struct Made {
    id: String,
    secret: SecretString,
    wrapped_secret: Vec<u8>,
    account: AccountId,
    principal: String,
}

impl Made {
    /// For a principal, by its ARN. Nothing of it stays on the token.
    ///
    /// # Errors
    /// The token or the database does not answer; `LimitExceededException` at the end of the
    /// wrapping key.
    pub(in crate::operation::identities) async fn new(
        account: AccountId,
        principal: String,
        cx: &Context,
    ) -> Result<Self, Error> {
        // Callers decide how often.
        let key = SystemKey::Wrapping.object_id(cx.store.deployment());
        cx.store.count_gcm_invocation(key).await?;
        let (token, wrapping) = (cx.tokens.home(), cx.tokens.wrapping());
        let (id, secret) = generate(token, LONG_TERM).await?;
        let owner = (&account, &*principal, &*id);
        let wrapped_secret = wrap(token, wrapping, owner, &secret).await?;
        Ok(Self {
            id,
            secret,
            wrapped_secret,
            account,
            principal,
        })
    }

    /// Its row.
    pub(in crate::operation::identities) fn row(&self, created: OffsetDateTime) -> AccessKey {
        AccessKey {
            row: Uuid::new_v4(),
            row_version: 1,
            id: self.id.clone(),
            account: self.account.clone(),
            principal: self.principal.clone(),
            wrapped_secret: self.wrapped_secret.clone(),
            enabled: true,
            created,
        }
    }

    /// What its owner is shown.
    pub(in crate::operation::identities) fn shown(
        &self,
        metadata: AccessKeyMetadata,
    ) -> CreatedAccessKey {
        CreatedAccessKey {
            metadata,
            secret_access_key: SecretAccessKey(self.secret.clone()),
        }
    }
}

/// IAM's `AccessKey`.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreatedAccessKey {
    #[serde(flatten)]
    pub metadata: AccessKeyMetadata,
    pub secret_access_key: SecretAccessKey,
}

/// A secret access key on its way to its owner.
pub struct SecretAccessKey(SecretString);

impl serde::Serialize for SecretAccessKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}
