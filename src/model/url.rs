//! Addresses that the gateway itself asks.

use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;

/// `https://HOST[:PORT]/PATH`; `http://` only where the host is this one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Url {
    /// Whether it is `https://`.
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// 443 or 80, unless it says so.
    pub port: u16,
    /// Path and query, as `GET` has them.
    pub target: String,
}

impl Url {
    /// `None` for what is no such address.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Self::parse_any(text)?;
        (url.tls || url.is_loopback()).then_some(url)
    }

    /// Whether the host is this one.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.map_or(self.host == "localhost", |address| address.is_loopback())
    }

    /// The same, be it plain to another host: for those who have to know.
    pub fn parse_any(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        if !rest.bytes().all(|b| b.is_ascii_graphic()) || rest.contains(['#', '@', '\\']) {
            return None;
        }
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return None;
        }
        Some(Self {
            tls,
            host: bare.to_owned(),
            port,
            target: match target {
                target if target.starts_with('/') => target.to_owned(),
                target => format!("/{target}"),
            },
        })
    }

    /// `Host` has IPv6 addresses in brackets.
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl TryFrom<String> for Url {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an https:// URL (http:// is for this machine alone)")
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("https://a.example", "https://a.example:443/"),
            (
                "https://a.example:8443/k?x=1",
                "https://a.example:8443/k?x=1",
            ),
            ("https://[::1]/k", "https://[::1]:443/k"),
            ("http://127.0.0.1:80/k", "http://127.0.0.1:80/k"),
            ("http://localhost/k", "http://localhost:80/k"),
        ] {
            assert_eq!(Url::parse(text).expect(text).to_string(), shown);
        }
        for wrong in [
            "http://a.example/k",
            "http://localhost.example/k",
            "ftp://127.0.0.1/k",
            "https://user@a.example/k",
            "https://a.example/k#x",
            "https://a.example/k\r\nX: y",
            "https://:1/k",
            "https://a.example:x/k",
            "a.example",
        ] {
            assert_eq!(Url::parse(wrong), None, "{wrong}");
        }
    }
}
