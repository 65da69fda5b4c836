//! Files that stand inside a text: uuencode, yEnc, BinHex 4.0, bare base64, and what stands behind a line
//! that names a transfer encoding.
//!
//! A [`Block`] is found by its first line, or, for bare base64, by lines that hold nothing else and
//! decode to something that is a file or a text. Blocks without an end reach to the end of the text.
//! Linear time; at most [`MAX_BLOCKS`]. Not handled: files split over several messages (each piece is
//! given), xxencode, resource forks of BinHex.

use crate::graph::Encoding;
use crate::span::Span;
use crate::transfer::{Decoded, base64, class};

mod fields;
mod utf7;
mod uu;

pub(crate) use fields::{announced, find_inside, is_inside};
pub(crate) use utf7::utf7;
pub(crate) use uu::is_uneven;

/// The other ways in which uuencode is read.
pub(crate) const UU_WAYS: [Encoding; 4] =
    [Encoding::UuencodeEven, Encoding::UuencodeToGap, Encoding::UuencodeStream, Encoding::UuencodeFilled];

/// Most blocks that are taken from one text.
pub const MAX_BLOCKS: usize = 64;
/// How many times a body's size all files in it may have that begin in one another.
const MAX_OVERLAP: usize = 2;
/// Shortest first line of bare base64, in bytes.
const MIN_RUN_LINE: usize = 40;
/// How much of bare base64 is decoded to see what it is, in encoded bytes.
const MAX_PROBE: usize = 128;
/// How many of twenty bytes must be printable for a text.
const PRINTABLE: usize = 19;
/// Longest file name that is taken, in bytes.
const MAX_NAME: usize = 255;
/// The sextets of BinHex 4.0 in order (RFC 1741, appendix A).
const BINHEX: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
/// What a BinHex file begins with, behind white space.
const BINHEX_LINE: &[u8] = b"(This file must be converted with BinHex";
/// How files begin that are worth finding in bare base64.
const MAGIC: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"MZ",
    b"%PDF",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"\x7fELF",
    b"BZh",
    b"\xfd7zXZ",
    b"{\\rtf",
    b"MSCF",
    b"ITSF",
    b"L\0\0\0\x01\x14",
];

/// A file in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// Where it stands, its first and last line included, but no field in front of it.
    pub span: Span,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Its name, as bytes.
    pub name: Option<Vec<u8>>,
}

/// Whether a block may begin with this line of text.
pub(crate) fn may_begin(line: &[u8]) -> bool {
    match line.first() {
        Some(b'b' | b'B') => line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"begin")),
        Some(b'=') => line.starts_with(b"=ybegin "),
        Some(b'(') => line.starts_with(BINHEX_LINE),
        _ => line.len() >= MIN_RUN_LINE && is_run(line),
    }
}

/// Whether a block of uuencode is probably none: a line that begins like one, with a number too short for
/// a mode, and no such data behind it. Few clients take it for a file.
pub(crate) fn is_doubtful(block: &[u8]) -> bool {
    let (line, next) = line_at(block, 0);
    let digits = line.iter().skip(5).skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit()).count();
    line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"begin"))
        && digits < 3
        && !is_uu_line(line_at(block, next).0)
}

/// Whether a file may begin with this line of quoted-printable, which does not go on a line before it.
/// Never wrong about "no", but where something is escaped that needs it not ([`is_needless`]).
pub(crate) fn may_begin_quoted(line: &[u8]) -> bool {
    let first = line.first();
    if matches!(first, Some(b'=' | b'(')) {
        return true;
    }
    if matches!(first, Some(b'c' | b'C')) && fields::is_mime(line) {
        return true;
    }
    let word = line.get(..5).unwrap_or(line);
    let begins = matches!(first, Some(b'b' | b'B'))
        && (word.eq_ignore_ascii_case(b"begin") || memchr::memchr(b'=', word).is_some());
    // What soft breaks join may be a run together.
    begins || ((line.len() >= MIN_RUN_LINE || is_soft(line)) && is_run(line.get(..MIN_RUN_LINE).unwrap_or(line)))
}

