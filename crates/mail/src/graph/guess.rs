//! Whether bytes are a message, by content alone.

use super::lines::Lines;
use super::scan::field_name;

/// How far into the bytes fields are looked for.
const MAX_LOOK: usize = 16 * 1024;
/// How many fields must stand in front of anything else.
const MIN_FIELDS: usize = 2;
/// Fields that mail has and little else; one of them must be there.
const MAIL_FIELDS: &[&str] = &[
    "from",
    "to",
    "subject",
    "received",
    "message-id",
    "return-path",
    "delivered-to",
    "reply-to",
    "sender",
    "mime-version",
    "dkim-signature",
    "authentication-results",
    "x-mailer",
];

/// Whether the bytes start like a message: at least two header fields before anything else, one of
/// them a field that mail has. A line `From …` of an mbox in front is passed over.
pub fn looks_like_message(bytes: &[u8]) -> bool {
    let bytes = bytes.get(..bytes.len().min(MAX_LOOK)).unwrap_or(bytes);
    let mut lines = Lines::new(bytes, 0);
    let (mut fields, mut known, mut first) = (0, false, true);
    while let Some(line) = lines.next() {
        let text = bytes.get(line.start..line.end).unwrap_or(&[]);
        if std::mem::take(&mut first) && is_mbox_line(text) {
            continue;
        }
        if fields > 0 && text.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            continue;
        }
        let Some((name, _)) = field_name(text) else { break };
        let name = text.get(..name).unwrap_or(&[]);
        fields += 1;
        known |= MAIL_FIELDS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        if known && fields >= MIN_FIELDS {
            return true;
        }
    }
    false
}

/// A separator line of an mbox, or such a line that was escaped.
///
/// `From :` is no such line, although some mail programs take it for one: to the others it is the author, and
/// to all of them once a server has put a field of its own in front. What was no author in the one reading
/// would have nobody to answer for it in the other.
pub(super) fn is_mbox_line(text: &[u8]) -> bool {
    let is_field = |rest: &[u8]| rest.trim_ascii_start().first() == Some(&b':');
    text.strip_prefix(b"From ").is_some_and(|rest| !is_field(rest)) || text.starts_with(b">From ")
}

#[cfg(test)]
mod tests {
    use super::looks_like_message;

    #[test]
    fn messages_are_told_from_other_texts() {
        let cases = [
            ("From: a@example.org\r\nTo: b@example.org\r\n\r\nhi", true),
            ("From a Mon Jan  1 00:00:00 2024\nReceived: from x\n\tby y\nX-Y: z\n\n", true),
            ("From : a@example.org\r\nX-Y: z\r\n\r\n", true),
            ("From : a@example.org\r\n\r\n", false),
            ("Subject: only one\r\n\r\n", false),
            ("Server: x\r\nX-Powered-By: y\r\n\r\n", false),
            ("just: words\nand: colons\n", false),
            ("", false),
            ("Hello\r\nFrom: a\r\nTo: b\r\n", false),
        ];
        for (text, is) in cases {
            assert_eq!(looks_like_message(text.as_bytes()), is, "{text}");
        }
    }
}
