//! Custom key stores: their states, and which operations each allows.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CustomKeyStoresListEntry.html>.

use super::member::{Member, Violations};
use super::wire_enum;
use crate::{Error, ErrorCode};
use secrecy::SecretString;

wire_enum! {
    /// `CustomKeyStoreType`.
    CustomKeyStoreType {
        AwsCloudHsm = "AWS_CLOUDHSM",
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// `ConnectionStateType`.
    ConnectionState {
        Connected = "CONNECTED",
        Connecting = "CONNECTING",
        Failed = "FAILED",
        Disconnected = "DISCONNECTED",
        Disconnecting = "DISCONNECTING",
    }
}

wire_enum! {
    /// `ConnectionErrorCodeType`, but for those of networks and proxies, which a token has not.
    ConnectionErrorCode {
        /// The PIN is wrong.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// The configuration names no such token, or it is not there, or is another one.
        ClusterNotFound = "CLUSTER_NOT_FOUND",
        /// The token does not answer.
        NetworkErrors = "NETWORK_ERRORS",
        /// Anything else: the gateway's log says what.
        InternalError = "INTERNAL_ERROR",
        /// The PIN is locked, or nearly: a wrong one was given before.
        UserLockedOut = "USER_LOCKED_OUT",
        /// The token has no user PIN.
        UserNotFound = "USER_NOT_FOUND",
        /// The gateway uses the token already: as its own, or under another cluster's name.
        UserLoggedIn = "USER_LOGGED_IN",
    }
}

/// The states in which an operation may come to a custom key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreRule {
    /// DescribeCustomKeyStores: any state.
    Any,
    /// CreateKey, GenerateRandom: `CONNECTED` only.
    Connected,
    /// ConnectCustomKeyStore: all but `DISCONNECTING` and `FAILED`.
    Connectable,
    /// DisconnectCustomKeyStore: all but `DISCONNECTING` and `DISCONNECTED`.
    Disconnectable,
    /// UpdateCustomKeyStore of the name alone: `CONNECTED` or `DISCONNECTED`.
    Settled,
    /// DeleteCustomKeyStore, and UpdateCustomKeyStore of anything else: `DISCONNECTED` only.
    Disconnected,
}

impl StoreRule {
    /// Whether a key store in `state` may be come to.
    ///
    /// # Errors
    /// `CustomKeyStoreInvalidStateException`.
    pub fn check(self, state: ConnectionState, id: &str) -> Result<(), Error> {
        use ConnectionState as S;
        let allowed = match self {
            StoreRule::Any => true,
            StoreRule::Connected => state == S::Connected,
            StoreRule::Connectable => !matches!(state, S::Disconnecting | S::Failed),
            StoreRule::Disconnectable => !matches!(state, S::Disconnecting | S::Disconnected),
            StoreRule::Settled => matches!(state, S::Connected | S::Disconnected),
            StoreRule::Disconnected => state == S::Disconnected,
        };
        if allowed {
            return Ok(());
        }
        let message = format!(
            "Custom key store {id} is in the {state} state, which is not valid for this request."
        );
        Err(Error::new(ErrorCode::CustomKeyStoreInvalidState, message))
    }
}

/// `CloudHsmClusterIdType`: the name of a token in the configuration.
#[derive(Debug, Clone)]
pub struct CloudHsmClusterId(pub String);

impl CloudHsmClusterId {
    /// Whether `text` can be one. The model has no `0`, `1`, `8` and `9`; its own examples do.
    pub fn is_valid(text: &str) -> bool {
        text.strip_prefix("cluster-").is_some_and(|rest| {
            (11..=16).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_alphanumeric())
        })
    }
}

impl Member for CloudHsmClusterId {
    type Wire = String;
    fn check(wire: String, at: &'static str, violations: &mut Violations) -> Option<Self> {
        let length = violations.length(at, Some(&wire), wire.chars().count(), 19, 24);
        let valid = Self::is_valid(&wire);
        if length && !valid {
            let pattern = "satisfy regular expression pattern: cluster-[2-7a-zA-Z]{11,16}";
            violations.breaks(at, Some(&wire), pattern);
        }
        valid.then_some(Self(wire))
    }
    fn recorded(&self) -> Option<serde_json::Value> {
        Some(self.0.as_str().into())
    }
}

/// `KeyStorePasswordType`: a token's user PIN; never recorded.
#[derive(Clone)]
pub struct KeyStorePassword(pub SecretString);

impl Member for KeyStorePassword {
    type Wire = SecretString;
    fn check(wire: SecretString, at: &'static str, violations: &mut Violations) -> Option<Self> {
        use secrecy::ExposeSecret;
        let length = wire.expose_secret().chars().count();
        violations
            .length(at, None, length, 7, 32)
            .then_some(Self(wire))
    }
    fn recorded(&self) -> Option<serde_json::Value> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_allows_what_aws_says() {
        use ConnectionState as S;
        use StoreRule as R;
        let table = [
            (R::Any, [true; 5]),
            (R::Connected, [true, false, false, false, false]),
            (R::Connectable, [true, true, false, true, false]),
            (R::Disconnectable, [true, true, true, false, false]),
            (R::Settled, [true, false, false, true, false]),
            (R::Disconnected, [false, false, false, true, false]),
        ];
        for (rule, allowed) in table {
            for (state, allowed) in S::ALL.iter().zip(allowed) {
                let checked = rule.check(*state, "cks-1");
                assert_eq!(checked.is_ok(), allowed, "{rule:?} in {state}");
            }
        }
    }

    #[test]
    fn a_cluster_id_has_aws_form() {
        assert!(CloudHsmClusterId::is_valid("cluster-1a23b4cdefg"));
        for wrong in [
            "cluster-short",
            "cluster-abcdefghijklmnopq",
            "cluster-abc_efghijk",
        ] {
            assert!(!CloudHsmClusterId::is_valid(wrong), "{wrong}");
        }
    }
}
