//! Line ends and the final dot of message content: judged here, once, for every SMTP-like machine.
//!
//! [`DotReader`] reads content after DATA (RFC 5321 section 4.5.2): only CRLF `.` CRLF ends it, and a `.` counts only
//! right after a CRLF or as the very first byte. A bare CR, a bare LF or a NUL never makes a line start, so none of
//! `LF.LF`, `LF.CRLF`, `CRLF.LF`, `CR.CR`, `CRLF.CR` or a NUL beside the dot ends the data, under either policy
//! (CVE-2023-51764, -51765, -51766). [`DotWriter`] writes content for the next hop.
//!
//! Limits: neither keeps content; each holds back at most a dot and a CR. Not handled: BDAT (RFC 3030), line length.
//! Under [`LineEnds::Normalise`] no dot is removed after a bare LF or CR: it stays content.

use memchr::memchr3;

/// What to do about a bare CR, bare LF or NUL in content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// Read to the true end, deliver nothing, report the fault.
    #[default]
    Reject,
    /// Make CRLF of a bare CR or LF, drop a NUL.
    Normalise,
}

/// The first wrong line end (or NUL) that content had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEndFault {
    /// A CR without an LF after it.
    BareCr,
    /// An LF without a CR before it.
    BareLf,
    /// A NUL byte.
    Nul,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After a CRLF, or at the very start.
    LineStart,
    /// A dot at a line start, held back.
    Dot,
    /// A dot at a line start and a CR, both held back.
    DotCr,
    /// Inside a line, or after a bare line end.
    Text,
    /// A CR, held back.
    Cr,
    /// CRLF `.` CRLF was read.
    Ended,
}

/// Reads dot-stuffed content up to its true end.
pub struct DotReader {
    policy: LineEnds,
    state: State,
    fault: Option<LineEndFault>,
    altered: u64,
}

impl DotReader {
    /// A reader at the first byte of content.
    pub fn new(policy: LineEnds) -> Self {
        DotReader { policy, state: State::LineStart, fault: None, altered: 0 }
    }

    /// Reads on, appends the content to `out` (at most twice the input and two bytes) and returns how many bytes of
    /// the input were used. Fewer than all are used only when the end was reached. Under [`LineEnds::Reject`] nothing
    /// is appended from the first fault on.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut rest = input;
        while self.state != State::Ended {
            if self.state == State::Text {
                let run = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
                let (plain, after) = rest.split_at(run);
                self.emit(plain, out);
                rest = after;
            }
            let Some((&byte, after)) = rest.split_first() else { break };
            self.take(byte, out);
            rest = after;
        }
        input.len().saturating_sub(rest.len())
    }

    /// Whether CRLF `.` CRLF was read.
    pub fn ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The first fault under [`LineEnds::Reject`]; always `None` under [`LineEnds::Normalise`].
    pub fn fault(&self) -> Option<LineEndFault> {
        self.fault
    }

    /// How many places were changed under [`LineEnds::Normalise`].
    pub fn altered(&self) -> u64 {
        self.altered
    }

    /// The state machine: one byte.
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.state, byte) {
            (State::LineStart, b'.') => self.state = State::Dot,
            (State::Dot, b'\r') => self.state = State::DotCr,
            (State::DotCr, b'\n') => self.state = State::Ended,
            (State::Cr, b'\n') => {
                self.emit(b"\r\n", out);
                self.state = State::LineStart;
            }
            (State::DotCr | State::Cr, _) => {
                self.wrong(LineEndFault::BareCr, b"\r\n", out);
                self.text(byte, out);
            }
            // A dot held back in `Dot` was stuffing and falls away here.
            _ => self.text(byte, out),
        }
    }

    /// A byte that is not part of a line start.
    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = State::Text;
        match byte {
            b'\r' => self.state = State::Cr,
            b'\n' => self.wrong(LineEndFault::BareLf, b"\r\n", out),
            0 => self.wrong(LineEndFault::Nul, b"", out),
            _ => self.emit(&[byte], out),
        }
    }

    /// A wrong line end: remembered, or replaced.
    fn wrong(&mut self, fault: LineEndFault, instead: &[u8], out: &mut Vec<u8>) {
        match self.policy {
            LineEnds::Reject => self.fault = self.fault.or(Some(fault)),
            LineEnds::Normalise => {
                self.altered = self.altered.saturating_add(1);
                self.emit(instead, out);
            }
        }
    }

    fn emit(&self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.fault.is_none() {
            out.extend_from_slice(bytes);
        }
    }
}

