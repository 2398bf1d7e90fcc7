use super::super::facts::Known;
use super::super::json::Json;
use super::*;

mod sets;

fn parse(operator: &str, key: &str, values: &str) -> Result<Box<[Condition]>, PolicyError> {
    let text = format!(r#"{{"{operator}": {{"{key}": {values}}}}}"#);
    let json: Json = serde_json::from_str(&text).unwrap();
    Condition::parse_all(&Node::root(&json), PolicyKind::Key, true)
}

fn holds_for(operator: &str, key: &str, values: &str, facts: &Known) -> bool {
    let conditions = parse(operator, key, values).unwrap_or_else(|e| panic!("{operator}: {e}"));
    conditions.iter().all(|one| one.holds(facts))
}

/// One value of the request against those of the policy.
fn one(operator: &str, value: &'static str, values: &str) -> bool {
    let facts = Known(vec![("aws:key", vec![value])]);
    holds_for(operator, "AWS:Key", values, &facts)
}

#[test]
fn single_values() {
    for (operator, value, values, expected) in [
        ("StringEquals", "a", r#"["b", "a"]"#, true),
        ("StringEquals", "A", r#""a""#, false),
        ("StringEquals", "ab", r#""a*""#, false),
        ("StringEquals", "10", "10", true),
        ("StringEquals", "true", "true", true),
        ("StringNotEquals", "a", r#"["b", "a"]"#, false),
        ("StringNotEquals", "c", r#"["b", "a"]"#, true),
        ("StringEqualsIgnoreCase", "ÄA", r#""äa""#, true),
        ("StringNotEqualsIgnoreCase", "A", r#""a""#, false),
        ("StringLike", "abc", r#""a*""#, true),
        ("StringLike", "Abc", r#""a*""#, false),
        ("StringNotLike", "abc", r#"["x", "a?c"]"#, false),
        ("StringLike", "", r#"["", "home/"]"#, true),
        ("NumericEquals", "10", r#""10.0""#, true),
        ("NumericNotEquals", "10", "[9, 10]", false),
        ("NumericNotEquals", "10", "[9, 11]", true),
        ("NumericLessThan", "9", "10", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", "10.5", "10", true),
        ("NumericGreaterThanEquals", "9", "10", false),
        ("NumericEquals", "ten", "10", false),
        (
            "DateEquals",
            "2013-06-30T00:00:00Z",
            r#""1372550400""#,
            true,
        ),
        ("DateNotEquals", "2013-06-30", r#""2013-06-30""#, false),
        (
            "DateLessThan",
            "2013-06-29T23:59:59Z",
            r#""2013-06-30""#,
            true,
        ),
        ("DateLessThanEquals", "2013-06-30", r#""2013-06-30""#, true),
        ("DateGreaterThan", "1372550401", r#""2013-06-30""#, true),
        ("DateGreaterThanEquals", "2013", r#""2013-06-30""#, false),
        ("Bool", "true", r#""TRUE""#, true),
        ("Bool", "false", "true", false),
        (
            "BinaryEquals",
            "BinaryValueInBase64",
            r#""QmluYXJ5VmFsdWVJbkJhc2U2NA==""#,
            true,
        ),
        (
            "BinaryEquals",
            "binaryvalueinbase64",
            r#""QmluYXJ5VmFsdWVJbkJhc2U2NA==""#,
            false,
        ),
        (
            "IpAddress",
            "203.0.113.9",
            r#"["198.51.100.0/24", "203.0.113.0/24"]"#,
            true,
        ),
        ("IpAddress", "x", r#""0.0.0.0/0""#, false),
        ("NotIpAddress", "203.0.113.9", r#""203.0.113.0/24""#, false),
        ("NotIpAddress", "203.0.114.9", r#""203.0.113.0/24""#, true),
        (
            "ArnEquals",
            "arn:aws:iam::1:role/a",
            r#""arn:aws:iam::1:role/*""#,
            true,
        ),
        (
            "ArnLike",
            "arn:aws:iam::1:role/a",
            r#""arn:aws:iam::?:role/a""#,
            true,
        ),
        (
            "ArnNotEquals",
            "arn:aws:iam::1:role/a",
            r#""arn:aws:iam::1:role/*""#,
            false,
        ),
        (
            "ArnNotLike",
            "arn:aws:iam::2:role/a",
            r#""arn:aws:iam::1:role/*""#,
            true,
        ),
        ("Null", "a", "true", false),
        ("Null", "a", r#""false""#, true),
        // A set operator takes the one value for a set of one.
        ("ForAllValues:StringEquals", "a", r#"["a", "b"]"#, true),
        ("ForAnyValue:StringEquals", "c", r#"["a", "b"]"#, false),
    ] {
        let holds = one(operator, value, values);
        assert_eq!(holds, expected, "{operator} {value} {values}");
        if operator != "Null" {
            assert_eq!(one(&format!("{operator}IfExists"), value, values), expected);
        }
    }
}

#[test]
fn variables_in_values() {
    let facts = Known(vec![
        ("aws:username", vec!["alice"]),
        ("aws:ResourceTag/owner", vec!["alice"]),
        ("aws:PrincipalArn", vec!["arn:aws:iam::1:user/alice"]),
    ]);
    let holds = |operator: &str, key: &str, values: &str| holds_for(operator, key, values, &facts);
    let owner = "aws:ResourceTag/owner";
    for (operator, key, values, expected) in [
        ("StringEquals", owner, r#""${aws:username}""#, true),
        ("StringLike", owner, r#""${aws:username}*""#, true),
        ("StringNotEquals", owner, r#""${aws:username}""#, false),
        ("StringEquals", owner, r#""${aws:userid}""#, false),
        ("StringEquals", owner, r#"["${aws:userid}", "alice"]"#, true),
        ("StringNotEquals", owner, r#""${aws:userid}""#, true),
        (
            "StringNotEquals",
            owner,
            r#"["${aws:userid}", "alice"]"#,
            false,
        ),
        ("StringEquals", owner, r#""${aws:userid, 'alice'}""#, true),
        (
            "ArnEquals",
            "aws:PrincipalArn",
            r#""arn:aws:iam::*:user/${aws:username}""#,
            true,
        ),
        ("Bool", "aws:username", r#""${aws:username}""#, true),
    ] {
        assert_eq!(
            holds(operator, key, values),
            expected,
            "{operator} {values}"
        );
    }
}

#[test]
fn values_that_an_operator_cannot_have() {
    for (operator, values) in [
        ("NumericEquals", r#""ten""#),
        ("DateEquals", r#""tomorrow""#),
        ("Bool", r#""yes""#),
        ("Bool", "[true, 1]"),
        ("BinaryEquals", r#""%""#),
        ("IpAddress", r#""203.0.113.*""#),
        ("ArnLike", r#""alice""#),
        ("Null", r#""maybe""#),
        ("StringEquals", r#"{"a": "b"}"#),
        ("StringEquals", r#"[["a"]]"#),
        ("StringLike", r#""${aws:username""#),
    ] {
        assert!(
            parse(operator, "aws:key", values).is_err(),
            "{operator} {values}"
        );
    }
    for (operator, key) in [
        ("NullIfExists", "aws:key"),
        ("StringEquals", "key"),
        ("ForAllValues:StringEquals", "kms:EncryptionContext:App"),
        ("ForAllValues:StringLike", "aws:RequestTag/team"),
    ] {
        assert!(parse(operator, key, r#""true""#).is_err());
    }
}
