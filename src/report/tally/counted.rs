//! What is counted of the log, and what is kept of it.

use crate::operation::OperationName;
use crate::report::moment::Moment;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// The newest of each list that are on the page; the files have all.
pub(super) const LISTED: usize = 1000;

/// What a key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub enum Use {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
    Mac,
    Agree,
}

impl Use {
    /// All of them, in their order.
    pub const ALL: [Use; 6] = [
        Use::Encrypt,
        Use::Decrypt,
        Use::Sign,
        Use::Verify,
        Use::Mac,
        Use::Agree,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Use::Encrypt => "encrypt",
            Use::Decrypt => "decrypt",
            Use::Sign => "sign",
            Use::Verify => "verify",
            Use::Mac => "MAC",
            Use::Agree => "agree",
        }
    }

    /// What an operation does to the key that stands at `at` among those that it came to.
    pub(super) fn of(operation: OperationName, at: usize) -> Option<Self> {
        use OperationName as O;
        Some(match operation {
            O::Encrypt
            | O::GenerateDataKey
            | O::GenerateDataKeyPair
            | O::GenerateDataKeyPairWithoutPlaintext
            | O::GenerateDataKeyWithoutPlaintext => Use::Encrypt,
            O::Decrypt => Use::Decrypt,
            O::ReEncrypt if at == 0 => Use::Decrypt,
            O::ReEncrypt => Use::Encrypt,
            O::Sign => Use::Sign,
            O::Verify => Use::Verify,
            O::GenerateMac | O::VerifyMac => Use::Mac,
            O::DeriveSharedSecret | O::Encapsulate | O::Decapsulate => Use::Agree,
            _ => return None,
        })
    }
}

/// How often, by [`Use::ALL`].
pub type Uses = [u64; Use::ALL.len()];

/// The use of one key.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyTally {
    /// By kind.
    pub uses: Uses,
    /// In each step.
    pub over_time: Vec<u64>,
    /// By identity.
    pub by: BTreeMap<String, Uses>,
}

/// What one identity did.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityTally {
    /// By kind.
    pub uses: Uses,
    /// In each step.
    pub over_time: Vec<u64>,
    /// Changes that succeeded.
    pub changes: u64,
    /// Refusals.
    pub denied: u64,
}

/// Refusals that are alike.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DenialGroup {
    /// Whose.
    pub identity: String,
    /// Of what.
    pub operation: String,
    /// The first key, or role, that it came to.
    pub resource: String,
    /// How many.
    pub many: u64,
    /// When first and last.
    pub first: Moment,
    #[allow(missing_docs)]
    pub last: Moment,
}

/// A refusal, a change, or a step of dual control.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// When, by the database's clock.
    pub at: Moment,
    /// The operation.
    pub operation: String,
    /// The principal: of a session, its own ARN.
    pub principal: String,
    /// From where.
    pub source: String,
    /// What it came to.
    pub resources: Vec<String>,
    /// Its parameters, as JSON; not of refusals.
    pub parameters: String,
    /// The approval request.
    pub approval: Option<String>,
    /// On whose approvals.
    pub approvers: Vec<String>,
    /// The request's id, by which the record is found.
    pub request_id: String,
}

/// What is to be written down of a record besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Noted {
    Denial,
    Change,
    /// A call was asked to wait, an approval was given or refused, an approved call was executed.
    Decision,
}

/// The newest of many.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Recent {
    /// How many there were.
    pub many: u64,
    /// The newest, in their order.
    pub newest: VecDeque<Act>,
}

impl Recent {
    pub(super) fn add(&mut self, act: &Act) {
        self.many += 1;
        if self.newest.len() == LISTED {
            self.newest.pop_front();
        }
        self.newest.push_back(act.clone());
    }
}
