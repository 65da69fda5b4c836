//! Text that somebody else wrote.
//!
//! [`Untrusted`] has no `Display`: what a sender wrote reaches a terminal, a log or a peer only
//! through [`Untrusted::escaped`], which leaves no control, bidirectional or invisible character.

use serde::{Deserialize, Serialize};

/// How many characters of a foreign text are kept where nothing else is said.
pub const MAX_TEXT: usize = 256;

/// A value that came from a message, a peer or a worker, and has not been made safe to show.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value as foreign.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value as it came, for comparing and matching; never for showing.
    pub fn raw(&self) -> &T {
        &self.0
    }
}

impl<T: AsRef<str>> Untrusted<T> {
    /// At most `max` characters of it, safe on one line of a terminal or log: control characters,
    /// line and paragraph separators, bidirectional controls and invisible characters become
    /// `\u{…}`; a backslash is doubled; a cut is shown by `…`.
    pub fn escaped(&self, max: usize) -> String {
        escape(self.0.as_ref(), max)
    }
}

/// See [`Untrusted::escaped`].
pub fn escape(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for (taken, c) in text.chars().enumerate() {
        if taken == max {
            out.push('…');
            break;
        }
        match c {
            '\\' => out.push_str("\\\\"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Characters that change how the text around them shows, or do not show themselves.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_could_move_the_cursor_or_hide_is_escaped() {
        let cases = [
            ("plain name.txt", "plain name.txt"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("line\r\nnext", "line\\u{d}\\u{a}next"),
            ("exe.\u{202e}fdp", "exe.\\u{202e}fdp"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("back\\slash", "back\\\\slash"),
            ("ünï", "ünï"),
        ];
        for (raw, shown) in cases {
            assert_eq!(escape(raw, 100), shown);
        }
    }

    #[test]
    fn a_cut_is_shown() {
        assert_eq!(escape("abcdef", 3), "abc…");
        assert_eq!(escape("abc", 3), "abc");
    }
}
