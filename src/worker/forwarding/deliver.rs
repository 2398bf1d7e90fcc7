//! Messages on their way out. It blocks, on a thread of its own.

use super::Message;
use super::syslog::{Sender, counted, datagram};
use crate::Error;
use crate::model::Destination;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How long some messages may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one step on the way may.
const STEP: Duration = Duration::from_secs(5);

/// Delivers messages; what comes back as `Ok` the other end has read, as far as it can tell.
///
/// # Errors
/// What kept it from it; some of the messages may be there all the same.
pub(super) async fn deliver(
    to: Destination,
    sender: Sender,
    messages: Vec<Message>,
    place: OwnedSemaphorePermit,
) -> Result<(), Error> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let work = move || {
        let done = send(&to, &sender, &messages);
        // Not before: nothing stops a thread that hangs, and one is enough.
        drop(place);
        drop(answer.send(done));
    };
    let thread = std::thread::Builder::new().name("forward".into());
    thread.spawn(work).map_err(Error::internal)?;
    let late = |_| Error::internal("it takes too long");
    let answered = tokio::time::timeout(PATIENCE, answered).await;
    answered.map_err(late)?.map_err(Error::internal)?
}

fn send(to: &Destination, sender: &Sender, messages: &[Message]) -> Result<(), Error> {
    let done = match to {
        Destination::File(path) => append(path, messages),
        Destination::Tcp(host, port) => {
            let mut all = Vec::new();
            for message in messages {
                all.extend_from_slice(&counted(&sender.message(message)?));
            }
            tcp((host, *port), &all)
        }
        Destination::Udp(host, port) => {
            let socket = udp((host, *port)).map_err(Error::internal)?;
            each(sender, messages, |message| socket.send(message))?
        }
        Destination::Unix(path) => {
            let socket = unix(path).map_err(Error::internal)?;
            each(sender, messages, |message| socket.send(message))?
        }
    };
    done.map_err(Error::internal)
}

fn each(
    sender: &Sender,
    messages: &[Message],
    send: impl Fn(&[u8]) -> io::Result<usize>,
) -> Result<io::Result<()>, Error> {
    for message in messages {
        if let Err(error) = send(datagram(&sender.message(message)?)) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Opened anew each time: it may have been moved away.
fn append(path: &Path, messages: &[Message]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.read(true).append(true).create(true).mode(0o600);
    let mut file = options.open(path)?;
    let mut lines = Vec::new();
    if breaks_off(&mut file)? {
        lines.push(b'\n');
    }
    for message in messages {
        lines.extend_from_slice(&message.body);
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_data()
}

/// Whether its last line has no end: a crash came between.
fn breaks_off(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(length - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// One connection for all of them, until the other end has closed it, too: then it has read them. Syslog
/// has no other way to say so.
fn tcp(address: (&String, u16), all: &[u8]) -> io::Result<()> {
    let mut failure = io::Error::other("the name has no address");
    for address in (address.0.as_str(), address.1).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, STEP) {
            Ok(stream) => return over(stream, all),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn over(mut stream: TcpStream, all: &[u8]) -> io::Result<()> {
    stream.set_write_timeout(Some(STEP))?;
    stream.set_read_timeout(Some(STEP))?;
    stream.write_all(all)?;
    stream.shutdown(Shutdown::Write)?;
    // Whatever it says meanwhile, but not for ever.
    let mut rest = stream.take(65_536);
    io::copy(&mut rest, &mut io::sink()).map(drop)
}

fn udp(address: (&String, u16)) -> io::Result<UdpSocket> {
    let mut addresses = (address.0.as_str(), address.1).to_socket_addrs()?;
    let first = addresses.next().ok_or(io::ErrorKind::NotFound)?;
    let any = match first.is_ipv4() {
        true => "0.0.0.0:0",
        false => "[::]:0",
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(first)?;
    Ok(socket)
}

fn unix(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(STEP))?;
    socket.connect(path)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn message(leaf: u64) -> Message {
        Message {
            kind: "leaf",
            leaf,
            time: OffsetDateTime::UNIX_EPOCH,
            body: format!("{{\"n\":{leaf}}}").into_bytes(),
        }
    }

    #[test]
    fn a_file_goes_on_where_it_broke_off() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "{\"n\":").unwrap();
        append(file.path(), &[message(1), message(2)]).unwrap();
        append(file.path(), &[message(3)]).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, "{\"n\":\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    }

    #[test]
    fn a_local_socket_gets_a_datagram_for_each_as_long_as_somebody_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let sender = Sender {
            host: "gateway-1".into(),
            deployment: "d".into(),
        };
        let to = Destination::Unix(path.clone());
        let some = [message(1), message(2)];
        assert!(send(&to, &sender, &some).is_err(), "nobody is there");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(&to, &sender, &some).unwrap();
        let mut got = [0; 1024];
        for message in &some {
            let length = socket.recv(&mut got).unwrap();
            // No length before it: it is one by being a datagram.
            assert_eq!(got[..length], sender.message(message).unwrap());
        }
        drop(socket);
        assert!(
            send(&to, &sender, &some).is_err(),
            "nobody is there any more"
        );
    }
}
