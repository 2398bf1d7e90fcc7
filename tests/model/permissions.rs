//! Who may do what, as the gateway decides it: every operation, asked by every kind of principal,
//! held against the reviewed list in `permissions.txt`. A change of the list is a change of who may
//! do what, and is read before it is committed; `UPDATE_PERMISSIONS=1` writes it.

use crate::api::DEV;
use crate::fixtures::{Kind, fresh_alias, name};
use crate::who::{ALL, Answer, MESSAGE, Who, body, fresh};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use strongroom::model::shapes::GrantOperation;
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::operation::OperationName;

/// Where the list is.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/model/permissions.txt");

/// What the list says of itself.
const HEAD: &str = "\
# Who may do what. Keys, aliases and identities are those of account A; where an operation is on no key,
# the principals of B act in their own account.
#
# yes     allowed: done, or refused for what is no matter of permission
# no      denied, and told why
# -       denied as what is not there is
# open    nobody is asked
#
# root    A's root; the key's policy leaves it to the account
# named   a user of A that the key's policy names, without a policy of their own
# user    a user of A whose own policy allows everything
# nobody  a user of A without any permission
# role    a session of a role of A whose policy allows everything
# narrow  the same with a session policy: Decrypt and DescribeKey, List*, strongroom:Get*
# grantee a user of A who has a grant of all that a grant can allow, and nothing else
# B both  a user of B that the key's policy names, whose own policy allows everything
# B key   a user of B that the key's policy names, without a policy of their own
# B own   a user of B that the key's policy does not name, whose own policy allows everything
# B root  B's root, whose account the key's policy does not name
# B trust B's root, on a key whose policy names B's account
";

/// Operations that need no permission.
const OPEN: [&str; 2] = ["AssumeRoleWithWebIdentity", "GetCallerIdentity"];

const COLUMNS: [&str; 12] = [
    "root", "named", "user", "nobody", "role", "narrow", "grantee", "B both", "B key", "B own",
    "B root", "B trust",
];

/// Everybody who asks, in the order of the columns.
struct People {
    root: Who,
    all: Vec<Who>,
    /// A role of A, which its users may assume.
    role: String,
    /// The keys that were made for a row, and for whom they are.
    keys: RefCell<BTreeMap<(String, bool), String>>,
}

impl People {
    fn new() -> Self {
        let root = Who::root(&DEV);
        let b = root.account();
        let user = root.user(Some(ALL));
        let role = root.role(ALL);
        let narrow = json!({
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:List*", "strongroom:Get*"],
                "Resource": "*",
            },
        });
        let session = user.assume(&role, None);
        let narrow = user.assume(&role, Some(&narrow.to_string()));
        let all = vec![
            root.clone(),
            root.user(None),
            user,
            root.user(None),
            session,
            narrow,
            root.user(None),
            b.user(Some(ALL)),
            b.user(None),
            b.user(Some(ALL)),
            b.clone(),
            b,
        ];
        let keys = RefCell::default();
        Self {
            root,
            all,
            role,
            keys,
        }
    }

    fn at(&self, column: &str) -> &Who {
        let at = COLUMNS.iter().position(|known| *known == column);
        &self.all[at.unwrap()]
    }

    /// The policy of the keys that one column asks about.
    fn policy(&self, column: &str) -> Value {
        let allow = |who: &[&str]| json!({"Effect": "Allow", "Principal": {"AWS": who}, "Action": "*", "Resource": "*"});
        let mut statements = vec![allow(&["000000000000"])];
        statements.push(match column {
            "B trust" => allow(&[&self.at("B trust").account]),
            _ => allow(&[
                &self.at("named").arn,
                &self.at("B both").arn,
                &self.at("B key").arn,
            ]),
        });
        json!({"Version": "2012-10-17", "Statement": statements})
    }
}

/// A request of an operation, on a key that column's principal is asked about.
struct Requests<'p> {
    people: &'p People,
    column: &'p str,
    row: &'p str,
}

