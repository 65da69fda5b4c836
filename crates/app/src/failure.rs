//! What ends a command early, and how that is told.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::terminal;

/// The exit code of an error.
pub(crate) const ERROR: u8 = 2;
/// The exit code of a program that its reader left alone: 128 and the number of SIGPIPE.
const CLOSED_PIPE: u8 = 141;

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// In words: what, where, what to do.
    Said(String),
    /// Nobody reads our output any more: nothing to tell, and nobody to tell it to.
    ClosedPipe,
}

impl Failure {
    /// In words.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self::Said(text.to_string())
    }

    /// The words.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Said(text) => text,
            Self::ClosedPipe => "standard output is closed",
        }
    }
}

/// An error of writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Said(format!("standard output cannot be written: {error}")),
        }
    }
}

/// Tells a failure, and gives the exit code of the program.
pub(crate) fn exit_code(result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure::ClosedPipe) => ExitCode::from(CLOSED_PIPE),
        Err(Failure::Said(text)) => {
            terminal::tell(&format!("mailward: {text}"));
            ExitCode::from(ERROR)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_error_to_tell() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(matches!(Failure::from(closed), Failure::ClosedPipe));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(matches!(Failure::from(full), Failure::Said(text) if text.contains("standard output")));
    }
}
