//! RTF as tokens (RTF 1.9.1), the way Word reads it: whatever is not understood is passed over.
//!
//! Limits: [`MAX_WORD`] letters of a control word, [`MAX_DIGITS`] digits of its number. Every byte is
//! looked at about once.

use std::ops::Range;

use crate::bytes::between;

/// Longest control word, in bytes; letters behind that are text.
const MAX_WORD: usize = 255;
/// Most digits of a number; the rest is text.
const MAX_DIGITS: usize = 10;

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// `{`
    Open,
    /// `}`
    Close,
    /// A control word and its number.
    Word(&'a [u8], Option<i32>),
    /// `\*`, `\~` and the like.
    Symbol(u8),
    /// `\'xx`
    Hex(u8),
    /// What follows `\binN`: as it stands.
    Binary(&'a [u8]),
    /// Text up to the next of these; line ends belong to it, and mean nothing.
    Text(&'a [u8]),
}

/// The tokenizer.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    data: &'a [u8],
    at: usize,
    /// Something was cut off.
    pub(super) damaged: bool,
}

/// What a hex digit stands for.
pub(super) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl<'a> Tokens<'a> {
    /// At the start of a file.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, damaged: false }
    }

    /// Where it stands, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.data.get(self.at.saturating_add(ahead)).copied()
    }

    fn pass(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.data.len());
    }

    /// How many bytes from here on fit, at most `max`.
    fn run(&self, max: usize, fits: impl Fn(&u8) -> bool) -> Range<usize> {
        let rest = between(self.data, self.at, self.at.saturating_add(max));
        let length = rest.iter().position(|byte| !fits(byte)).unwrap_or(rest.len());
        self.at..self.at.saturating_add(length)
    }

    /// What stands behind a backslash.
    fn control(&mut self) -> Option<Token<'a>> {
        self.pass(1);
        let Some(first) = self.peek(0) else {
            self.damaged = true;
            return None;
        };
        if first == b'\'' {
            let (high, low) = (self.peek(1).and_then(digit), self.peek(2).and_then(digit));
            let (Some(high), Some(low)) = (high, low) else {
                self.pass(1);
                return Some(Token::Symbol(first));
            };
            self.pass(3);
            return Some(Token::Hex(high << 4 | low));
        }
        if !first.is_ascii_alphabetic() {
            self.pass(1);
            return Some(Token::Symbol(first));
        }
        let word = self.run(MAX_WORD, u8::is_ascii_alphabetic);
        let word = between(self.data, word.start, word.end);
        self.pass(word.len());
        let number = self.number();
        if self.peek(0) == Some(b' ') {
            self.pass(1);
        }
        if word.eq_ignore_ascii_case(b"bin") {
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            let bytes = between(self.data, self.at, self.at.saturating_add(length));
            self.damaged |= bytes.len() < length;
            self.pass(bytes.len());
            return Some(Token::Binary(bytes));
        }
        Some(Token::Word(word, number))
    }

    /// The number behind a control word.
    fn number(&mut self) -> Option<i32> {
        let negative = self.peek(0) == Some(b'-') && self.peek(1).is_some_and(|byte| byte.is_ascii_digit());
        if negative {
            self.pass(1);
        }
        let digits = self.run(MAX_DIGITS, u8::is_ascii_digit);
        let text = std::str::from_utf8(between(self.data, digits.start, digits.end)).ok()?;
        self.pass(digits.len());
        let value = text.parse::<i64>().ok()?;
        let value = if negative { value.saturating_neg() } else { value };
        Some(i32::try_from(value).unwrap_or(if negative { i32::MIN } else { i32::MAX }))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        match self.peek(0)? {
            b'{' => {
                self.pass(1);
                Some(Token::Open)
            }
            b'}' => {
                self.pass(1);
                Some(Token::Close)
            }
            b'\\' => self.control(),
            _ => {
                let rest = between(self.data, self.at, self.data.len());
                let length = memchr::memchr3(b'{', b'}', b'\\', rest).unwrap_or(rest.len());
                self.pass(length);
                Some(Token::Text(between(rest, 0, length)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_that_word_sees() {
        let all: Vec<Token<'_>> = Tokens::new(b"{\\rt\\*\\objdata-12 0\r\n1\\'e9\\'q\\bin3 {}\\x\\{}").collect();
        let expected = [
            Token::Open,
            Token::Word(b"rt", None),
            Token::Symbol(b'*'),
            Token::Word(b"objdata", Some(-12)),
            Token::Text(b"0\r\n1"),
            Token::Hex(0xe9),
            Token::Symbol(b'\''),
            Token::Text(b"q"),
            Token::Binary(b"{}\\"),
            Token::Text(b"x"),
            Token::Symbol(b'{'),
            Token::Close,
        ];
        assert_eq!(all, expected);
        let mut cut = Tokens::new(b"\\bin99999999999 x");
        assert_eq!((cut.by_ref().count(), cut.damaged), (1, true));
    }
}
