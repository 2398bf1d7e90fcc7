//! `docs/configuration.md` says what the code says: sections, keys, types and meanings are read from
//! the declarations in `src/config/`, defaults from the example, which another test holds to them.
//! `UPDATE_CONFIGURATION=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const HEAD: &str = "\
# Configuration

`strongroom.example.toml` is one to begin with. What is not known, or is wrong, is refused at the start.

Every value can be given by the environment instead, which wins: `STRONGROOM_<SECTION>_<KEY>`, as in
`STRONGROOM_TOKEN_PIN_FILE=/run/secrets/pin`, or `STRONGROOM_ADMIN_TLS_KEY_FILE`. A variable that is empty is none.

`strongroom serve` reads all of it again on SIGHUP. `[log]`, `[quota]`, `[[certificate]]`, and what is in `[tls]` and
`[admin_tls]` then change at once, and no connection is lost. What has changed elsewhere, the PIN and the database's URL
too, waits for a restart: the log names the sections. If anything is wrong, nothing changes, and the log has an error.

";

/// A structure of the configuration, as it is declared.
#[derive(Default)]
struct Section {
    doc: String,
    /// Whether every key has a default.
    optional: bool,
    keys: Vec<Key>,
}

struct Key {
    name: String,
    kind: String,
    optional: bool,
    meaning: String,
}

impl Key {
    fn unit(&self) -> &'static str {
        let units = [
            ("_ms", ", milliseconds"),
            ("_bytes", ", bytes"),
            ("_seconds", ", seconds"),
        ];
        let unit = units.iter().find(|(suffix, _)| self.name.ends_with(suffix));
        unit.map_or("", |(_, unit)| unit)
    }

    fn is_empty_by_default(&self) -> bool {
        let none = self.kind.starts_with("Option<") || self.meaning.is_empty();
        none || self.optional && self.kind.contains('<')
    }
}

/// All that is declared in `src/config/`.
#[derive(Default)]
struct Declared {
    sections: BTreeMap<String, Section>,
    /// Enums, and the names of their variants.
    choices: BTreeMap<String, Vec<String>>,
}

impl Declared {
    fn read() -> Self {
        let mut declared = Self::default();
        let folder = Path::new(ROOT).join("src/config");
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.map(|file| file.unwrap().path());
        for file in files.chain([Path::new(ROOT).join("src/config.rs")]) {
            declared.read_source(&std::fs::read_to_string(file).unwrap());
        }
        declared
    }

    fn read_source(&mut self, source: &str) {
        let (mut doc, mut attributes) = (String::new(), String::new());
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if let Some(text) = line.strip_prefix("/// ") {
                doc = format!("{doc} {text}");
                continue;
            }
            if line.starts_with("#[") {
                attributes.push_str(line);
                continue;
            }
            let read = attributes.contains("Deserialize");
            let body = lines.by_ref().take_while(|line| *line != "}");
            if let Some(name) = name(line, "pub struct ").filter(|_| read) {
                let section = Section {
                    doc: doc.trim().to_owned(),
                    optional: attributes.contains("default)]"),
                    keys: keys(body),
                };
                self.sections.insert(name, section);
            } else if let Some(name) = name(line, "pub enum ").filter(|_| read) {
                let body = body.map(str::trim).filter(|line| !line.starts_with("//"));
                let variants = body.filter_map(|line| line.strip_suffix(','));
                let variants = variants.map(|name| format!("`{:?}`", name.to_lowercase()));
                self.choices.insert(name, variants.collect());
            }
            (doc, attributes) = Default::default();
        }
    }

    /// A Rust type, for who writes a TOML file.
    fn kind(&self, kind: &str) -> String {
        let within = |outer: &str| kind.strip_prefix(outer)?.strip_suffix('>');
        if let Some(kind) = within("Option<") {
            return self.kind(kind);
        }
        if let Some(kind) = within("Vec<") {
            return format!("list of {}", self.kind(kind));
        }
        if let Some(kind) = within("BTreeMap<String, ") {
            return match self.sections.contains_key(kind) {
                true => "sections".into(),
                false => format!("table of {}", self.kind(kind)),
            };
        }
        match kind {
            "bool" => "boolean".into(),
            "String" | "SecretString" => "text".into(),
            "PathBuf" => "path".into(),
            "SocketAddr" => "address:port".into(),
            "Url" => "URL".into(),
            "Destination" => "destination".into(),
            "RateSetting" => "rates".into(),
            "usize" | "u32" | "u64" => "integer".into(),
            "NonZeroU32" => "integer from 1".into(),
            other => self.choices[other].join(", "),
        }
    }

    /// What a section is, and those within it.
    fn write(&self, name: &str, example: &Example, page: &mut String) {
        let section = &self.sections[name];
        if let Some((headings, doc)) = section.doc.split_once(": ") {
            let mut meaning = doc.chars();
            let first = meaning.next().unwrap().to_uppercase();
            let doc: String = first.chain(meaning).collect();
            let heading = headings.split('`').nth(1).unwrap();
            writeln!(page, "## {headings}\n\n{}\n", wrapped(&doc)).unwrap();
            page.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
            for key in section.keys.iter().filter(|key| key.name != "pin") {
                let default = match (section.optional || key.optional, key.name.as_str()) {
                    (_, "workers") => "one for each processor".into(),
                    (false, _) => "required".into(),
                    (true, _) if key.is_empty_by_default() => String::new(),
                    (true, name) => example.default(heading, name).unwrap_or_default(),
                };
                let meaning = match key.meaning.as_str() {
                    "" => "As in `[quota]`.",
                    meaning => meaning,
                };
                let kind = self.kind(&key.kind) + key.unit();
                writeln!(page, "| `{}` | {kind} | {default} | {meaning} |", key.name).unwrap();
            }
            page.push('\n');
        }
        for key in &section.keys {
            let named = |section: &&String| key.kind.contains(section.as_str());
            for within in self.sections.keys().filter(named) {
                // Two keys may have the same structure.
                if !page.contains(&format!("## {}", heading(&self.sections[within].doc))) {
                    self.write(within, example, page);
                }
            }
        }
    }
}

