//! Text that goes to a peer or came from one, made safe to print.

/// Longest text of one line of our own replies, in bytes: with code, space and CRLF it stays below the 512 octets of
/// RFC 5321 section 4.5.3.1.5.
pub const PEER_TEXT_MAX: usize = 480;

/// One line of printable ASCII, at most [`PEER_TEXT_MAX`] bytes: it cannot hold CR, LF or any other control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerText(String);

impl PeerText {
    /// Makes `text` safe: what is not printable ASCII becomes `?`, what is too long is cut.
    pub fn new(text: &str) -> Self {
        PeerText(text.chars().take(PEER_TEXT_MAX).map(|c| if is_printable(c) { c } else { '?' }).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character is printable ASCII, the blank included.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Bytes from a peer as printable ASCII of the same length: a tab becomes a blank, anything else outside 32..=126 `?`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| match b {
            b' '..=b'~' => char::from(b),
            b'\t' => ' ',
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_text_is_one_bounded_printable_line() {
        assert_eq!(PeerText::new("a\r\n250 ok\u{e9}\0").as_str(), "a??250 ok??");
        assert_eq!(PeerText::new(&"\u{1f600}".repeat(1000)).as_str().len(), PEER_TEXT_MAX);
    }

    #[test]
    fn peer_bytes_become_printable_one_for_one() {
        assert_eq!(printable(b"ok\t\x1b[31m\xff~"), "ok ?[31m?~");
    }
}
