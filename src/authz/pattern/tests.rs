use super::super::facts::{Known, NoFacts};
use super::*;

const FULL: Syntax = Syntax {
    wildcards: true,
    variables: true,
    any_case: false,
};

fn like(text: &str, pattern: &str, any_case: bool) -> bool {
    let syntax = Syntax { any_case, ..FULL };
    let pattern = Pattern::parse(pattern, syntax).unwrap();
    pattern.matches(text, &NoFacts)
}

#[test]
fn wildcards() {
    for (text, pattern, expected) in [
        ("abc", "abc", true),
        ("abc", "A*C", true),
        ("abc", "a?c", true),
        ("abc", "**", true),
        ("", "*", true),
        ("", "", true),
        ("aXbXc", "*b*c", true),
        ("aab", "*ab", true),
        ("aab", "*a?", true),
        ("mississippi", "m*iss*ppi", true),
        ("é", "?", true),
        ("aéz", "*?z", true),
        ("éé", "?", false),
        ("abc", "a", false),
        ("a", "abc", false),
        ("abc", "?", false),
        ("", "?", false),
        ("abcabd", "*abc", false),
        ("mississippi", "m*iss*ppx", false),
    ] {
        assert_eq!(like(text, pattern, true), expected, "{text} {pattern}");
    }
    assert!(!like("abc", "A*C", false));
}

#[test]
fn a_wild_pattern_takes_no_more_than_the_product_of_the_lengths() {
    let text = "a".repeat(2000);
    let pattern = "*a".repeat(1000) + "b";
    let start = std::time::Instant::now();
    assert!(!like(&text, &pattern, false));
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn without_wildcards_a_star_is_a_star() {
    let syntax = Syntax {
        wildcards: false,
        ..FULL
    };
    let pattern = Pattern::parse("a*?", syntax).unwrap();
    assert_eq!(pattern.fill(&NoFacts).as_deref(), Some("a*?"));
    assert!(pattern.matches("a*?", &NoFacts));
    assert!(!pattern.matches("abc", &NoFacts));
}

#[test]
fn variables_are_filled_in_and_are_never_wild() {
    let facts = Known(vec![
        ("aws:username", vec!["al*ce"]),
        ("aws:PrincipalTag/team", vec!["red"]),
    ]);
    let matches = |pattern: &str, text: &str| {
        let pattern = Pattern::parse(pattern, FULL).unwrap();
        pattern.matches(text, &facts)
    };
    for (pattern, text, expected) in [
        ("x/${aws:username}/*", "x/al*ce/1", true),
        ("x/${aws:username}/*", "x/alice/1", false),
        ("*-${aws:PrincipalTag/team}", "a-red", true),
        ("*-${aws:PrincipalTag/other}", "a-red", false),
        ("${aws:PrincipalTag/other, 'red'}", "red", true),
        ("a${*}b", "a*b", true),
        ("a${*}b", "axb", false),
        ("${?}${$}", "?$", true),
        ("$x", "$x", true),
        ("$${aws:PrincipalTag/team}", "$red", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
    let old = Syntax {
        variables: false,
        ..FULL
    };
    let pattern = Pattern::parse("${aws:username}", old).unwrap();
    assert!(pattern.matches("${aws:username}", &facts));
    assert!(!pattern.matches("al*ce", &facts));
}

#[test]
fn where_a_variable_stands() {
    for (pattern, before) in [
        ("arn:aws:kms:*:*:key/${aws:username}", false),
        ("arn:aws:kms:*:${aws:username}:key/x", true),
        ("${aws:username}", true),
        ("arn:aws:kms:*:*:key/x", false),
    ] {
        let parsed = Pattern::parse(pattern, FULL).unwrap();
        assert_eq!(parsed.has_variable_before_colon(5), before, "{pattern}");
    }
}

#[test]
fn arns_are_compared_by_segments() {
    let facts = Known(vec![
        ("aws:username", vec!["alice"]),
        ("aws:PrincipalArn", vec!["arn:aws:iam::1:user/alice"]),
    ]);
    let matches = |pattern: &str, text: &str| {
        let pattern = ArnPattern::parse(pattern, true).unwrap();
        pattern.matches(text, &facts)
    };
    for (pattern, text, expected) in [
        ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a:b/c", true),
        ("arn:aws:iam::*:role/a", "arn:aws:iam::1:role/a", true),
        ("arn:*:iam::1:*", "arn:aws:iam::1:role/a", true),
        ("*", "arn:aws:iam::1:role/a", true),
        // AWS's own example of what StringLike matches and ArnLike does not.
        (
            "arn:aws:someservice:*:111122223333:finance/*",
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            false,
        ),
        ("arn:aws:iam::1:role/a", "arn:aws:iam::1:Role/a", false),
        ("arn:aws:iam::1:role/a", "role/a", false),
        (
            "arn:aws:iam::1:user/${aws:username}",
            "arn:aws:iam::1:user/alice",
            true,
        ),
        ("${aws:PrincipalArn}", "arn:aws:iam::1:user/alice", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
    assert!(!matches(
        "arn:aws:iam::1:user/${aws:userid}",
        "arn:aws:iam::1:user/x"
    ));
    for wrong in ["", "alice", "arn:aws:iam::role", "arn:aws:iam::1:user/${"] {
        assert!(ArnPattern::parse(wrong, true).is_err(), "{wrong}");
    }
}
