//! Structures within a request.

use super::blob::AttestationDocument;
use super::enums::KeyEncryptionMechanism;
use super::text::{
    SourceArn, TagKey, TagValue, XksProxyAuthenticationAccessKeyId,
    XksProxyAuthenticationRawSecretAccessKey,
};
use crate::model::EncryptionContext;
use crate::model::member::{Member, Violations, structure};
use serde::de::IgnoredAny;
use serde_json::Value;

structure! {
    /// `Tag`.
    #[derive(Clone)]
    Tag {
        required {
            tag_key: TagKey,
            tag_value: TagValue,
        }
        optional {}
    }
}

/// A member that has no meaning here, whatever it is: to be refused by its name.
#[derive(Debug)]
pub struct Unsupported;

impl Member for Unsupported {
    type Wire = IgnoredAny;
    fn check(_: IgnoredAny, _: &str, _: &mut Violations) -> Option<Self> {
        Some(Self)
    }
    fn recorded(&self) -> Option<Value> {
        None
    }
}

structure! {
    /// IAM's `Tag`.
    #[derive(Clone)]
    IdentityTag {
        required {
            key: TagKey,
            value: TagValue,
        }
        optional {}
    }
}

structure! {
    /// `GrantConstraints`.
    #[derive(Clone)]
    GrantConstraints {
        required {}
        optional {
            encryption_context_subset: EncryptionContext,
            encryption_context_equals: EncryptionContext,
            source_arn: SourceArn,
        }
    }
}

structure! {
    /// `RecipientInfo`: the enclave that an answer is meant for.
    RecipientInfo {
        required {}
        optional {
            key_encryption_algorithm: KeyEncryptionMechanism,
            attestation_document: AttestationDocument,
        }
    }
}

structure! {
    /// `XksProxyAuthenticationCredentialType`.
    XksProxyAuthenticationCredential {
        required {
            access_key_id: XksProxyAuthenticationAccessKeyId,
            raw_secret_access_key: XksProxyAuthenticationRawSecretAccessKey,
        }
        optional {}
    }
}
