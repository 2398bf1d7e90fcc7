//! Answers: HTTP/1.1, with a Content-Length.

use super::stream::Stream;
use crate::Error;
use crate::cli::failed;
use tokio::io::AsyncReadExt;

/// The longest answer that is read; those of the measured operations have a few kilobytes.
const MAX_ANSWER: usize = 1 << 20;

pub(super) fn broken(error: std::io::Error) -> Error {
    failed(format!("the connection broke: {error}"))
}

/// Reads one answer with a Content-Length; its status, and where in the buffer its body is.
pub(super) async fn read_answer(
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
) -> Result<(u16, usize, usize), Error> {
    buffer.clear();
    let mut head = None;
    loop {
        if head.is_none()
            && let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let (status, length) = parse_head(&buffer[..end])?;
            head = Some((status, end + 4, end + 4 + length));
        }
        if let Some((_, _, end)) = head
            && buffer.len() >= end
        {
            break;
        }
        if buffer.len() > MAX_ANSWER {
            return Err(failed("the answer is too long"));
        }
        if stream.read_buf(buffer).await.map_err(broken)? == 0 {
            return Err(failed(
                "the gateway closed the connection; if it speaks TLS, its address begins with https",
            ));
        }
    }
    head.ok_or_else(|| failed("no answer"))
}

/// The status and the length of the body.
fn parse_head(head: &[u8]) -> Result<(u16, usize), Error> {
    let parse = || {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        if status == "204" {
            return Some((204, 0)); // never has a body, and need not say so
        }
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let length = length.filter(|length| *length <= MAX_ANSWER)?;
        Some((status.parse().ok()?, length))
    };
    parse().ok_or_else(|| failed("the answer is not HTTP/1.1 with a Content-Length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\ndate: x";
        assert_eq!(parse_head(head).unwrap(), (400, 12));
        let head = b"HTTP/1.1 204 No Content\r\ndate: x";
        assert_eq!(parse_head(head).unwrap(), (204, 0));
        for bad in [
            "",
            "HTTP/1.1 200 OK",
            "HTTP/1.0 200 OK\r\ncontent-length: 1",
        ] {
            assert!(parse_head(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
