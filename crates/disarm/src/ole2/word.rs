//! Documents of Word 97 to 2003 (MS-DOC) without fields that start programs or load content from
//! elsewhere, links that do, a template from elsewhere, and key and menu assignments of macros.
//!
//! Everything stays in its place: letters of an instruction become blanks, so that the field shows what
//! it showed and does nothing; a link leads nowhere. Limits: [`MAX_DEPTH`] fields in one another, [`MAX_INSTRUCTION`] letters.

use std::collections::BTreeSet;

use mail::evidence::Active;
use unpack::formats::ole2::{acting_links, field_acts, pieces};

use crate::DisarmError;
use crate::bytes::{between, fill, le16, le32, put};

/// Most fields in one another.
const MAX_DEPTH: usize = 64;
/// Most letters of instructions that are open at once.
const MAX_INSTRUCTION: usize = 1 << 20;
/// How many times the stream's size all pieces together may have.
const MAX_OVERLAP: usize = 4;
/// The version of Word 97 in the head; what is less is older.
const WORD_97: u16 = 0x00c1;
/// Flags of the head.
const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
/// Numbers of parts of the table stream (MS-DOC 2.5.6): assignments, associated strings, and fields of
/// the text, of heads and feet, notes, remarks, and boxes.
const COMMANDS: usize = 24;
const STRINGS: usize = 32;
const FIELDS: [usize; 8] = [16, 17, 18, 19, 20, 48, 57, 59];
/// Kinds of fields (2.9.90): DDE, DDEAUTO, and one of no known kind.
const DDE: [u8; 2] = [0x2d, 0x2e];
const UNKNOWN: u8 = 1;
/// Start of a field, start of what it shows, its end; and marks that stand for something else.
const BEGIN: u16 = 0x13;
const SEPARATOR: u16 = 0x14;
const END: u16 = 0x15;
const MARKS: [u16; 8] = [BEGIN, SEPARATOR, END, 1, 7, 8, 0xc, 0xd];
/// Fields that load something.
const LOADS: [&str; 6] = ["INCLUDETEXT", "INCLUDEPICTURE", "INCLUDE", "IMPORT", "LINK", "RD"];

/// The name of the table stream, and whether the document may be changed at all; `None` for what is not
/// of Word 97 or after.
///
/// # Errors
/// [`DisarmError::Encrypted`].
pub(super) fn tables(main: &[u8]) -> Result<Option<(&'static str, bool)>, DisarmError> {
    if le16(main, 2).unwrap_or(0) < WORD_97 {
        return Ok(None);
    }
    let flags = le16(main, 10).unwrap_or(0);
    if flags & ENCRYPTED != 0 {
        return Err(DisarmError::Encrypted);
    }
    Ok(Some((if flags & SECOND_TABLE != 0 { "1table" } else { "0table" }, true)))
}

/// Changes both streams; whether anything changed, and the template that was forgotten. Where links of drawings lead is
/// in the table stream, that of others in one beside it ([`forget_links`]).
///
/// # Errors
/// [`DisarmError::NotSound`], [`DisarmError::TooLarge`].
pub(super) fn edit(
    main: &mut [u8],
    table: &mut [u8],
    active: &BTreeSet<Active>,
) -> Result<(bool, Option<String>), DisarmError> {
    let has = |what| active.contains(&what);
    let mut changed = false;
    if has(Active::Vba) {
        changed |= forget(main, table, COMMANDS);
    }
    let template = if has(Active::RemoteTemplate) { template(main, table)? } else { None };
    changed |= template.is_some();
    if has(Active::Launch) {
        changed |= forget_links(table)?;
    }
    if has(Active::Dde) || has(Active::RemoteTemplate) || has(Active::Launch) {
        changed |= fields(main, table, active)?;
        changed |= has(Active::Dde) && kinds(main, table);
    }
    Ok((changed, template))
}

/// Makes the links in a stream lead nowhere that start a program or hand something to one; whether there are any.
///
/// # Errors
/// [`DisarmError::TooLarge`].
pub(super) fn forget_links(stream: &mut [u8]) -> Result<bool, DisarmError> {
    let (links, over) = acting_links(stream);
    if over {
        return Err(DisarmError::TooLarge);
    }
    for link in &links {
        fill(stream, link.place.start, link.place.end, 0);
    }
    Ok(!links.is_empty())
}

/// Where a part stands in the table stream: its place, its size, and where that is said.
fn part(main: &[u8], number: usize) -> (usize, usize, usize) {
    let at = number.saturating_mul(8).saturating_add(0x9a);
    let size_at = at.saturating_add(4);
    let start = le32(main, at).unwrap_or(0) as usize;
    (start, le32(main, size_at).unwrap_or(0) as usize, size_at)
}

