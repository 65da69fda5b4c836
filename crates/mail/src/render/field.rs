//! Header fields as we write them: folded, 7-bit.

use crate::transfer;

/// Where lines are folded, if there is a blank to fold at (RFC 5322 section 2.1.1).
const FOLD: usize = 78;
/// Longest word that is written as it is; a longer one would make a line over 998 bytes.
const MAX_WORD: usize = 900;
/// Bytes of text in one encoded word, so that the word stays under 75 bytes (RFC 2047 section 2).
const WORD_BYTES: usize = 42;

/// Writes `name: value` and a line end.
pub(super) fn write(name: &str, value: &str, line_end: &[u8], out: &mut Vec<u8>) {
    let before = out.len();
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = out.len() - before;
    for word in words(value) {
        if column + word.len() > FOLD && column > name.len() + 1 {
            out.extend_from_slice(line_end);
            column = 0;
        }
        out.extend_from_slice(word.as_bytes());
        column += word.len();
    }
    out.extend_from_slice(line_end);
}

/// The value in pieces that each begin with a blank; a line may be broken in front of each. Text that
/// is not ASCII, or looks like an encoded word, is encoded.
fn words(value: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut encoded = String::new();
    for word in value.split([' ', '\t']).filter(|word| !word.is_empty()) {
        if word.is_ascii() && !word.contains("=?") && word.len() <= MAX_WORD {
            flush(&mut encoded, &mut out);
            out.push(format!(" {word}"));
        } else {
            if !encoded.is_empty() {
                encoded.push(' ');
            }
            encoded.push_str(word);
        }
    }
    flush(&mut encoded, &mut out);
    out
}

fn flush(encoded: &mut String, out: &mut Vec<String>) {
    if !encoded.is_empty() {
        out.extend(encode(encoded));
        encoded.clear();
    }
}

/// Encoded words, each with a blank in front, each of whole characters.
fn encode(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (now, later) = rest.split_at_checked(rest.floor_char_boundary(WORD_BYTES)).unwrap_or((rest, ""));
        let base64 = String::from_utf8(transfer::encode_base64(now.as_bytes(), b"")).unwrap_or_default();
        out.push(format!(" =?UTF-8?B?{base64}?="));
        rest = later;
    }
    out
}

/// What is inserted between the colon of a Subject and its value: the label, which ends with a blank.
/// The label of a value that begins with an encoded word must not lose that blank: blanks between
/// two encoded words vanish, so an encoded label carries it inside.
pub(super) fn label(text: &str, value: &[u8], line_end: &[u8]) -> Vec<u8> {
    let plain = text.is_ascii() && !text.contains("=?") && text.len() <= MAX_WORD;
    let joins = value.trim_ascii_start().starts_with(b"=?");
    let words = match plain {
        true => words(text),
        false => encode(if joins { text } else { text.trim_end() }),
    };
    let mut out = Vec::new();
    let mut column = "Subject:".len();
    for word in words {
        if column + word.len() > FOLD && column > "Subject:".len() {
            out.extend_from_slice(line_end);
            column = 0;
        }
        out.extend_from_slice(word.as_bytes());
        column += word.len();
    }
    let first_line = value.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(value);
    let blank = value.first().is_some_and(u8::is_ascii_whitespace);
    if column + first_line.len() > FOLD && !first_line.trim_ascii().is_empty() {
        out.extend_from_slice(line_end);
    }
    if !blank && !value.is_empty() {
        out.push(b' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::decode_words;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        write("X-Test", value, b"\r\n", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_folded_and_read_back() {
        let long = "word ".repeat(60);
        let unbroken = "x".repeat(5000);
        let cases =
            [unbroken.as_str(), "short", "Grüße aus Köln und noch mehr", long.trim(), "=?utf-8?Q?sly?=", "ü", "a ü b"];
        for value in cases {
            let field = written(value);
            assert!(field.lines().all(|line| line.len() <= FOLD && line.is_ascii()), "{field}");
            assert!(field.starts_with("X-Test: ") && field.ends_with("\r\n"), "{field}");
            assert_eq!(decode_words(&field.as_bytes()["X-Test:".len()..]), value);
        }
    }

    #[test]
    fn labels_keep_their_blank() {
        let cases = [("[X] ", " plain"), ("[Ü] ", " plain"), ("[Ü] ", " =?utf-8?B?w7w=?="), ("[X] ", "tight")];
        for (text, value) in cases {
            let field = [label(text, value.as_bytes(), b"\r\n"), value.as_bytes().to_vec()].concat();
            let own = decode_words(value.as_bytes());
            assert_eq!(decode_words(&field), format!("{text}{own}"), "{value}");
        }
    }
}
