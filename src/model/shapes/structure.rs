//! Structures within a request.

use super::blob::AttestationDocument;
use super::enums::KeyEncryptionMechanism;
use super::text::{
    SourceArn, TagKey, TagValue, XksProxyAuthenticationAccessKeyId,
    XksProxyAuthenticationRawSecretAccessKey,
};
use crate::model::EncryptionContext;
use crate::model::member::structure;

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
