//! The control socket: how the command line asks the daemon that holds the data directory.
//!
//! A UNIX stream socket `control.sock` in the data directory, for root and the daemon's own user.
//! One request a connection:
//!
//! ```text
//! client  {"version":1,"request":{"ask":"backup_show","id":"…"}}\n
//! daemon  ␠␠␠{"answer":"body","size":1234,"file_name":"…"}\n     a space every few seconds while it works
//! daemon  1234 bytes                                          after an answer "body" only
//! ```
//! Fewer bytes than announced mean that the message could not be read to its end; the last of them
//! are sent only after the whole was checked. Limits: [`MAX_REQUEST`], [`MAX_RESPONSE`], and time
//! limits for each side's silence.

mod client;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::admin::Request;

pub use client::{BodyReader, Client};
pub use server::{Socket, bind, serve};

/// The version of the protocol. An answer "error" reads the same in every version.
pub const VERSION: u32 = 1;
/// The socket's name in the data directory.
pub const SOCKET: &str = "control.sock";
/// Longest request, in bytes with its end of line.
pub const MAX_REQUEST: usize = 48 << 20;
/// Longest answer, in bytes with its end of line; the body of a message does not count.
pub const MAX_RESPONSE: usize = 64 << 20;
/// Bytes of a message that are sent at once.
const CHUNK: usize = 64 << 10;
/// How long either side waits for the other to send or take something.
const SILENCE: Duration = Duration::from_secs(30);
/// How often the daemon shows that it still works.
const BEAT: Duration = Duration::from_secs(5);
/// Most characters of what is wrong with a request.
const MAX_COMPLAINT: usize = 300;

/// The control socket of a data directory.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join(SOCKET)
}

/// Why the control socket is of no use. `Display` is one line for the operator.
#[derive(Debug)]
pub enum ControlError {
    /// The operating system refused something.
    Io {
        /// What was tried, as "could not …".
        doing: &'static str,
        /// The socket.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// We may not connect to the daemon.
    NotAllowed(PathBuf),
    /// Another daemon answers at the socket.
    InUse(PathBuf),
    /// Something that is not a socket has the socket's name.
    NotASocket(PathBuf),
    /// The request is longer than [`MAX_REQUEST`]; its length in bytes.
    TooLong(usize),
    /// The daemon went silent.
    Silent,
    /// The daemon closed the connection before it had answered.
    NoAnswer,
    /// What came is not an answer: probably another version of the program runs as the daemon.
    BadAnswer(String),
}

impl std::fmt::Display for ControlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { doing, path, source } => write!(f, "{}: could not {doing}: {source}", path.display()),
            Self::NotAllowed(path) => {
                write!(f, "{}: only root and the user that the daemon runs as may ask it", path.display())
            }
            Self::InUse(path) => write!(f, "{}: another daemon answers here", path.display()),
            Self::NotASocket(path) => write!(f, "{}: is in the way and not a socket: move it away", path.display()),
            Self::TooLong(length) => write!(f, "the request has {length} bytes, more than {MAX_REQUEST}"),
            Self::Silent => write!(f, "the daemon does not answer: nothing came for {} s", SILENCE.as_secs()),
            Self::NoAnswer => f.write_str("the daemon closed the connection without an answer: see its log"),
            Self::BadAnswer(why) => {
                write!(f, "the daemon's answer cannot be read: {why}; if the program was updated, restart the daemon")
            }
        }
    }
}

impl std::error::Error for ControlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The line of a request, in the version that both sides must share.
#[derive(Serialize, Deserialize)]
struct Line<T> {
    version: u32,
    request: T,
}

/// The version of a line, whatever else is in it.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Writes a request's line.
fn request_line(request: &Request) -> Result<Vec<u8>, ControlError> {
    let line = serde_json::to_vec(&Line { version: VERSION, request });
    let mut line = line.map_err(|e| ControlError::BadAnswer(e.to_string()))?;
    line.push(b'\n');
    if line.len() > MAX_REQUEST { Err(ControlError::TooLong(line.len())) } else { Ok(line) }
}

/// Reads a request's line; the error is for whoever sent it.
pub(crate) fn parse_request(line: &[u8]) -> Result<Request, String> {
    let bad = |error: serde_json::Error| {
        let why = mail::untrusted::escape(&error.to_string(), MAX_COMPLAINT);
        format!("the request cannot be read: {why}")
    };
    let head: Head = serde_json::from_slice(line).map_err(bad)?;
    if head.version != VERSION {
        return Err(format!(
            "the daemon speaks version {VERSION} of the control protocol, this program version {}: \
             restart the daemon after an update",
            head.version
        ));
    }
    let line: Line<Request> = serde_json::from_slice(line).map_err(bad)?;
    Ok(line.request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_back() {
        let request = Request::BackupRelease { id: "01".to_owned(), to: vec!["a@example.org".to_owned()] };
        let line = request_line(&request).unwrap();
        assert!(line.ends_with(b"}\n") && line.iter().filter(|&&byte| byte == b'\n').count() == 1);
        assert_eq!(parse_request(&line), Ok(request));
        let newlines =
            Request::PolicyApply { text: "a\nb\r\n".to_owned(), author: "x".to_owned(), comment: String::new() };
        let line = request_line(&newlines).unwrap();
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1, "line ends within are escaped");
        assert_eq!(parse_request(&line), Ok(newlines));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_in_safe_words() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "cannot be read"),
            (b"GET / HTTP/1.1\r", "cannot be read"),
            (b"{\"version\":2,\"request\":{\"ask\":\"future\"}}", "version 1"),
            (b"{\"request\":{\"ask\":\"policy_show\"}}", "missing field `version`"),
            (b"{\"version\":1}", "missing field `request`"),
            (b"{\"version\":1,\"request\":{\"ask\":\"\\u001b[2J\"}}", "unknown variant `\\u{1b}[2J`"),
            (b"{\"version\":1,\"request\":{\"ask\":\"policy_show\"}}{}", "trailing"),
            (b"\xff\xfe", "cannot be read"),
        ];
        for (line, text) in cases {
            let error = parse_request(line).unwrap_err();
            assert!(error.contains(text), "{error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let mut line = b"{\"version\":1,\"request\":".to_vec();
        line.resize(1 << 20, b'[');
        assert!(parse_request(&line).is_err());
    }

    #[test]
    fn a_request_that_is_too_long_is_not_sent() {
        let text = "x".repeat(MAX_REQUEST);
        let request = Request::PolicyApply { text, author: String::new(), comment: String::new() };
        assert!(matches!(request_line(&request), Err(ControlError::TooLong(length)) if length > MAX_REQUEST));
    }
}
