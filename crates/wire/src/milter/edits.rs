//! The header changes that make one header out of another.
//!
//! A renderer gives a new message; a mail server wants to be told what to do with the fields that it has. [`changes`]
//! compares both and tells it, in an order in which every number stays true: from the bottom up, so that no change
//! moves what a later one names. Unchanged fields are not touched. The work is linear in the number of fields, but for
//! a logarithm.

use std::collections::BTreeMap;

use super::reply::Change;

/// How far a removed field is looked for that a new one can take the place of.
const PAIR_REACH: usize = 16;

/// A header field as a mail server holds it: LF as line ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Its name.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Field {
    /// Reads a field as it stands in a message, its line ends and the last one included. With `blanks` the value is
    /// everything behind the colon, else one blank there is not part of it. `None` without a colon.
    pub fn read(raw: &[u8], blanks: bool) -> Option<Self> {
        let (name, value) = raw.split_at_checked(memchr::memchr(b':', raw)?)?;
        let value = value.get(1..)?;
        let value = value.strip_suffix(b"\n").map_or(value, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let value = if blanks { value } else { value.strip_prefix(b" ").unwrap_or(value) };
        Some(Self { name: name.to_vec(), value: line_feeds(value) })
    }

    /// Writes the field as it stands in a message, CRLF as line ends.
    pub fn write(&self, blanks: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.name);
        out.push(b':');
        if !blanks {
            out.push(b' ');
        }
        let mut last = 0;
        for &byte in &self.value {
            if byte == b'\n' && last != b'\r' {
                out.push(b'\r');
            }
            out.push(byte);
            last = byte;
        }
        out.extend_from_slice(b"\r\n");
    }

    fn is_named(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// CRLF becomes LF; a CR alone stays.
fn line_feeds(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        if byte == b'\n' && out.last() == Some(&b'\r') {
            out.pop();
        }
        out.push(byte);
    }
    out
}

/// Cuts a header, without the empty line below it, into its fields. A line that begins with a blank continues the field
/// above it.
pub fn split(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let (mut start, mut at) = (0usize, 0usize);
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if at > start && !matches!(line.first(), Some(b' ' | b'\t')) {
            fields.extend(header.get(start..at));
            start = at;
        }
        at = at.saturating_add(line.len());
    }
    fields.extend(header.get(start..at).filter(|last| !last.is_empty()));
    fields
}

