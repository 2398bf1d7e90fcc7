//! Custom key stores: their states, and which operations each allows.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CustomKeyStoresListEntry.html>.

use super::shapes::ConnectionState;
use crate::{Error, ErrorCode};

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
}
