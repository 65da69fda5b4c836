//! Where the objects of a file stand: by looking for them everywhere, and by the tables that the file
//! itself has (ISO 32000-1, sections 7.5.4 to 7.5.8).
//!
//! Limits: [`MAX_OBJECTS`] places, [`MAX_TABLES`] tables, which form a loop in hostile files.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lex::{Dict, Lexer, Token, Value, is_space, number};
use crate::bytes::between;

/// Most objects of a document, all versions counted.
pub(super) const MAX_OBJECTS: usize = 1 << 20;
/// Most tables that lead to one another.
pub(super) const MAX_TABLES: usize = 1024;
/// Most white space within the head of an object.
const MAX_SPACE: usize = 32;

/// One place where an object stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) number: u32,
    pub(super) generation: u16,
    /// 0: the file; else one more than the number of an object stream.
    pub(super) buffer: u32,
    /// Where its head begins; in an object stream, where the object ends.
    pub(super) start: u32,
    /// Where the object itself begins.
    pub(super) at: u32,
    /// Whether only one way of reading the file shows it.
    pub(super) hidden: bool,
}

/// Where a table says that an object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Place {
    Free,
    /// In the file.
    At(usize),
    /// In the object stream of this number, the how-manieth.
    In(u32, usize),
}

/// What the tables say, the newest first.
#[derive(Default, Debug)]
pub(super) struct Table {
    pub(super) places: BTreeMap<u32, Place>,
    pub(super) trailers: Vec<Dict>,
}

/// Every `N G obj` of a file; the flag says that there are more.
pub(super) fn find_objects(data: &[u8]) -> (Vec<Entry>, bool) {
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(data, b"obj") {
        let Some((number, generation, start)) = head_before(data, at) else { continue };
        if found.len() >= MAX_OBJECTS {
            return (found, true);
        }
        let (start, at) = (start as u32, at.saturating_add(3) as u32);
        found.push(Entry { number, generation, buffer: 0, start, at, hidden: false });
    }
    (found, false)
}

/// Whether there is any object.
pub(super) fn has_object(data: &[u8]) -> bool {
    memchr::memmem::find_iter(data, b"obj").any(|at| head_before(data, at).is_some())
}

/// The two numbers in front of `obj`, and where they begin.
fn head_before(data: &[u8], at: usize) -> Option<(u32, u16, usize)> {
    let window = between(data, at.saturating_sub(MAX_SPACE.saturating_mul(2).saturating_add(16)), at);
    let (window, _) = trim_spaces(window, 0)?;
    let (window, generation) = digits(window)?;
    let (window, _) = trim_spaces(window, 1)?;
    let (rest, number) = digits(window)?;
    let start = at.saturating_sub(MAX_SPACE.saturating_mul(2).saturating_add(16)).saturating_add(rest.len());
    Some((u32::try_from(number).ok()?, u16::try_from(generation).unwrap_or(u16::MAX), start))
}

/// The bytes without the spaces at their end, which must be at least so many.
fn trim_spaces(data: &[u8], least: usize) -> Option<(&[u8], usize)> {
    let count = data.iter().rev().take_while(|byte| is_space(**byte)).count();
    (count >= least && count <= MAX_SPACE).then(|| (between(data, 0, data.len().saturating_sub(count)), count))
}

/// The bytes without the number at their end, and the number.
fn digits(data: &[u8]) -> Option<(&[u8], u64)> {
    let count = data.iter().rev().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, digits) = data.split_at_checked(data.len().saturating_sub(count))?;
    Some((rest, std::str::from_utf8(digits).ok()?.parse().ok()?))
}

