//! What of a message may tell a password: kept as it came, and read only when something encrypted is
//! met. Most mail never pays more than the copy.
//!
//! Limits: [`MAX_BODY`] of one body, [`MAX_BYTES`] and [`MAX_HINTS`] in all; what comes after is left
//! out.

use mail::charset;
use mail::graph::{Encoding, Recode};
use mail::transfer;

use super::harvest::{Candidate, Place, search};
use super::html;

/// Most bytes of one body that are kept.
pub(crate) const MAX_BODY: usize = 128 * 1024;
/// Most bytes that are kept in all.
const MAX_BYTES: usize = 512 * 1024;
/// Most hints.
const MAX_HINTS: usize = 512;

/// One text that may tell a password.
#[derive(Clone)]
pub(crate) struct Hint {
    pub(crate) place: Place,
    pub(crate) bytes: Vec<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) recode: Recode,
    pub(crate) charset: Option<String>,
    pub(crate) html: bool,
}

impl Hint {
    /// A text that is decoded already.
    pub(crate) fn plain(place: Place, text: &str) -> Self {
        let bytes = text.as_bytes().get(..MAX_BODY).unwrap_or(text.as_bytes()).to_vec();
        let charset = Some("utf-8".to_owned());
        Self { place, bytes, encoding: Encoding::Identity, recode: Recode::None, charset, html: false }
    }

    fn text(&self) -> String {
        let decoded = transfer::decode_text(self.encoding, self.recode, &self.bytes, MAX_BODY);
        let text = charset::to_text(&decoded.bytes, self.charset.as_deref());
        if self.html { html::text(&text) } else { text.into_owned() }
    }
}

/// All hints of an examination. There is no `Debug`: passwords stand in them.
#[derive(Clone, Default)]
pub(crate) struct Hints {
    waiting: Vec<Hint>,
    bytes: usize,
    count: usize,
    found: Vec<Candidate>,
}

impl Hints {
    /// Keeps one more, if there is room.
    pub(crate) fn add(&mut self, hint: Hint) {
        let bytes = self.bytes.saturating_add(hint.bytes.len());
        if self.count < MAX_HINTS && bytes <= MAX_BYTES {
            self.bytes = bytes;
            self.count = self.count.saturating_add(1);
            self.waiting.push(hint);
        }
    }

    /// Whether something was added since the last [`Hints::read`].
    pub(crate) fn is_fresh(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The candidates, best first. Each hint is read once.
    pub(crate) fn read(&mut self) -> &[Candidate] {
        for hint in std::mem::take(&mut self.waiting) {
            search(&hint.text(), hint.place, &mut self.found);
            // Stable: what was said first comes first.
            self.found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
            self.found.truncate(super::MAX_PASSWORDS.saturating_mul(4));
        }
        &self.found
    }
}