fn name(line: &str, what: &str) -> Option<String> {
    Some(line.strip_prefix(what)?.strip_suffix(" {")?.to_owned())
}

fn heading(doc: &str) -> &str {
    doc.split(": ").next().unwrap()
}

fn keys<'s>(body: impl Iterator<Item = &'s str>) -> Vec<Key> {
    let (mut keys, mut meaning, mut optional) = (Vec::new(), String::new(), false);
    for line in body.map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            meaning = format!("{meaning} {text}");
        } else if line.starts_with("#[serde(") {
            optional |= line.contains("default");
        } else if let Some(field) = line.strip_prefix("pub ") {
            let (name, kind) = field.trim_end_matches(',').split_once(": ").unwrap();
            keys.push(Key {
                name: name.into(),
                kind: kind.into(),
                optional: optional || kind.starts_with("Option<"),
                meaning: meaning.trim().to_owned(),
            });
            (meaning, optional) = Default::default();
        }
    }
    keys
}

fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().unwrap();
        match line.len() + word.len() {
            0..120 if line.is_empty() => line.push_str(word),
            0..120 => *line = format!("{line} {word}"),
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

/// The values of the example that are commented out, by section.
struct Example(BTreeMap<(String, String), String>);

impl Example {
    fn read() -> Self {
        let text =
            std::fs::read_to_string(Path::new(ROOT).join("strongroom.example.toml")).unwrap();
        let (mut values, mut section) = (BTreeMap::new(), String::new());
        for line in text.lines() {
            let bare = line.trim_start_matches(['#', ' ']);
            if bare.starts_with('[') && bare.ends_with(']') {
                section = bare.to_owned();
            } else if let Some((key, value)) = bare.split_once(" = ")
                && line.starts_with("# ")
                && !key.contains(' ')
            {
                values.insert((section.clone(), key.to_owned()), value.to_owned());
            }
        }
        Self(values)
    }

    fn default(&self, section: &str, key: &str) -> Option<String> {
        // Of `[clusters.cluster-…]`, one.
        let any = section.split_once(['<', '…']).map(|(start, _)| start);
        let of = |of: &str| of == section || any.is_some_and(|start| of.starts_with(start));
        let value = self
            .0
            .iter()
            .find(|((section, name), _)| of(section) && name == key);
        value.map(|(_, value)| format!("`{value}`"))
    }
}

#[test]
fn the_page_says_what_the_code_says() {
    let mut page = HEAD.to_owned();
    Declared::read().write("Config", &Example::read(), &mut page);
    let page = format!("{}\n", page.trim_end());
    let path = Path::new(ROOT).join("docs/configuration.md");
    if std::env::var_os("UPDATE_CONFIGURATION").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let differs = page
        .lines()
        .zip(written.lines().chain(std::iter::repeat("")));
    let differs = differs
        .into_iter()
        .find(|(right, written)| right != written);
    assert!(
        written == page,
        "docs/configuration.md is not what the code says: UPDATE_CONFIGURATION=1 writes it. {differs:?}"
    );
}
