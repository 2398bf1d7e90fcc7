//! A question about who may do what, as the tables and the generator write it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// One question, every policy that has a say, and what AWS's page says comes of it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// The page that the rule is from; its address.
    pub page: String,
    /// The rule, in short.
    pub rule: String,
    /// What a reader should know of how the page was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// An ARN, or the provider of a web identity.
    pub principal: String,
    /// The ARN of a session's role, where it has a path, which the session's own ARN does not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    pub action: String,
    pub resource: String,
    /// The account of the resource.
    pub owner: String,
    /// Condition keys as written, and their values: an array is a multivalued key, null takes away
    /// one of those that follow from the principal.
    #[serde(default)]
    pub context: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Value>,
    #[serde(default)]
    pub identity: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Value>,
    #[serde(default)]
    pub grants: Vec<Grant>,
    pub expect: String,
}

/// A grant on the resource.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub grantee: String,
    pub operations: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

/// Who asks, read off the ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Root,
    User,
    Session,
    WebIdentity,
}

impl Case {
    pub fn kind(&self) -> Kind {
        let arn = &self.principal;
        if arn.starts_with("arn:aws:iam::") && arn.ends_with(":root") {
            Kind::Root
        } else if arn.starts_with("arn:aws:iam::") && arn.contains(":user/") {
            Kind::User
        } else if arn.starts_with("arn:aws:sts::") && arn.contains(":assumed-role/") {
            Kind::Session
        } else {
            Kind::WebIdentity
        }
    }

    /// The principal's account; a web identity is its role's account's guest.
    pub fn account(&self) -> &str {
        match self.kind() {
            Kind::WebIdentity => &self.owner,
            _ => account_of(&self.principal).expect("an ARN with an account"),
        }
    }

    /// The ARN of the role behind a session.
    pub fn role(&self) -> Option<String> {
        if self.kind() != Kind::Session {
            return None;
        }
        let name = self.principal.split('/').nth(1).expect("a role's name");
        let plain = format!("arn:aws:iam::{}:role/{name}", self.account());
        Some(self.role.clone().unwrap_or(plain))
    }

    /// `aws:userid`.
    pub fn user_id(&self) -> String {
        match self.kind() {
            Kind::Root => self.account().to_owned(),
            Kind::User => "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
            Kind::Session => {
                let session = self.principal.rsplit('/').next().expect("a session");
                format!("AROADBQP57FF2AEXAMPLE:{session}")
            }
            Kind::WebIdentity => "AROADBQP57FF2AEXAMPLE:web".to_owned(),
        }
    }

    /// The request context: what follows from the principal and from the encryption context, and
    /// what the case says. The names of condition keys are in lower case.
    ///
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>.
    pub fn facts(&self) -> BTreeMap<String, Value> {
        let mut facts = BTreeMap::new();
        let mut say = |key: &str, value: String| facts.insert(key.to_owned(), value.into());
        say("aws:principalaccount", self.account().to_owned());
        say("kms:calleraccount", self.account().to_owned());
        say("aws:userid", self.user_id());
        let kind = match self.kind() {
            Kind::Root => "Account",
            Kind::User => "User",
            Kind::Session | Kind::WebIdentity => "AssumedRole",
        };
        say("aws:principaltype", kind.to_owned());
        if self.kind() != Kind::WebIdentity {
            let arn = self.role().unwrap_or_else(|| self.principal.clone());
            say("aws:principalarn", arn);
        }
        if self.kind() == Kind::User {
            let name = self.principal.rsplit('/').next().expect("a name");
            say("aws:username", name.to_owned());
        }
        let pairs = self.context.keys();
        let keys = pairs.filter_map(|key| key.strip_prefix("kms:EncryptionContext:"));
        let keys: Vec<&str> = keys.collect();
        if !keys.is_empty() {
            facts.insert("kms:encryptioncontextkeys".to_owned(), json!(keys));
        }
        for (key, value) in &self.context {
            let key = key.to_lowercase();
            match value {
                Value::Null => facts.remove(&key),
                value => facts.insert(key, value.clone()),
            };
        }
        facts
    }

    /// The policy of the resource: the key's, or the role's trust policy.
    pub fn resource_policy(&self) -> Option<&Value> {
        self.key.as_ref().or(self.trust.as_ref())
    }
}

/// The account that an ARN names.
pub fn account_of(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    (!account.is_empty()).then_some(account)
}

/// A document: what has no `Statement` yet is a statement, or several.
fn document(text: Value) -> Value {
    match text {
        Value::Object(policy) if policy.contains_key("Statement") => Value::Object(policy),
        statements @ Value::Array(_) => json!({"Version": "2012-10-17", "Statement": statements}),
        statement => json!({"Version": "2012-10-17", "Statement": [statement]}),
    }
}

/// The cases of every file, in the order of their names; what a case does not say, its file's
/// `defaults` do.
pub fn table() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy/cases");
    let files = std::fs::read_dir(folder).expect("the cases");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().flat_map(|file| read(file)).collect()
}

fn read(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).expect("a file of cases");
    let said = |error| panic!("{}: {error}", file.display());
    let mut whole: Map<String, Value> = serde_json::from_str(&text).unwrap_or_else(said);
    let defaults = whole.remove("defaults").unwrap_or(json!({}));
    let cases = whole.remove("cases").expect("cases");
    assert!(whole.is_empty(), "{}: {:?}", file.display(), whole.keys());
    let cases = cases.as_array().expect("an array").iter();
    cases.map(|case| complete(file, &defaults, case)).collect()
}

fn complete(file: &Path, defaults: &Value, case: &Value) -> Case {
    let mut whole = defaults.as_object().expect("defaults").clone();
    whole.extend(case.as_object().expect("a case").clone());
    whole.retain(|_, value| !value.is_null());
    for policy in ["key", "trust", "session"] {
        if let Some(text) = whole.get_mut(policy) {
            *text = document(text.take());
        }
    }
    if let Some(Value::Array(policies)) = whole.get_mut("identity") {
        for text in policies {
            *text = document(text.take());
        }
    }
    if !whole.contains_key("owner") {
        let of = |member: &str| whole.get(member)?.as_str().and_then(account_of);
        let owner = of("resource").or_else(|| of("principal"));
        let owner = owner.expect("an account").to_owned();
        whole.insert("owner".to_owned(), owner.into());
    }
    serde_json::from_value(Value::Object(whole))
        .unwrap_or_else(|error| panic!("{}: {error}: {case}", file.display()))
}
