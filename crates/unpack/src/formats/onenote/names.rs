//! Names of attached files. A file is referred to by a number in text (`<ifndf>{…}`) with the end of its
//! name behind it (MS-ONESTORE 2.5.27); the number leads to the place of the file (2.5.22). The whole
//! name is a property of the page, which is found by its end: only where there is no doubt. Beside it stands
//! where the file came from, with its folders.
//!
//! Limit: [`MAX_NAMES`] references are followed.

use std::collections::{BTreeMap, BTreeSet};

use super::text::wide_runs;
use crate::bytes::{between, le16, le32, le64, take};
use crate::names::cut;

/// Most references that are followed.
pub(super) const MAX_NAMES: usize = 1024;
/// Most characters of the end of a name.
const MAX_END: usize = 32;
/// Longest file name, in characters.
const MAX_NAME: usize = 260;

/// `<ifndf>{` in UTF-16.
const MARK: &[u8] = b"<\0i\0f\0n\0d\0f\0>\0{\0";
/// Characters of the number and its brace behind the mark.
const NUMBER: usize = 37;

/// The names of the files whose marks stand at these places, in the same order.
pub(super) fn find(data: &[u8], rest: &[&[u8]], places: &[usize]) -> Vec<Option<String>> {
    let marks = memchr::memmem::find_iter(data, MARK).take(MAX_NAMES);
    let references: BTreeMap<[u8; 16], String> = marks.filter_map(|at| reference(data, at)).collect();
    let ends = resolve(data, &references, places);
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for piece in rest.iter().filter(|_| !ends.is_empty()) {
        wide_runs(piece, &mut |run| {
            let run = run.rsplit(['\\', '/']).next().unwrap_or(run);
            let Some((stem, end)) = run.rsplit_once('.') else { return };
            let used = ends.values().any(|known| known.eq_ignore_ascii_case(end));
            if used && !stem.is_empty() && run.len() <= MAX_NAME && !run.contains(['\n', '\r', '<']) {
                let names = known.entry(end.to_ascii_lowercase()).or_default();
                // Two are as doubtful as many.
                if names.len() < 2 {
                    names.insert(run.to_owned());
                }
            }
        });
    }
    let name = |place: &usize| {
        let end = ends.get(place)?.to_ascii_lowercase();
        let mut whole = known.get(&end).into_iter().flatten();
        let only = whole.next().filter(|_| whole.next().is_none());
        Some(cut(only.cloned().unwrap_or_else(|| format!("attachment.{end}"))))
    };
    places.iter().map(name).collect()
}

/// The number in a reference, and the end of the file's name behind it.
fn reference(data: &[u8], at: usize) -> Option<([u8; 16], String)> {
    let text = at.checked_add(MARK.len())?;
    let number = guid(take(data, text, NUMBER.checked_mul(2)?)?)?;
    let length_at = text.checked_add(NUMBER.checked_mul(2)?)?;
    // Behind the text may stand the zero that ends it, then the length of the end.
    let (length, start) = [length_at, length_at.checked_add(2)?].into_iter().find_map(|at| {
        let length = usize::try_from(le32(data, at)?).ok()?;
        (1..=MAX_END).contains(&length).then_some((length, at.checked_add(4)?))
    })?;
    let units = take(data, start, length.checked_mul(2)?)?;
    let end: String = units.chunks_exact(2).filter_map(|pair| char::from_u32(le16(pair, 0)?.into())).collect();
    let end = end.trim_end_matches('\0').strip_prefix('.')?;
    (!end.is_empty() && end.chars().all(char::is_alphanumeric)).then(|| (number, end.to_owned()))
}

/// The end of the name of each file that some reference leads to, by the file's place. One pass over the
/// data, however many references there are.
fn resolve(data: &[u8], references: &BTreeMap<[u8; 16], String>, places: &[usize]) -> BTreeMap<usize, String> {
    let mut ends = BTreeMap::new();
    let first: BTreeSet<u8> = references.keys().filter_map(|number| number.first().copied()).collect();
    if references.is_empty() || places.is_empty() {
        return ends;
    }
    for (at, window) in data.windows(16).enumerate() {
        if window.first().is_none_or(|byte| !first.contains(byte)) {
            continue;
        }
        let found = <[u8; 16]>::try_from(window).ok().and_then(|number| references.get(&number));
        if let Some((end, place)) = found.and_then(|end| Some((end, place(data, at, places)?))) {
            ends.insert(place, end.clone());
        }
    }
    ends
}

/// The place in front of a number, in one of the sizes that places have (MS-ONESTORE 2.2.4).
fn place(data: &[u8], at: usize, places: &[usize]) -> Option<usize> {
    let known = |value: u64| usize::try_from(value).ok().filter(|place| places.binary_search(place).is_ok());
    let back = |bytes: usize| at.checked_sub(bytes);
    // A place of 8, 4 or 2 bytes, then a length of 8, 4, 2 or 1.
    for length in [4_usize, 8, 1, 2] {
        let eight = back(length.checked_add(8)?).and_then(|at| known(le64(data, at)?));
        let four = back(length.checked_add(4)?).and_then(|at| {
            known(le32(data, at)?.into()).or_else(|| known(u64::from(le32(data, at)?).saturating_mul(8)))
        });
        let two = back(length.checked_add(2)?).and_then(|at| known(u64::from(le16(data, at)?).saturating_mul(8)));
        if let Some(place) = eight.or(four).or(two) {
            return Some(place);
        }
    }
    None
}

/// A number as its 16 bytes, from its usual form in UTF-16 with the brace that ends it.
fn guid(text: &[u8]) -> Option<[u8; 16]> {
    let text: Vec<u8> = text.chunks_exact(2).map(|pair| between(pair, 0, 1).first().copied().unwrap_or(0)).collect();
    let digits: Vec<u8> = text
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    if digits.len() != 32 || text.last() != Some(&b'}') {
        return None;
    }
    let mut raw = [0_u8; 16];
    for (byte, pair) in raw.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.first()? << 4 | pair.get(1)?;
    }
    let [a, b, c, d, e, f, g, h, rest @ ..] = raw;
    let mut out = [d, c, b, a, f, e, h, g, 0, 0, 0, 0, 0, 0, 0, 0];
    for (byte, value) in out.iter_mut().skip(8).zip(rest) {
        *byte = value;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stored_with_their_first_parts_turned() {
        let wide: Vec<u8> = "00112233-4455-6677-8899-AABBCCDDEEFF}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let expected = [0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
        assert_eq!(guid(&wide), Some(expected));
    }
}