/// Whether a line of quoted-printable goes on in the next one.
pub(crate) fn is_soft(line: &[u8]) -> bool {
    match line.last() {
        Some(b'=') => true,
        Some(b' ' | b'\t') => line.trim_ascii_end().ends_with(b"="),
        _ => false,
    }
}

/// Whether a byte needs no escape in quoted-printable, and may begin a file.
pub(crate) fn is_needless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b'+' | b'/' | b'\n')
}

/// Whether a line holds nothing but base64. The middle is looked at first: it tells texts quickly.
fn is_run(line: &[u8]) -> bool {
    // Texts have blanks early on.
    let blanks = |start: &[u8; 16]| start.iter().fold(0u8, |all, byte| all | u8::from(*byte == b' ')) != 0;
    let line = line.trim_ascii_end();
    if line.first_chunk().is_some_and(blanks) {
        return false;
    }
    let sample = line.iter().step_by(5).all(|byte| class(*byte) < 64 || *byte == b'=');
    sample && line.iter().all(|byte| class(*byte) < 64 || *byte == b'=')
}

/// Finds the blocks of a text, in order, without overlap.
pub fn find(text: &[u8]) -> Vec<Block> {
    blocks(text, false)
}

/// The same, and what stands behind a line that names a transfer encoding: some clients look for one in a
/// text as it stands.
pub(crate) fn find_as_it_stands(text: &[u8]) -> Vec<Block> {
    blocks(text, true)
}

fn blocks(text: &[u8], fields: bool) -> Vec<Block> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() && out.len() < MAX_BLOCKS {
        let (line, next) = line_at(text, at);
        if fields && announced(line).is_some() {
            out.extend(fields::behind_each(text, at).into_iter().take(MAX_BLOCKS.saturating_sub(out.len())));
            return out;
        }
        at = match may_begin(line).then(|| block(text, at, line, next)).flatten() {
            Some(block) => {
                let end = (block.span.end as usize).max(next);
                // What does not begin as a file should does not hide a line that names an encoding.
                let loose = block.encoding == Encoding::Uuencode && !is_uu_line(line_at(text, next).0);
                let from = (fields && loose).then(|| named_from(text, next, end)).flatten();
                out.push(block);
                if let Some(from) = from {
                    at = from;
                    continue;
                }
                end
            }
            None => next,
        };
    }
    out
}

/// The first line from `from` to `to` that names an encoding.
fn named_from(text: &[u8], from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    while at < to {
        let (line, next) = line_at(text, at);
        if announced(line).is_some() {
            return Some(at);
        }
        at = next;
    }
    None
}

/// The line at an offset without its line end, and where the next one begins.
fn line_at(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = text.get(at..).unwrap_or(&[]);
    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let line = rest.get(..length).unwrap_or(rest);
    (line.strip_suffix(b"\r").unwrap_or(line), at.saturating_add(length).saturating_add(1).min(text.len()))
}

/// The block that begins with a line, if it is one.
fn block(text: &[u8], at: usize, line: &[u8], next: usize) -> Option<Block> {
    let (encoding, name, end) = if line.starts_with(b"=ybegin ") {
        let name = memchr::memmem::find(line, b"name=").and_then(|at| line.get(at.saturating_add(5)..));
        (Encoding::Yenc, name, end_of(text, next, |line| line.starts_with(b"=yend")))
    } else if line.starts_with(BINHEX_LINE) {
        (Encoding::BinHex, None, end_of_binhex(text, next))
    } else if let Some(name) = begin_base64(line) {
        (Encoding::Base64Block, Some(name), end_of(text, next, |line| line.starts_with(b"====")))
    } else if let Some(name) = begin(line) {
        (Encoding::Uuencode, Some(name), end_of(text, next, |line| line.starts_with(b"end")))
    } else {
        // A bounded probe first: a run of many lines that is no file is asked about at each line.
        let probe = text.get(at..at.saturating_add(MAX_PROBE).min(text.len())).unwrap_or(&[]);
        if !is_worth(&base64(probe.get(..line.len()).unwrap_or(probe), MAX_PROBE).bytes) {
            return None;
        }
        (Encoding::Base64, None, end_of_run(text, at))
    };
    let name = name.map(|name| name.trim_ascii()).map(|name| name.get(..MAX_NAME).unwrap_or(name).to_vec());
    Some(Block { span: Span::new(at, end), encoding, name: name.filter(|name| !name.is_empty()) })
}

