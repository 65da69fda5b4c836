//! Standard output and standard error: colours, closed pipes, JSON that is safe to show.
//!
//! Nothing here panics when a pipe is closed, which `println!` and `eprintln!` do.

use std::io::{self, BufRead, IsTerminal, Write};

use mail::untrusted::escape;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

/// Longest answer to a question, in bytes.
const MAX_ANSWER: u64 = 100;

/// A colour of a terminal, as its SGR number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colour {
    /// Threats and errors.
    Red = 31,
    /// All is well.
    Green = 32,
    /// What to look at.
    Yellow = 33,
}

/// Whether colours are used: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// For text on standard output.
    pub(crate) fn stdout() -> Self {
        Self(io::stdout().is_terminal() && wanted())
    }

    /// For text on standard error.
    pub(crate) fn stderr() -> Self {
        Self(io::stderr().is_terminal() && wanted())
    }

    /// The text in a colour, if colours are used.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.0 { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.to_owned() }
    }
}

fn wanted() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_colour && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Writes a line to standard error; an error of that has nowhere to go.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a text to standard output, now.
///
/// # Errors
/// What the system says, a closed pipe above all.
pub(crate) fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A value as JSON on one line, in which every character that a terminal would act upon, or hide,
/// is written as `\u….`: what a sender wrote stays exact for programs and is harmless for people.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 1);
    let (mut units, mut buffer) = ([0; 2], [0; 4]);
    for c in text.chars() {
        let one: &str = c.encode_utf8(&mut buffer);
        // A backslash is the one ASCII character that escaping changes and JSON needs.
        if c.is_ascii_graphic() || c == ' ' || escape(one, 1) == one {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out.push('\n');
    out
}

/// Warnings and errors of the parts below go to standard error; `RUST_LOG` says which.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(Paint::stderr().0)
        .without_time()
        .with_target(false)
        .log_internal_errors(false)
        .finish();
    // Fails only if there is one already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Asks a question that is answered with yes or no, if there is somebody to ask; else `None`.
pub(crate) fn confirm(question: &str) -> Option<bool> {
    let stdin = io::stdin();
    if !stdin.is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} [y/N] ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::Read::take(stdin.lock(), MAX_ANSWER).read_line(&mut answer);
    Some(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A number of bytes for people: `1.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_back_and_shows_nothing_that_hides_or_moves() {
        let hostile = "a\u{202e}b\u{1b}[2J\u{7f}\u{9b}\u{200b}\u{e0041}\r\n\"\\ ünï";
        let line = json_line(&hostile);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), hostile);
        let shown = line.trim_end_matches('\n').replace('\\', "");
        assert_eq!(escape(&shown, 10_000), shown, "{line}");
        assert!(line.contains("ünï"));
    }

    #[test]
    fn sizes_read_well() {
        let cases = [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_999, "1.0 MB")];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(2_500_000_000), "2.5 GB");
    }
}
