//! The names of members where they are told: in messages and in the audit log's records.

/// `key_id` -> `keyId`: AWS names members so in its messages, and CloudTrail in its records.
pub fn camel(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}
