//! Operation × key state: AWS's table, cell by cell, each a request on a key that is in the state.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>, whose footnotes
//! have these numbers; what is not in that table is from the pages of the operations.

use crate::api::call;
use crate::botocore;
use crate::fixtures::{ELSEWHERE, Key, Kind, MESSAGE, STORE, leaves_a_mark, name};
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
    /// [7], [9] `UnsupportedOperationException`: not of a key in a key store.
    X7,
    /// [11] `KMSInvalidStateException`: is unavailable.
    X11,
    /// No key that the operation can use can be in it, at least none of the tests' token.
    N,
}
use Cell::{N, X1, X3, X4, X5, X6, X7, X11, Y};

/// The columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    Enabled,
    Disabled,
    PendingDeletion,
    PendingImport,
    PendingReplicaDeletion,
    Unavailable,
}
const STATES: [State; 6] = [
    State::Enabled,
    State::Disabled,
    State::PendingDeletion,
    State::PendingImport,
    State::PendingReplicaDeletion,
    State::Unavailable,
];

/// Operation, and its cells in the order of [`STATES`]. "to" and "from" say which of two keys is in
/// the state, where it is not the first.
#[rustfmt::skip]
const TABLE: &[(&str, [Cell; 6])] = &[
    //                                        enabled, disabled, deletion, import, replica deletion, unavailable
    ("CancelKeyDeletion",                     [X4,  X4,  Y,   X4,  Y,   X4]),
    ("CreateAlias",                           [Y,   Y,   X3,  Y,   X3,  Y]),
    ("CreateGrant",                           [Y,   X1,  X3,  X5,  X3,  Y]),
    ("Decapsulate",                           [N,   N,   N,   N,   N,   N]),
    ("Decrypt",                               [Y,   X1,  X3,  X5,  X3,  X11]),
    ("DeleteAlias",                           [Y,   Y,   Y,   Y,   Y,   Y]),
    ("DeleteImportedKeyMaterial",             [Y,   Y,   Y,   Y,   N,   X7]),
    ("DeriveSharedSecret",                    [Y,   X1,  X3,  N,   N,   N]),
    ("DescribeKey",                           [Y,   Y,   Y,   Y,   Y,   Y]),
    ("DisableKey",                            [Y,   Y,   X3,  X5,  X3,  Y]),
    ("DisableKeyRotation",                    [Y,   X1,  X3,  X6,  X3,  X7]),
    ("EnableKey",                             [Y,   Y,   X3,  X5,  X3,  Y]),
    ("EnableKeyRotation",                     [Y,   X1,  X3,  X6,  X3,  X7]),
    ("Encapsulate",                           [N,   N,   N,   N,   N,   N]),
    ("Encrypt",                               [Y,   X1,  X3,  X5,  X3,  X11]),
    ("GenerateDataKey",                       [Y,   X1,  X3,  X5,  X3,  X11]),
    ("GenerateDataKeyPair",                   [Y,   X1,  X3,  X5,  X3,  X11]),
    ("GenerateDataKeyPairWithoutPlaintext",   [Y,   X1,  X3,  X5,  X3,  X11]),
    ("GenerateDataKeyWithoutPlaintext",       [Y,   X1,  X3,  X5,  X3,  X11]),
    ("GenerateMac",                           [Y,   X1,  X3,  X5,  N,   N]),
    ("GetKeyLastUsage",                       [Y,   Y,   Y,   Y,   Y,   Y]),
    ("GetKeyPolicy",                          [Y,   Y,   Y,   Y,   Y,   Y]),
    ("GetKeyRotationStatus",                  [Y,   Y,   Y,   Y,   Y,   X7]),
    ("GetParametersForImport",                [Y,   Y,   X3,  Y,   N,   X7]),
    ("GetPublicKey",                          [Y,   X1,  X3,  X5,  N,   N]),
    ("ImportKeyMaterial",                     [Y,   Y,   X3,  Y,   N,   X7]),
    ("ListAliases",                           [Y,   Y,   Y,   Y,   Y,   Y]),
    ("ListGrants",                            [Y,   Y,   Y,   Y,   Y,   Y]),
    ("ListKeyPolicies",                       [Y,   Y,   Y,   Y,   Y,   Y]),
    ("ListKeyRotations",                      [Y,   Y,   Y,   Y,   Y,   X7]),
    ("ListResourceTags",                      [Y,   Y,   Y,   Y,   Y,   Y]),
    ("PutKeyPolicy",                          [Y,   Y,   Y,   Y,   Y,   Y]),
    ("ReEncrypt",                             [Y,   X1,  X3,  X5,  X3,  X11]),
    ("ReEncrypt to",                          [Y,   X1,  X3,  X5,  X3,  X11]),
    ("ReplicateKey",                          [Y,   X1,  X3,  N,   X3,  N]),
    ("RetireGrant",                           [Y,   Y,   Y,   Y,   Y,   Y]),
    ("RevokeGrant",                           [Y,   Y,   Y,   Y,   Y,   Y]),
    ("RotateKeyOnDemand",                     [Y,   X1,  X3,  X5,  X3,  X7]),
    ("ScheduleKeyDeletion",                   [Y,   Y,   X3,  Y,   X3,  Y]),
    ("Sign",                                  [Y,   X1,  X3,  X5,  N,   N]),
    ("TagResource",                           [Y,   Y,   X3,  Y,   X3,  Y]),
    ("UntagResource",                         [Y,   Y,   X3,  Y,   X3,  Y]),
    ("UpdateAlias",                           [Y,   Y,   X3,  Y,   X3,  Y]),
    ("UpdateAlias from",                      [Y,   Y,   Y,   Y,   Y,   Y]),
    ("UpdateKeyDescription",                  [Y,   Y,   X3,  Y,   X3,  Y]),
    ("UpdatePrimaryRegion",                   [Y,   X1,  X3,  N,   X3,  N]),
    ("Verify",                                [Y,   X1,  X3,  X5,  N,   N]),
    ("VerifyMac",                             [Y,   X1,  X3,  X5,  N,   N]),
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
            State::PendingImport => match Kind::of(name(row)) {
                Kind::Signing => Kind::SigningToCome,
                Kind::Mac => Kind::MacToCome,
                _ => Kind::External,
            },
            State::Unavailable => Kind::Stored,
            State::PendingReplicaDeletion => Kind::MultiRegion,
            _ => Kind::of(name(row)),
        }
    }

    /// Brings a usable key into it.
    fn enter(self, key: &Key, kind: Kind) {
        match self {
            State::Enabled => {}
            State::Disabled => drop(call("DisableKey", &key.alone()).ok()),
            State::PendingDeletion => {
                let replica = key.is_replicated();
                assert!(!replica, "it would be PendingReplicaDeletion");
                call("ScheduleKeyDeletion", &key.request("ScheduleKeyDeletion")).ok();
            }
            State::PendingImport if kind != Kind::External => {}
            State::PendingImport => {
                call("DeleteImportedKeyMaterial", &key.alone()).ok();
            }
            State::PendingReplicaDeletion => {
                key.replicate();
                call("ScheduleKeyDeletion", &key.request("ScheduleKeyDeletion")).ok();
            }
            // All the keys of the key store at once.
            State::Unavailable => STORE.until("DISCONNECTED"),
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
        X7 => "UnsupportedOperationException: ".into(),
        X11 => invalid("unavailable"),
        X6 => format!(
            "UnsupportedOperationException: {arn} origin is EXTERNAL which is not valid for this \
             operation."
        ),
        N => unreachable!("there is no such key"),
    }
}

