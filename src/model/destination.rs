//! Where records of the audit log are forwarded to.

use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;

/// `tcp://HOST:PORT`, `udp://HOST:PORT` and `unix:/PATH` are syslog's (RFC 5424); `file:/PATH` is a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Destination {
    /// Octet-counted (RFC 6587 section 3.4.1), a connection for some records at a time.
    Tcp(String, u16),
    /// A datagram for each record (RFC 5426).
    Udp(String, u16),
    /// A datagram for each record, to a local socket.
    Unix(PathBuf),
    /// A line for each record.
    File(PathBuf),
}

impl Destination {
    /// `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let path = |path: &str| path.starts_with('/').then(|| PathBuf::from(path));
        if let Some(rest) = text.strip_prefix("file:") {
            return path(rest).map(Self::File);
        }
        if let Some(rest) = text.strip_prefix("unix:") {
            return path(rest).map(Self::Unix);
        }
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = rest.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().ok().filter(|port| *port > 0)?;
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
            return None;
        }
        match scheme {
            "tcp" => Some(Self::Tcp(host.to_owned(), port)),
            "udp" => Some(Self::Udp(host.to_owned(), port)),
            _ => None,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "tcp://{host}:{port}"),
            Self::Udp(host, port) => write!(f, "udp://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let forms = "tcp://HOST:PORT, udp://HOST:PORT, unix:/PATH or file:/PATH";
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not {forms}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        let tcp = Destination::Tcp("siem.internal".into(), 601);
        assert_eq!(Destination::parse("tcp://siem.internal:601"), Some(tcp));
        let udp = Destination::Udp("::1".into(), 514);
        assert_eq!(Destination::parse("udp://[::1]:514"), Some(udp));
        let file = Destination::File("/var/log/audit.jsonl".into());
        assert_eq!(Destination::parse("file:/var/log/audit.jsonl"), Some(file));
        for wrong in [
            "tcp://host",
            "tcp://:1",
            "tcp://h:0",
            "http://h:1",
            "file:x",
            "unix:",
            "",
        ] {
            assert_eq!(Destination::parse(wrong), None, "{wrong}");
        }
    }
}
