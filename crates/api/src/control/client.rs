//! The command line's side of the control socket. It blocks.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use service::admin::{Request, Response};

use super::{ControlError, MAX_RESPONSE, SILENCE, request_line, socket_path};

/// A daemon that can be asked.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// Looks whether a daemon holds this data directory; `None` if nobody answers there.
    ///
    /// # Errors
    /// When there may be one but we cannot reach it.
    pub fn connect(data_dir: &Path) -> Result<Option<Self>, ControlError> {
        let path = socket_path(data_dir);
        match UnixStream::connect(&path) {
            Ok(_) => Ok(Some(Self { path })),
            Err(error) if nobody(&error) => Ok(None),
            Err(error) => Err(cannot_connect(path, error)),
        }
    }

    /// Asks, and waits for the answer for as long as the daemon shows that it works on it: a release
    /// may take minutes. The bytes of a message follow an answer [`Response::Body`].
    ///
    /// # Errors
    /// When there is no answer. That something cannot be done is an answer, [`Response::Error`].
    pub fn ask(&mut self, request: &Request) -> Result<(Response, Option<BodyReader>), ControlError> {
        let line = request_line(request)?;
        let stream = UnixStream::connect(&self.path).map_err(|error| cannot_connect(self.path.clone(), error))?;
        let path = &self.path;
        let io = |doing| move |source| ControlError::Io { doing, path: path.clone(), source };
        stream.set_read_timeout(Some(SILENCE)).map_err(io("prepare the connection"))?;
        stream.set_write_timeout(Some(SILENCE)).map_err(io("prepare the connection"))?;
        let sent = (&stream).write_all(&line).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut reader = BufReader::new(stream);
        let answer = read_response(&mut reader);
        // A daemon that does not want to hear the rest may have said why.
        let response = match (answer, sent) {
            (Ok(response), _) => response,
            (Err(ReadError::Io(error)), _) if silent(&error) => return Err(ControlError::Silent),
            (Err(ReadError::Bad(error)), _) => return Err(error),
            (Err(_), Err(error)) => return Err(io("send the request")(error)),
            (Err(ReadError::Io(error)), Ok(())) => return Err(io("read the answer")(error)),
        };
        let body = match &response {
            Response::Body { size, .. } => Some(BodyReader { reader, size: *size, left: *size }),
            _ => None,
        };
        Ok((response, body))
    }
}

/// Whether this says that no daemon is there: no socket, or one that nobody listens at.
pub(super) fn nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn cannot_connect(path: PathBuf, source: io::Error) -> ControlError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => ControlError::NotAllowed(path),
        _ => ControlError::Io { doing: "connect to the daemon", path, source },
    }
}

/// What a socket's time limit says.
fn silent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

enum ReadError {
    Io(io::Error),
    Bad(ControlError),
}

fn read_response(reader: &mut impl BufRead) -> Result<Response, ReadError> {
    let mut line = Vec::new();
    let most = u64::try_from(MAX_RESPONSE).unwrap_or(u64::MAX);
    reader.take(most).read_until(b'\n', &mut line).map_err(ReadError::Io)?;
    if line.last() != Some(&b'\n') {
        let long = line.len() >= MAX_RESPONSE;
        let error = if long { ControlError::BadAnswer("it is too long".to_owned()) } else { ControlError::NoAnswer };
        return Err(ReadError::Bad(error));
    }
    serde_json::from_slice(&line).map_err(|error| {
        let why = mail::untrusted::escape(&error.to_string(), super::MAX_COMPLAINT);
        ReadError::Bad(ControlError::BadAnswer(why))
    })
}

/// The bytes of a message. Reading ends with `Ok(0)` only after all of them; a message that is
/// damaged, or a daemon that ends, is an error before that (`UnexpectedEof`).
#[derive(Debug)]
pub struct BodyReader {
    reader: BufReader<UnixStream>,
    size: u64,
    left: u64,
}

impl BodyReader {
    /// Bytes of the message.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || out.is_empty() {
            return Ok(0);
        }
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let count = self.reader.read(&mut out[..want]).map_err(|error| match silent(&error) {
            true => io::Error::new(io::ErrorKind::TimedOut, ControlError::Silent.to_string()),
            false => error,
        })?;
        if count == 0 {
            let text = format!(
                "only {} of {} bytes came: the stored message is damaged, or the daemon ended; see its log",
                self.size - self.left,
                self.size
            );
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Response, String> {
        read_response(&mut Cursor::new(bytes)).map_err(|error| match error {
            ReadError::Io(error) => error.to_string(),
            ReadError::Bad(error) => error.to_string(),
        })
    }

    #[test]
    fn an_answer_may_come_after_signs_of_life() {
        assert_eq!(read(b"   {\"answer\":\"deleted\"}\n"), Ok(Response::Deleted));
    }

    #[test]
    fn what_is_not_an_answer_is_an_error() {
        let cases: [(&[u8], &str); 4] = [
            (b"", "without an answer"),
            (b"    ", "without an answer"),
            (b"{\"answer\":\"deleted\"}", "without an answer"),
            (b"{\"answer\":\"\\u0007\"}\n", "restart the daemon"),
        ];
        for (bytes, text) in cases {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(text) && !error.contains('\u{7}'), "{error:?}");
        }
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error_and_what_follows_one_is_not_read() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&theirs).write_all(b"12345").unwrap();
        drop(theirs);
        let again = |size| BodyReader { reader: BufReader::new(ours.try_clone().unwrap()), size, left: size };
        let mut out = Vec::new();
        again(3).read_to_end(&mut out).unwrap();
        assert_eq!(out, b"123");
        // The buffer of the first reader took everything.
        let error = again(10).read_to_end(&mut out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("only 0 of 10"), "{error}");
    }
}