/// Rows, each with its cell of one column.
type Cells = Vec<(&'static str, Cell)>;

/// The rows that ask something of the same key in the same state; those that leave a mark on a key
/// stand alone.
fn groups() -> Vec<(State, Kind, Cells)> {
    let mut shared: HashMap<(State, Kind), Vec<_>> = HashMap::new();
    let mut alone = Vec::new();
    for (row, cells) in TABLE {
        for (state, cell) in STATES.into_iter().zip(*cells) {
            let kind = state.kind(row);
            match cell {
                N => {}
                _ if leaves_a_mark(row) => alone.push((state, kind, vec![(*row, cell)])),
                _ => shared.entry((state, kind)).or_default().push((*row, cell)),
            }
        }
    }
    let shared = shared.into_iter();
    alone.extend(shared.map(|((state, kind), rows)| (state, kind, rows)));
    alone
}

/// A key, and what it will be asked.
struct Prepared {
    key: Key,
    kind: Kind,
    state: State,
    requests: Vec<(&'static str, Cell, Value)>,
}

#[test]
fn every_operation_in_every_state() {
    let prepare = |(state, kind, rows): (State, Kind, Cells)| {
        let key = Key::new(kind);
        let request = |(row, cell)| (row, cell, request(row, state, &key));
        let requests = rows.into_iter().map(request).collect();
        Prepared {
            key,
            kind,
            state,
            requests,
        }
    };
    let prepared: Vec<Prepared> = groups().into_iter().map(prepare).collect();
    STORE.disconnect();
    let mut wrong = Vec::new();
    for prepared in prepared {
        let (key, state) = (&prepared.key, prepared.state);
        state.enter(key, prepared.kind);
        for (row, cell, request) in prepared.requests {
            let answer = call(name(row), &request).verdict();
            let expected = expected(cell, state, &key.arn);
            let right = match cell {
                X7 => answer.starts_with(&expected),
                _ => answer == expected,
            };
            if !right {
                wrong.push(format!("{row} in {state:?}: {expected}\n  got: {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn request(row: &str, state: State, key: &Key) -> Value {
    let import = || {
        json!({
            "KeyId": key.id,
            "ImportToken": MESSAGE,
            "EncryptedKeyMaterial": MESSAGE,
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        })
    };
    match (row, state) {
        // With the replica that it needs, a key is never PendingDeletion.
        ("UpdatePrimaryRegion", State::PendingDeletion) => {
            json!({"KeyId": key.id, "PrimaryRegion": ELSEWHERE})
        }
        // What the request would need beforehand, such a key cannot make.
        ("ImportKeyMaterial", State::Unavailable) => import(),
        ("Verify", State::PendingImport) => json!({
            "KeyId": key.id,
            "Message": MESSAGE,
            "SigningAlgorithm": "ECDSA_SHA_256",
            "Signature": MESSAGE,
        }),
        ("VerifyMac", State::PendingImport) => json!({
            "KeyId": key.id,
            "Message": MESSAGE,
            "MacAlgorithm": "HMAC_SHA_256",
            "Mac": MESSAGE,
        }),
        _ => key.request(row),
    }
}

/// [9]: a key whose material was not imported, whatever its state.
#[test]
fn material_is_imported_into_external_keys_alone() {
    let key = Key::new(Kind::Symmetric);
    for state in [State::Enabled, State::Disabled] {
        state.enter(&key, Kind::Symmetric);
        for operation in [
            "GetParametersForImport",
            "ImportKeyMaterial",
            "DeleteImportedKeyMaterial",
        ] {
            let answer = call(operation, &request(operation, State::Unavailable, &key));
            let code = answer.code();
            assert_eq!(code, "UnsupportedOperationException", "{operation}");
        }
    }
}

#[test]
fn every_operation_has_a_row() {
    let rows = TABLE.iter().map(|(row, _)| name(row));
    let rows: BTreeSet<&str> = rows.chain(WITHOUT_A_KEY.iter().copied()).collect();
    assert_eq!(rows, botocore::operations().collect());
}
