//! Header fields: unfolding, structured values with parameters, encoded words.
//!
//! RFC 5322 section 2.2, RFC 2045 section 5, RFC 2047, RFC 2231. All readers take the raw bytes of
//! a value as they stand in the message, folds included, and run in linear time.

use std::borrow::Cow;

mod mailboxes;
mod params;
mod results;
mod value;
mod words;

pub use mailboxes::{MAX_LOOKED_UP, MAX_MAILBOXES, Mailbox, Mailboxes, mailboxes, mailboxes_up_to};
pub use params::{MAX_PARAMS, Structured};
pub use results::{MAX_PROPERTIES, MAX_STATEMENTS, Statement, statements};
pub use value::percent_decode;
pub use words::decode_words;
pub(crate) use words::has_bad_word;

/// A field's value on one line: line ends taken out, white space at both ends dropped.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect())
}

/// The value of a field that holds one token, such as Content-Transfer-Encoding: comments and white
/// space around it dropped, in lower case.
pub fn token(value: &[u8]) -> String {
    params::token(value)
}
