//! The query protocol, which STS speaks: a form comes in, XML goes out.
//!
//! Between the two it is the same as everywhere: the form becomes the JSON of the operation's input,
//! and the JSON of its output becomes XML.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

mod error;
mod form;
mod xml;

pub(super) use error::{error, status};
pub use form::Form;

use crate::Error;
use crate::operation::OperationName;
use uuid::Uuid;

/// Of the form, without parameters.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// Of the answer.
pub(super) const CONTENT_TYPE: &str = "text/xml";
const VERSION: &str = "2011-06-15";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The answer to an operation whose output is `json`.
///
/// # Errors
/// Internal: it is not JSON.
pub(super) fn answer(name: OperationName, json: &[u8], request_id: Uuid) -> Result<Vec<u8>, Error> {
    let mut out = String::with_capacity(2 * json.len() + 512);
    out.push_str(&format!(
        "<{name}Response xmlns=\"{NAMESPACE}\">\n<{name}Result>"
    ));
    xml::push(&mut out, json)?;
    out.push_str(&format!(
        "</{name}Result>\n<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\n\
         </{name}Response>\n"
    ));
    Ok(out.into_bytes())
}
