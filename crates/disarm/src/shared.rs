//! Shared strings of workbooks (ECMA-376 part 1, 18.4; MS-XLSB 2.1.7.45) that only sheets of macros show: once those
//! sheets are gone they are blank. Their numbers stay.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::xlsb;
use crate::xml::{self, Fate};

/// Collects the numbers of the strings that a sheet shows.
pub(crate) fn shown(sheet: &[u8], numbers: &mut BTreeSet<u32>) {
    let Ok(text) = std::str::from_utf8(sheet) else { return numbers.extend(xlsb::shared_cells(sheet)) };
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return numbers.extend(xlsb::shared_cells(sheet));
    }
    let mut shared = false;
    xml::visit(text, &mut |tag| {
        match tag.name {
            "c" => shared = tag.get("t").is_some_and(|kind| kind == "s"),
            "v" if shared => numbers.extend(tag.text().trim().parse::<u32>().ok()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
}

/// The table without the text of these strings; `None` where it stays as it is.
pub(crate) fn without(table: &[u8], dead: &BTreeSet<u32>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(table).ok().filter(|text| text.trim_start_matches('\u{feff}').starts_with('<'));
    let Some(text) = text else { return xlsb::without_strings(table, dead) };
    let mut next = 0_u32;
    let new = xml::edit(text, &mut |tag| {
        if tag.name == "si" {
            next = next.saturating_add(1);
        }
        let gone = next > 0 && dead.contains(&next.saturating_sub(1));
        if gone && matches!(tag.name, "t" | "r" | "rPh" | "phoneticPr") { Fate::Drop } else { Fate::Keep }
    })?;
    (new != text).then(|| new.into_bytes())
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
        let new = without(table.as_bytes(), &dead).unwrap();
        let blank = "<?xml version=\"1.0\"?><sst><si><t>shown</t></si><si></si><si><t>both</t></si></sst>";
        assert_eq!(String::from_utf8(new).unwrap(), blank);
        assert_eq!(without(blank.as_bytes(), &dead), None);
    }
}
