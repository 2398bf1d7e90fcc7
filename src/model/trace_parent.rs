//! The `traceparent` header of W3C Trace Context: which trace of the caller's a request is part of.
//!
//! Source: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use std::fmt;

/// A caller's `traceparent`. Whoever sends a request chooses it: it says nothing of who they are, and
/// decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

/// `00-` 32 digits `-` 16 digits `-` 2 digits.
const LENGTH: usize = 55;

impl TraceParent {
    /// Of a header's value; `None` for what is not one, which is to be taken as none at all.
    pub fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let version = hex(parts.next()?, 2)?;
        // A later version may have more behind, and 255 is none.
        let complete = rest.is_empty() || (version > 0 && rest.starts_with('-'));
        let trace_id = hex(parts.next()?, 32)?;
        let parent_id = hex(parts.next()?, 16)?;
        let flags = hex(parts.next()?, 2)?;
        let valid = complete && version != 255 && trace_id != 0 && parent_id != 0;
        (valid && parts.next().is_none()).then_some(Self {
            trace_id,
            parent_id: parent_id as u64, // 16 digits
            flags: flags as u8,          // 2
        })
    }

    /// Names the trace: 32 hexadecimal digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Names the caller's span, of which the request is a part: 16 hexadecimal digits.
    pub fn parent_id(self) -> String {
        format!("{:016x}", self.parent_id)
    }
}

/// As version 00 has it, whatever version it came in.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            parent_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

/// So many hexadecimal digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let valid = text.len() == digits && text.bytes().all(lower);
    valid.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification() {
        let parent = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.parent_id(), "00f067aa0ba902b7");
        assert_eq!(parent.to_string(), GOOD);
        let later = GOOD.replacen("00", "cc", 1);
        for later in [format!("{later}-what-will-be"), later] {
            assert_eq!(TraceParent::parse(&later), Some(parent), "{later}");
        }
    }

    #[test]
    fn what_is_none() {
        let zeros = |digits| "0".repeat(digits);
        for bad in [
            String::new(),
            GOOD.to_uppercase(),
            format!("{GOOD}-more"),
            format!("{GOOD} "),
            GOOD[..54].to_owned(),
            GOOD.replacen("00-", "ff-", 1),
            GOOD.replacen("00-", "0g-", 1),
            GOOD.replacen("00-4b", "cc-4b", 1) + "more",
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros(32)),
            GOOD.replace("00f067aa0ba902b7", &zeros(16)),
            GOOD.replace("-01", "--1"),
            GOOD.replace("4bf9", "+bf9"),
            GOOD.replace("4bf9", "é9"),
        ] {
            assert_eq!(TraceParent::parse(&bad), None, "{bad:?}");
        }
    }
}