impl Requests<'_> {
    fn root(&self, operation: &str, body: &Value) -> Value {
        self.people.root.kms(operation, body).ok()
    }

    /// A key of the kind that suits the operation, the same for all who are asked with one policy; its
    /// ARN.
    fn key(&self, kind: Kind) -> String {
        let of = (self.row.to_owned(), self.column == "B trust");
        let made = self.people.keys.borrow().get(&of).cloned();
        made.unwrap_or_else(|| {
            let made = self.new_key(kind);
            self.people.keys.borrow_mut().insert(of, made.clone());
            made
        })
    }

    fn new_key(&self, kind: Kind) -> String {
        let made = self.root("CreateKey", &kind.parameters());
        let arn = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        let parameters = kind.parameters();
        let of = |name: &str, otherwise| parameters[name].as_str().unwrap_or(otherwise).to_owned();
        let spec: KeySpec = of("KeySpec", "SYMMETRIC_DEFAULT").parse().unwrap();
        let usage: KeyUsage = of("KeyUsage", "ENCRYPT_DECRYPT").parse().unwrap();
        let operations = GrantOperation::ALL.iter().filter(|o| o.suits(spec, usage));
        let grant = json!({
            "KeyId": arn, "GranteePrincipal": self.people.at("grantee").arn,
            "Operations": operations.map(|operation| operation.as_str()).collect::<Vec<_>>(),
        });
        // A key that waits for its material can have none.
        if kind != Kind::External {
            self.root("CreateGrant", &grant);
        }
        let policy = self.people.policy(self.column).to_string();
        let put = json!({"KeyId": arn, "Policy": policy});
        self.root("PutKeyPolicy", &put);
        arn
    }

    fn alias(&self, key: &str) -> String {
        let name = fresh_alias();
        let alias = json!({"AliasName": name, "TargetKeyId": key});
        self.root("CreateAlias", &alias);
        name
    }

    fn ciphertext(&self, key: &str) -> Value {
        let encrypt = json!({"KeyId": key, "Plaintext": MESSAGE});
        self.root("Encrypt", &encrypt)["CiphertextBlob"].clone()
    }

    /// The request, by the row's name.
    fn of(&self) -> Value {
        let operation = name(self.row);
        let kind = Kind::of(operation);
        let key = || self.key(kind);
        let tags = match self.row.ends_with("with tags") {
            true => json!([{"Key": "a", "Value": "b"}]),
            false => Value::Null,
        };
        let identity =
            json!({"UserName": "nobody-is-called-so", "RoleName": "nobody-is-called-so"});
        let with = |more: Value| {
            let mut all = identity.clone();
            let members = more.as_object().unwrap().clone();
            all.as_object_mut().unwrap().extend(members);
            all
        };
        match self.row {
            // On a key, with more than its name.
            "CreateAlias" => json!({"AliasName": fresh_alias(), "TargetKeyId": key()}),
            "CreateGrant" => json!({
                "KeyId": key(), "Operations": ["DescribeKey"],
                "GranteePrincipal": self.people.at("nobody").arn,
            }),
            "Decrypt" => json!({"CiphertextBlob": self.ciphertext(&key())}),
            "Decrypt by name" => {
                let key = key();
                json!({"KeyId": key, "CiphertextBlob": self.ciphertext(&key)})
            }
            "DeleteAlias" => json!({"AliasName": self.alias(&key())}),
            "DescribeKey by alias" => {
                let (alias, key) = (key(), "arn:aws:kms:us-east-1:000000000000");
                json!({"KeyId": format!("{key}:{}", self.alias(&alias))})
            }
            "DeriveSharedSecret" => {
                let key = key();
                let public = self.root("GetPublicKey", &json!({"KeyId": key}));
                json!({
                    "KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public["PublicKey"],
                })
            }
            "ListAliases of a key" => json!({"KeyId": key()}),
            "PutKeyPolicy" => {
                json!({"KeyId": key(), "Policy": self.people.policy(self.column).to_string()})
            }
            "ReEncrypt" => {
                let key = key();
                json!({"CiphertextBlob": self.ciphertext(&key), "DestinationKeyId": key})
            }
            "RetireGrant" | "RevokeGrant" => {
                let key = key();
                let grants = self.root("ListGrants", &json!({"KeyId": key}));
                json!({"KeyId": key, "GrantId": grants["Grants"][0]["GrantId"], "DryRun": true})
            }
            "UpdatePrimaryRegion" => {
                let key = key();
                let replicate = json!({
                    "KeyId": key, "ReplicaRegion": "eu-central-1",
                    "Policy": self.people.policy(self.column).to_string(),
                });
                // Once for all; then it is there, or the primary.
                self.people.root.kms("ReplicateKey", &replicate);
                body(operation, &key)
            }
            "UpdateAlias" => {
                let key = key();
                json!({"AliasName": self.alias(&key), "TargetKeyId": key})
            }
            // On no key.
            "ConnectCustomKeyStore"
            | "DeleteCustomKeyStore"
            | "DisconnectCustomKeyStore"
            | "UpdateCustomKeyStore" => json!({"CustomKeyStoreId": "cks-nobody"}),
            "CreateCustomKeyStore" => json!({
                "CustomKeyStoreName": fresh("store"), "CloudHsmClusterId": "cluster-nobodynobody",
                "KeyStorePassword": "not-a-password", "TrustAnchorCertificate": "-",
            }),
            "CreateKey with tags" => json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
            "DescribeCustomKeyStores" | "ListAliases" | "ListKeys" => json!({}),
            "CreateKey"
            | "CreateAccount"
            | "ListAccounts"
            | "ListUsers"
            | "ListRoles"
            | "ListApprovalRequests" => json!({}),
            "ApproveRequest" | "DenyRequest" | "DescribeApprovalRequest" => {
                json!({"ApprovalId": "00000000-0000-4000-8000-000000000000"})
            }
            "GenerateRandom" => json!({"NumberOfBytes": 8}),
            "ListRetirableGrants" => json!({"RetiringPrincipal": self.people.at(self.column).arn}),
            // The gateway's own.
            "AdoptKey" => json!({
                "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "ObjectLabel": "nobody",
            }),
            "CreateKeyVersion"
            | "DisableKeyVersion"
            | "EnableKeyVersion"
            | "GetKeyAttestation"
            | "ListKeyVersions"
            | "SetPrimaryKeyVersion" => body(operation, &self.key(Kind::Signing)),
            "PutUserPolicy" | "PutRolePolicy" => {
                with(json!({"PolicyName": "p", "PolicyDocument": ALL}))
            }
            "CreateRole" | "CreateRole with tags" => {
                let trust = json!({
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
                });
                json!({
                    "RoleName": fresh("role"), "AssumeRolePolicyDocument": trust.to_string(),
                    "Tags": tags,
                })
            }
            "UpdateAssumeRolePolicy" => with(json!({"PolicyDocument": json!({
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
            }).to_string()})),
            "CreateUser" | "CreateUser with tags" => {
                json!({"UserName": fresh("made"), "Tags": tags})
            }
            "GetUserPolicy" | "GetRolePolicy" | "DeleteUserPolicy" | "DeleteRolePolicy" => {
                with(json!({"PolicyName": "p"}))
            }
            "TagUser" | "TagRole" => with(json!({"Tags": [{"Key": "a", "Value": "b"}]})),
            "UntagUser" | "UntagRole" => with(json!({"TagKeys": ["a"]})),
            "DeleteAccessKey" | "UpdateAccessKey" | "GetAccessKeyLastUsed" => {
                with(json!({"AccessKeyId": "AKIANOBODYNOBODYNOBO", "Status": "Active"}))
            }
            "GetUser" | "GetRole" | "DeleteUser" | "DeleteRole" | "ListUserPolicies"
            | "ListRolePolicies" | "ListAccessKeys" | "CreateAccessKey" => identity,
            _ => body(operation, &key()),
        }
    }

    /// What the column's principal is answered.
    fn send(&self) -> Answer {
        let who = self.people.at(self.column);
        let operation = name(self.row);
        let name = OperationName::ALL.iter().find(|o| o.as_str() == operation);
        let name = name.unwrap_or_else(|| panic!("{operation} is no operation"));
        if name.action().starts_with("sts:") {
            let form = match operation {
                "GetCallerIdentity" => String::new(),
                _ => format!(
                    "RoleArn={}&RoleSessionName=matrix&WebIdentityToken=nobody",
                    self.people.role
                ),
            };
            return who.sts(operation, &form);
        }
        match name.is_aws() {
            true => who.kms(operation, &self.of()),
            false => who.own(operation, &self.of()),
        }
    }

    /// As the list has it; what is neither is told to `odd`.
    fn decision(&self, odd: &mut Vec<String>) -> &'static str {
        let answer = self.send();
        let (code, message) = (answer.code(), answer.message());
        // These come before the decision, but for what only the key, or the token, is asked.
        let before = [
            "MissingAction",
            "SerializationException",
            "ThrottlingException",
            "UnknownOperationException",
            "UnrecognizedClientException",
        ];
        let asked = message.contains("arn:aws") || message.starts_with("the token has");
        let invalid = code == "ValidationException" && !asked;
        if answer.status >= 500 || before.contains(&&*code) || invalid {
            odd.push(format!("{} {}: {}", self.row, self.column, answer.text));
        }
        match &*code {
            "AccessDeniedException" | "AccessDenied" if message.contains("does not exist") => "-",
            "AccessDeniedException" | "AccessDenied" => "no",
            _ if OPEN.contains(&self.row) => "open",
            _ => "yes",
        }
    }
}

