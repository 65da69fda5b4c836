//! The text of a document in UTF-8, as a filter wants it: runs of blanks are one space, runs of line
//! ends are one line feed, other control characters are spaces; what its reader does not see stands
//! apart.
//!
//! Limit: [`MAX_TEXT`] bytes of each; what comes after is left out, which is no failure of the
//! examination: the file itself is examined whole.

use mail::evidence::Role;

/// Most bytes of the shown text, and of the hidden text, of one document.
pub(crate) const MAX_TEXT: usize = 4 * 1024 * 1024;

/// The text of one document.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TextView {
    visible: String,
    hidden: String,
}

impl TextView {
    /// Adds text as it stands; blanks between two pieces are only there if one of them has them.
    pub(crate) fn push(&mut self, text: &str, hidden: bool) {
        // Words of plain letters, which are nearly all, go as a whole.
        let is_plain = |byte: &u8| matches!(byte, b'!'..=b'~');
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let plain = rest.bytes().position(|byte| !is_plain(&byte)).unwrap_or(rest.len());
            let out = if hidden { &mut self.hidden } else { &mut self.visible };
            let room = MAX_TEXT.saturating_sub(out.len());
            if room == 0 {
                return;
            }
            let taken = if plain > 1 { plain.min(room) } else { letter.len_utf8() };
            if plain > 1 {
                out.push_str(rest.get(..taken).unwrap_or(""));
            } else {
                self.push_char(letter, hidden);
            }
            rest = rest.get(taken..).unwrap_or("");
        }
    }

    /// Adds one character.
    pub(crate) fn push_char(&mut self, letter: char, hidden: bool) {
        let out = if hidden { &mut self.hidden } else { &mut self.visible };
        let letter = match letter {
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
            // A soft hyphen is not seen, but parts words for who compares.
            '\u{ad}' => return,
            letter if letter.is_control() || letter.is_whitespace() => ' ',
            letter => letter,
        };
        if letter == '\n' && out.ends_with(' ') {
            out.pop();
        }
        let blank = matches!(letter, ' ' | '\n');
        if blank && (out.is_empty() || out.ends_with([' ', '\n'])) || out.len() >= MAX_TEXT {
            return;
        }
        out.push(letter);
    }

    /// Ends a line: of a paragraph, a row, a slide.
    pub(crate) fn end_line(&mut self, hidden: bool) {
        self.push_char('\n', hidden);
    }

    /// The shown text so far.
    pub fn visible(&self) -> &str {
        &self.visible
    }

    /// The hidden text so far.
    pub fn hidden(&self) -> &str {
        &self.hidden
    }

    /// Those of the two texts that are not empty.
    pub(crate) fn into_roles(self) -> Vec<(Role, String)> {
        let both = [(Role::Text, self.visible), (Role::HiddenText, self.hidden)];
        both.into_iter().map(|(role, text)| (role, trimmed(text))).filter(|(_, text)| !text.is_empty()).collect()
    }
}

/// A text without the blank at its end.
fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_one_and_lines_are_one() {
        let mut text = TextView::default();
        text.push("  a \t\u{a0}b\0c ", false);
        text.end_line(false);
        text.end_line(false);
        text.push("\r\n d", false);
        text.push("h", true);
        assert_eq!(text.into_roles(), [(Role::Text, "a b c\nd".to_owned()), (Role::HiddenText, "h".to_owned())]);
    }

    #[test]
    fn there_is_never_more_than_the_limit() {
        let mut text = TextView::default();
        for _ in 0..MAX_TEXT {
            text.push("éx", false);
        }
        assert!((MAX_TEXT..MAX_TEXT + 3).contains(&text.visible().len()));
    }
}
