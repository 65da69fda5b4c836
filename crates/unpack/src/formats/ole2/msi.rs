//! Installers (MSI): the names of their streams, and what they run while they install.
//!
//! A database in a compound file: each table is a stream of columns, texts are numbers in a pool. Only
//! the table of custom actions is read. Limits: [`MAX_TEXTS`], [`MAX_ACTIONS`]. Not handled: actions
//! that other tables add, and transforms.

use mail::evidence::{Active, UnscannedReason};

use super::text::decode;
use super::work::Work;
use crate::bytes::{between, le16, le32};
use crate::names;
use crate::views::Views;

/// Most texts of a database.
const MAX_TEXTS: usize = 1 << 20;
/// Most actions that are looked at.
const MAX_ACTIONS: usize = 4096;
/// The letters of packed names, by their numbers.
const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";

/// A name with the letters that were packed, two into one; a table's name starts with `!`.
pub(crate) fn name(packed: &str) -> String {
    let letter = |number: u32| LETTERS.get((number & 0x3f) as usize).copied().map_or('?', char::from);
    let mut out = String::new();
    for unit in packed.chars() {
        match u32::from(unit) {
            number @ 0x3800..0x4800 => {
                out.push(letter(number.wrapping_sub(0x3800)));
                out.push(letter(number.wrapping_sub(0x3800) >> 6));
            }
            number @ 0x4800..0x4840 => out.push(letter(number.wrapping_sub(0x4800))),
            0x4840 => out.push('!'),
            _ => out.push(unit),
        }
    }
    names::cut(out)
}

/// The texts of a database.
struct Texts {
    bytes: Vec<u8>,
    /// Where each starts and how long it is, by its number from 1.
    places: Vec<(usize, usize)>,
    page: u32,
    /// How many bytes the number of a text has in a table.
    width: usize,
}

impl Texts {
    /// Reads the pool: a code page, then length and count of uses of each text; a length of 0 with uses
    /// says that the length stands in the next entry with 32 bits.
    fn read(pool: &[u8], bytes: Vec<u8>) -> Self {
        let head = le32(pool, 0).unwrap_or(0);
        let width = if head & 0x8000_0000 != 0 { 3 } else { 2 };
        let mut places = Vec::new();
        let (mut at, mut start) = (4_usize, 0_usize);
        while let (Some(length), Some(uses)) = (le16(pool, at), le16(pool, at.saturating_add(2))) {
            at = at.saturating_add(4);
            let mut length = usize::from(length);
            if length == 0 && uses != 0 {
                // The upper half was the number of uses of this entry.
                let (low, high) = (le16(pool, at).unwrap_or(0), uses);
                length = (usize::from(high) << 16) | usize::from(low);
                at = at.saturating_add(4);
            }
            if places.len() >= MAX_TEXTS {
                break;
            }
            places.push((start, length));
            start = start.saturating_add(length);
        }
        Self { bytes, places, page: head & 0xffff, width }
    }

    fn get(&self, number: u32) -> Option<String> {
        let (start, length) = self.places.get((number as usize).checked_sub(1)?)?;
        Some(decode(between(&self.bytes, *start, start.saturating_add(*length)), self.page))
    }
}

/// Reads the custom actions of a database.
pub(crate) fn actions(work: &mut Work<'_>) {
    let mut tables = [None; 3];
    for (number, entry) in work.cfb.children(0) {
        let wanted = ["!CustomAction", "!_StringPool", "!_StringData"];
        let place = wanted.iter().position(|table| *table == name(&entry.name));
        if let Some(table) = place.and_then(|place| tables.get_mut(place)) {
            *table = Some(number);
        }
    }
    let [Some(table), Some(pool), Some(data)] = tables else { return };
    let (table, pool, data) = (work.read(table).bytes, work.read(pool).bytes, work.read(data).bytes);
    let texts = Texts::read(&pool, data);
    let mut views = Views::default();
    let rows = rows(&table, texts.width);
    if rows.len() > MAX_ACTIONS {
        work.problem(UnscannedReason::LimitObjects);
    }
    for (action, kind, source, target) in rows.into_iter().take(MAX_ACTIONS) {
        let text = |number| texts.get(number).unwrap_or_default();
        if let Some(what) = acts(kind) {
            let line = format!("{} {} {}", text(action), text(source), text(target));
            views.act(what, Some("custom action"), line.trim().to_owned());
        }
    }
    work.views(views);
}

