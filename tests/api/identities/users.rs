use super::*;

#[test]
fn a_user_from_its_creation_to_its_deletion() {
    let name = name("Bob");
    let made = done(
        "CreateUser",
        json!({"UserName": name, "Path": "/", "Tags": [{"Key": "team", "Value": "legal"}]}),
    );
    let user = &made["User"];
    let account = root_account();
    assert_eq!(user["Arn"], format!("arn:aws:iam::{account}:user/{name}"));
    assert_eq!(user["Path"], "/");
    let id = user["UserId"].as_str().unwrap();
    assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");
    assert_eq!(user["Tags"], json!([{"Key": "team", "Value": "legal"}]));
    let got = done("GetUser", json!({"UserName": name}));
    assert_eq!(got, made);

    // The same name in other letters is the same name.
    for taken in [name.clone(), name.to_uppercase()] {
        let (code, message) = refused("CreateUser", json!({"UserName": taken}));
        assert_eq!(code, "EntityAlreadyExistsException");
        assert_eq!(message, format!("User with name {taken} already exists."));
    }
    // A role may have it.
    done(
        "CreateRole",
        json!({"RoleName": name, "AssumeRolePolicyDocument": TRUST}),
    );

    let by_name = json!({"UserName": name});
    let key = Keys::of(&done("CreateAccessKey", by_name.clone()));
    done(
        "PutUserPolicy",
        json!({"UserName": name, "PolicyName": "p", "PolicyDocument": POLICY}),
    );
    for (what, undo, with) in [
        (
            "access keys",
            "DeleteAccessKey",
            json!({"UserName": name, "AccessKeyId": key.id}),
        ),
        (
            "policies",
            "DeleteUserPolicy",
            json!({"UserName": name, "PolicyName": "p"}),
        ),
    ] {
        let (code, message) = refused("DeleteUser", by_name.clone());
        assert_eq!(code, "DeleteConflictException");
        let expected = format!("Cannot delete entity, must delete {what} first.");
        assert_eq!(message, expected);
        done(undo, with);
    }
    done("DeleteUser", by_name.clone());
    for operation in ["GetUser", "DeleteUser"] {
        let (code, message) = refused(operation, by_name.clone());
        assert_eq!(code, "NoSuchEntityException");
        let expected = format!("The user with name {name} cannot be found.");
        assert_eq!(message, expected);
    }
    // Another of the same name is another.
    let again = done("CreateUser", by_name);
    assert_ne!(again["User"]["UserId"], made["User"]["UserId"]);
}

#[test]
fn users_are_listed_in_pages() {
    let begin = name("paged");
    for n in 0..5 {
        done("CreateUser", json!({"UserName": format!("{begin}-{n}")}));
    }
    let all = pages("ListUsers", json!({}), "Users", 2);
    let names = all.iter().map(|user| user["UserName"].as_str().unwrap());
    let ours: Vec<&str> = names.filter(|name| name.starts_with(&begin)).collect();
    assert_eq!(ours.len(), 5);
    assert!(ours.is_sorted());
    let (code, _) = refused("ListUsers", json!({"Marker": "%"}));
    assert_eq!(code, "InvalidMarkerException");
}

#[test]
fn tags_are_put_and_taken_away() {
    let name = name("tagged");
    done("CreateUser", json!({"UserName": name}));
    let tags = |tags: Value| json!({"UserName": name, "Tags": tags});
    done(
        "TagUser",
        tags(json!([{"Key": "Team", "Value": "a"}, {"Key": "site", "Value": ""}])),
    );
    // The same key in other letters is the same tag.
    done("TagUser", tags(json!([{"Key": "team", "Value": "b"}])));
    let found = || done("GetUser", json!({"UserName": name}))["User"]["Tags"].clone();
    assert_eq!(
        found(),
        json!([{"Key": "site", "Value": ""}, {"Key": "team", "Value": "b"}])
    );
    done(
        "UntagUser",
        json!({"UserName": name, "TagKeys": ["TEAM", "not there"]}),
    );
    assert_eq!(found(), json!([{"Key": "site", "Value": ""}]));
    for wrong in [
        json!([{"Key": "aws:team", "Value": "x"}]),
        json!([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]),
    ] {
        assert_eq!(refused("TagUser", tags(wrong.clone())).0, "TagException");
        let create = json!({"UserName": "never", "Tags": wrong});
        assert_eq!(refused("CreateUser", create).0, "TagException");
    }
    let many: Vec<Value> = (0..50)
        .map(|n| json!({"Key": format!("k{n}"), "Value": ""}))
        .collect();
    assert_eq!(refused("TagUser", tags(many.into())).0, "TagException");
    let nobody = json!({"UserName": "nobody", "TagKeys": ["x"]});
    assert_eq!(refused("UntagUser", nobody).0, "NoSuchEntityException");
}

#[test]
fn names_and_members_that_cannot_be() {
    let long = "n".repeat(65);
    for wrong in ["", "a b", "a/b", "ü", &long] {
        let (code, message) = refused("CreateUser", json!({"UserName": wrong}));
        assert_eq!(code, "ValidationException");
        assert!(message.contains("'userName'"), "{message}");
    }
    for (member, value) in [
        ("Path", "/division/"),
        (
            "PermissionsBoundary",
            "arn:aws:iam::111122223333:policy/boundary",
        ),
    ] {
        let body = json!({"UserName": "never", member: value});
        let (code, message) = refused("CreateUser", body);
        assert_eq!(code, "UnsupportedOperationException");
        assert!(message.contains(member), "{message}");
    }
    assert_eq!(
        refused("GetUser", json!({"UserName": "never"})).0,
        "NoSuchEntityException"
    );
}

#[test]
fn who_names_nobody_means_themselves() {
    let root = done("GetUser", json!({}));
    let account = root_account();
    assert_eq!(root["User"]["Arn"], format!("arn:aws:iam::{account}:root"));
    assert_eq!(root["User"]["UserId"], account);
    let name = name("self");
    let keys = user(&name);
    let own = right(keys.call("GetUser", json!({})));
    assert_eq!(own["User"]["UserName"], name);
    let other = right(keys.call("CreateAccessKey", json!({})));
    assert_eq!(other["AccessKey"]["UserName"], name);
    let listed = right(keys.call("ListAccessKeys", json!({})));
    assert_eq!(listed["AccessKeyMetadata"].as_array().unwrap().len(), 2);
}