/// Every operation, and those that can be asked in more ways than one.
fn rows() -> BTreeSet<String> {
    let all = OperationName::ALL.iter().map(|name| name.to_string());
    let more = [
        "CreateKey with tags",
        "CreateRole with tags",
        "CreateUser with tags",
        "Decrypt by name",
        "DescribeKey by alias",
        "ListAliases of a key",
    ];
    all.chain(more.map(str::to_owned)).collect()
}

#[test]
fn everybody_asks_for_everything() {
    let people = People::new();
    let mut odd = Vec::new();
    let mut list = format!("{HEAD}\n{:36}", "");
    for column in COLUMNS {
        write!(list, " {column:7}").unwrap();
    }
    list = list.trim_end().to_owned() + "\n";
    for row in rows() {
        let mut line = format!("{row:36}");
        for column in COLUMNS {
            let requests = Requests {
                people: &people,
                column,
                row: &row,
            };
            write!(line, " {:7}", requests.decision(&mut odd)).unwrap();
        }
        list.push_str(line.trim_end());
        list.push('\n');
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    if std::env::var_os("UPDATE_PERMISSIONS").is_some() {
        std::fs::write(LIST, &list).unwrap();
    }
    let reviewed = std::fs::read_to_string(LIST).unwrap_or_default();
    let mut wrong = Vec::new();
    for row in list
        .lines()
        .filter(|line| !reviewed.lines().any(|known| known == *line))
    {
        wrong.push(format!("now:      {row}"));
    }
    for row in reviewed
        .lines()
        .filter(|line| !list.lines().any(|known| known == *line))
    {
        wrong.push(format!("reviewed: {row}"));
    }
    wrong.sort_by_key(|line| line[10..].split("  ").next().unwrap_or_default().to_owned());
    assert!(
        wrong.is_empty(),
        "who may do what has changed:\n{}",
        wrong.join("\n")
    );
}