/// The rows: name, kind, source, target. The table may have a fifth column of 32 bits.
fn rows(table: &[u8], width: usize) -> Vec<(u32, u16, u32, u32)> {
    let row = width.saturating_mul(3).saturating_add(2);
    let long = row.saturating_add(4);
    let divides = |size: usize| table.len().checked_rem(size) == Some(0);
    let size = if divides(long) && (!divides(row) || !plausible(table, width, row)) { long } else { row };
    let count = table.len().checked_div(size).unwrap_or(0).min(MAX_ACTIONS.saturating_mul(16));
    columns(table, width, count)
}

fn columns(table: &[u8], width: usize, count: usize) -> Vec<(u32, u16, u32, u32)> {
    let texts = |column: usize, number: usize| {
        let at = column.saturating_add(number.saturating_mul(width));
        let low = u32::from(le16(table, at)?);
        let high = if width == 3 { u32::from(*table.get(at.saturating_add(2))?) } else { 0 };
        Some(low | high << 16)
    };
    let kinds = count.saturating_mul(width);
    let sources = kinds.saturating_add(count.saturating_mul(2));
    let targets = sources.saturating_add(kinds);
    let row = |number: usize| {
        // Numbers of 16 bits are kept with their highest bit turned over.
        let kind = le16(table, kinds.saturating_add(number.saturating_mul(2)))? ^ 0x8000;
        Some((texts(0, number)?, kind, texts(sources, number)?, texts(targets, number)?))
    };
    (0..count).filter_map(row).collect()
}

/// Whether reading without a fifth column gives kinds that exist.
fn plausible(table: &[u8], width: usize, row: usize) -> bool {
    let count = table.len().checked_div(row).unwrap_or(0);
    columns(table, width, count.min(MAX_ACTIONS)).iter().all(|(_, kind, ..)| kind & 0x3f != 0)
}

/// What an action of a kind does, if it runs anything: the lower six bits tell (the flags above them say
/// when).
fn acts(kind: u16) -> Option<Active> {
    match kind & 0x3f {
        1 | 17 | 2 | 18 | 34 | 50 => Some(Active::Launch),
        5 | 6 | 21 | 22 | 37 | 38 | 53 | 54 => Some(Active::Script),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_names_are_written_out() {
        assert_eq!(name("\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}"), "!_StringPool");
        assert_eq!(name("\u{5}SummaryInformation"), "\u{5}SummaryInformation");
    }

    #[test]
    fn actions_are_read_by_column_with_and_without_a_fifth() {
        let pool = b"\xe4\x04\0\0\x01\0\x01\0\x02\0\x01\0\x0a\0\x01\0";
        let texts = Texts::read(pool, b"axxcmd /c dir".to_vec());
        assert_eq!(texts.get(3).unwrap(), "cmd /c dir");
        assert_eq!(texts.get(2).unwrap(), "xx");
        assert_eq!(texts.get(0), None);
        let table = b"\x01\0\x32\x80\x02\0\x03\0";
        assert_eq!(rows(table, 2), [(1, 50, 2, 3)]);
        let longer = [&table[..], &[0, 0, 0, 0x80]].concat();
        assert_eq!(rows(&longer, 2), [(1, 50, 2, 3)]);
        assert_eq!(acts(50), Some(Active::Launch));
        assert_eq!(acts(51), None);
    }
}
