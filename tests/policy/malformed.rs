//! Documents that do not parse, and where.

use serde::Deserialize;
use serde_json::Value;
use strongroom::authz::{Policy, PolicyKind};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Malformed {
    name: String,
    page: String,
    kind: String,
    /// What the error must name: the statement, and the element in it.
    place: Vec<String>,
    document: Option<Value>,
    /// A document that a JSON library would not write.
    text: Option<String>,
}

#[test]
fn a_malformed_document_is_refused_with_the_place() {
    let documents: Vec<Malformed> = serde_json::from_str(include_str!("malformed.json")).unwrap();
    assert!(documents.len() >= 40);
    let wrong: Vec<_> = documents.iter().filter_map(Malformed::wrong).collect();
    println!("{} documents", documents.len());
    assert!(
        wrong.is_empty(),
        "{} of them:\n{}\n",
        wrong.len(),
        wrong.join("\n")
    );
}

impl Malformed {
    fn wrong(&self) -> Option<String> {
        assert!(
            self.page.starts_with("https://docs.aws.amazon.com/"),
            "{}",
            self.name
        );
        let kind = match self.kind.as_str() {
            "key" => PolicyKind::Key,
            "identity" => PolicyKind::Identity,
            "session" => PolicyKind::Session,
            "trust" => PolicyKind::Trust,
            other => panic!("{}: {other}", self.name),
        };
        let written = self.document.as_ref().map(Value::to_string);
        let text = self.text.clone().or(written).expect("a document");
        match Policy::parse(&text, kind) {
            Ok(_) => Some(format!("{}: is taken: {text}", self.name)),
            Err(error) => {
                let error = error.to_string();
                let missing = self
                    .place
                    .iter()
                    .find(|place| !error.contains(place.as_str()))?;
                Some(format!("{}: {error:?} does not name {missing}", self.name))
            }
        }
    }
}
