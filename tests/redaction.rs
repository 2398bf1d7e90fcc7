//! No `Debug` shows a secret.

use std::path::Path;
use strongroom::config::Config;

/// The items of a source that derive Debug, each with its body.
fn derived(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    for (at, _) in text.match_indices("#[derive(") {
        let item = &text[at..];
        let Some((derives, rest)) = item.split_once(")]") else {
            continue;
        };
        // Up to the end of a tuple or a body, neither of which has another within.
        let end = rest.find([';', '}']).unwrap_or(rest.len());
        if derives.contains("Debug") {
            items.push(&item[..derives.len() + 2 + end]);
        }
    }
    items
}

/// What wipes a value and shows it all the same.
fn shows(item: &str) -> bool {
    item.contains("Zeroizing<")
}

fn sources(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, see),
            false => see(&path, &std::fs::read_to_string(&path).unwrap()),
        }
    }
}

#[test]
fn what_is_wiped_is_in_no_derived_debug() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    sources(Path::new("src"), &mut |path, text| {
        let items = derived(text);
        seen += items.len();
        for item in items.into_iter().filter(|item| shows(item)) {
            wrong.push(format!("{}: {item}", path.display()));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        seen > 100,
        "only {seen} types derive Debug: they are written differently"
    );
}

#[test]
fn one_that_did_would_be_found() {
    let right = "#[derive(Clone)]\nstruct A { a: Zeroizing<Vec<u8>> }";
    let wrong =
        "#[derive(Clone, Debug)]\npub struct A {\n    a: u8,\n    b: Zeroizing<Vec<u8>>,\n}";
    let tuple = "#[derive(Debug)]\nstruct A(Zeroizing<Vec<u8>>);";
    let counts = [right, wrong, tuple]
        .map(|text| derived(text).into_iter().filter(|item| shows(item)).count());
    assert_eq!(counts, [0, 1, 1]);
}

#[test]
fn the_configuration_does_not_show_what_it_was_told() {
    let example = include_str!("../strongroom.example.toml");
    let (pin, url) = (
        "4711-is-the-pin",
        "postgres://strongroom:hunter2@db/strongroom",
    );
    let environment = [
        ("STRONGROOM_TOKEN_PIN_FILE", ""),
        ("STRONGROOM_TOKEN_PIN", pin),
        ("STRONGROOM_DATABASE_URL", url),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strongroom.toml");
    let without = |line: &&str| !line.starts_with("pin_file");
    let text: Vec<&str> = example.lines().filter(without).collect();
    std::fs::write(&file, text.join("\n")).unwrap();
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load_with(&file, environment.into()).unwrap();
    let token = strongroom::gateway::settings::token(&config);
    let store = strongroom::gateway::settings::store(&config);
    for shown in [
        format!("{config:?}"),
        format!("{token:?}"),
        format!("{store:?}"),
    ] {
        assert!(shown.contains("REDACTED"), "{shown}");
        assert!(
            !shown.contains("4711") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
