//! What a caller is told when a request fails.

use std::fmt;

/// Defines [`ErrorCode`] as one table: variant, name on the wire where it differs, HTTP status.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $status:literal;)*) => {
        /// The exceptions of the AWS KMS model (botocore `kms` 2014-11-01), and those common to
        /// every AWS service, under the name they have on the wire.
        ///
        /// Source: <https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html>.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // AWS's own names, documented by AWS
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of their declaration.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The value of `__type`.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// The HTTP status that AWS answers with.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }
        }
    };
}

error_codes! {
    // Common to every AWS service.
    AccessDenied "AccessDeniedException" 400;
    /// The gateway's own: dual control. No SDK tries it again by itself.
    ApprovalRequired "ApprovalRequiredException" 400;
    ExpiredToken "ExpiredTokenException" 400;
    /// Of STS: not the caller's credentials are over, but the token of an OIDC issuer.
    ExpiredIdentityToken "ExpiredTokenException" 400;
    IncompleteSignature "IncompleteSignatureException" 400;
    InvalidSignature "InvalidSignatureException" 400;
    MissingAuthenticationToken "MissingAuthenticationTokenException" 400;
    RequestEntityTooLarge "RequestEntityTooLargeException" 413;
    Serialization "SerializationException" 400;
    ServiceUnavailable "ServiceUnavailableException" 503;
    Throttling "ThrottlingException" 400;
    UnknownOperation "UnknownOperationException" 400;
    UnrecognizedClient "UnrecognizedClientException" 400;
    Validation "ValidationException" 400;
    // Of AWS STS (botocore `sts` 2011-06-15).
    IdpCommunication "IDPCommunicationErrorException" 400;
    IdpRejectedClaim "IDPRejectedClaimException" 403;
    InvalidIdentityToken "InvalidIdentityTokenException" 400;
    PackedPolicyTooLarge "PackedPolicyTooLargeException" 400;
    // IAM's, for the gateway's own operations on identities.
    DeleteConflict "DeleteConflictException" 400;
    EntityAlreadyExists "EntityAlreadyExistsException" 400;
    NoSuchEntity "NoSuchEntityException" 400;
    // The model's, in its order: those that it calls faults are the service's own, and 500.
    AlreadyExists "AlreadyExistsException" 400;
    CloudHsmClusterInUse "CloudHsmClusterInUseException" 400;
    CloudHsmClusterInvalidConfiguration "CloudHsmClusterInvalidConfigurationException" 400;
    CloudHsmClusterNotActive "CloudHsmClusterNotActiveException" 400;
    CloudHsmClusterNotFound "CloudHsmClusterNotFoundException" 400;
    CloudHsmClusterNotRelated "CloudHsmClusterNotRelatedException" 400;
    Conflict "ConflictException" 400;
    CustomKeyStoreHasCmks "CustomKeyStoreHasCMKsException" 400;
    CustomKeyStoreInvalidState "CustomKeyStoreInvalidStateException" 400;
    CustomKeyStoreNameInUse "CustomKeyStoreNameInUseException" 400;
    CustomKeyStoreNotFound "CustomKeyStoreNotFoundException" 400;
    DependencyTimeout "DependencyTimeoutException" 500;
    Disabled "DisabledException" 400;
    DryRunOperation "DryRunOperationException" 400;
    ExpiredImportToken "ExpiredImportTokenException" 400;
    IncorrectKey "IncorrectKeyException" 400;
    IncorrectKeyMaterial "IncorrectKeyMaterialException" 400;
    IncorrectTrustAnchor "IncorrectTrustAnchorException" 400;
    InvalidAliasName "InvalidAliasNameException" 400;
    InvalidArn "InvalidArnException" 400;
    InvalidCiphertext "InvalidCiphertextException" 400;
    InvalidGrantId "InvalidGrantIdException" 400;
    InvalidGrantToken "InvalidGrantTokenException" 400;
    InvalidImportToken "InvalidImportTokenException" 400;
    InvalidKeyUsage "InvalidKeyUsageException" 400;
    InvalidMarker "InvalidMarkerException" 400;
    KmsInternal "KMSInternalException" 500;
    KmsInvalidMac "KMSInvalidMacException" 400;
    KmsInvalidSignature "KMSInvalidSignatureException" 400;
    KmsInvalidState "KMSInvalidStateException" 400;
    KeyUnavailable "KeyUnavailableException" 500;
    LimitExceeded "LimitExceededException" 400;
    MalformedPolicyDocument "MalformedPolicyDocumentException" 400;
    NotFound "NotFoundException" 400;
    Tag "TagException" 400;
    UnsupportedOperation "UnsupportedOperationException" 400;
    XksKeyAlreadyInUse "XksKeyAlreadyInUseException" 400;
    XksKeyInvalidConfiguration "XksKeyInvalidConfigurationException" 400;
    XksKeyNotFound "XksKeyNotFoundException" 400;
    XksProxyIncorrectAuthenticationCredential "XksProxyIncorrectAuthenticationCredentialException" 400;
    XksProxyInvalidConfiguration "XksProxyInvalidConfigurationException" 400;
    XksProxyInvalidResponse "XksProxyInvalidResponseException" 400;
    XksProxyUriEndpointInUse "XksProxyUriEndpointInUseException" 400;
    XksProxyUriInUse "XksProxyUriInUseException" 400;
    XksProxyUriUnreachable "XksProxyUriUnreachableException" 400;
    XksProxyVpcEndpointServiceInUse "XksProxyVpcEndpointServiceInUseException" 400;
    XksProxyVpcEndpointServiceInvalidConfiguration "XksProxyVpcEndpointServiceInvalidConfigurationException" 400;
    XksProxyVpcEndpointServiceNotFound "XksProxyVpcEndpointServiceNotFoundException" 400;
}

/// A failed request: what the caller sees (`code`, `message`) and, for the log only, the cause.
pub struct Error {
    code: ErrorCode,
    message: String,
    member: Option<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error whose `message` goes to the caller: it must say what to do and hold no secret.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            member: None,
            source: None,
        }
    }

    /// The gateway's own failure: the caller learns nothing but that; the log gets `source`.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            code: ErrorCode::KmsInternal,
            message: "An internal error occurred. The request can be retried.".into(),
            member: None,
            source: Some(source.into()),
        }
    }

    /// The same error with its cause, for the log.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with a member of its own beside the message.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.member = Some((name, value.into()));
        self
    }

    /// The member beside the message, by its name.
    pub fn member(&self) -> Option<(&'static str, &str)> {
        self.member.as_ref().map(|(name, value)| (*name, &**value))
    }

    /// AWS's name for what happened.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the caller reads.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The cause, if there is one of type `E`: how a layer recognises its own error on the way up.
    pub fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.source
            .as_ref()
            .and_then(|source| source.downcast_ref())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// For the log: code, message and the whole chain of causes on one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
