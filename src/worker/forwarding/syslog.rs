//! A message of syslog: RFC 5424.

use super::Message;
use crate::Error;
use time::format_description::well_known::Rfc3339;

/// Facility 13 (log audit), severity 6 (informational): section 6.2.1.
const PRIORITY: u8 = 13 * 8 + 6;
/// The most bytes that a datagram of UDP takes, with some to spare for what is in front.
const DATAGRAM: usize = 65_000;

/// Who sends: this machine's name, and the deployment.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) host: String,
    pub(super) deployment: String,
}

impl Sender {
    /// The name by which the kernel knows this machine, as far as a message may have it.
    pub(super) fn host() -> String {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name: String = name.trim().chars().filter(char::is_ascii_graphic).collect();
        match name.is_empty() {
            true => "-".into(),
            false => name.chars().take(255).collect(),
        }
    }

    /// The message. Of what carries it, it must begin by its length (RFC 6587) or be a datagram.
    pub(super) fn message(&self, message: &Message) -> Result<Vec<u8>, Error> {
        // Six digits of a second, section 6.2.3.1.
        let micros = message.time.nanosecond() / 1000 * 1000;
        let time = message.time.replace_nanosecond(micros);
        let time = time.map_err(Error::internal)?;
        let time = time.format(&Rfc3339).map_err(Error::internal)?;
        let Self { host, deployment } = self;
        let (kind, leaf) = (message.kind, message.leaf);
        // 32473 is the number for those who have none of their own (RFC 5612).
        let head = format!(
            "<{PRIORITY}>1 {time} {host} strongroom - {kind} \
             [strongroom@32473 deployment=\"{deployment}\" {kind}=\"{leaf}\"] "
        );
        Ok([head.as_bytes(), &message.body].concat())
    }
}

/// Octet counting, RFC 6587 section 3.4.1.
pub(super) fn counted(message: &[u8]) -> Vec<u8> {
    [format!("{} ", message.len()).as_bytes(), message].concat()
}

/// As much as one datagram takes.
pub(super) fn datagram(message: &[u8]) -> &[u8] {
    &message[..message.len().min(DATAGRAM)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_record_as_a_message() {
        let sender = Sender {
            host: "gateway-1".into(),
            deployment: "d".into(),
        };
        let message = Message {
            kind: "leaf",
            leaf: 7,
            time: datetime!(2026-01-02 03:04:05.123456789 UTC),
            body: br#"{"a":"\u00fc"}"#.to_vec(),
        };
        let made = sender.message(&message).unwrap();
        let right = "<110>1 2026-01-02T03:04:05.123456Z gateway-1 strongroom - leaf \
                     [strongroom@32473 deployment=\"d\" leaf=\"7\"] {\"a\":\"\\u00fc\"}";
        assert_eq!(String::from_utf8(made.clone()).unwrap(), right);
        let counted = counted(&made);
        assert!(counted.starts_with(format!("{} <110>1 ", right.len()).as_bytes()));
    }
}
