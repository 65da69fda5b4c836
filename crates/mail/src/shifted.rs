//! Charsets of seven bits that switch by escapes: ISO-2022-JP, -KR, -CN (RFC 1468, 1557, 1922) and HZ
//! (RFC 1843).
//!
//! Words can be cut by escapes that a client takes out, and ASCII can stand for something else, so
//! engines see the text as clients show it. Not handled: CNS 11643 and the further sets of
//! ISO-2022-CN-EXT; what is in them becomes U+FFFD, a pair each. Linear; the output is at most three
//! times the input.

use encoding_rs::{EUC_KR, GBK, ISO_2022_JP};

use crate::graph::Recode;

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// Most bytes in the middle of an escape sequence.
const MAX_ESCAPE: usize = 4;

/// Which of them a charset is, by its name in lower case.
pub(crate) fn by_name(name: &str) -> Option<Recode> {
    let plain: String = name.chars().filter(|c| *c != '-' && *c != '_').collect();
    Some(if plain.starts_with("iso2022jp") || plain.starts_with("csiso2022jp") {
        Recode::Iso2022Jp
    } else if plain.starts_with("iso2022kr") || plain.starts_with("csiso2022kr") {
        Recode::Iso2022Kr
    } else if plain.starts_with("iso2022cn") {
        Recode::Iso2022Cn
    } else if matches!(plain.as_str(), "hz" | "hzgb2312") {
        Recode::Hz
    } else {
        return None;
    })
}

/// Whether text in one of them is anything but ASCII as it stands.
pub(crate) fn switches(recode: Recode, text: &[u8]) -> bool {
    match recode {
        Recode::Hz => memchr::memchr(b'~', text).is_some(),
        _ => memchr::memchr3(ESCAPE, SHIFT_OUT, SHIFT_IN, text).is_some(),
    }
}

/// Whether a text is ISO-2022-JP by what stands in it: nothing above 127, and an escape of that charset.
pub(crate) fn tells_itself(text: &[u8]) -> bool {
    let mut escapes = memchr::memchr_iter(ESCAPE, text).filter_map(|at| text.get(at.saturating_add(1)..));
    escapes.any(|rest| matches!(rest, [b'(', b'B' | b'J' | b'I', ..] | [b'$', b'B' | b'@', ..])) && text.is_ascii()
}

/// The text in UTF-8.
pub(crate) fn to_text(recode: Recode, text: &[u8]) -> String {
    match recode {
        Recode::Iso2022Jp => ISO_2022_JP.decode_without_bom_handling(text).0.into_owned(),
        Recode::Hz => hz(text),
        recode => shifted(recode, text),
    }
}

/// ISO-2022-KR and -CN: escapes say what shift-out leads to.
fn shifted(recode: Recode, text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    // The set behind shift-out; Korean has but one.
    let mut known = recode == Recode::Iso2022Kr;
    let set = if recode == Recode::Iso2022Kr { EUC_KR } else { GBK };
    let (mut at, mut run, mut shifted) = (0, 0, false);
    while let Some(byte) = text.get(at) {
        let length = match byte {
            &ESCAPE => escape(text.get(at.saturating_add(1)..).unwrap_or(&[])).saturating_add(1),
            &SHIFT_OUT | &SHIFT_IN => 1,
            // A line end ends a shift.
            b'\n' if shifted => 0,
            _ => {
                at = at.saturating_add(1);
                continue;
            }
        };
        put(&mut out, text.get(run..at).unwrap_or(&[]), shifted.then_some((set, known)));
        match byte {
            &SHIFT_OUT => shifted = true,
            &SHIFT_IN | b'\n' => shifted = false,
            &ESCAPE
                if recode == Recode::Iso2022Cn && text.get(at..).is_some_and(|rest| rest.starts_with(b"\x1b$)")) =>
            {
                known = text.get(at.saturating_add(3)) == Some(&b'A');
            }
            _ => {}
        }
        at = at.saturating_add(length).min(text.len());
        run = at;
    }
    put(&mut out, text.get(run..).unwrap_or(&[]), shifted.then_some((set, known)));
    out
}

