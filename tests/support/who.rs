//! Users, roles' sessions and accounts' roots, as whom tests make requests.

use crate::dev::Dev;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;

/// A policy that allows everything to whoever has it.
pub const ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Somebody with credentials.
#[derive(Clone)]
pub struct Who {
    dev: &'static Dev,
    pub arn: String,
    pub account: String,
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

/// What came back, to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The exception's name; empty for a success.
    pub fn code(&self) -> String {
        let json = self.json();
        let code = json["__type"].as_str().unwrap_or(self.element("Code"));
        code.to_owned()
    }

    /// The exception's message.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().into()
    }

    /// The body of a request that must succeed.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The text of the first element of a name, in XML.
    fn element(&self, name: &str) -> &str {
        let (start, end) = (format!("<{name}>"), format!("</{name}>"));
        let found = self.text.split(&start).nth(1);
        let found = found.and_then(|rest| rest.split(&end).next());
        found.unwrap_or_default()
    }
}

/// A name that nobody else has.
pub fn fresh(begins: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{begins}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Who {
    /// The root of the gateway's own account.
    pub fn root(dev: &'static Dev) -> Self {
        Self {
            dev,
            arn: "arn:aws:iam::000000000000:root".into(),
            account: "000000000000".into(),
            id: dev.env["AWS_ACCESS_KEY_ID"].clone(),
            secret: dev.env["AWS_SECRET_ACCESS_KEY"].clone(),
            token: None,
        }
    }

    fn with(&self, arn: String, account: &str, made: &Value) -> Self {
        let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        let (id, secret) = (text("AccessKeyId"), text("SecretAccessKey"));
        let overheard = &self.dev.overheard;
        overheard.secret("a secret access key", secret.as_bytes());
        Self {
            dev: self.dev,
            arn,
            account: account.into(),
            id,
            secret,
            token: None,
        }
    }

    /// The root of a new account, which this one's root makes.
    pub fn account(&self) -> Self {
        let made = self.own("CreateAccount", &json!({})).ok();
        let account = made["Account"]["AccountId"].as_str().unwrap();
        self.with(format!("arn:aws:iam::{account}:root"), account, &made)
    }

    /// A new user of this account, with a policy if one is given.
    pub fn user(&self, policy: Option<&str>) -> Self {
        let user = self.user_called(&fresh("user"));
        if let Some(policy) = policy {
            self.put_policy(&user, policy);
        }
        user
    }

    fn user_called(&self, name: &str) -> Self {
        let by_name = json!({"UserName": name});
        self.own("CreateUser", &by_name).ok();
        let arn = format!("arn:aws:iam::{}:user/{name}", self.account);
        let made = self.own("CreateAccessKey", &by_name).ok();
        self.with(arn, &self.account, &made)
    }

    /// Deletes a user of this account who has no policy, and makes another of the same name.
    pub fn successor(&self, user: &Who) -> Self {
        let by_name = json!({"UserName": user.name(), "AccessKeyId": user.id});
        self.own("DeleteAccessKey", &by_name).ok();
        self.own("DeleteUser", &by_name).ok();
        self.user_called(user.name())
    }

    /// Gives a user of this account a policy, in place of what they had.
    pub fn put_policy(&self, user: &Who, policy: &str) {
        let name = user.name();
        let policy = json!({"UserName": name, "PolicyName": "p", "PolicyDocument": policy});
        self.own("PutUserPolicy", &policy).ok();
    }

    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap()
    }

    /// The ARN of a new role of this account, which all its users may assume, with a policy.
    pub fn role(&self, policy: &str) -> String {
        self.role_called(&fresh("role"), policy)
    }

    fn role_called(&self, name: &str, policy: &str) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow", "Principal": {"AWS": self.account},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            },
        });
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        self.own("CreateRole", &role).ok();
        let policy = json!({"RoleName": name, "PolicyName": "p", "PolicyDocument": policy});
        self.own("PutRolePolicy", &policy).ok();
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// Deletes a role of this account, and makes another of the same name.
    pub fn role_again(&self, role: &str, policy: &str) {
        let name = role.rsplit('/').next().unwrap();
        let by_name = json!({"RoleName": name, "PolicyName": "p"});
        self.own("DeleteRolePolicy", &by_name).ok();
        self.own("DeleteRole", &by_name).ok();
        self.role_called(name, policy);
    }

    /// A session of a role.
    pub fn assume(&self, role: &str, policy: Option<&str>) -> Self {
        self.assume_as(role, &fresh("session"), policy)
    }

    /// A session of a role, by its name.
    pub fn assume_as(&self, role: &str, name: &str, policy: Option<&str>) -> Self {
        let mut form = format!("RoleArn={role}&RoleSessionName={name}");
        if let Some(policy) = policy {
            form.push_str(&format!("&Policy={}", escaped(policy)));
        }
        let answer = self.sts("AssumeRole", &form);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let secret = answer.element("SecretAccessKey");
        let token = answer.element("SessionToken");
        let overheard = &self.dev.overheard;
        overheard.secret("a secret access key", secret.as_bytes());
        overheard.secret("a session token", token.as_bytes());
        let role = role.rsplit('/').next().unwrap();
        Self {
            dev: self.dev,
            arn: format!("arn:aws:sts::{}:assumed-role/{role}/{name}", self.account),
            account: self.account.clone(),
            id: answer.element("AccessKeyId").into(),
            secret: secret.into(),
            token: Some(token.into()),
        }
    }

    /// Calls one of AWS KMS's operations.
    pub fn kms(&self, operation: &str, body: &Value) -> Answer {
        let target = format!("TrentService.{operation}");
        self.send("kms", Some(&target), &body.to_string())
    }

    /// Calls one of the gateway's own operations.
    pub fn own(&self, operation: &str, body: &Value) -> Answer {
        let target = format!("Strongroom.{operation}");
        self.send("kms", Some(&target), &body.to_string())
    }

    /// Calls one of STS's operations, with the rest of its form.
    pub fn sts(&self, operation: &str, form: &str) -> Answer {
        let body = format!("Action={operation}&Version=2011-06-15&{form}");
        self.send("sts", None, &body)
    }

    #[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
    fn send(&self, service: &str, target: Option<&str>, body: &str) -> Answer {
        let address = self.dev.env["AWS_ENDPOINT_URL_KMS"]
            .strip_prefix("http://")
            .unwrap();
        let timestamp = OffsetDateTime::now_utc()
            .format(format_description!(
                "[year][month][day]T[hour][minute][second]Z"
            ))
            .unwrap();
        let kind = match target {
            Some(_) => "application/x-amz-json-1.1",
            None => "application/x-www-form-urlencoded",
        };
        let mut headers = vec![
            ("content-type", kind),
            ("host", address),
            ("x-amz-date", &timestamp),
        ];
        let token = self.token.as_deref();
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.extend(target.map(|target| ("x-amz-target", target)));
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let keys = (&*self.id, &*self.secret);
        let signed = sign(&request, keys, ("us-east-1", service), &timestamp).unwrap();
        let mut text = "POST / HTTP/1.1\r\nconnection: close\r\n".to_owned();
        for (name, value) in &headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "authorization: {signed}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        let mut socket = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(60));
        socket.set_read_timeout(patience).unwrap();
        socket.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (headers, text) = answer.split_once("\r\n\r\n").expect("an answer");
        let answer = Answer {
            status: headers.split(' ').nth(1).unwrap().parse().unwrap(),
            text: text.to_owned(),
        };
        let overheard = &self.dev.overheard;
        overheard.members(target.unwrap_or_default(), &answer.json());
        answer
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Base64 of what is encrypted and signed.
pub const MESSAGE: &str = "aGVsbG8=";

/// A request of an operation on a key, right as far as that can be said without the key.
pub fn body(operation: &str, key: &str) -> Value {
    let mut body = match operation {
        "Decapsulate" => json!({
            "SharedSecretCiphertextBlob": MESSAGE, "EncapsulationAlgorithm": "ML_KEM",
        }),
        "DeriveSharedSecret" => json!({"KeyAgreementAlgorithm": "ECDH", "PublicKey": MESSAGE}),
        "Decrypt" => json!({"CiphertextBlob": MESSAGE}),
        "Encapsulate" => json!({"EncapsulationAlgorithm": "ML_KEM"}),
        "Encrypt" => json!({"Plaintext": MESSAGE}),
        "CreateAlias" => return json!({"AliasName": "alias/new", "TargetKeyId": key}),
        "CreateGrant" => json!({
            "Operations": ["DescribeKey"], "GranteePrincipal": "arn:aws:iam::000000000000:root",
        }),
        "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => json!({"KeySpec": "AES_256"}),
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
            json!({"KeyPairSpec": "ECC_NIST_P256"})
        }
        "GenerateMac" => json!({"Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}),
        "GetParametersForImport" => json!({
            "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
        }),
        "ImportKeyMaterial" => json!({
            "ImportToken": MESSAGE, "EncryptedKeyMaterial": MESSAGE,
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }),
        "PutKeyPolicy" => json!({"Policy": json!({"Statement": {
            "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
        }}).to_string()}),
        "ReEncrypt" => {
            return json!({
                "CiphertextBlob": MESSAGE, "SourceKeyId": key, "DestinationKeyId": key,
            });
        }
        "ReplicateKey" => json!({"ReplicaRegion": "eu-central-1"}),
        "RetireGrant" | "RevokeGrant" => json!({"GrantId": "0".repeat(64)}),
        "Sign" => json!({"Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}),
        "TagResource" => json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        "UntagResource" => json!({"TagKeys": ["a"]}),
        "UpdateKeyDescription" => json!({"Description": "d"}),
        "UpdatePrimaryRegion" => json!({"PrimaryRegion": "eu-central-1"}),
        "Verify" => json!({
            "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256", "Signature": MESSAGE,
        }),
        "VerifyMac" => {
            json!({"Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256", "Mac": MESSAGE})
        }
        "DisableKeyVersion" | "EnableKeyVersion" | "SetPrimaryKeyVersion" => {
            json!({"KeyVersion": 1})
        }
        _ => json!({}),
    };
    body["KeyId"] = key.into();
    body
}