/// `begin 644 name`: the name, perhaps empty.
fn begin(line: &[u8]) -> Option<&[u8]> {
    let rest = line.get(..5).filter(|start| start.eq_ignore_ascii_case(b"begin")).and_then(|_| line.get(5..))?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let name = rest.get(digits..)?;
    match digits {
        1..=6 => Some(name),
        _ => None,
    }
}

/// Adds the files in a body whose header calls it uuencoded in whatever words: clients that know them take any line
/// that begins with `begin` and a blank for a first one, with a mode or without. So does one within another
/// file, which may have ended without saying so: no line of data begins like it. Such a file goes to its `end` as others
/// do, or, once all together are [`MAX_OVERLAP`] times the body, to the next first line.
pub(crate) fn find_without_mode(body: &[u8], blocks: &mut Vec<Block>) {
    let mut known: Vec<Span> = blocks.iter().filter(|it| it.encoding == Encoding::Uuencode).map(|it| it.span).collect();
    known.sort_unstable_by_key(|span| span.start);
    let mut known = known.into_iter().peekable();
    let is_first = |line: &[u8]| line.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"begin "));
    let mut left = body.len().saturating_mul(MAX_OVERLAP);
    let mut at = 0;
    while at < body.len() && blocks.len() < MAX_BLOCKS {
        let (line, next) = line_at(body, at);
        let is_known = known.next_if(|span| span.start as usize <= at).is_some();
        if let Some(name) = line.get(6..).filter(|_| is_first(line) && !is_known) {
            let name = begin(line).unwrap_or(name).trim_ascii();
            let name = name.get(..MAX_NAME).unwrap_or(name);
            let mut end = end_of(body, next, |line| line.starts_with(b"end"));
            if end.saturating_sub(at) > left {
                end = next;
                while end < body.len() && !is_first(line_at(body, end).0) {
                    end = line_at(body, end).1;
                }
            }
            left = left.saturating_sub(end.saturating_sub(at));
            let name = Some(name.to_vec()).filter(|name| !name.is_empty());
            blocks.push(Block { span: Span::new(at, end), encoding: Encoding::Uuencode, name });
        }
        at = next;
    }
}

/// Whether a line is as long as its first character says.
fn is_uu_line(line: &[u8]) -> bool {
    let Some((length, data)) = line.split_first() else { return false };
    let wanted = usize::from(length.wrapping_sub(32) & 63).div_ceil(3) * 4;
    wanted > 0 && data.len().abs_diff(wanted) <= 2 && data.iter().all(|byte| (b' '..=b'`').contains(byte))
}

/// `begin-base64 644 name`.
fn begin_base64(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin-base64 ")?;
    Some(rest.iter().position(|byte| *byte == b' ').and_then(|at| rest.get(at..)).unwrap_or(&[]))
}

/// Behind the first line that ends a block, or the end of the text.
fn end_of(text: &[u8], from: usize, is_end: impl Fn(&[u8]) -> bool) -> usize {
    let mut at = from;
    while at < text.len() {
        let (line, next) = line_at(text, at);
        at = next;
        if is_end(line) {
            break;
        }
    }
    at
}

fn end_of_binhex(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or(&[]);
    let mut colons = memchr::memchr_iter(b':', rest);
    let _first = colons.next();
    colons.next().map_or(text.len(), |at| from.saturating_add(at).saturating_add(1))
}