/// The length of an escape sequence behind its first byte (ECMA-35 section 13): bytes from 0x20 to 0x2f,
/// then one more.
fn escape(rest: &[u8]) -> usize {
    let middle = rest.iter().take(MAX_ESCAPE).take_while(|byte| (0x20..=0x2f).contains(*byte)).count();
    middle.saturating_add(1).min(rest.len())
}

/// HZ: `~{` and `~}` around pairs of GB 2312; `~~` is `~`, and `~` at the end of a line joins lines.
fn hz(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut at, mut run, mut shifted) = (0, 0, false);
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'~', rest)) {
        at = at.saturating_add(found);
        let next = text.get(at.saturating_add(1));
        // Inside pairs a `~` is an escape only where it ends them.
        let escape = match next {
            Some(b'}') => true,
            Some(b'{' | b'~' | b'\n') => !shifted,
            Some(b'\r') => !shifted && text.get(at.saturating_add(2)) == Some(&b'\n'),
            _ => false,
        };
        if !escape {
            at = at.saturating_add(1);
            continue;
        }
        put(&mut out, text.get(run..at).unwrap_or(&[]), shifted.then_some((GBK, true)));
        match next {
            Some(b'{') => shifted = true,
            Some(b'}') => shifted = false,
            Some(b'~') => out.push('~'),
            _ => {}
        }
        let length = if next == Some(&b'\r') { 3 } else { 2 };
        at = at.saturating_add(length).min(text.len());
        run = at;
    }
    put(&mut out, text.get(run..).unwrap_or(&[]), shifted.then_some((GBK, true)));
    out
}

/// Adds a run of text: as it stands, or as pairs of a set in their lower halves.
fn put(out: &mut String, run: &[u8], set: Option<(&'static encoding_rs::Encoding, bool)>) {
    let Some((set, known)) = set else {
        out.push_str(&String::from_utf8_lossy(run));
        return;
    };
    if !known {
        out.extend(run.chunks(2).map(|_| char::REPLACEMENT_CHARACTER));
        return;
    }
    let upper: Vec<u8> = run.iter().map(|byte| if *byte > b' ' { byte | 0x80 } else { *byte }).collect();
    out.push_str(&set.decode_without_bom_handling(&upper).0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_that_it_is_iso_2022_jp() {
        for (text, tells) in [
            (&b"a\x1b(Bb"[..], true),
            (b"\x1b$B$\"\x1b(B", true),
            (b"a\x1b(Bb\xe9", false),
            (b"\x1b[1mbold\x1b[0m", false),
            (b"plain", false),
            (b"\x1b", false),
        ] {
            assert_eq!(tells_itself(text), tells, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn text_is_read_as_clients_show_it() {
        let cases: [(&str, &[u8], &str); 10] = [
            ("iso-2022-jp", b"\x1b$B$\"\x1b(B <scr\x1b(Bipt>", "あ <script>"),
            ("iso-2022-kr", b"\x1b$)C\x0e0!\x0f <scr\x0fipt>", "가 <script>"),
            ("iso-2022-kr", b"\x0e0!\nplain", "가\nplain"),
            ("iso-2022-cn", b"\x1b$)A\x0eVP\x0f a\x0fb", "中 ab"),
            ("iso-2022-cn-ext", b"\x1b$)G\x0eab\x0fc", "\u{fffd}c"),
            ("hz-gb-2312", b"~{VP~} <scr~\nipt>", "中 <script>"),
            ("hz", b"a~~b ~x ~", "a~b ~x ~"),
            ("csISO2022KR", b"a\x0fb\x1b(Bc", "abc"),
            ("iso-2022-kr", b"\x1b", ""),
            ("iso-2022-kr", b"a\x1b$", "a"),
        ];
        for (name, raw, text) in cases {
            let recode = by_name(&name.to_lowercase()).unwrap();
            assert!(switches(recode, raw), "{name}");
            assert_eq!(to_text(recode, raw), text, "{name} {raw:?}");
        }
        for name in ["iso-8859-1", "utf-8", "hzzz", "big5"] {
            assert!(by_name(name).is_none(), "{name}");
        }
    }
}
