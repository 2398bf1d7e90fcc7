//! What policies can ask of requests about users and roles: tags that a request gives, and tags that
//! the user or role has.

use super::{account, allowed, allowing};
use crate::who::{ALL, Answer, Who, fresh};
use serde_json::{Value, json};

/// A request about a user, or a role, of a name.
fn request(name: &str, more: Value) -> Value {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
    });
    let mut request = json!({
        "UserName": name, "RoleName": name, "AssumeRolePolicyDocument": trust.to_string(),
    });
    let members = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    request
}

fn tags(pairs: &[(&str, &str)]) -> Value {
    let tags = pairs.iter();
    let tags: Vec<_> = tags.map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    json!({"Tags": tags})
}

fn name_of(role: &str) -> &str {
    role.rsplit('/').next().unwrap()
}

#[test]
fn the_tags_that_a_request_gives() {
    let root = account();
    let (user, tagged, role) = (root.user(None), root.user(None), root.role(ALL));
    for operation in ["TagUser", "CreateUser", "TagRole", "CreateRole"] {
        let may = |condition: Value| {
            let tag = operation.replace("Create", "Tag");
            let actions = [operation, &tag].map(|name| format!("strongroom:{name}"));
            root.put_policy(&user, &allowing(json!(actions), condition));
        };
        let ask = |pairs: &[(&str, &str)]| {
            let name = match operation {
                "TagUser" => tagged.name().to_owned(),
                "TagRole" => name_of(&role).to_owned(),
                _ => fresh("made"),
            };
            allowed(&user.own(operation, &request(&name, tags(pairs))))
        };
        may(json!({"StringEquals": {"aws:RequestTag/team": "a"}}));
        assert!(ask(&[("team", "a"), ("b", "c")]), "{operation}");
        assert!(!ask(&[("team", "b")]), "{operation}");
        assert!(!ask(&[("b", "a")]), "{operation}");
        may(json!({
            "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "site"]},
            "Null": {"aws:TagKeys": "false"},
        }));
        assert!(ask(&[("team", "b"), ("site", "c")]), "{operation}");
        assert!(!ask(&[("team", "b"), ("cost", "c")]), "{operation}");
    }
}

/// To make a user with tags is to tag one, which is another permission.
#[test]
fn who_makes_one_with_tags_may_tag() {
    let root = account();
    let user = root.user(None);
    for kind in ["User", "Role"] {
        let create = |name: &str, pairs: &[(&str, &str)]| {
            user.own(&format!("Create{kind}"), &request(name, tags(pairs)))
        };
        let make = format!("strongroom:Create{kind}");
        let tag = format!("strongroom:Tag{kind}");
        root.put_policy(&user, &allowing(json!(make), json!({})));
        create(&fresh("plain"), &[]).ok();
        let name = fresh("ours");
        let refused = create(&name, &[("team", "a")]).message();
        let arn = format!("arn:aws:iam::{}:{}/", root.account, kind.to_lowercase());
        let asked = format!("is not authorized to perform: {tag} on resource: {arn}{name} ");
        assert!(refused.contains(&asked), "{refused}");
        let get = root.own(&format!("Get{kind}"), &request(&name, json!({})));
        assert_eq!(get.code(), "NoSuchEntityException");
        let statements = json!([
            {"Effect": "Allow", "Action": make, "Resource": "*"},
            {"Effect": "Allow", "Action": tag, "Resource": format!("{arn}ours-*")},
        ]);
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        root.put_policy(&user, &policy.to_string());
        create(&name, &[("team", "a")]).ok();
        assert!(!allowed(&create(&fresh("theirs"), &[("team", "a")])));
    }
}

#[test]
fn the_tags_that_a_user_or_a_role_has() {
    let root = account();
    let condition = json!({"StringEquals": {"aws:ResourceTag/Team": "a"}});
    let user = root.user(Some(&allowing(json!("strongroom:*"), condition)));
    let tag = |kind: &str, name: &str, value: &str| {
        let request = request(name, tags(&[("team", value)]));
        root.own(&format!("Tag{kind}"), &request).ok();
    };
    let roles = [root.role(ALL), root.role(ALL)];
    let users = [root.user(Some(ALL)), root.user(Some(ALL))];
    for (kind, names) in [
        ("User", [users[0].name(), users[1].name()]),
        ("Role", [name_of(&roles[0]), name_of(&roles[1])]),
    ] {
        let [ours, theirs] = names;
        tag(kind, ours, "a");
        tag(kind, theirs, "b");
        let ask = |operation: &str, name: &str| -> Answer {
            let more = json!({
                "PolicyName": "p", "PolicyDocument": ALL, "Tags": [{"Key": "b", "Value": "c"}],
                "TagKeys": ["b"],
            });
            user.own(&operation.replace('*', kind), &request(name, more))
        };
        for operation in [
            "Get*",
            "Tag*",
            "Untag*",
            "Put*Policy",
            "List*Policies",
            "Delete*Policy",
        ] {
            ask(operation, ours).ok();
            assert!(!allowed(&ask(operation, theirs)), "{operation}");
            assert!(!allowed(&ask(operation, "nobody")), "{operation}");
        }
        // As they are now.
        tag(kind, theirs, "a");
        ask("Get*", theirs).ok();
        tag(kind, theirs, "b");
        assert!(!allowed(&ask("Get*", theirs)));
    }
    // One's own.
    let own = || allowed(&user.own("GetUser", &json!({})));
    assert!(!own());
    tag("User", user.name(), "a");
    assert!(own());
    // Where something is begun on the token as well.
    let create = |who: &Who| user.own("CreateAccessKey", &json!({"UserName": who.name()}));
    let made = create(&users[0]).ok();
    let secret = made["AccessKey"]["SecretAccessKey"].as_str().unwrap();
    let overheard = &crate::dev::SHARED.overheard;
    overheard.secret("a secret access key", secret.as_bytes());
    assert!(!allowed(&create(&users[1])));
}
