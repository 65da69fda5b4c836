//! Scripts behind the Microsoft Script Encoder (`.jse`, `.vbe`, `JScript.Encode` in pages): each
//! character is replaced by one of three tables, in an order that repeats after 64.
//!
//! An encoded block is `#@~^`, its length in base64, `==`, the text, a checksum in base64, `==^#~@`.
//! Length and checksum are not believed. Limit: [`MAX_BLOCKS`]. Not handled: characters beyond ASCII,
//! which the encoder leaves as they are, stay so.

use crate::bytes::between;

/// Most encoded blocks of one file.
const MAX_BLOCKS: usize = 256;
/// How a block begins.
pub(crate) const START: &[u8] = b"#@~^";
/// How it ends.
const END: &[u8] = b"^#~@";
/// What the characters from 32 to 127 stand for, by table. Those at `<`, `>` and `@` do not occur.
const TABLES: [&[u8; 96]; 3] = [
    b".GzVBj/&IA42[vrC89pEhqO\x09bD#uJ~J^@wJa]\"KoN;LPg*}tT+-,0nkf5%!dMRc?{x)(sY3\x7fmUS|:_eFX1ilZH'\\=$y7`Q 6",
    b"-uR`q^I\\b})6 |z\x7fkc3+hQfv1dTCL:L~LE,*t'7DyY/o&rj9{?8wgSG4x]0#Z[lHUpi.L!$NP\x09Vs5aKX;W\"mM%(FJ2A=_OBe",
    b"20!)[83=X:5e9\\VsfNEkbYx^}JmqA`AS@B'Hru17MR\"TjGd- \x7f.L]~loytC&v%$+(#A4\x09*D?w;UiacPgQIOFh|6pnz/_KZ,W",
];
/// What a tabulator stands for.
const TAB: [u8; 3] = [0x57, 0x6e, 0x7b];
/// Which table counts for which character.
const ORDER: &[u8; 64] = b"0120121221210212021200122102122100212120200120210212001220012021";

/// The text with all its encoded blocks undone; `None` without any.
pub(crate) fn undone(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut from = 0_usize;
    for _ in 0..MAX_BLOCKS {
        let Some(at) = memchr::memmem::find(between(data, from, data.len()), START) else { break };
        let start = from.saturating_add(at);
        out.extend_from_slice(between(data, from, start));
        let body = between(data, start.saturating_add(4), data.len());
        // Eight characters say the length.
        let body_at = if between(body, 6, 8) == b"==" { 8 } else { 0 };
        let body = between(body, body_at, body.len());
        let end = memchr::memmem::find(body, END).unwrap_or(body.len());
        let sum = if between(body, end.saturating_sub(2), end) == b"==" { 8 } else { 0 };
        block(between(body, 0, end.saturating_sub(sum)), &mut out);
        let behind = start.saturating_add(4).saturating_add(body_at).saturating_add(end);
        from = behind.saturating_add(END.len()).min(data.len());
    }
    if from == 0 {
        return None;
    }
    out.extend_from_slice(between(data, from, data.len()));
    Some(out)
}

/// One block.
fn block(text: &[u8], out: &mut Vec<u8>) {
    let mut bytes = text.iter();
    let mut at = 0_usize;
    while let Some(&byte) = bytes.next() {
        // What could end a script element or a line stands as two characters.
        let escaped = match (byte, bytes.as_slice().first()) {
            (b'@', Some(b'&')) => Some(b'\n'),
            (b'@', Some(b'#')) => Some(b'\r'),
            (b'@', Some(b'*')) => Some(b'>'),
            (b'@', Some(b'!')) => Some(b'<'),
            (b'@', Some(b'$')) => Some(b'@'),
            _ => None,
        };
        let table = ORDER.get(at & 63).map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
        if byte < 128 {
            at = at.saturating_add(1);
        }
        let plain = match (escaped, byte) {
            (Some(plain), _) => {
                bytes.next();
                Some(plain)
            }
            (None, b'\t') => TAB.get(table).copied(),
            (None, b'<' | b'>' | b'@') => None,
            (None, 32..=127) => {
                TABLES.get(table).and_then(|table| table.get(usize::from(byte).wrapping_sub(32))).copied()
            }
            _ => None,
        };
        out.push(plain.unwrap_or(byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_scripts_are_undone() {
        let cases: [(&[u8], &[u8]); 4] = [
            (b"#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@", b"MsgBox \"Hello\""),
            (b"x #@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@ y", b"x MsgBox \"Hello\" y"),
            (b"#@~^DgAAAA==\\ko$K6,", b"MsgBox "),
            (
                b"#@~^RQAAAA==-mD~sX|:/TP{~J:+dYbxL~@!F@*@!+@*@!&@*eEI@#@&@#@&\x7fjm.raY 214Wv:zms/obI0xEAAA==^#~@",
                b"var my_msg = \"Testing <1><2><3>!\";\r\n\r\nWScript.Echo(my_msg);",
            ),
        ];
        for (encoded, plain) in cases {
            assert_eq!(
                undone(encoded).map(|text| String::from_utf8_lossy(&text).into_owned()),
                Some(String::from_utf8_lossy(plain).into_owned())
            );
        }
        assert_eq!(undone(b"no such thing"), None);
    }

    #[test]
    fn each_table_is_a_permutation() {
        for table in TABLES {
            let mut seen: Vec<u8> =
                (32..128_u8).zip(table.iter()).filter(|(byte, _)| !b"<>@".contains(byte)).map(|(_, to)| *to).collect();
            let all = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), all);
        }
    }
}
