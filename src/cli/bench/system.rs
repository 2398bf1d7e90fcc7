//! What is under load: whoever speaks HTTP and can be asked for the operations.

use crate::Error;
use crate::cli::client::{PATIENCE, Wire};
use crate::cli::failed;
use crate::model::Url;
use crate::token::BaselineOperation as Operation;
use serde_json::Value;

/// 32 bytes, in base64: what is encrypted, and what is signed as a digest.
pub(super) const PLAINTEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// A system with its keys made.
pub(super) trait System: Sync {
    fn url(&self) -> &Url;

    /// The bytes of a request for an operation, as they are right in this second.
    ///
    /// # Errors
    /// No key was made for it.
    fn request(&self, operation: Operation) -> Result<Vec<u8>, Error>;

    /// What shows that an answer is right.
    ///
    /// # Errors
    /// The answer lacks a member.
    fn proof(&self, operation: Operation, answer: &Value) -> Result<Proof, Error>;

    /// What another status than 200 means.
    fn refusal(&self, status: u16, answer: &[u8]) -> Error;
}

/// An answer is right if a member has this value.
pub(super) struct Proof {
    /// Whose answer has the member; the one at hand if there is none.
    pub(super) request: Option<Vec<u8>>,
    /// RFC 6901.
    pub(super) member: &'static str,
    pub(super) expected: Value,
}

/// Connects, and sees that an operation is done right.
///
/// # Errors
/// There is no connection, the request is refused, or the answer is wrong.
pub(super) async fn connect(system: &dyn System, operation: Operation) -> Result<Wire, Error> {
    let connect = async {
        let mut wire = Wire::open(system.url()).await?;
        let request = system.request(operation)?;
        let mut answer = ask(system, &mut wire, &request).await?;
        let proof = system.proof(operation, &answer)?;
        if let Some(request) = &proof.request {
            answer = ask(system, &mut wire, request).await?;
        }
        if answer.pointer(proof.member) == Some(&proof.expected) {
            return Ok(wire);
        }
        let (name, member) = (operation.name(), proof.member);
        Err(failed(format!("{name}: the answer is wrong, by {member}")))
    };
    let connected = tokio::time::timeout(PATIENCE, connect).await;
    connected.map_err(|_| failed(format!("no answer within {PATIENCE:?}")))?
}

/// One exchange, in JSON.
///
/// # Errors
/// Those of the connection; a refusal; what is no JSON.
pub(super) async fn ask(
    system: &dyn System,
    wire: &mut Wire,
    request: &[u8],
) -> Result<Value, Error> {
    match wire.exchange(request).await? {
        (200, answer) => serde_json::from_slice(answer)
            .map_err(|error| failed(format!("the answer is no JSON: {error}"))),
        (204, _) => Ok(Value::Null),
        (status, answer) => Err(system.refusal(status, answer)),
    }
}

/// A member that is text.
///
/// # Errors
/// There is none.
pub(super) fn text<'a>(answer: &'a Value, member: &str) -> Result<&'a str, Error> {
    let text = answer.pointer(member).and_then(Value::as_str);
    text.ok_or_else(|| failed(format!("the answer lacks {member}")))
}
