use super::*;

/// A policy of so many characters that count, and some that do not.
fn policy(characters: usize) -> String {
    let sid = |length: usize| {
        POLICY.replace(
            "\"Effect\"",
            &format!("\"Sid\":\"{}\",\n  \"Effect\"", "s".repeat(length)),
        )
    };
    let least = sid(0).chars().filter(|c| !c.is_whitespace()).count();
    sid(characters - least)
}

#[test]
fn policies_of_users_and_roles() {
    for (noun, member) in [("User", "UserName"), ("Role", "RoleName")] {
        let name = name("has-policies");
        let of = |more: Value| {
            let mut body = json!({member: name});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            body
        };
        let create = match noun {
            "User" => of(json!({})),
            _ => of(json!({"AssumeRolePolicyDocument": TRUST})),
        };
        done(&format!("Create{noun}"), create);
        let put = format!("Put{noun}Policy");
        for policy in ["c", "a", "b"] {
            done(
                &put,
                of(json!({"PolicyName": policy, "PolicyDocument": POLICY})),
            );
        }
        // Spaces come back as they were.
        let spaced = POLICY.replace(',', ",\n\t");
        done(
            &put,
            of(json!({"PolicyName": "b", "PolicyDocument": spaced})),
        );
        let got = done(&format!("Get{noun}Policy"), of(json!({"PolicyName": "b"})));
        assert_eq!(
            got,
            of(json!({"PolicyName": "b", "PolicyDocument": spaced}))
        );
        let list = match noun {
            "User" => "ListUserPolicies",
            _ => "ListRolePolicies",
        };
        assert_eq!(
            pages(list, of(json!({})), "PolicyNames", 2),
            ["a", "b", "c"]
        );
        done(
            &format!("Delete{noun}Policy"),
            of(json!({"PolicyName": "b"})),
        );
        for operation in ["Get", "Delete"] {
            let operation = format!("{operation}{noun}Policy");
            let (code, message) = refused(&operation, of(json!({"PolicyName": "b"})));
            assert_eq!(code, "NoSuchEntityException");
            let noun = noun.to_lowercase();
            let expected = format!("The {noun} policy with name b cannot be found.");
            assert_eq!(message, expected);
        }
        let nobody = json!({member: "nobody", "PolicyName": "b", "PolicyDocument": POLICY});
        assert_eq!(refused(&put, nobody).0, "NoSuchEntityException");

        let most = match noun {
            "User" => 2048,
            _ => 10_240,
        };
        let used = 2 * POLICY.len();
        let fill = |length| of(json!({"PolicyName": "d", "PolicyDocument": policy(length)}));
        let (code, message) = refused(&put, fill(most - used + 1));
        assert_eq!(code, "LimitExceededException");
        let noun = noun.to_lowercase();
        let expected = format!("Maximum policy size of {most} bytes exceeded for {noun} {name}");
        assert_eq!(message, expected);
        done(&put, fill(most - used));
    }
}

#[test]
fn what_is_no_policy() {
    let name = name("malformed");
    done("CreateUser", json!({"UserName": name}));
    for wrong in ["no policy", "[]", r#"{"Version":"2012-10-17""#] {
        let body = json!({"UserName": name, "PolicyName": "p", "PolicyDocument": wrong});
        let (code, message) = refused("PutUserPolicy", body);
        assert_eq!(code, "MalformedPolicyDocumentException");
        assert!(!message.is_empty());
    }
    let trusts = json!({"UserName": name, "PolicyName": "p", "PolicyDocument": TRUST});
    let (code, message) = refused("PutUserPolicy", trusts);
    assert_eq!(code, "MalformedPolicyDocumentException");
    assert!(message.contains("Statement[0].Principal"), "{message}");
    let body = json!({"UserName": name, "PolicyName": "a b", "PolicyDocument": POLICY});
    assert_eq!(refused("PutUserPolicy", body).0, "ValidationException");
}
