//! The root access key of `strongroom dev`, and the env file that hands it out.

use super::{Arguments, failed, random_hex};
use crate::Error;
use crate::model::Region;
use secrecy::{ExposeSecret, SecretString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

/// An access key with its secret.
pub(super) struct RootKey {
    id: String,
    secret: SecretString,
}

impl RootKey {
    pub(super) fn new(id: String, secret: SecretString) -> Self {
        Self { id, secret }
    }

    /// The one that the command line names, else the one of last time; `None` at first.
    pub(super) fn choose(arguments: &Arguments, kept: &Path) -> Result<Option<Self>, Error> {
        if let (Some(id), Some(secret)) = (&arguments.access_key_id, &arguments.secret_access_key) {
            // The env file is read by a shell.
            let plain = |c: char| c.is_ascii_alphanumeric() || "/+=_.-".contains(c);
            if [id, secret]
                .iter()
                .any(|text| text.is_empty() || !text.chars().all(plain))
            {
                return Err(failed(
                    "an access key's id and secret are made of letters, digits and / + = _ . -",
                ));
            }
            return Ok(Some(Self::new(id.clone(), secret.as_str().into())));
        }
        let Ok(text) = std::fs::read_to_string(kept) else {
            return Ok(None);
        };
        let text = zeroize::Zeroizing::new(text);
        let value = |name: &str| {
            text.lines().find_map(|line| {
                line.strip_prefix("export ")?
                    .strip_prefix(name)?
                    .strip_prefix('=')
            })
        };
        Ok(value(ID)
            .zip(value(SECRET))
            .map(|(id, secret)| Self::new(id.to_owned(), secret.into())))
    }

    /// A new one.
    pub(super) fn generate() -> Result<Self, Error> {
        let id: String = random_hex()?
            .expose_secret()
            .to_uppercase()
            .chars()
            .take(16)
            .collect();
        Ok(Self::new(format!("AKIA{id}"), random_hex()?))
    }

    pub(super) fn into_pair(self) -> (String, SecretString) {
        (self.id, self.secret)
    }

    /// What is kept for the next start.
    pub(super) fn exports(&self) -> String {
        let Self { id, secret } = self;
        let secret = secret.expose_secret();
        format!("export {ID}={id}\nexport {SECRET}={secret}\n")
    }

    /// The env file's text.
    pub(super) fn env(&self, mut api: SocketAddr, region: &Region) -> String {
        if api.ip().is_unspecified() {
            // Listening everywhere is no address to go to.
            api.set_ip(match api.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!(
            "export AWS_ENDPOINT_URL_KMS=http://{api}\nexport AWS_ENDPOINT_URL_STS=http://{api}\n{}export AWS_REGION={region}\n\
             export AWS_DEFAULT_REGION={region}\n",
            self.exports()
        )
    }
}
