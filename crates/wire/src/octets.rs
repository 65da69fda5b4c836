//! Content whose length is known (RFC 3030): nothing in it ends it, but its line ends are judged all the same.
//!
//! The same policy as for content after DATA: a message must not get further in chunks than it would get without
//! them. Only BINARYMIME content is taken as it is. Limits: holds back at most a CR. Not handled: line length.

use memchr::memchr3;

use crate::dot::{LineEndFault, LineEnds};

/// What is done about bare CR, bare LF and NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Octets {
    /// Lines of text, judged by this policy.
    Text(LineEnds),
    /// Anything at all (BODY=BINARYMIME).
    Binary,
}

/// Reads content as it comes, in pieces of any size.
#[derive(Debug)]
pub struct OctetReader {
    policy: Octets,
    held: bool,
    fault: Option<LineEndFault>,
}

impl OctetReader {
    /// A reader at the first byte of content.
    pub fn new(policy: Octets) -> Self {
        OctetReader { policy, held: false, fault: None }
    }

    /// Appends the content in `input` to `out`: at most twice as much and two bytes. Nothing is appended from the
    /// first fault on.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let Octets::Text(policy) = self.policy else {
            out.extend_from_slice(input);
            return;
        };
        let mut rest = input;
        while let Some((&first, after)) = rest.split_first() {
            if self.held {
                self.held = false;
                match first {
                    b'\n' => {
                        self.emit(b"\r\n", out);
                        rest = after;
                    }
                    _ => self.wrong(policy, LineEndFault::BareCr, b"\r\n", out),
                }
                continue;
            }
            let run = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
            let (plain, after) = rest.split_at(run);
            self.emit(plain, out);
            let Some((&byte, after)) = after.split_first() else { return };
            match byte {
                b'\r' => self.held = true,
                b'\n' => self.wrong(policy, LineEndFault::BareLf, b"\r\n", out),
                _ => self.wrong(policy, LineEndFault::Nul, b"", out),
            }
            rest = after;
        }
    }

    /// The end of the content: a CR that is held back was a bare one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let (Octets::Text(policy), true) = (self.policy, self.held) {
            self.held = false;
            self.wrong(policy, LineEndFault::BareCr, b"\r\n", out);
        }
    }

    /// The first fault; always `None` where nothing is refused.
    pub fn fault(&self) -> Option<LineEndFault> {
        self.fault
    }

    fn wrong(&mut self, policy: LineEnds, fault: LineEndFault, instead: &[u8], out: &mut Vec<u8>) {
        match policy {
            LineEnds::Reject => self.fault = self.fault.or(Some(fault)),
            LineEnds::Normalise => self.emit(instead, out),
        }
    }

    fn emit(&self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.fault.is_none() {
            out.extend_from_slice(bytes);
        }
    }
}

/// Whether this content can go to a next hop after DATA without a change: CRLF at every line's end, no NUL. A missing
/// CRLF at the very end does not count, because every DATA ends with one. Pieces may be cut anywhere.
#[derive(Debug, Default)]
pub struct Plainness {
    cr: bool,
    binary: bool,
}

impl Plainness {
    /// Looks at one more piece.
    pub fn push(&mut self, mut rest: &[u8]) {
        while let (false, Some(&first)) = (self.binary, rest.first()) {
            if std::mem::take(&mut self.cr) {
                self.binary = first != b'\n';
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let Some(at) = memchr3(b'\r', b'\n', 0, rest) else { return };
            self.cr = rest.get(at) == Some(&b'\r');
            self.binary = !self.cr;
            rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        }
    }

    /// Whether a bare CR, a bare LF or a NUL was among all of it.
    pub fn is_binary(&self) -> bool {
        self.binary || self.cr
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(policy: Octets, input: &[u8], cut: usize) -> (Vec<u8>, Option<LineEndFault>) {
        let (mut reader, mut out) = (OctetReader::new(policy), Vec::new());
        input.chunks(cut).for_each(|piece| reader.push(piece, &mut out));
        reader.finish(&mut out);
        (out, reader.fault())
    }

    /// Input, what is kept of it up to a fault, the fault, and what is made of it.
    type Example = (&'static [u8], &'static [u8], Option<LineEndFault>, &'static [u8]);

    #[test]
    fn line_ends_are_judged_as_after_data() {
        use LineEndFault::{BareCr, BareLf, Nul};
        let cases: &[Example] = &[
            (b"a\r\n.\r\nb\r\n", b"a\r\n.\r\nb\r\n", None, b"a\r\n.\r\nb\r\n"),
            (b"", b"", None, b""),
            (b"no end", b"no end", None, b"no end"),
            (b"a\nb", b"a", Some(BareLf), b"a\r\nb"),
            (b"a\rb", b"a", Some(BareCr), b"a\r\nb"),
            (b"a\r\r\nb", b"a", Some(BareCr), b"a\r\n\r\nb"),
            (b"a\r", b"a", Some(BareCr), b"a\r\n"),
            (b"a\0b\n", b"a", Some(Nul), b"ab\r\n"),
        ];
        for (input, strict, fault, mended) in cases {
            for cut in [1, 2, 3, 100] {
                assert_eq!(read(Octets::Text(LineEnds::Reject), input, cut), (strict.to_vec(), *fault), "{input:?}");
                assert_eq!(read(Octets::Text(LineEnds::Normalise), input, cut), (mended.to_vec(), None), "{input:?}");
                assert_eq!(read(Octets::Binary, input, cut), (input.to_vec(), None), "{input:?}");
                let mut plain = Plainness::default();
                input.chunks(cut).for_each(|piece| plain.push(piece));
                assert_eq!(plain.is_binary(), fault.is_some(), "{input:?}");
            }
        }
    }
}