/// Lines of one length, and perhaps a shorter one of whole groups behind them.
fn end_of_run(text: &[u8], from: usize) -> usize {
    let (first, mut at) = line_at(text, from);
    let width = first.trim_ascii_end().len();
    let mut last = first;
    while at < text.len() && last.trim_ascii_end().len() == width && !last.ends_with(b"=") {
        let (line, next) = line_at(text, at);
        let length = line.trim_ascii_end().len();
        if length == 0 || length > width || (length < width && length % 4 != 0) || !is_run(line) {
            break;
        }
        (last, at) = (line, next);
    }
    at
}

/// Whether decoded bytes are the start of a file or a text.
fn is_worth(bytes: &[u8]) -> bool {
    let printable = bytes.iter().filter(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | 32..=126)).count();
    let text = bytes.len() >= 20 && printable.saturating_mul(20) >= bytes.len().saturating_mul(PRINTABLE);
    text || MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// Decodes a block to at most `max` bytes.
pub(super) fn decode(encoding: Encoding, block: &[u8], max: usize) -> Decoded {
    let (_, next) = line_at(block, 0);
    let body = block.get(next..).unwrap_or(&[]);
    let (mut bytes, cut) = match encoding {
        Encoding::Uuencode => (uu::lenient(body), false),
        Encoding::UuencodeEven => (uu::even(body), false),
        Encoding::UuencodeToGap => uu::to_gap(body),
        Encoding::UuencodeStream => (uu::stream(body), false),
        Encoding::UuencodeFilled => uu::filled(body),
        Encoding::Yenc => (yenc(body), false),
        Encoding::BinHex => (binhex(body), false),
        _ => {
            let end = memchr::memmem::find(body, b"\n====").unwrap_or(body.len());
            let decoded = base64(body.get(..end).unwrap_or(body), max);
            (decoded.bytes, decoded.cut)
        }
    };
    let cut = cut || bytes.len() > max;
    bytes.truncate(max);
    Decoded { bytes, defects: Vec::new(), cut }
}

fn yenc(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"=yend") {
            break;
        }
        if line.starts_with(b"=ypart ") {
            continue;
        }
        let mut escaped = false;
        for byte in line {
            if *byte == b'=' && !escaped {
                escaped = true;
                continue;
            }
            let shift = if escaped { 42 + 64 } else { 42 };
            out.push(byte.wrapping_sub(shift));
            escaped = false;
        }
    }
    out
}

/// The data fork of a BinHex file; where its head makes no sense, all that was decoded.
fn binhex(body: &[u8]) -> Vec<u8> {
    let start = memchr::memchr(b':', body).map_or(body.len(), |at| at.saturating_add(1));
    let mut packed = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in body.get(start..).unwrap_or(&[]) {
        if *byte == b':' {
            break;
        }
        let Some(value) = BINHEX.iter().position(|known| known == byte) else { continue };
        bits = bits << 6 | u32::try_from(value).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            packed.push((bits >> count) as u8);
            bits &= 0xff;
        }
    }
    data_fork(unrun(&packed, body.len().saturating_mul(2)))
}

/// Undoes the run lengths (0x90); at most `max` bytes.
fn unrun(packed: &[u8], max: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed.len());
    let mut bytes = packed.iter();
    while let Some(byte) = bytes.next() {
        if *byte != 0x90 {
            out.push(*byte);
        } else {
            match (bytes.next().copied().unwrap_or(0), out.last().copied()) {
                (0, _) => out.push(0x90),
                (times, Some(last)) => out.extend(std::iter::repeat_n(last, usize::from(times.saturating_sub(1)))),
                (_, None) => {}
            }
        }
        if out.len() > max {
            break;
        }
    }
    out
}

