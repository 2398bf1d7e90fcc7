//! Keys that are absent, and keys that have several values.

use super::super::super::facts::Known;
use super::holds_for;

fn many(operator: &str, request: &[&'static str], values: &str) -> bool {
    // One value in a list of several: a multivalued key.
    let facts = Known(vec![("aws:keys", request.to_vec())]);
    holds_for(operator, "aws:keys", values, &facts)
}

fn absent(operator: &str, values: &str) -> bool {
    holds_for(operator, "aws:key", values, &Known(Vec::new()))
}

#[test]
fn absent_keys() {
    for (operator, values, expected) in [
        ("StringEquals", r#""a""#, false),
        ("StringNotEquals", r#""a""#, true),
        ("StringNotEqualsIgnoreCase", r#""a""#, true),
        ("StringLike", r#""*""#, false),
        ("StringNotLike", r#""*""#, true),
        ("NumericNotEquals", "1", true),
        ("NumericLessThan", "1", false),
        ("DateNotEquals", r#""2013""#, true),
        ("DateLessThan", r#""2013""#, false),
        ("Bool", "false", false),
        ("BinaryEquals", r#""""#, false),
        ("IpAddress", r#""0.0.0.0/0""#, false),
        ("NotIpAddress", r#""0.0.0.0/0""#, true),
        ("ArnLike", r#""*""#, false),
        ("ArnNotLike", r#""*""#, true),
        ("ForAllValues:StringEquals", r#""a""#, true),
        ("ForAllValues:StringNotEquals", r#""a""#, true),
        ("ForAnyValue:StringEquals", r#""a""#, false),
        ("ForAnyValue:StringNotEquals", r#""a""#, false),
    ] {
        assert_eq!(absent(operator, values), expected, "{operator}");
        assert!(absent(&format!("{operator}IfExists"), values), "{operator}");
    }
    assert!(absent("Null", "true") && !absent("Null", "false"));
    assert!(absent("Null", "[true, false]"));
    // The set operators leave nothing of it.
    assert!(absent("ForAllValues:Null", "false") && !absent("ForAnyValue:Null", "true"));
}

#[test]
fn several_values() {
    for (operator, request, values, expected) in [
        (
            "ForAllValues:StringEquals",
            &["a", "b"][..],
            r#"["a", "b", "c"]"#,
            true,
        ),
        (
            "ForAllValues:StringEquals",
            &["a", "d"],
            r#"["a", "b", "c"]"#,
            false,
        ),
        (
            "ForAnyValue:StringEquals",
            &["d", "a"],
            r#"["a", "b"]"#,
            true,
        ),
        (
            "ForAnyValue:StringEquals",
            &["d", "e"],
            r#"["a", "b"]"#,
            false,
        ),
        ("ForAllValues:StringLike", &["x1", "x2"], r#""x*""#, true),
        (
            "ForAllValues:StringNotEquals",
            &["d", "e"],
            r#"["a", "b"]"#,
            true,
        ),
        (
            "ForAllValues:StringNotEquals",
            &["d", "a"],
            r#"["a", "b"]"#,
            false,
        ),
        (
            "ForAnyValue:StringNotEquals",
            &["d", "a"],
            r#"["a", "b"]"#,
            true,
        ),
        (
            "ForAnyValue:StringNotEquals",
            &["b", "a"],
            r#"["a", "b"]"#,
            false,
        ),
        ("ForAllValues:NumericLessThan", &["1", "2"], "3", true),
        (
            "ForAnyValue:ArnLike",
            &["x", "arn:a:b:c:d:e"],
            r#""arn:*:b:c:d:e""#,
            true,
        ),
        ("ForAllValues:StringEquals", &[], r#""a""#, true),
        ("ForAnyValue:StringEquals", &[], r#""a""#, false),
        ("ForAllValues:StringEquals", &["", ""], r#""a""#, true),
        ("ForAnyValue:StringNotEquals", &["", ""], r#""a""#, false),
        ("Null", &[], "true", true),
        ("StringEquals", &["a", "b"], r#""b""#, true),
        ("StringEquals", &["a", "b"], r#""c""#, false),
        ("StringNotEquals", &["a", "b"], r#""b""#, false),
        ("StringNotEquals", &["a", "b"], r#""c""#, true),
        ("StringEquals", &[], r#""a""#, false),
        ("StringNotEquals", &[], r#""a""#, true),
    ] {
        let holds = many(operator, request, values);
        assert_eq!(holds, expected, "{operator} {request:?} {values}");
    }
}