/// Writes content for the next hop: dots stuffed, never a bare CR, bare LF or NUL, whatever it is given.
pub struct DotWriter {
    line_start: bool,
    cr: bool,
    altered: u64,
}

impl Default for DotWriter {
    fn default() -> Self {
        DotWriter { line_start: true, cr: false, altered: 0 }
    }
}

impl DotWriter {
    /// Appends a piece of content to `out`, at most twice its length and two bytes. Pieces may be cut anywhere.
    pub fn write(&mut self, content: &[u8], out: &mut Vec<u8>) {
        let mut rest = content;
        while let Some((&byte, after)) = rest.split_first() {
            if self.cr {
                self.cr = false;
                self.line_end(byte != b'\n', out);
                if byte == b'\n' {
                    rest = after;
                }
                continue;
            }
            match byte {
                b'\r' => self.cr = true,
                b'\n' => self.line_end(true, out),
                0 => self.altered = self.altered.saturating_add(1),
                _ => {
                    if self.line_start && byte == b'.' {
                        out.push(b'.');
                    }
                    self.line_start = false;
                    let run = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
                    let (plain, tail) = rest.split_at(run);
                    out.extend_from_slice(plain);
                    rest = tail;
                    continue;
                }
            }
            rest = after;
        }
    }

    /// Appends the end of the data. Content that did not end in CRLF gets one first. Ready for the next message after.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.cr {
            self.line_end(true, out);
        }
        if !self.line_start {
            self.line_end(true, out);
        }
        out.extend_from_slice(b".\r\n");
        self.line_start = true;
        self.cr = false;
    }

    /// How many places had to be changed because they were not CRLF, or NUL. 0 for content from a [`DotReader`].
    pub fn altered(&self) -> u64 {
        self.altered
    }

    fn line_end(&mut self, changed: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.line_start = true;
        if changed {
            self.altered = self.altered.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LineEndFault::{BareCr, BareLf, Nul};

    /// What a reader made of an input: content, bytes used, ended, fault.
    fn read(policy: LineEnds, input: &[u8], step: usize) -> (Vec<u8>, usize, bool, Option<LineEndFault>) {
        let mut reader = DotReader::new(policy);
        let mut out = Vec::new();
        let mut used = 0;
        for chunk in input.chunks(step) {
            used += reader.push(chunk, &mut out);
        }
        (out, used, reader.ended(), reader.fault())
    }

    fn write(content: &[u8], step: usize) -> Vec<u8> {
        let mut writer = DotWriter::default();
        let mut out = Vec::new();
        content.chunks(step).for_each(|chunk| writer.write(chunk, &mut out));
        writer.finish(&mut out);
        out
    }

    /// Well-formed content: what comes out, and how much of the input is left after the end.
    #[test]
    fn only_crlf_dot_crlf_ends_well_formed_content() {
        let cases: &[(&[u8], &[u8], usize)] = &[
            (b".\r\n", b"", 0),
            (b"\r\n.\r\n", b"\r\n", 0),
            (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", 6),
            (b"..\r\n.\r\n", b".\r\n", 0),
            (b".a\r\n.\r\n", b"a\r\n", 0),
            (b"...\r\n..b\r\n.\r\n", b"..\r\n.b\r\n", 0),
            (b"a.\r\n.\r\n", b"a.\r\n", 0),
            (b"a\r\n. \r\n.\r\n", b"a\r\n \r\n", 0),
            (b"a\r\n .\r\n.\r\n", b"a\r\n .\r\n", 0),
        ];
        for (input, content, left) in cases {
            for policy in [LineEnds::Reject, LineEnds::Normalise] {
                for step in 1..=input.len() {
                    let expected = (content.to_vec(), input.len() - left, true, None);
                    assert_eq!(read(policy, input, step), expected, "{input:?} in steps of {step}");
                }
            }
        }
    }

    /// Each false end in front of the true one: the fault, and what normalising makes of it.
    #[test]
    fn no_false_end_of_data_is_believed() {
        let cases: &[(&[u8], LineEndFault, &[u8])] = &[
            (b"a\n.\nb", BareLf, b"a\r\n.\r\nb"),
            (b"a\n.\r\nb", BareLf, b"a\r\n.\r\nb"),
            (b"a\r\n.\nb", BareLf, b"a\r\n\r\nb"),
            (b"a\r.\rb", BareCr, b"a\r\n.\r\nb"),
            (b"a\r\n.\rb", BareCr, b"a\r\n\r\nb"),
            (b"a\r\n.\r\rb", BareCr, b"a\r\n\r\n\r\nb"),
            (b"a\r\n.\r\r\nb", BareCr, b"a\r\n\r\n\r\nb"),
            (b"a\r.\r\nb", BareCr, b"a\r\n.\r\nb"),
            (b"a\r\r\n.b", BareCr, b"a\r\n\r\nb"),
            (b"a\n\r.\r\nb", BareLf, b"a\r\n\r\n.\r\nb"),
            (b"a\r\n\0.\r\nb", Nul, b"a\r\n.\r\nb"),
            (b"a\r\n.\0\r\nb", Nul, b"a\r\n\r\nb"),
            (b"a\r\n.\r\0\nb", BareCr, b"a\r\n\r\n\r\nb"),
            (b"a\r\0\n.\r\nb", BareCr, b"a\r\n\r\n.\r\nb"),
            (b"a\0\r\nb", Nul, b"a\r\nb"),
            (b"\n.\r\nb", BareLf, b"\r\n.\r\nb"),
        ];
        for (evil, fault, normal) in cases {
            let input = [evil, b"\r\n.\r\nQUIT\r\n".as_slice()].concat();
            let normal = [normal, b"\r\n".as_slice()].concat();
            let used = input.len() - 6;
            for step in 1..=input.len() {
                let rejected = read(LineEnds::Reject, &input, step);
                assert_eq!((rejected.1, rejected.2, rejected.3), (used, true, Some(*fault)), "{evil:?} by {step}");
                let normalised = read(LineEnds::Normalise, &input, step);
                assert_eq!(normalised, (normal.clone(), used, true, None), "{evil:?} by {step}");
            }
        }
    }

    #[test]
    fn nothing_comes_out_after_a_rejected_fault() {
        assert_eq!(read(LineEnds::Reject, b"ab\ncd\r\n.\r\n", 100).0, b"ab");
    }

    #[test]
    fn writer_stuffs_dots_and_mends_line_ends_at_every_split() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"", b".\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"..a\r\n.b", b"...a\r\n..b\r\n.\r\n"),
            (b"a\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r.\rb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r\n\0.\r\n", b"a\r\n..\r\n.\r\n"),
            (b"a\r", b"a\r\n.\r\n"),
            (b"\r\r\n", b"\r\n\r\n.\r\n"),
        ];
        for (content, expected) in cases {
            for step in 1..=content.len().max(1) {
                assert_eq!(write(content, step), *expected, "{content:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn writer_counts_what_it_had_to_change() {
        let mut writer = DotWriter::default();
        writer.write(b"a\r\n.b\r\n", &mut Vec::new());
        assert_eq!(writer.altered(), 0);
        writer.write(b"a\nb\0", &mut Vec::new());
        assert_eq!(writer.altered(), 2);
    }
}