/// Where the last `startxref` leads, first as it says and then from where the header stands.
pub(super) fn starts(data: &[u8]) -> Vec<usize> {
    let Some(at) = memchr::memmem::rfind(data, b"startxref") else { return Vec::new() };
    let mut lexer = Lexer::new(data, at.saturating_add(9));
    match lexer.token() {
        Some(Token::Value(value)) => value.size().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// How many bytes stand in front of the header: places may count from there.
pub(super) fn base(data: &[u8]) -> usize {
    memchr::memmem::find(between(data, 0, 1024), b"%PDF-").unwrap_or(0)
}

/// The numbers in front of the object that should stand at a place; where it goes on behind them.
/// Comments may stand in between.
pub(super) fn head_at(data: &[u8], at: usize) -> Option<(u32, u16, usize)> {
    let end = at.saturating_add(256);
    let mut lexer = Lexer::new(between(data, 0, end), at);
    let numbers = [lexer.token()?, lexer.token()?].map(|token| match token {
        Token::Value(value) => value.size(),
        _ => None,
    });
    let [Some(number), Some(generation)] = numbers else { return None };
    let Some(Token::Word(word)) = lexer.token() else { return None };
    let at = lexer.at.saturating_sub(word.len()).saturating_add(3);
    let numbers = (u32::try_from(number).ok()?, u16::try_from(generation).unwrap_or(u16::MAX));
    word.starts_with(b"obj").then_some((numbers.0, numbers.1, at))
}

/// A table as text, behind the word `xref`, with the trailer below it.
pub(super) fn read_table(data: &[u8], at: usize, table: &mut Table) -> Option<Dict> {
    let mut lexer = Lexer::new(data, at);
    let word = |lexer: &mut Lexer<'_>| -> Option<Word> {
        Some(match lexer.token()? {
            Token::Value(value) => Word::Number(value.size()?),
            Token::Word(word) => Word::Other(word.first().copied().unwrap_or(0)),
            _ => return None,
        })
    };
    loop {
        let Word::Number(first) = word(&mut lexer)? else {
            let (value, ..) = lexer.object();
            return if let Value::Dict(trailer) = value { Some(trailer) } else { None };
        };
        let Word::Number(count) = word(&mut lexer)? else { return None };
        for step in 0..count {
            let before = lexer.at;
            let Word::Number(place) = word(&mut lexer)? else {
                // Fewer entries than said.
                lexer.at = before;
                break;
            };
            let (Word::Number(_), Word::Other(kind)) = (word(&mut lexer)?, word(&mut lexer)?) else { return None };
            if table.places.len() > MAX_OBJECTS {
                return None;
            }
            let Ok(number) = u32::try_from(first.saturating_add(step)) else { return None };
            let place = if kind == b'n' { Place::At(place) } else { Place::Free };
            table.places.entry(number).or_insert(place);
        }
    }
}

enum Word {
    Number(usize),
    Other(u8),
}

/// The entries of a table that is a stream.
pub(super) fn read_stream(dict: &Dict, content: &[u8], table: &mut Table) -> Option<()> {
    let sizes = |key: &[u8]| dict.get(key).and_then(Value::array).map(|items| items.iter().filter_map(Value::size));
    let widths: Vec<usize> = sizes(b"W")?.map(|width| width.min(8)).collect();
    let [kind, second, third] = *widths.as_slice() else { return None };
    let size = dict.get(b"Size").and_then(Value::size).unwrap_or(0);
    let index: Vec<usize> = sizes(b"Index").map_or_else(|| vec![0, size], Iterator::collect);
    let row = kind.saturating_add(second).saturating_add(third);
    let mut rows = content.chunks_exact(row.max(1));
    for pair in index.chunks_exact(2) {
        let [first, count] = *pair else { break };
        for (step, row) in rows.by_ref().take(count).enumerate() {
            let field = |at: usize, len: usize| {
                let bytes = between(row, at, at.saturating_add(len));
                bytes.iter().fold(0_usize, |value, byte| value << 8 | usize::from(*byte))
            };
            let middle = field(kind, second);
            let last = field(kind.saturating_add(second), third);
            let place = match if kind == 0 { 1 } else { field(0, kind) } {
                1 => Place::At(middle),
                2 => Place::In(u32::try_from(middle).unwrap_or(u32::MAX), last),
                _ => Place::Free,
            };
            if table.places.len() > MAX_OBJECTS {
                return None;
            }
            table.places.entry(u32::try_from(first.saturating_add(step)).ok()?).or_insert(place);
        }
    }
    Some(())
}

/// The pairs of number and place at the start of an object stream, and where its objects begin.
pub(super) fn read_object_stream(dict: &Dict, content: &[u8]) -> Vec<(u32, Range<usize>)> {
    let first = dict.get(b"First").and_then(Value::size).unwrap_or(0).min(content.len());
    let head = between(content, 0, first);
    let mut numbers =
        head.split(|byte| is_space(*byte)).filter(|word| !word.is_empty()).map_while(number).map(|n| n as usize);
    let mut all: Vec<(u32, usize)> = Vec::new();
    while let (Some(object), Some(place)) = (numbers.next(), numbers.next()) {
        let at = first.saturating_add(place);
        if at <= content.len() {
            all.extend(u32::try_from(object).ok().map(|object| (object, at)));
        }
    }
    // Each ends where another begins, whatever their order is.
    let mut starts: Vec<usize> = all.iter().map(|(_, at)| *at).collect();
    starts.sort_unstable();
    let end = |at: usize| {
        let next = starts.partition_point(|start| *start <= at);
        starts.get(next).copied().unwrap_or(content.len())
    };
    all.into_iter().map(|(object, at)| (object, at..end(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_their_heads() {
        let data = b"%PDF-1.4\n1 0 obj <<>> endobj 12\n3\tobj[]endobj x obj 7 0obj nobj 5 obj";
        let (found, more) = find_objects(data);
        let numbers: Vec<_> = found.iter().map(|entry| (entry.number, entry.generation, entry.start)).collect();
        assert_eq!(numbers, [(1, 0, 9), (12, 3, 29), (7, 0, 52)]);
        assert!(!more);
        assert_eq!(head_at(b"  1 %c\n 0 obj(x)", 0), Some((1, 0, 13)));
        assert_eq!(head_at(b"1 0 R", 0), None);
    }

    #[test]
    fn tables_are_read_and_the_first_word_counts() {
        let mut table = Table::default();
        let text = b"0 2\n0000000000 65535 f \n0000000015 00000 n \n5 1\n0000000099 00000 n\ntrailer <</Root 1 0 R>>";
        let trailer = read_table(text, 0, &mut table).unwrap();
        assert_eq!(trailer.get(b"Root"), Some(&Value::Reference(1)));
        let wide = Dict(vec![
            (b"W".to_vec(), Value::Array([1.0, 2.0, 1.0].map(Value::Number).to_vec())),
            (b"Index".to_vec(), Value::Array([1.0, 2.0, 5.0, 1.0].map(Value::Number).to_vec())),
        ]);
        read_stream(&wide, &[1, 0, 7, 0, 2, 0, 9, 3, 1, 0, 8, 0], &mut table).unwrap();
        let places: Vec<_> = table.places.into_iter().collect();
        assert_eq!(places, [(0, Place::Free), (1, Place::At(15)), (2, Place::In(9, 3)), (5, Place::At(99))]);
    }
}
