//! What leaves, told as changes of what came.
//!
//! The flow renders a message for a mail server behind a filter as it does for the next hop of the gateway. Here both
//! forms are compared: header fields that are new, changed or gone, and a body that is another one. What is the same
//! in both is not told, so that it stays with the mail server as it was.

use std::io;
use std::sync::Arc;

use service::render::Output;
use service::spool::{CHUNK, Spool};
use wire::milter::Change;
use wire::milter::edits::{Field, changes, split};

/// Everything that is to be told of a message.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Changes of the header, in the order in which they must be told.
    pub(super) header: Vec<Change>,
    /// The new body: all from an offset on.
    pub(super) body: Option<(Arc<[u8]>, usize)>,
}

/// Why there is nothing that could be told.
#[derive(Debug)]
pub(super) enum Untold {
    /// The spool could not be read.
    Io(io::Error),
    /// A line of the new header is no field.
    NoField,
    /// The header does not end where the mail server says.
    OtherHead,
}

impl std::fmt::Display for Untold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot read the spooled message: {error}"),
            Self::NoField => f.write_str("a line of the new header is no field"),
            Self::OtherHead => f.write_str("the header does not end where the mail server says"),
        }
    }
}

/// Compares what came with what is to leave. `head` is where the body begins in what came; `blanks` whether values are
/// told with their leading blanks.
pub(super) fn told(output: &Output, spool: &Spool, head: u64, blanks: bool) -> Result<Told, Untold> {
    let (new, body) = match output {
        Output::Original => return Ok(Told::default()),
        Output::Head { head: new, rest } if *rest == head => (new.as_slice(), None),
        Output::Head { .. } => return Err(Untold::OtherHead),
        Output::Whole(bytes) => {
            let at = body_start(bytes);
            let same = is_same(spool, head, bytes.get(at..).unwrap_or_default()).map_err(Untold::Io)?;
            (bytes.get(..at).unwrap_or(bytes), (!same).then(|| (Arc::clone(bytes), at)))
        }
    };
    let size = usize::try_from(head).map_err(|_| Untold::OtherHead)?;
    let old = spool.read_at(0, size).map_err(Untold::Io)?;
    let header = changes(&fields(&old, blanks)?, &fields(new, blanks)?);
    Ok(Told { header, body })
}

/// The fields of a header with the empty line below it.
fn fields(head: &[u8], blanks: bool) -> Result<Vec<Field>, Untold> {
    let lines = head.strip_suffix(b"\n").map_or(head, |rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    split(lines).into_iter().map(|raw| Field::read(raw, blanks).ok_or(Untold::NoField)).collect()
}

/// Where the body begins: behind the first empty line.
fn body_start(message: &[u8]) -> usize {
    let mut at = 0usize;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        at = at.saturating_add(line.len());
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
    }
    at
}

/// Whether the spool goes on with exactly these bytes from an offset on.
fn is_same(spool: &Spool, from: u64, bytes: &[u8]) -> io::Result<bool> {
    if spool.len().checked_sub(from) != Some(bytes.len() as u64) {
        return Ok(false);
    }
    let mut at = from;
    for piece in bytes.chunks(CHUNK) {
        if spool.read_at(at, piece.len())? != piece {
            return Ok(false);
        }
        at = at.saturating_add(piece.len() as u64);
    }
    Ok(true)
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