/// Makes a part of the table stream empty.
fn forget(main: &mut [u8], table: &mut [u8], number: usize) -> bool {
    let (start, size, size_at) = part(main, number);
    if size == 0 {
        return false;
    }
    fill(table, start, start.saturating_add(size), 0);
    put(main, size_at, &[0; 4])
}

/// Forgets a template that is loaded from elsewhere (`SttbfAssoc`, 2.9.272): its name becomes empty.
fn template(main: &mut [u8], table: &mut [u8]) -> Result<Option<String>, DisarmError> {
    let (start, size, size_at) = part(main, STRINGS);
    let strings = between(table, start, start.saturating_add(size)).to_vec();
    let first = usize::from(le16(&strings, 6).unwrap_or(0));
    // Behind the head and the first string.
    let at = first.saturating_mul(2).saturating_add(8);
    let letters = usize::from(le16(&strings, at).unwrap_or(0));
    let (from, to) = (at.saturating_add(2), letters.saturating_mul(2).saturating_add(at).saturating_add(2));
    let units: Vec<u16> = between(&strings, from, to).chunks_exact(2).filter_map(|pair| le16(pair, 0)).collect();
    let name = String::from_utf16_lossy(&units);
    if !is_remote(&name) {
        return Ok(None);
    }
    if to > strings.len() {
        return Err(DisarmError::NotSound);
    }
    let mut new = [between(&strings, 0, at), &[0, 0], between(&strings, to, strings.len())].concat();
    let left = u32::try_from(new.len()).unwrap_or(0);
    new.resize(strings.len(), 0);
    let written = put(table, start, &new) && put(main, size_at, &left.to_le_bytes());
    if written { Ok(Some(name)) } else { Err(DisarmError::NotSound) }
}

fn is_remote(text: &str) -> bool {
    text.contains("://") || text.trim_start_matches([' ', '"']).starts_with("\\\\")
}

/// One letter of an instruction: where it stands, how wide it is, and what it is.
type Letter = (usize, usize, u16);

/// Blanks the instructions of fields that go.
fn fields(main: &mut [u8], table: &[u8], active: &BTreeSet<Active>) -> Result<bool, DisarmError> {
    let pieces = pieces(main, table).ok_or(DisarmError::NotSound)?;
    let mut left = main.len().saturating_mul(MAX_OVERLAP);
    // Where in `run` each open field starts, and whether it shows its result by now.
    let (mut open, mut run): (Vec<(usize, bool)>, Vec<Letter>) = (Vec::new(), Vec::new());
    let mut blanks: Vec<(usize, usize)> = Vec::new();
    for piece in pieces {
        let width = if piece.wide { 2 } else { 1 };
        let end = piece.letters.saturating_mul(width).saturating_add(piece.start).min(main.len());
        left = left.checked_sub(end.saturating_sub(piece.start)).ok_or(DisarmError::NotSound)?;
        for at in (piece.start..end).step_by(width) {
            let unit = if piece.wide { le16(main, at) } else { main.get(at).copied().map(u16::from) };
            let unit = unit.unwrap_or(0);
            match unit {
                BEGIN if open.len() >= MAX_DEPTH => return Err(DisarmError::TooLarge),
                BEGIN => {
                    run.push((at, width, unit));
                    open.push((run.len(), false));
                    continue;
                }
                SEPARATOR | END => {
                    if let Some((from, false)) = open.last().copied() {
                        blank(run.get(from..).unwrap_or_default(), active, &mut blanks);
                    }
                    match open.last_mut() {
                        Some(field) if unit == SEPARATOR => field.1 = true,
                        _ => drop(open.pop()),
                    }
                }
                _ => {}
            }
            match open.iter().any(|(_, shows)| !shows) {
                true if run.len() >= MAX_INSTRUCTION => return Err(DisarmError::TooLarge),
                true => run.push((at, width, unit)),
                false if open.is_empty() => run.clear(),
                false => {}
            }
        }
    }
    // The end of the text ends all fields.
    for (from, _) in open.iter().filter(|(_, shows)| !shows) {
        blank(run.get(*from..).unwrap_or_default(), active, &mut blanks);
    }
    let mut changed = false;
    for (at, width) in blanks {
        fill(main, at, at.saturating_add(width), 0);
        changed |= put(main, at, b" ");
    }
    Ok(changed)
}