/// What happens to a field; numbers count fields of the old header.
enum Op<'a> {
    Keep,
    Delete(usize),
    Change(usize, &'a Field),
    /// In front of the old field with this number.
    Insert(usize, &'a Field),
}

/// The changes that make `new` out of `old`, in the order in which they must be told.
pub fn changes(old: &[Field], new: &[Field]) -> Vec<Change> {
    let ops = ops(old, new);
    let numbers = occurrences(old);
    let kept = ops.iter().rposition(|op| matches!(op, Op::Keep | Op::Change(..)));
    let tail = kept.map_or(0, |at| at.saturating_add(1));
    let (above, below) = ops.split_at_checked(tail).unwrap_or((&ops, &[]));
    let mut out = Vec::new();
    let named = |at: usize, value: &[u8]| {
        let name = old.get(at).map(|field| field.name.clone()).unwrap_or_default();
        Change::ChangeHeader { occurrence: numbers.get(at).copied().unwrap_or(1), name, value: value.to_vec() }
    };
    // What is gone at the end goes first, then what is new there comes in its order.
    out.extend(below.iter().rev().filter_map(|op| if let Op::Delete(at) = op { Some(named(*at, &[])) } else { None }));
    out.extend(below.iter().filter_map(|op| match op {
        Op::Insert(_, Field { name, value }) => Some(Change::AddHeader { name: name.clone(), value: value.clone() }),
        _ => None,
    }));
    out.extend(above.iter().rev().filter_map(|op| match op {
        Op::Keep => None,
        Op::Delete(at) => Some(named(*at, &[])),
        Op::Change(at, field) => Some(named(*at, &field.value)),
        Op::Insert(at, Field { name, value }) => {
            let at = u32::try_from(*at).unwrap_or(u32::MAX);
            Some(Change::InsertHeader { at, name: name.clone(), value: value.clone() })
        }
    }));
    out
}

/// For each field, which of those with its name it is, from 1 on.
fn occurrences(fields: &[Field]) -> Vec<u32> {
    let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let number = |field: &Field| {
        let count = seen.entry(field.name.to_ascii_lowercase()).or_insert(0);
        *count = count.saturating_add(1);
        *count
    };
    fields.iter().map(number).collect()
}

/// Compares both headers from the top; a new field that is further down in the old one stands for all up to there.
fn ops<'a>(old: &[Field], new: &'a [Field]) -> Vec<Op<'a>> {
    let first = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()).saturating_sub(first);
    let last = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    let old_end = old.len().saturating_sub(last);
    let new_end = new.len().saturating_sub(last);
    let mut places: BTreeMap<&Field, Vec<usize>> = BTreeMap::new();
    for (at, field) in old.iter().enumerate().take(old_end).skip(first).rev() {
        places.entry(field).or_default().push(at);
    }
    let mut ops: Vec<Op<'a>> = (0..first).map(|_| Op::Keep).collect();
    let (mut at, mut fresh) = (first, Vec::new());
    for field in new.get(first..new_end).unwrap_or_default() {
        let known = places.get_mut(field).and_then(|places| {
            while places.pop_if(|place| *place < at).is_some() {}
            places.pop()
        });
        match known {
            None => fresh.push(field),
            Some(place) => {
                between(old, at..place, &std::mem::take(&mut fresh), &mut ops);
                ops.push(Op::Keep);
                at = place.saturating_add(1);
            }
        }
    }
    between(old, at..old_end, &fresh, &mut ops);
    ops.extend((0..last).map(|_| Op::Keep));
    ops
}

/// Some old fields are gone, and some new ones stand in their place. One with the same name is a change of it, unless
/// its new value is empty: that would remove it.
fn between<'a>(old: &[Field], gone: std::ops::Range<usize>, fresh: &[&'a Field], ops: &mut Vec<Op<'a>>) {
    let (mut at, end) = (gone.start, gone.end);
    for field in fresh {
        let reach = at.saturating_add(PAIR_REACH).min(end);
        let pair = (at..reach).find(|place| {
            !field.value.is_empty() && old.get(*place).is_some_and(|candidate| candidate.name == field.name)
        });
        match pair {
            Some(place) => {
                ops.extend((at..place).map(Op::Delete));
                ops.push(Op::Change(place, field));
                at = place.saturating_add(1);
            }
            None => ops.push(Op::Insert(at, field)),
        }
    }
    ops.extend((at..end).map(Op::Delete));
}

