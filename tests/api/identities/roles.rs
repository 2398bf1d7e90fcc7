use super::*;

fn create(name: &str) -> Value {
    json!({"RoleName": name, "AssumeRolePolicyDocument": TRUST})
}

#[test]
fn a_role_from_its_creation_to_its_deletion() {
    let name = name("deploy");
    let made = done("CreateRole", create(&name));
    let role = &made["Role"];
    let account = root_account();
    assert_eq!(role["Arn"], format!("arn:aws:iam::{account}:role/{name}"));
    let id = role["RoleId"].as_str().unwrap();
    assert!(id.starts_with("AROA") && id.len() == 21, "{id}");
    assert_eq!(role["AssumeRolePolicyDocument"], TRUST);
    assert_eq!(role["MaxSessionDuration"], 3600);
    assert_eq!(done("GetRole", json!({"RoleName": name})), made);
    let (code, message) = refused("CreateRole", create(&name.to_uppercase()));
    assert_eq!(code, "EntityAlreadyExistsException");
    assert!(message.starts_with("Role with name"), "{message}");

    let other = TRUST.replace('*', &format!("arn:aws:iam::{account}:root"));
    done(
        "UpdateAssumeRolePolicy",
        json!({"RoleName": name, "PolicyDocument": other}),
    );
    done(
        "TagRole",
        json!({"RoleName": name, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
    );
    done("UntagRole", json!({"RoleName": name, "TagKeys": ["a"]}));
    let got = done("GetRole", json!({"RoleName": name}));
    assert_eq!(got["Role"]["AssumeRolePolicyDocument"], other);
    assert_eq!(got["Role"]["Tags"], json!([{"Key": "b", "Value": "2"}]));

    done(
        "PutRolePolicy",
        json!({"RoleName": name, "PolicyName": "p", "PolicyDocument": POLICY}),
    );
    let (code, _) = refused("DeleteRole", json!({"RoleName": name}));
    assert_eq!(code, "DeleteConflictException");
    done(
        "DeleteRolePolicy",
        json!({"RoleName": name, "PolicyName": "p"}),
    );
    done("DeleteRole", json!({"RoleName": name}));
    let (code, message) = refused("GetRole", json!({"RoleName": name}));
    assert_eq!(code, "NoSuchEntityException");
    assert_eq!(
        message,
        format!("The role with name {name} cannot be found.")
    );
}

#[test]
fn roles_are_listed_in_pages() {
    let begin = name("paged");
    for n in 0..3 {
        done("CreateRole", create(&format!("{begin}-{n}")));
    }
    let all = pages("ListRoles", json!({}), "Roles", 1);
    let ours = all.iter().filter(|role| {
        let name = role["RoleName"].as_str().unwrap();
        name.starts_with(&begin)
    });
    assert_eq!(ours.count(), 3);
}

#[test]
fn sessions_of_one_to_twelve_hours() {
    let with = |seconds: i64| {
        let mut body = create(&name("hours"));
        body["MaxSessionDuration"] = seconds.into();
        body
    };
    for seconds in [3600, 43_200] {
        let made = done("CreateRole", with(seconds));
        assert_eq!(made["Role"]["MaxSessionDuration"], seconds);
    }
    for seconds in [0, 3599, 43_201] {
        assert_eq!(
            refused("CreateRole", with(seconds)).0,
            "ValidationException"
        );
    }
    let mut described = create("never");
    described["Description"] = "text".into();
    assert_eq!(
        refused("CreateRole", described).0,
        "UnsupportedOperationException"
    );
}

#[test]
fn a_trust_policy_must_be_one() {
    for wrong in ["", "no policy", "[]", r#"{"Statement":"#] {
        let body = json!({"RoleName": "never", "AssumeRolePolicyDocument": wrong});
        let (code, _) = refused("CreateRole", body);
        let expected = match wrong {
            "" => "ValidationException",
            _ => "MalformedPolicyDocumentException",
        };
        assert_eq!(code, expected, "{wrong}");
    }
    let body = json!({"RoleName": "never", "AssumeRolePolicyDocument": POLICY});
    let (code, message) = refused("CreateRole", body);
    assert_eq!(code, "MalformedPolicyDocumentException");
    assert!(message.contains("Statement[0]"), "{message}");
    let long = TRUST.replace(
        "AssumeRole\"",
        &format!("AssumeRole\",\"Sid\":\"{}\"", "x".repeat(2048)),
    );
    let body = json!({"RoleName": "never", "AssumeRolePolicyDocument": long});
    let (code, message) = refused("CreateRole", body);
    assert_eq!(code, "LimitExceededException");
    assert_eq!(message, "Cannot exceed quota for ACLSizePerRole: 2048");
}
