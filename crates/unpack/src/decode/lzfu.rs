//! Compressed RTF (MS-OXRTFCP): the bodies of messages in TNEF and in Outlook's files.
//!
//! Limits: the window of 4096 bytes; one byte in gives at most 17 out. The head's sizes and checksum
//! are not believed: the end mark ends the text.

use std::io::{self, Read};

use super::Source;

/// Length of the window, in bytes.
const WINDOW: usize = 4096;
/// What stands in the window at the start (MS-OXRTFCP 2.1.2.1).
const INITIAL: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\
\\b\\i\\u\\tab\\tx";

/// The decoder; it starts behind the head.
pub(super) struct Lzfu<'a> {
    source: Source<'a>,
    window: Vec<u8>,
    at: usize,
    /// The present run: eight tokens to a byte of flags.
    flags: u8,
    left: u8,
    /// What of the present reference is still to be copied: from where, and how many.
    copy: (usize, usize),
    done: bool,
}

impl<'a> Lzfu<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        let mut window = INITIAL.to_vec();
        window.resize(WINDOW, 0);
        Self { source, window, at: INITIAL.len(), flags: 0, left: 0, copy: (0, 0), done: false }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.source.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// The next byte of the text; `None` at the end.
    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = match self.copy {
            (_, 0) => match self.token()? {
                Some(byte) => byte,
                None if self.done => return Ok(None),
                None => return self.copied(),
            },
            _ => return self.copied(),
        };
        self.put(byte);
        Ok(Some(byte))
    }

    /// The next byte of a reference.
    fn copied(&mut self) -> io::Result<Option<u8>> {
        let (from, left) = self.copy;
        let byte = self.window.get(from % WINDOW).copied().unwrap_or(0);
        self.copy = (from.saturating_add(1) % WINDOW, left.saturating_sub(1));
        self.put(byte);
        Ok(Some(byte))
    }

    fn put(&mut self, byte: u8) {
        if let Some(place) = self.window.get_mut(self.at) {
            *place = byte;
        }
        self.at = self.at.saturating_add(1) % WINDOW;
    }

    /// The next token: a byte, or a reference, or the end.
    fn token(&mut self) -> io::Result<Option<u8>> {
        if self.left == 0 {
            (self.flags, self.left) = (self.byte()?, 8);
        }
        let reference = self.flags & 1 != 0;
        (self.flags, self.left) = (self.flags >> 1, self.left.saturating_sub(1));
        let first = self.byte()?;
        if !reference {
            return Ok(Some(first));
        }
        let both = u16::from_be_bytes([first, self.byte()?]);
        let from = usize::from(both >> 4);
        self.done = from == self.at;
        self.copy = (from, usize::from(both & 15).saturating_add(2));
        Ok(None)
    }
}

impl Read for Lzfu<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut made = 0_usize;
        for place in out {
            if self.done {
                break;
            }
            match self.next() {
                Ok(Some(byte)) => *place = byte,
                Ok(None) => break,
                // What was made before goes first; the source ends again at the next call.
                Err(_) if made > 0 => break,
                Err(error) => return Err(error),
            }
            made = made.saturating_add(1);
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_begins_as_the_format_says() {
        assert_eq!(INITIAL.len(), 207);
    }
}
