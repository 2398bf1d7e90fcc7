use super::*;
use crate::model::{AccountId, BareKeyId, KeySpec, KeyUsage, Origin, Region};
use crate::store::{Identity, IdentityKind, KeyProfile, KeyVersion};
use Condition::{Always, OnConditions};
use serde_json::{Value, json};
use time::OffsetDateTime;

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";
const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn key(statements: Value) -> Key {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let profile = KeyProfile {
        account: account(ACCOUNT),
        region: Region::parse("us-east-1").unwrap(),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
        description: String::new(),
        policy: policy.to_string().into(),
        tags: [("team".to_owned(), "a".to_owned())].into(),
        deletion: None,
        key_store: None,
        multi_region: false,
        primary_region: None,
        rotation_days: None,
        pending_days: None,
    };
    let now = OffsetDateTime::UNIX_EPOCH;
    let version = KeyVersion::awaiting_import(Uuid::nil(), 1, now);
    Key {
        row: Uuid::from_u128(1),
        ..Key::made(BareKeyId::parse(KEY_ID).unwrap(), profile, version, now)
    }
}

fn identity(kind: IdentityKind, of: &str, name: &str, policy: Option<Value>) -> Identity {
    let (noun, name) = match kind {
        IdentityKind::Root => ("root".to_owned(), None),
        IdentityKind::User => (format!("user/{name}"), Some(name.to_owned())),
        IdentityKind::Role => (format!("role/{name}"), Some(name.to_owned())),
    };
    let policy = policy.map(|statement| {
        let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        ("p".to_owned(), text)
    });
    Identity {
        row: Uuid::new_v4(),
        row_version: 1,
        arn: format!("arn:aws:iam::{of}:{noun}"),
        account: account(of),
        kind,
        unique_id: name.clone(),
        name,
        tags: BTreeMap::new(),
        policies: policy.into_iter().collect(),
        trust: None,
        max_session_seconds: None,
        management: false,
        created: OffsetDateTime::UNIX_EPOCH,
    }
}

fn metadata(key: Key, identities: Vec<Identity>) -> Metadata {
    Metadata {
        at: OffsetDateTime::UNIX_EPOCH,
        usage_since: OffsetDateTime::UNIX_EPOCH,
        keys: vec![key],
        key_uses: BTreeMap::new(),
        aliases: Vec::new(),
        grants: Vec::new(),
        identities,
        access_keys: Vec::new(),
        access_key_uses: BTreeMap::new(),
    }
}

/// Who can do what, by the last part of their names.
fn found(metadata: &Metadata) -> BTreeMap<String, Vec<(Kind, Condition)>> {
    let map = access(metadata);
    let pattern = &map.patterns[0];
    let named = pattern.access.iter().map(|access| {
        let name = &map.principals[access.principal].name;
        let name = name.rsplit([':', '/']).next().unwrap();
        (name.to_owned(), access.kinds.clone())
    });
    named.collect()
}

fn to_account() -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"})
}

fn allow(actions: &[&str], more: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    let more = more.as_object().unwrap().clone();
    statement.as_object_mut().unwrap().extend(more);
    statement
}

#[test]
fn what_is_left_to_the_account_is_by_each_ones_own_policies() {
    let tagged = |team| json!({"Condition": {"StringEquals": {"aws:ResourceTag/team": team}}});
    let nearby = json!({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}});
    let user = |name, more| {
        let policy = allow(&["kms:Encrypt", "kms:PutKeyPolicy"], more);
        identity(IdentityKind::User, ACCOUNT, name, Some(policy))
    };
    let found = found(&metadata(
        key(json!([to_account()])),
        vec![
            identity(IdentityKind::Root, ACCOUNT, "", None),
            user("own-team", tagged("a")),
            user("other-team", tagged("b")),
            user("nearby", nearby),
            identity(IdentityKind::User, ACCOUNT, "nobody", None),
            identity(
                IdentityKind::User,
                OTHER,
                "foreigner",
                Some(allow(&["kms:*"], json!({}))),
            ),
        ],
    ));
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["nearby", "own-team", "root"]);
    let kinds = |condition| [(Kind::Encrypt, condition), (Kind::Policy, condition)];
    assert_eq!(found["own-team"], kinds(Always));
    assert_eq!(found["nearby"], kinds(OnConditions));
    // A symmetric key neither signs nor agrees.
    let all = KINDS.iter().map(|row| row.0);
    let not = [Kind::Sign, Kind::Verify, Kind::Mac, Kind::Agree];
    let root: Vec<_> = all
        .filter(|kind| !not.contains(kind))
        .map(|kind| (kind, Always))
        .collect();
    assert_eq!(found["root"], root);
}

#[test]
fn a_policy_that_is_open_lets_strangers_in() {
    let open = allow(
        &["kms:Decrypt", "kms:DisableKey"],
        json!({"Principal": "*"}),
    );
    let with = |statement| {
        found(&metadata(
            key(json!([statement])),
            vec![identity(IdentityKind::Root, ACCOUNT, "", None)],
        ))
    };
    let found = with(open.clone());
    // DisableKey does not cross accounts, whatever a policy says.
    assert_eq!(
        found["anybody of another account"],
        [(Kind::Decrypt, Always)]
    );
    assert_eq!(
        found["anybody else of the account"],
        [(Kind::Decrypt, Always), (Kind::Manage, Always)]
    );
    let mut narrow = open;
    narrow["Condition"] = json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}});
    let found = with(narrow);
    assert!(!found.contains_key("anybody of another account"));
    assert!(found.contains_key("anybody else of the account"));
}

#[test]
fn roles_sessions_and_grants() {
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/nightly");
    let named = allow(&["kms:Decrypt"], json!({"Principal": {"AWS": session}}));
    let mut metadata = metadata(
        key(json!([to_account(), named])),
        vec![
            identity(
                IdentityKind::Role,
                ACCOUNT,
                "r",
                Some(allow(&["kms:Encrypt"], json!({}))),
            ),
            identity(IdentityKind::User, ACCOUNT, "grantee", None),
        ],
    );
    let grant = |grantee: &str, constraints: bool| Grant {
        row: Uuid::new_v4(),
        row_version: 1,
        key: Uuid::from_u128(1),
        account: account(ACCOUNT),
        region: Region::parse("us-east-1").unwrap(),
        key_id: KEY_ID.into(),
        grant_id: String::new(),
        name: None,
        grantee: grantee.into(),
        retiring: None,
        issuer: account(ACCOUNT),
        operations: [crate::model::shapes::GrantOperation::Decrypt]
            .into_iter()
            .collect(),
        constraints: constraints.then(|| {
            serde_json::from_value(json!({"EncryptionContextSubset": {"a": "b"}})).unwrap()
        }),
        created: OffsetDateTime::UNIX_EPOCH,
    };
    metadata.grants = vec![grant(&format!("arn:aws:iam::{ACCOUNT}:user/grantee"), true)];
    let found = found(&metadata);
    assert_eq!(found["grantee"], [(Kind::Decrypt, OnConditions)]);
    assert_eq!(
        found["r"],
        [(Kind::Encrypt, Always)],
        "as any session of it"
    );
    let both = [(Kind::Encrypt, Always), (Kind::Decrypt, Always)];
    assert_eq!(found["nightly"], both);
}

#[test]
fn a_policy_that_does_not_parse_allows_nothing() {
    let mut broken = key(json!([]));
    broken.policy = "{".into();
    let root = identity(IdentityKind::Root, ACCOUNT, "", None);
    let map = access(&metadata(broken, vec![root]));
    assert_eq!((map.patterns.len(), map.unreadable), (0, vec![0]));
}
