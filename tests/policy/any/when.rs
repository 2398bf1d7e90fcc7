//! Random conditions, and requests that meet them or do not.

use super::names::*;
use super::one_or_several;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn condition() -> BoxedStrategy<Option<Value>> {
    weighted(0.5, vec(test(), 1..3))
        .prop_map(|tests| {
            let mut blocks: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
            for (operator, key, wanted) in tests? {
                let keys = blocks.entry(operator).or_default();
                keys.retain(|other, _| !other.eq_ignore_ascii_case(&key));
                keys.insert(key, wanted);
            }
            Some(json!(blocks))
        })
        .boxed()
}

/// An operator, a key that goes with it, and values.
fn test() -> BoxedStrategy<(String, String, Value)> {
    let arns = [ARN_PATTERNS, PRINCIPALS, ROLES].concat();
    let any_key = [TEXT_KEYS, SETS, PAIRS, &["kms:ViaService"]].concat();
    let flags = vec(
        select(vec![
            json!("true"),
            json!("false"),
            json!(true),
            json!(false),
        ]),
        1..3,
    );
    prop_oneof![
        4 => one(STRING, TEXT_KEYS, TEXT_PATTERNS, &["", "", "ForAllValues:", "ForAnyValue:"]),
        2 => one(STRING, PAIRS, TEXT_PATTERNS, &[""]),
        4 => one(STRING, SETS, TEXT_PATTERNS, &["ForAllValues:", "ForAnyValue:"]),
        2 => one(NUMERIC, &["kms:RotationPeriodInDays"], NUMBERS, &["", "ForAnyValue:"]),
        2 => one(DATE, &["aws:CurrentTime"], DATES, &["", "ForAllValues:"]),
        1 => one(&["Bool"], &["aws:SecureTransport"], &["true", "false"], &["", "ForAllValues:"]),
        2 => one(&["IpAddress", "NotIpAddress"], &["aws:SourceIp"], RANGES, &["", "ForAnyValue:"]),
        2 => one(ARN, WHO, &arns, &["", "ForAllValues:", "ForAnyValue:"]),
        1 => (select(any_key), flags)
            .prop_map(|(key, flags)| ("Null".to_owned(), key.to_owned(), json!(flags))),
    ]
    .boxed()
}

fn one(
    operators: &'static [&str],
    keys: &'static [&str],
    values: &[&'static str],
    sets: &'static [&str],
) -> BoxedStrategy<(String, String, Value)> {
    let if_exists = select(&["", "", "", "IfExists"][..]);
    let operator = (select(sets), select(operators), if_exists);
    (operator, select(keys), one_or_several(values))
        .prop_map(|((set, operator, if_exists), key, wanted)| {
            (
                format!("{set}{operator}{if_exists}"),
                key.to_owned(),
                wanted,
            )
        })
        .boxed()
}

/// What the request is like.
pub(super) fn context() -> BoxedStrategy<BTreeMap<String, Value>> {
    let text = |key: &'static str, of: &'static [&str]| {
        weighted(0.7, select(of)).prop_map(move |value| Some((key.to_owned(), json!(value?))))
    };
    let letters: &[&str] = &["a", "A", "b", "ab"];
    let tags = weighted(0.8, subsequence(letters.to_vec(), 0..4))
        .prop_map(|values| Some(("aws:TagKeys".to_owned(), json!(values?))));
    let first = select(&["kms:EncryptionContext:a", "kms:EncryptionContext:A"][..]);
    let pair = weighted(0.5, (first, select(letters)))
        .prop_map(|pair| pair.map(|(key, value)| (key.to_owned(), json!(value))));
    let parts = (
        text("aws:PrincipalTag/t", TEXTS),
        text("kms:KeySpec", TEXTS),
        text("kms:RotationPeriodInDays", NUMBERS),
        text("aws:CurrentTime", DATES),
        text("aws:SecureTransport", &["true", "false"]),
        text("aws:SourceIp", ADDRESSES),
        text("aws:SourceArn", ARNS),
        tags,
        pair,
        text("kms:EncryptionContext:b", TEXTS),
    );
    parts
        .prop_map(|(a, b, c, d, e, f, g, h, i, j)| {
            [a, b, c, d, e, f, g, h, i, j]
                .into_iter()
                .flatten()
                .collect()
        })
        .boxed()
}
