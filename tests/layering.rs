//! Arrows point down: who may use whom, read from the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each module, and the modules that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &[
            "gateway",
            "server",
            "reconcile",
            "report",
            "operation",
            "audit",
            "store",
            "token",
            "sigv4",
            "model",
            "config",
            "clock",
            "error",
            "version",
        ],
    ),
    (
        "gateway",
        &[
            "server",
            "worker",
            "reconcile",
            "operation",
            "authz",
            "audit",
            "store",
            "token",
            "model",
            "config",
            "clock",
            "error",
            "metrics",
            "version",
        ],
    ),
    (
        "server",
        &["operation", "sigv4", "model", "error", "metrics"],
    ),
    (
        "reconcile",
        &[
            "operation",
            "audit",
            "store",
            "token",
            "model",
            "clock",
            "error",
        ],
    ),
    (
        "report",
        &[
            "reconcile",
            "operation",
            "authz",
            "audit",
            "store",
            "token",
            "model",
            "error",
        ],
    ),
    (
        "worker",
        &[
            "operation",
            "audit",
            "store",
            "model",
            "error",
            "http",
            "metrics",
        ],
    ),
    (
        "operation",
        &[
            "authz", "audit", "store", "token", "sigv4", "model", "clock", "error", "http",
            "metrics",
        ],
    ),
    (
        "audit",
        &["authz", "store", "model", "error", "metrics", "version"],
    ),
    ("authz", &["model"]),
    ("store", &["model", "error", "metrics"]),
    ("token", &["model", "error", "metrics"]),
    ("sigv4", &["model", "error"]),
    ("model", &["error"]),
    ("config", &["model", "error"]),
    ("http", &["model"]),
    ("clock", &[]),
    ("metrics", &[]),
    ("error", &[]),
    ("version", &[]),
];

/// Crates that one module alone uses.
const ALONE: &[(&str, &str)] = &[
    ("cryptoki", "token"),
    ("tokio_postgres", "store"),
    ("deadpool_postgres", "store"),
    ("refinery", "store"),
    ("actix_web", "server"),
    ("actix_tls", "server"),
    ("maud", "report"),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// The top-level module that a file belongs to.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap();
    let first = inside.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code without its comments.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The top-level modules that some code names as `crate::module` or `crate::{module, …}`.
fn used(code: &str) -> Vec<String> {
    ["crate::", "strongroom::"]
        .iter()
        .flat_map(|start| code.split(start).skip(1))
        .flat_map(heads)
        .map(|name| match name.as_str() {
            "Error" | "ErrorCode" => "error".into(),
            _ => name,
        })
        .collect()
}

/// The names that a path goes on with: one, or each of a group, whatever groups those hold.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        let text = text.trim_start();
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut heads = vec![name(group)];
    let mut depth = 0usize;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    heads
}

/// What is wrong with a file of `module`.
fn violations(module: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let Some(may) = allowed.get(module) else {
        return vec![format!("{module} is in no layer")];
    };
    let mut wrong: Vec<String> = used(&code)
        .into_iter()
        .filter(|name| {
            name != module && allowed.contains_key(name.as_str()) && !may.contains(&name.as_str())
        })
        .map(|name| format!("{module} uses {name}"))
        .collect();
    for (name, owner) in ALONE {
        if module != *owner && code.contains(&format!("{name}::")) {
            wrong.push(format!("{module} uses {name}, which is for {owner} alone"));
        }
    }
    wrong
}

#[test]
fn no_arrow_points_up() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    assert!(files.len() > 50, "the sources are elsewhere");
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| *file != Path::new("src/lib.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for violation in violations(&module_of(file), &text) {
            wrong.push(format!("{}: {violation}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_arrow_is_seen() {
    assert_eq!(
        violations("store", "use crate::token::Token;"),
        ["store uses token"]
    );
    assert_eq!(
        violations("token", "use crate::{Error, operation::Request};"),
        ["token uses operation"]
    );
    assert_eq!(
        violations(
            "store",
            "use crate::{\n    model::{Key, Region},\n    token::Token,\n};"
        ),
        ["store uses token"]
    );
    assert_eq!(
        violations("model", "fn f(c: &dyn crate::clock::Clock) {}"),
        ["model uses clock"]
    );
    assert_eq!(
        violations("operation", "use cryptoki::session::Session;").len(),
        1
    );
    assert_eq!(violations("newcomer", ""), ["newcomer is in no layer"]);
    assert!(
        violations(
            "store",
            "// use crate::token::Token;\nuse crate::model::Region;"
        )
        .is_empty()
    );
}