/// Applies changes of the header as a mail server does: what it would have then. For tests of both sides.
#[doc(hidden)]
pub fn apply(mut fields: Vec<Field>, changes: &[Change]) -> Vec<Field> {
    for change in changes {
        match change {
            Change::AddHeader { name, value } => fields.push(Field { name: name.clone(), value: value.clone() }),
            Change::InsertHeader { at, name, value } => {
                let at = usize::try_from(*at).unwrap_or(usize::MAX).min(fields.len());
                fields.insert(at, Field { name: name.clone(), value: value.clone() });
            }
            Change::ChangeHeader { occurrence, name, value } => {
                let nth = usize::try_from(*occurrence).unwrap_or(usize::MAX).saturating_sub(1);
                let named = fields.iter().enumerate().filter(|(_, field)| field.is_named(name));
                let Some(at) = named.map(|(at, _)| at).nth(nth) else { continue };
                if value.is_empty() {
                    fields.remove(at);
                } else if let Some(field) = fields.get_mut(at) {
                    *field = Field { name: name.clone(), value: value.clone() };
                }
            }
            _ => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `A b` is a field A with the value b; one word alone is a field without a value.
    fn header(text: &str) -> Vec<Field> {
        let field = |line: &str| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            Field { name: name.into(), value: value.into() }
        };
        text.split(',').filter(|line| !line.is_empty()).map(field).collect()
    }

    fn told(old: &str, new: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = changes(&header(old), &header(new));
        assert_eq!(apply(header(old), &found), header(new), "{found:?}");
        let show = |change: &Change| match change {
            Change::AddHeader { name, value } => format!("add {} {}", text(name), text(value)),
            Change::InsertHeader { at, name, value } => format!("insert {at} {} {}", text(name), text(value)),
            Change::ChangeHeader { occurrence, name, value } => {
                format!("change {occurrence} {} {}", text(name), text(value))
            }
            other => panic!("{other:?}"),
        };
        found.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn few_changes_are_told_for_what_a_plan_does() {
        let cases = [
            ("From a,To b", "From a,To b", ""),
            ("From a,To b", "X 1,Y 2,From a,To b", "insert 0 Y 2, insert 0 X 1"),
            ("From a,Subject b,To c", "From a,Subject [x] b,To c", "change 1 Subject [x] b"),
            ("From a,X 1,To b", "From a,To b", "change 1 X "),
            ("X 1,From a,x 2,X 1", "From a", "change 3 X , change 2 x , change 1 X "),
            ("X 1,From a,Subject b", "X 9,From a,Subject [x] b", "change 1 Subject [x] b, change 1 X 9"),
            (
                "From a,MIME 1,Type x,To b",
                "From a,To b,MIME 1,Type y",
                "add MIME 1, add Type y, change 1 Type , change 1 MIME ",
            ),
            ("From a", "From a,To b,Cc c", "add To b, add Cc c"),
            ("", "X 1,Y 2", "add X 1, add Y 2"),
            ("X 1,Y 2", "", "change 1 Y , change 1 X "),
            ("X 1,Y", "X,Y 1", "change 1 Y 1, change 1 X , insert 0 X "),
        ];
        for (old, new, expected) in cases {
            assert_eq!(told(old, new), expected, "{old} -> {new}");
        }
    }

    #[test]
    fn fields_read_and_write_in_both_forms() {
        let raw = b"Subject:  a\r\n\tb\rc\r\n d\r\n";
        let field = Field::read(raw, true).unwrap();
        assert_eq!((field.name.as_slice(), field.value.as_slice()), (&b"Subject"[..], &b"  a\n\tb\rc\n d"[..]));
        for blanks in [true, false] {
            let mut out = Vec::new();
            Field::read(raw, blanks).unwrap().write(blanks, &mut out);
            assert_eq!(out, raw);
        }
        assert_eq!(Field::read(b"no colon\r\n", true), None);
        let split = split(b"A: b\r\n c\r\nB:\r\nC: d\n\te");
        assert_eq!(split, [&b"A: b\r\n c\r\n"[..], b"B:\r\n", b"C: d\n\te"]);
    }

    #[test]
    fn a_header_of_many_fields_is_compared_in_little_time() {
        let old = header(&"X 1,".repeat(20_000));
        let mut new: Vec<Field> = (0..20_000).flat_map(|n| header(&format!("X 1,Y {n}"))).collect();
        assert_eq!(changes(&old, &new).len(), 20_000);
        new.reverse();
        assert_eq!(changes(&old, &new).len(), 20_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]
        #[test]
        fn the_new_header_comes_out_of_any_old_one(
            old in prop::collection::vec(("[abAB]", "[xy]{0,1}"), 0..12),
            new in prop::collection::vec(("[abAB]", "[xy]{0,1}"), 0..12),
        ) {
            let fields = |list: &[(String, String)]| -> Vec<Field> {
                list.iter().map(|(n, v)| Field { name: n.clone().into(), value: v.clone().into() }).collect()
            };
            let (old, new) = (fields(&old), fields(&new));
            let found = changes(&old, &new);
            prop_assert_eq!(apply(old, &found), new);
        }
    }
}
