//! Operation × key state: AWS's table, cell by cell, each a request on a key that is in the state.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>, whose footnotes
//! have these numbers; what is not in that table is from the pages of the operations.

use crate::api::call;
use crate::fixtures::{ELSEWHERE, Key, Kind, leaves_a_mark, name};
use crate::{botocore, not_yet};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// What a request on a key in some state is answered.
#[derive(Clone, Copy)]
enum Cell {
    /// It succeeds.
    Y,
    /// [1] `DisabledException`: is disabled.
    X1,
    /// [3] `KMSInvalidStateException`: is pending deletion, or pending replica deletion.
    X3,
    /// [4] `KMSInvalidStateException`: is not pending deletion.
    X4,
    /// [5] `KMSInvalidStateException`: is pending import.
    X5,
    /// [6] `UnsupportedOperationException`: origin is EXTERNAL which is not valid for this
    /// operation.
    X6,
    /// No key that the operation can use can be in it, at least none of the tests' token.
    N,
}
use Cell::{N, X1, X3, X4, X5, X6, Y};

/// The columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    Enabled,
    Disabled,
    PendingDeletion,
    PendingImport,
    PendingReplicaDeletion,
}
const STATES: [State; 5] = [
    State::Enabled,
    State::Disabled,
    State::PendingDeletion,
    State::PendingImport,
    State::PendingReplicaDeletion,
];

/// Operation, and its cells in the order of [`STATES`]. "to" and "from" say which of two keys is in
/// the state, where it is not the first.
#[rustfmt::skip]
const TABLE: &[(&str, [Cell; 5])] = &[
    //                                        enabled, disabled, deletion, import, replica deletion
    ("CancelKeyDeletion",                     [X4, X4, Y,  X4, Y]),
    ("CreateAlias",                           [Y,  Y,  X3, Y,  X3]),
    ("CreateGrant",                           [Y,  X1, X3, X5, X3]),
    ("Decapsulate",                           [N,  N,  N,  N,  N]),
    ("Decrypt",                               [Y,  X1, X3, X5, X3]),
    ("DeleteAlias",                           [Y,  Y,  Y,  Y,  Y]),
    ("DeleteImportedKeyMaterial",             [Y,  Y,  Y,  Y,  N]),
    ("DeriveSharedSecret",                    [Y,  X1, X3, N,  N]),
    ("DescribeKey",                           [Y,  Y,  Y,  Y,  Y]),
    ("DisableKey",                            [Y,  Y,  X3, X5, X3]),
    ("DisableKeyRotation",                    [Y,  X1, X3, X6, X3]),
    ("EnableKey",                             [Y,  Y,  X3, X5, X3]),
    ("EnableKeyRotation",                     [Y,  X1, X3, X6, X3]),
    ("Encapsulate",                           [N,  N,  N,  N,  N]),
    ("Encrypt",                               [Y,  X1, X3, X5, X3]),
    ("GenerateDataKey",                       [Y,  X1, X3, X5, X3]),
    ("GenerateDataKeyPair",                   [Y,  X1, X3, X5, X3]),
    ("GenerateDataKeyPairWithoutPlaintext",   [Y,  X1, X3, X5, X3]),
    ("GenerateDataKeyWithoutPlaintext",       [Y,  X1, X3, X5, X3]),
    ("GenerateMac",                           [Y,  X1, X3, N,  N]),
    ("GetKeyLastUsage",                       [Y,  Y,  Y,  Y,  Y]),
    ("GetKeyPolicy",                          [Y,  Y,  Y,  Y,  Y]),
    ("GetKeyRotationStatus",                  [Y,  Y,  Y,  Y,  Y]),
    ("GetParametersForImport",                [Y,  Y,  X3, Y,  N]),
    ("GetPublicKey",                          [Y,  X1, X3, N,  N]),
    ("ImportKeyMaterial",                     [Y,  Y,  X3, Y,  N]),
    ("ListAliases",                           [Y,  Y,  Y,  Y,  Y]),
    ("ListGrants",                            [Y,  Y,  Y,  Y,  Y]),
    ("ListKeyPolicies",                       [Y,  Y,  Y,  Y,  Y]),
    ("ListKeyRotations",                      [Y,  Y,  Y,  Y,  Y]),
    ("ListResourceTags",                      [Y,  Y,  Y,  Y,  Y]),
    ("PutKeyPolicy",                          [Y,  Y,  Y,  Y,  Y]),
    ("ReEncrypt",                             [Y,  X1, X3, X5, X3]),
    ("ReEncrypt to",                          [Y,  X1, X3, X5, X3]),
    ("ReplicateKey",                          [Y,  X1, X3, N,  X3]),
    ("RetireGrant",                           [Y,  Y,  Y,  Y,  Y]),
    ("RevokeGrant",                           [Y,  Y,  Y,  Y,  Y]),
    ("RotateKeyOnDemand",                     [Y,  X1, X3, X5, X3]),
    ("ScheduleKeyDeletion",                   [Y,  Y,  X3, Y,  X3]),
    ("Sign",                                  [Y,  X1, X3, N,  N]),
    ("TagResource",                           [Y,  Y,  X3, Y,  X3]),
    ("UntagResource",                         [Y,  Y,  X3, Y,  X3]),
    ("UpdateAlias",                           [Y,  Y,  X3, Y,  X3]),
    ("UpdateAlias from",                      [Y,  Y,  Y,  Y,  Y]),
    ("UpdateKeyDescription",                  [Y,  Y,  X3, Y,  X3]),
    ("UpdatePrimaryRegion",                   [Y,  X1, X3, N,  X3]),
    ("Verify",                                [Y,  X1, X3, N,  N]),
    ("VerifyMac",                             [Y,  X1, X3, N,  N]),
];

