//! Signature Version 4, both ways; pure.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

mod authorization;
mod canonical;
mod signature;
mod signing_key;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;

pub use authorization::Authorization;
pub(crate) use authorization::{missing, unrecognized};
pub use signature::{sign, sign_kept, verify};
pub use signing_key::SecretAccessKey;

/// What a signature is over.
#[derive(Clone, Copy)]
pub struct SignedRequest<'r> {
    /// `POST`.
    pub method: &'r str,
    /// The path as sent, percent-encoded.
    pub path: &'r str,
    /// The query as sent, without its `?`.
    pub query: &'r str,
    /// Names (any case) and values, in the order sent.
    pub headers: &'r [(&'r str, &'r str)],
    /// The body.
    pub body: &'r [u8],
}

impl<'r> SignedRequest<'r> {
    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&'r str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}
