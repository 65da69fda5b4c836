//! What the server machine tells its pump.

use crate::dot::LineEndFault;
use crate::smtp::auth::{AuthCommand, AuthResponse};
use crate::smtp::command::{MailCommand, RcptCommand};
use crate::smtp::reply::Reply;
use crate::smtp::xclient::XclientName;
use crate::smtp::xforward::XforwardName;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send the output, read from the peer, feed.
    Need,
    /// Something for the pump. All but [`Event::Content`] want an answer with [`super::Server::reply`].
    Event(Event),
    /// The machine waits for its pump: for the greeting, or for the answer to the last event.
    Waiting,
    /// Too much output waits: send it before going on.
    Flush,
    /// Send the output, do the TLS handshake as the server, then call [`super::Server::start_tls_done`].
    Handshake,
    /// Send the output and close. Final.
    Closed,
}

/// What a client asks for. Nothing here has been granted yet.
#[derive(Debug)]
pub enum Event {
    /// HELO or EHLO. For a success, call [`super::Server::offer`] first, then reply with the greeting line.
    Hello {
        /// EHLO, not HELO.
        esmtp: bool,
        /// The name the client gave: one word of printable ASCII.
        name: String,
    },
    /// STARTTLS. A 220 leads to [`Step::Handshake`].
    StartTls,
    /// AUTH with an offered mechanism. A 334 leads to [`Event::AuthResponse`].
    Auth(AuthCommand),
    /// The client's line after a 334, to be passed on unseen.
    AuthResponse(AuthResponse),
    /// XFORWARD from a trusted peer: decoded values.
    Xforward(Vec<(XforwardName, String)>),
    /// XCLIENT from a trusted peer: decoded values. A 220 makes the session begin anew; it should be the greeting.
    Xclient(Vec<(XclientName, String)>),
    /// MAIL.
    Mail(MailCommand),
    /// RCPT, after an accepted MAIL.
    Rcpt(RcptCommand),
    /// DATA or the first BDAT, after at least one accepted RCPT. A 354 starts the content; for BDAT the client does not
    /// see it.
    Data,
    /// A piece of content without dot-stuffing. Wants no reply.
    Content(Vec<u8>),
    /// The true end of the content, or of the chunk that cannot be accepted: its size in bytes, or why it must not be accepted. After a fault the pieces seen
    /// are incomplete; answer with [`ContentFault::reply`] (a success would be replaced by it).
    ContentEnd(Result<u64, ContentFault>),
    /// RSET: the transaction is over here; the next hop wants to know.
    Reset,
    /// QUIT. The session closes after the reply.
    Quit,
}

/// Why content must be refused. It was read to its true end all the same, so the dialogue is in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentFault {
    /// Larger than the limit.
    TooLarge,
    /// A wrong line end, or NUL.
    LineEnd(LineEndFault),
}

impl ContentFault {
    /// The refusal that fits.
    pub fn reply(self) -> Reply {
        match self {
            ContentFault::TooLarge => Reply::say(552, "5.3.4 Message size exceeds fixed limit"),
            ContentFault::LineEnd(LineEndFault::BareCr) => Reply::say(550, "5.5.2 Bare CR in message"),
            ContentFault::LineEnd(LineEndFault::BareLf) => Reply::say(550, "5.5.2 Bare LF in message"),
            ContentFault::LineEnd(LineEndFault::Nul) => Reply::say(550, "5.6.0 NUL byte in message"),
        }
    }
}
