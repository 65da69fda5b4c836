//! The characters of a file of lists: UTF-8, or UTF-16 with a byte order mark, as spreadsheets write it.
//!
//! Not handled: every other character set. Nothing in a file of addresses tells Latin-1 from its relatives, so lines
//! that are not UTF-8 are told, each by its number.

use std::borrow::Cow;

/// The text of a file, and which of its lines (from 1, the first `most`) have bytes that stand for no character.
/// Those have U+FFFD in their place.
pub fn decoded(bytes: &[u8], most: usize) -> (Cow<'_, str>, Vec<u32>) {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, most),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes, most),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), Vec::new()),
            Err(_) => {
                let lines = (1u32..).zip(bytes.split(|byte| *byte == b'\n'));
                let bad = lines.filter(|(_, line)| std::str::from_utf8(line).is_err()).map(|(number, _)| number);
                let bad = bad.take(most).collect();
                (String::from_utf8_lossy(bytes), bad)
            }
        },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, most: usize) -> (Cow<'static, str>, Vec<u32>) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::new();
    let (mut line, mut bad) = (1u32, Vec::new());
    let mut wrong = |line: u32| {
        if bad.last() != Some(&line) && bad.len() < most {
            bad.push(line);
        }
    };
    for read in char::decode_utf16(pairs.iter().copied().map(unit)) {
        let character = read.unwrap_or_else(|_| {
            wrong(line);
            char::REPLACEMENT_CHARACTER
        });
        text.push(character);
        line = line.saturating_add(u32::from(character == '\n'));
    }
    if !rest.is_empty() {
        wrong(line);
    }
    (Cow::Owned(declared(text)), bad)
}

/// A document says in which character set it was; from here on it is another one.
fn declared(mut text: String) -> String {
    let end = text.find("?>").filter(|_| text.starts_with("<?xml"));
    let declaration = end.and_then(|end| text.get(..end)).unwrap_or_default().to_ascii_lowercase();
    let Some(at) = declaration.find("utf-16") else { return text };
    text.replace_range(at..at.saturating_add("utf-16".len()), "utf-8");
    text
}
