//! What people read: tables.

use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

/// A heading, and the member that is under it: a JSON pointer without the first slash, empty for the
/// whole item.
pub(super) type Column = (&'static str, &'static str);

/// A line for each item.
pub(super) fn of(items: &[Value], columns: &[Column]) -> String {
    let headings = columns.iter().map(|(heading, _)| (*heading).to_owned());
    let mut lines: Vec<Vec<String>> = vec![headings.collect()];
    for item in items {
        lines.push(columns.iter().map(|(_, at)| cell(item, at)).collect());
    }
    aligned(&lines)
}

/// A line for each member of one thing that it has.
pub(super) fn one(item: &Value, columns: &[Column]) -> String {
    let lines = columns.iter().filter_map(|(heading, at)| {
        let cell = cell(item, at);
        (!cell.is_empty()).then(|| vec![(*heading).to_owned(), cell])
    });
    aligned(&lines.collect::<Vec<_>>())
}

fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A member as people read it: points in time by date, tags as `key=value`, others as they are. What
/// would play tricks on a terminal is escaped.
fn cell(item: &Value, at: &str) -> String {
    let value = match at {
        "" => item,
        at => item.pointer(&format!("/{at}")).unwrap_or(&Value::Null),
    };
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if at.ends_with("Date") => {
            number.as_f64().map(date).unwrap_or_default()
        }
        Value::Array(tags) => {
            let tags = tags
                .iter()
                .map(|tag| match (&tag["Key"], &tag["Value"], tag) {
                    (Value::String(key), Value::String(value), _) => format!("{key}={value}"),
                    (_, _, Value::String(text)) => text.clone(),
                    _ => tag.to_string(),
                });
            tags.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let escaped = text.trim().chars().map(|c| match c {
        '\n' | '\r' | '\t' => " ".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    });
    escaped.collect()
}

fn date(seconds: f64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(seconds as i64)
        .ok()
        .and_then(|at| at.format(&format).ok())
        .unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: &[Column] = &[("NAME", "Name"), ("MADE", "CreateDate"), ("TAGS", "Tags")];

    #[test]
    fn tables() {
        let items = [
            json!({"Name": "a", "CreateDate": 0.5, "Tags": [{"Key": "k", "Value": "v"}]}),
            json!({"Name": "\u{1b}[31mlong"}),
        ];
        assert_eq!(
            of(&items, COLUMNS),
            "NAME            MADE                  TAGS\n\
             a               1970-01-01 00:00:00Z  k=v\n\
             \\u{1b}[31mlong\n"
        );
        assert_eq!(
            one(&items[0], COLUMNS),
            "NAME  a\nMADE  1970-01-01 00:00:00Z\nTAGS  k=v\n"
        );
        assert_eq!(one(&items[1], COLUMNS), "NAME  \\u{1b}[31mlong\n");
        assert_eq!(of(&[], COLUMNS), "NAME  MADE  TAGS\n");
        let lines = json!({"Name": "{\n}\n"});
        assert_eq!(one(&lines, COLUMNS), "NAME  { }\n");
        assert_eq!(of(&[json!("a")], &[("NAME", "")]), "NAME\na\n");
    }
}
