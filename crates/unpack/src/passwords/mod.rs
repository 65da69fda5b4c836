//! Passwords to try on what is encrypted. They are secrets of somebody's: they are never logged, and
//! only where one came from is told.
//!
//! Limits: [`MAX_PASSWORDS`] passwords of at most [`MAX_LENGTH`] bytes.

mod harvest;
mod hints;
mod html;
mod words;

use mail::evidence::PasswordSource;

pub(crate) use harvest::Place;
pub(crate) use hints::{Hint, Hints, MAX_BODY};

/// Most passwords that are kept; what comes after is left out.
pub const MAX_PASSWORDS: usize = 64;
/// How many of them are kept free for the configured ones, as far as there are any.
const RESERVED: usize = 24;
/// Longest password, in bytes; longer ones are left out.
pub const MAX_LENGTH: usize = 128;

/// Passwords in the order in which they are tried. There is no `Debug`: they are secrets.
#[derive(Clone, Default)]
pub struct Passwords(Vec<(String, PasswordSource)>);

impl Passwords {
    /// Only the empty password, which some programs encrypt with.
    pub fn empty() -> Self {
        let mut passwords = Self::default();
        passwords.add("", PasswordSource::Empty);
        passwords
    }

    /// Adds one at the end, unless it is there, too long, or one too many.
    pub fn add(&mut self, password: &str, source: PasswordSource) {
        let known = self.0.iter().any(|(other, _)| other == password);
        if !known && password.len() <= MAX_LENGTH && self.0.len() < MAX_PASSWORDS {
            self.0.push((password.to_owned(), source));
        }
    }

    /// These, with what a message may tell in between: the empty one first, then the message's, the best
    /// first, then all others.
    pub(crate) fn with_hints(&self, hints: &mut Hints) -> Self {
        let mut all = Self::default();
        for (password, source) in self.iter().filter(|(_, source)| *source == PasswordSource::Empty) {
            all.add(password, source);
        }
        let others = self.0.len().saturating_sub(all.0.len()).min(RESERVED);
        let most = MAX_PASSWORDS.saturating_sub(others);
        for candidate in hints.read() {
            if all.0.len() < most {
                all.add(&candidate.text, PasswordSource::Message);
            }
        }
        for (password, source) in self.iter() {
            all.add(password, source);
        }
        all
    }

    /// In the order in which they are to be tried.
    pub fn iter(&self) -> impl Iterator<Item = (&str, PasswordSource)> {
        self.0.iter().map(|(password, source)| (password.as_str(), *source))
    }
}

#[cfg(test)]
mod told;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_keep_their_order_and_occur_once() {
        let mut passwords = Passwords::empty();
        passwords.add("b", PasswordSource::Message);
        passwords.add("a", PasswordSource::Configured);
        passwords.add("b", PasswordSource::Configured);
        passwords.add(&"x".repeat(MAX_LENGTH + 1), PasswordSource::Configured);
        let seen: Vec<_> = passwords.iter().collect();
        let expected = [("", PasswordSource::Empty), ("b", PasswordSource::Message), ("a", PasswordSource::Configured)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn there_are_never_too_many() {
        let mut passwords = Passwords::default();
        for number in 0..1000 {
            passwords.add(&number.to_string(), PasswordSource::Message);
        }
        assert_eq!(passwords.iter().count(), MAX_PASSWORDS);
    }
}
