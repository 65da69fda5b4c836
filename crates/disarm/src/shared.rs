//! Shared strings of workbooks (ECMA-376 part 1, 18.4; MS-XLSB 2.1.7.45) that only sheets of macros show: once those
//! sheets are gone they are blank. Their numbers stay.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::xml::{self, Fate};
use crate::{DisarmError, xlsb};

/// Roots of sheets that have cells, and of tables of strings: what a part is says its root, not its name.
const SHEETS: [&str; 4] = ["worksheet", "macrosheet", "dialogsheet", "chartsheet"];
const STRINGS: &str = "sst";

/// What a part is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A sheet, of cells or of macros.
    Sheet,
    /// A table of shared strings.
    Strings,
}

/// What a part of a workbook is by its root, in XML or in binary form; `None`: something else.
pub(crate) fn kind(part: &[u8]) -> Option<Kind> {
    if !xml::holds_markup(part) {
        return match xlsb::first(part)? {
            xlsb::BEGIN_SHEET => Some(Kind::Sheet),
            xlsb::BEGIN_STRINGS => Some(Kind::Strings),
            _ => None,
        };
    }
    let (text, _) = xml::read(part)?;
    let mut kind = None;
    xml::visit(&text, &mut |tag| {
        kind = match tag.name {
            STRINGS => Some(Kind::Strings),
            name => SHEETS.contains(&name).then_some(Kind::Sheet),
        };
        ControlFlow::Break(())
    });
    kind
}

/// Collects the numbers of the strings that a sheet shows.
pub(crate) fn shown(sheet: &[u8], numbers: &mut BTreeSet<u32>) {
    if !xml::holds_markup(sheet) {
        return numbers.extend(xlsb::shared_cells(sheet));
    }
    let Some((text, _)) = xml::read(sheet) else { return };
    let mut shared = false;
    xml::visit(&text, &mut |tag| {
        match tag.name {
            "c" => shared = tag.get("t").is_some_and(|kind| kind == "s"),
            "v" if shared => numbers.extend(tag.text().trim().parse::<u32>().ok()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
}

/// The table without the text of these strings; `None` where it stays as it is.
///
/// # Errors
/// [`DisarmError::Format`], [`DisarmError::NotSound`]: it cannot be read.
pub(crate) fn without(table: &[u8], dead: &BTreeSet<u32>) -> Result<Option<Vec<u8>>, DisarmError> {
    if !xml::holds_markup(table) {
        return Ok(xlsb::without_strings(table, dead));
    }
    let mut next = 0_u32;
    xml::rewrite(table, &mut |tag| {
        if tag.name == "si" {
            next = next.saturating_add(1);
        }
        let gone = next > 0 && dead.contains(&next.saturating_sub(1));
        if gone && matches!(tag.name, "t" | "r" | "rPh" | "phoneticPr") { Fate::Drop } else { Fate::Keep }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strings_of_macro_sheets_become_blank() {
        let table = "<?xml version=\"1.0\"?><sst><si><t>shown</t></si><si><r><t>cm</t></r><r><t>d</t></r></si><si><t>both</t></si></sst>";
        let (mut dead, mut live) = (BTreeSet::new(), BTreeSet::new());
        shown(b"<x><c t=\"s\"><v>1</v></c><c t=\"s\"><v>2</v></c><c><v>0</v></c></x>", &mut dead);
        shown(b"<x><c t=\"s\"><f>x</f><v>0</v></c><c t=\"s\"><v>2</v></c></x>", &mut live);
        let dead: BTreeSet<u32> = dead.difference(&live).copied().collect();
        assert_eq!(dead, [1].into());
        let new = without(table.as_bytes(), &dead).unwrap().unwrap();
        let blank = "<?xml version=\"1.0\"?><sst><si><t>shown</t></si><si></si><si><t>both</t></si></sst>";
        assert_eq!(String::from_utf8(new).unwrap(), blank);
        assert_eq!(without(blank.as_bytes(), &dead), Ok(None));
        for wide in [true, false] {
            let coded = |text: &str| match wide {
                true => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
                false => {
                    format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{text}").chars().map(|c| c as u8).collect()
                }
            };
            let mut seen = BTreeSet::new();
            let sheet = coded("<worksheet><c t=\"s\"><v>1</v></c>\u{e9}</worksheet>");
            shown(&sheet, &mut seen);
            assert_eq!((kind(&sheet), seen), (Some(Kind::Sheet), [1].into()));
            let table = coded("<sst><si><t>\u{e9}</t></si><si><t>cmd</t></si></sst>");
            assert_eq!(kind(&table), Some(Kind::Strings));
            let new = String::from_utf8(without(&table, &dead).unwrap().unwrap()).unwrap();
            assert_eq!(new, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><sst><si><t>\u{e9}</t></si><si></si></sst>");
        }
        assert_eq!(kind(&xlsb::EMPTY_SHEET), Some(Kind::Sheet));
        assert_eq!(kind(b"<x/>"), None);
    }
}
