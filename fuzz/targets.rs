//! What is fuzzed, and what must be so whatever the bytes: `fuzz_targets/` run these, and
//! `tests/corpus.rs` runs them over the corpus.

use secrecy::SecretString;
use std::borrow::Cow;
use std::sync::Arc;
use strongroom::authz::{
    ConditionKey, Facts, Policies, Policy, PolicyKind, Principal, PrincipalKind, Question, Values,
    decide,
};
use strongroom::model::AccountId;
use strongroom::model::ciphertext_blob::{self, CiphertextBlob};
use strongroom::operation::OperationName;
use strongroom::server::query::Form;
use strongroom::sigv4::{Authorization, SignedRequest, sign, verify};

const DATE: &str = "20150830T123600Z";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A request: path, query, `Authorization` and one more header on a line each, then the body.
pub fn sigv4(data: &[u8]) {
    let mut parts = data.splitn(5, |byte| *byte == b'\n');
    let mut text = || {
        let part = parts.next().and_then(|part| str::from_utf8(part).ok());
        part.unwrap_or_default()
    };
    let (path, query, authorization, value) = (text(), text(), text(), text());
    let unsigned = SignedRequest {
        method: "POST",
        path,
        query,
        headers: &[("host", "h"), ("x-amz-date", DATE), ("x-amz-target", value)],
        body: parts.next().unwrap_or_default(),
    };
    let secret = SecretString::from(SECRET).into();
    // An arbitrary header is refused somewhere on the way, and signs nothing.
    with(&unsigned, authorization, |request| {
        if let Ok(parsed) = Authorization::parse(request) {
            let _ = parsed.check_access_key_id();
            let _ = parsed.check_scope("kms");
            let _ = parsed.check_signed_headers(request);
            let guessed = verify(&parsed, request, &secret);
            assert!(guessed.is_err(), "a guessed signature");
        }
    });
    // What is signed verifies, and is no signature of another body.
    let keys = ("AKIDEXAMPLEEXAMPLE", SECRET);
    let signed = sign(&unsigned, keys, ("r", "kms"), DATE).unwrap();
    with(&unsigned, &signed, |request| {
        let parsed = Authorization::parse(request).unwrap();
        parsed.check_signed_headers(request).unwrap();
        verify(&parsed, request, &secret).unwrap();
        let body = [request.body, b"!"].concat();
        let other = SignedRequest {
            body: &body,
            ..*request
        };
        assert!(verify(&parsed, &other, &secret).is_err(), "of another body");
    });
}

/// A request, with an `Authorization` header besides.
fn with(request: &SignedRequest<'_>, authorization: &str, then: impl FnOnce(&SignedRequest<'_>)) {
    let headers = [request.headers, &[("authorization", authorization)]].concat();
    then(&SignedRequest {
        headers: &headers,
        ..*request
    });
}

/// An operation's name on a line, and the body of a request.
pub fn input(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (name, body) = (parts.next(), parts.next().unwrap_or_default());
    let mut all = OperationName::ALL.iter();
    let Some(operation) = all.find(|known| Some(known.as_str().as_bytes()) == name) else {
        return;
    };
    match operation.parameters(body) {
        // What is recorded is JSON, and is what is recorded the next time.
        Ok(parameters) => {
            let text = serde_json::to_string(&parameters).unwrap();
            let again = operation.parameters(body).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), text);
        }
        Err(error) => assert!(!error.message().is_empty() && error.code().status() == 400),
    }
}

/// The body of a form.
pub fn form(data: &[u8]) {
    let Ok(form) = Form::parse(data) else {
        return;
    };
    assert!(form.name.is_sts());
    if let Ok(json) = form.json() {
        let _ = form.name.parameters(&json);
    }
}

/// Which kind of policy, then its text; asked some questions, if it is one.
pub fn policy(data: &[u8]) {
    let Some((&kind, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let kinds = [
        PolicyKind::Key,
        PolicyKind::Identity,
        PolicyKind::Session,
        PolicyKind::Trust,
    ];
    let kind = kinds[usize::from(kind) % kinds.len()];
    let policy = match Policy::parse(text, kind) {
        Ok(policy) => Arc::new(policy),
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let account = AccountId::parse("111122223333").unwrap();
    let user = Principal {
        arn: "arn:aws:iam::111122223333:user/alice".into(),
        account: account.clone(),
        kind: PrincipalKind::User,
        user_id: "AIDAEXAMPLE".into(),
    };
    let root = Principal::root(&account);
    let session = Principal {
        arn: "arn:aws:sts::111122223333:assumed-role/r/s".into(),
        kind: PrincipalKind::AssumedRole {
            role: "arn:aws:iam::111122223333:role/r".into(),
        },
        ..user.clone()
    };
    let alone = [policy.clone()];
    let (identity, resource): (&[_], _) = match kind {
        PolicyKind::Key | PolicyKind::Trust => (&[], Some(&*policy)),
        PolicyKind::Identity | PolicyKind::Session => (&alone, None),
    };
    for principal in [&root, &user, &session] {
        for action in ["kms:Encrypt", "kms:CreateGrant", "sts:AssumeRole"] {
            let question = Question {
                principal,
                action,
                resource: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                owner: &account,
                facts: &SomeFacts,
            };
            let policies = Policies {
                identity,
                session: (kind == PolicyKind::Session).then_some(&*policy),
                resource,
            };
            let decision = || decide(&question, &policies, &[]);
            assert_eq!(decision(), decision());
        }
    }
}

/// One value for every key that is not asked for by a part, several for one that is.
struct SomeFacts;

impl Facts for SomeFacts {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let values = ["2020-04-01T00:00:00Z", "true", "10.1.2.3", "7"];
        match (&key.part, key.name.len() % 5) {
            (_, 0) => None,
            (Some(_), _) => Some(Values::Many(values.map(Cow::Borrowed).to_vec())),
            (None, length) => Some(Values::One(Cow::Borrowed(values[length - 1]))),
        }
    }
}

/// A CiphertextBlob: one that is taken apart is put together again.
pub fn blob(data: &[u8]) {
    if let Some(blob) = CiphertextBlob::parse(data) {
        let again = ciphertext_blob::encode(blob.version, &blob.iv, blob.sealed);
        assert_eq!(again, data);
    }
}