/// Notes the letters of an instruction, if its field goes.
fn blank(letters: &[Letter], active: &BTreeSet<Active>, blanks: &mut Vec<(usize, usize)>) {
    let text: String = letters.iter().filter_map(|(_, _, unit)| shown(*unit)).collect::<String>().to_ascii_uppercase();
    let nested = letters.iter().any(|(_, _, unit)| *unit == BEGIN);
    // Of a field that stands alone the first word says what it is; others are parts of addresses and names.
    let words = text.trim_start().split(|letter: char| !letter.is_ascii_alphabetic());
    let words: Vec<&str> = words.take(if nested { usize::MAX } else { 1 }).collect();
    let word = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    // What a field of numbers in it spells out is only known when it is run.
    let dde = active.contains(&Active::Dde) && (word(&["DDE", "DDEAUTO"]) || nested && word(&["QUOTE", "SET"]));
    let loads =
        active.contains(&Active::RemoteTemplate) && word(&LOADS) && (text.contains("://") || text.contains("\\\\"));
    if dde || loads || field_acts(&instruction(letters)).is_some_and(|what| active.contains(&what)) {
        let letters = letters.iter().filter(|(_, _, unit)| !MARKS.contains(unit));
        blanks.extend(letters.map(|(at, width, _)| (*at, *width)));
    }
}

/// What programs read of a letter of an instruction: nothing of marks of pictures, notes and drawings; what else is no
/// letter, as a tab, parts words like a blank.
fn shown(unit: u16) -> Option<char> {
    match unit {
        1..=5 | 8 => None,
        0..=0x1f => Some(' '),
        unit => char::from_u32(unit.into()),
    }
}

/// An instruction as the reader of `unpack` puts it together: of a field in it counts what that shows.
fn instruction(letters: &[Letter]) -> String {
    let (mut text, mut open, mut hides) = (String::new(), Vec::new(), 0_usize);
    for (_, _, unit) in letters {
        match *unit {
            BEGIN => {
                open.push(true);
                hides = hides.saturating_add(1);
            }
            SEPARATOR => {
                if let Some(hidden) = open.last_mut() {
                    hides = hides.saturating_sub(usize::from(std::mem::take(hidden)));
                }
            }
            END => hides = hides.saturating_sub(usize::from(open.pop().unwrap_or(false))),
            unit if hides == 0 => text.extend(shown(unit)),
            _ => {}
        }
    }
    text
}

/// Fields that say they are DDE say so no more (`Plcfld`, 2.8.25).
fn kinds(main: &[u8], table: &mut [u8]) -> bool {
    let mut changed = false;
    for number in FIELDS {
        let (start, size, _) = part(main, number);
        let size = size.min(table.len().saturating_sub(start.min(table.len())));
        let count = size.saturating_sub(4) / 6;
        let list = count.saturating_add(1).saturating_mul(4).saturating_add(start);
        for at in (0..count).map(|field| field.saturating_mul(2).saturating_add(list)) {
            let begins = table.get(at).is_some_and(|byte| u16::from(*byte & 0x1f) == BEGIN);
            let kind = at.saturating_add(1);
            if begins && table.get(kind).is_some_and(|kind| DDE.contains(kind)) {
                changed |= put(table, kind, &[UNKNOWN]);
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_goes_whatever_parts_its_words() {
        let goes = |text: &str| {
            let letters: Vec<Letter> = text.encode_utf16().enumerate().map(|(at, unit)| (at, 1, unit)).collect();
            let mut blanks = Vec::new();
            blank(&letters, &[Active::Dde, Active::RemoteTemplate, Active::Launch].into(), &mut blanks);
            !blanks.is_empty()
        };
        for text in [
            " DDEAUTO c:\\\\x ",
            "DDEAUTO\tc:\\\\x",
            "\u{b}DDE\u{b}cmd",
            "DDE\u{a0}cmd",
            "DDE\u{7}cmd",
            "D\u{1}DE cmd",
            "INCLUDETEXT\t\"http://example.org/a.doc\"",
            "DD\u{13}REF b\u{14}E x\u{15} cmd",
            "\u{13}QUOTE 68 68 69\u{15} cmd",
            " HYPERLINK \"ms-msdt:/id PCWDiagnostic\" ",
            "HYPERLINK\"javascript:x\"",
            "HYPERLINK \"file://192.0.2.1/share/run.exe\" \\o \"tip\"",
            "HYPERLINK \u{13}REF b\u{14}ms-msdt:/id\u{15}",
        ] {
            assert!(goes(text), "{text:?}");
        }
        for text in [" PAGE ", "DDEFOO\tcmd", "REF\tDDE", "INCLUDETEXT\t\"a.doc\"", "HYPERLINK \"http://example.org/\""]
        {
            assert!(!goes(text), "{text:?}");
        }
    }
}