fn data_fork(all: Vec<u8>) -> Vec<u8> {
    let name = usize::from(all.first().copied().unwrap_or(0));
    // Name, version, type, creator, flags; then the two lengths and a check sum.
    let lengths = name.saturating_add(2 + 4 + 4 + 2);
    let size = all.get(lengths..lengths.saturating_add(4));
    let size = size.map_or(0, |bytes| bytes.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)));
    let start = lengths.saturating_add(4 + 4 + 2);
    match all.get(start..) {
        Some(fork) if size > 0 && !fork.is_empty() => fork.get(..size).unwrap_or(fork).to_vec(),
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and content.
    type File = (Option<String>, Vec<u8>);

    fn files(text: &[u8]) -> Vec<File> {
        let name = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        let decode = |block: Block| {
            (block.name.map(name), super::super::decode(block.encoding, block.span.of(text), 1 << 16).bytes)
        };
        find_as_it_stands(text).into_iter().map(decode).collect()
    }

    #[test]
    fn files_in_texts_are_found() {
        let html = "<html>some text that is long enough to be found</html>";
        let bare = String::from_utf8(crate::transfer::encode_base64(html.as_bytes(), b"\n")).unwrap();
        let file = |name: Option<&str>, bytes: &[u8]| (name.map(str::to_owned), bytes.to_vec());
        let cases: Vec<(String, Vec<File>)> = vec![
            ("text\nbegin 644 a b.txt\n#0V%T\n`\nend\nmore\n".into(), vec![file(Some("a b.txt"), b"Cat")]),
            ("begin 0644 x\r\n#0V%T\r\n".into(), vec![file(Some("x"), b"Cat")]),
            ("begin-base64 644 x.zip\nQ2F0\n====\ntail".into(), vec![file(Some("x.zip"), b"Cat")]),
            (format!("see\n{bare}\nbye"), vec![file(None, html.as_bytes())]),
            ("begin the day well\n0123456789abcdef0123456789abcdef01234567\n".into(), vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(files(text.as_bytes()), expected, "{text}");
        }
        let yenc: Vec<u8> = b"Cat\0".iter().map(|byte| byte.wrapping_add(42)).collect();
        let text = [b"=ybegin line=128 size=4 name=c.bin\r\n".as_slice(), &yenc, b"\r\n=yend size=4\r\n"].concat();
        assert_eq!(files(&text), [file(Some("c.bin"), b"Cat\0")]);
    }

    #[test]
    fn a_file_that_is_cut_says_so() {
        let [uu, bare] = [&b"begin 644 a\n#0V%T\n`\nend\n"[..], b"begin-base64 644 a\nQ2F0\n====\n"];
        for text in [uu, bare] {
            let block = &find(text)[0];
            let cut = |max: usize| super::super::decode(block.encoding, block.span.of(text), max).cut;
            assert!(!cut(3) && cut(2), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_file_that_does_not_say_where_it_ends_hides_none_behind_it() {
        for text in [
            "begin 644 a\n#0V%T\n`\n\nbegin b.txt\n#1&]G\n`\nend\n",
            "begin a\n#0V%T\nbegin b.txt\n#1&]G\n`\nend\n",
            "begin a\n#0V%T\nbegin 644 b.txt\n#1&]G\n`\nend\n",
            "begin 644 a\n#0V%T\nbegin 644 c\n#0V%T\nbegin b.txt\n#1&]G\n",
        ] {
            let mut blocks = find_as_it_stands(text.as_bytes());
            find_without_mode(text.as_bytes(), &mut blocks);
            let content =
                |block: &Block| super::super::decode(block.encoding, block.span.of(text.as_bytes()), 1 << 16).bytes;
            let names: Vec<_> = blocks.iter().filter(|it| content(it) == b"Dog").map(|it| it.name.clone()).collect();
            assert_eq!(names, [Some(b"b.txt".to_vec())], "{text}");
        }
        // Many that do not end are no more than a few times the text.
        let many = b"begin a\n#0V%T\n".repeat(50_000);
        let mut blocks = find_as_it_stands(&many);
        find_without_mode(&many, &mut blocks);
        let all: usize = blocks.iter().map(|block| block.span.of(&many).len()).sum();
        assert!(blocks.len() == MAX_BLOCKS && all <= 3 * many.len(), "{all}");
    }
}