/// Those that come to no key, or to no one key, and so have no row.
const WITHOUT_A_KEY: &[&str] = &[
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "CreateKey",
    "DeleteCustomKeyStore",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "GenerateRandom",
    "ListKeys",
    "ListRetirableGrants",
    "UpdateCustomKeyStore",
];

impl State {
    /// The kind of key that can be in it, for an operation.
    fn kind(self, row: &str) -> Kind {
        match self {
            State::PendingImport => Kind::External,
            State::PendingReplicaDeletion => Kind::MultiRegion,
            _ => Kind::of(name(row)),
        }
    }

    /// Whether the gateway has what brings a key into it.
    fn is_there(self) -> bool {
        self != State::PendingImport || not_yet::has("ImportKeyMaterial")
    }

    /// Brings a usable key into it.
    fn enter(self, key: &Key) {
        match self {
            State::Enabled => {}
            State::Disabled => drop(call("DisableKey", &key.alone()).ok()),
            State::PendingDeletion => {
                let replica = key.is_replicated();
                assert!(!replica, "it would be PendingReplicaDeletion");
                call("ScheduleKeyDeletion", &key.request("ScheduleKeyDeletion")).ok();
            }
            State::PendingImport => {
                call("DeleteImportedKeyMaterial", &key.alone()).ok();
            }
            State::PendingReplicaDeletion => {
                key.replicate();
                call("ScheduleKeyDeletion", &key.request("ScheduleKeyDeletion")).ok();
            }
        }
        let described = call("DescribeKey", &key.alone()).ok();
        assert_eq!(described["KeyMetadata"]["KeyState"], format!("{self:?}"));
    }

    fn of_deletion(self) -> &'static str {
        match self {
            State::PendingReplicaDeletion => "pending replica deletion",
            _ => "pending deletion",
        }
    }
}

fn expected(cell: Cell, state: State, arn: &str) -> String {
    let invalid = |what: &str| format!("KMSInvalidStateException: {arn} is {what}.");
    match cell {
        Y => "OK".into(),
        X1 => format!("DisabledException: {arn} is disabled."),
        X3 => invalid(state.of_deletion()),
        X4 => invalid("not pending deletion"),
        X5 => invalid("pending import"),
        X6 => format!(
            "UnsupportedOperationException: {arn} origin is EXTERNAL which is not valid for this \
             operation."
        ),
        N => unreachable!("there is no such key"),
    }
}

/// The rows that ask something of the same key in the same state; those that leave a mark on a key
/// stand alone.
#[allow(clippy::type_complexity)] // a table
fn groups() -> Vec<(State, Kind, Vec<(&'static str, Cell)>)> {
    let mut shared: HashMap<(State, Kind), Vec<_>> = HashMap::new();
    let mut alone = Vec::new();
    for (row, cells) in TABLE.iter().filter(|(row, _)| not_yet::has(name(row))) {
        for (state, cell) in STATES.into_iter().zip(*cells) {
            let kind = state.kind(row);
            match cell {
                N => {}
                _ if !state.is_there() => {}
                _ if leaves_a_mark(row) => alone.push((state, kind, vec![(*row, cell)])),
                _ => shared.entry((state, kind)).or_default().push((*row, cell)),
            }
        }
    }
    let shared = shared.into_iter();
    alone.extend(shared.map(|((state, kind), rows)| (state, kind, rows)));
    alone
}

#[test]
fn every_operation_in_every_state() {
    let mut wrong = Vec::new();
    for (state, kind, rows) in groups() {
        let key = Key::new(kind);
        let prepared: Vec<(&str, Cell, Value)> = rows
            .into_iter()
            .map(|(row, cell)| (row, cell, request(row, state, &key)))
            .collect();
        state.enter(&key);
        for (row, cell, request) in prepared {
            let answer = call(name(row), &request).verdict();
            let expected = expected(cell, state, &key.arn);
            if answer != expected {
                wrong.push(format!("{row} in {state:?}: {expected}\n  got: {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn request(row: &str, state: State, key: &Key) -> Value {
    match (row, state) {
        // With the replica that it needs, a key is never PendingDeletion.
        ("UpdatePrimaryRegion", State::PendingDeletion) => {
            json!({"KeyId": key.id, "PrimaryRegion": ELSEWHERE})
        }
        _ => key.request(row),
    }
}

#[test]
fn every_operation_has_a_row() {
    let rows = TABLE.iter().map(|(row, _)| name(row));
    let rows: BTreeSet<&str> = rows.chain(WITHOUT_A_KEY.iter().copied()).collect();
    assert_eq!(rows, botocore::operations().collect());
}
