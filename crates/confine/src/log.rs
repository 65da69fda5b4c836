//! What the host and its workers write to standard error, as log lines.
//!
//! A worker may have been taken over by what it parsed: its lines are cut, escaped and counted.

use std::io::Read;
use std::time::{Duration, Instant};

use mail::untrusted::escape;

/// Longest line, in bytes; the rest of it is dropped.
const MAX_LINE: usize = 512;

/// Most lines in one [`WINDOW`]; the rest is counted.
const MAX_LINES: u32 = 100;

/// See [`MAX_LINES`].
const WINDOW: Duration = Duration::from_secs(10);

/// Reads until the last writer is gone, and gives every line that may be shown, escaped.
pub(crate) fn forward(mut from: impl Read, mut show: impl FnMut(&str)) {
    let mut chunk = [0; 4096];
    let mut line = Vec::new();
    let mut gate = Gate { since: Instant::now(), shown: 0, dropped: 0 };
    while let Ok(length) = from.read(&mut chunk) {
        if length == 0 {
            break;
        }
        for piece in chunk.get(..length).unwrap_or_default().split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend_from_slice(text.get(..room).unwrap_or(text));
            if ends {
                gate.pass(&line, &mut show);
                line.clear();
            }
        }
    }
    gate.pass(&line, &mut show);
}

/// Lets so many lines through in a window of time.
struct Gate {
    since: Instant,
    shown: u32,
    dropped: u64,
}

impl Gate {
    fn pass(&mut self, line: &[u8], show: &mut impl FnMut(&str)) {
        if line.is_empty() {
            return;
        }
        if self.since.elapsed() >= WINDOW {
            if self.dropped > 0 {
                show(&format!("{} lines more were not logged", self.dropped));
            }
            *self = Self { since: Instant::now(), shown: 0, dropped: 0 };
        }
        if self.shown == MAX_LINES {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.shown += 1;
        show(&escape(&String::from_utf8_lossy(line), MAX_LINE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        forward(input, |line| out.push(line.to_owned()));
        out
    }

    #[test]
    fn lines_are_escaped_and_cut() {
        let mut input = b"plain\n\n\x1b[31mred\r\n".to_vec();
        input.extend_from_slice(&[b'x'; 10_000]);
        let got = lines(&input);
        assert_eq!(got[..2], ["plain", "\\u{1b}[31mred\\u{d}"]);
        assert_eq!((got.len(), got[2].len()), (3, MAX_LINE));
    }

    #[test]
    fn a_flood_is_cut_off() {
        assert_eq!(lines(&b"again\n".repeat(100_000)).len(), MAX_LINES as usize);
    }
}
