//! Several words looked for in texts, prepared once: preparing costs more than looking in a short text.

use memchr::memmem::Finder;

/// Words, each to be found as it is written.
pub(crate) struct Words(Vec<Finder<'static>>);

impl Words {
    /// Prepares words.
    pub(crate) fn new(words: &[&'static [u8]]) -> Self {
        Self(words.iter().map(|word| Finder::new(*word)).collect())
    }

    /// Whether a text has one of them.
    pub(crate) fn any(&self, text: &[u8]) -> bool {
        self.0.iter().any(|word| word.find(text).is_some())
    }

    /// How many of them a text has.
    pub(crate) fn count(&self, text: &[u8]) -> usize {
        self.0.iter().filter(|word| word.find(text).is_some()).count()
    }
}
