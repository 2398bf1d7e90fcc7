//! AWS's vocabulary, and what follows from it alone: no I/O, no clock.

pub mod algorithm;
pub mod arn;
mod ascii;
mod birth_certificate;
pub mod ciphertext_blob;
mod destination;
mod digest;
pub mod encryption_context;
pub mod grant;
pub mod hex;
pub mod import;
pub mod key_id;
mod key_material_id;
pub mod key_spec;
pub mod key_state;
pub mod key_store;
pub mod member;
pub mod names;
pub mod shapes;
mod trace_parent;
mod url;

pub use algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm, MessageType,
    SigningAlgorithm,
};
pub use arn::{AccountId, Region};
pub use birth_certificate::{BirthCertificate, Breed};
pub use destination::Destination;
pub use digest::JsonDigest;
pub use encryption_context::EncryptionContext;
pub use grant::{Constraints, GrantOperationSet};
pub use key_id::{BareKeyId, KeyName};
pub use key_material_id::key_material_id;
pub use key_spec::{DataKeyPairSpec, DataKeySpec, KeySpec, KeyUsage, Origin, RotationType};
pub use key_state::{KeyState, VersionState};
pub use shapes::{ConnectionErrorCode, ConnectionState, CustomKeyStoreType};
pub use trace_parent::TraceParent;
pub use url::Url;

/// Defines an enum of the AWS model: its variants and their names on the wire.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // AWS's own names, documented by AWS
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the AWS model.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $wire,)* }
            }

            fn value_set() -> String {
                let all: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                format!("satisfy enum value set: [{}]", all.join(", "))
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($wire => Ok($name::$variant),)* _ => Err(()) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::model::member::Member for $name {
            type Wire = String;
            fn check(
                wire: String,
                at: &str,
                violations: &mut $crate::model::member::Violations,
            ) -> Option<Self> {
                let value = wire.parse().ok();
                if value.is_none() {
                    violations.breaks(at, Some(&wire), Self::value_set());
                }
                value
            }
            fn recorded(&self) -> Option<serde_json::Value> {
                Some(self.as_str().into())
            }
            fn constraint() -> String {
                format!("Member must {}", Self::value_set())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use wire_enum;
