//! What formulas of a workbook in Office Open XML name: its sheets that go, and other workbooks.
//!
//! Linear in the size of a formula and in the number of sheets; the sheets of a workbook are looked up, never gone
//! through. Not handled: names that a formula puts together from texts.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// The sheets of a workbook: the names of those that go, and the numbers of those that stay.
#[derive(Debug, Default)]
pub(crate) struct Sheets {
    /// In lower case: formulas name sheets in any.
    gone: BTreeSet<String>,
    /// Their numbers among those that stay, by their old ones; `None`: they go.
    numbers: Vec<Option<usize>>,
    staying: usize,
}

impl Sheets {
    /// Adds the next sheet.
    pub(crate) fn add(&mut self, name: &str, goes: bool) {
        self.numbers.push((!goes).then_some(self.staying));
        if !goes {
            self.staying = self.staying.saturating_add(1);
        } else if !name.is_empty() {
            self.gone.insert(name.to_lowercase());
        }
    }

    /// The number of a sheet among those that stay, as it is where there is no such sheet; `None` when it goes.
    pub(crate) fn number(&self, old: usize) -> Option<usize> {
        self.numbers.get(old).copied().unwrap_or(Some(old))
    }

    /// Whether a formula names a sheet that goes.
    pub(crate) fn are_named(&self, formula: &str) -> bool {
        let goes = |name: &str| self.gone.contains(&name.to_lowercase());
        !self.gone.is_empty()
            && formula.match_indices('!').any(|(at, _)| {
                let name = formula.get(..at).and_then(last_name);
                // Several sheets are named by the first and the last.
                name.is_some_and(|name| name.split(':').any(goes))
            })
    }
}

/// The name of a sheet that a text ends with, as it stands in front of `!`; `None` for that of another workbook's.
fn last_name(text: &str) -> Option<Cow<'_, str>> {
    if let Some(inner) = text.strip_suffix('\'') {
        return quoted(inner);
    }
    let front = text.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'));
    let name = text.get(front.len()..).unwrap_or("");
    (!front.ends_with(']')).then_some(Cow::Borrowed(name))
}

/// What stands behind the last quote that opens a name; quotes in names are doubled. The search passes over whole
/// pairs only, so that those in one formula have no bytes but a quote in common.
fn quoted(text: &str) -> Option<Cow<'_, str>> {
    let mut end = text.len();
    loop {
        let quote = text.get(..end)?.rfind('\'')?;
        let before = text.get(..quote)?;
        if !before.ends_with('\'') {
            let name = text.get(quote.saturating_add(1)..)?;
            return Some(if name.contains('\'') { Cow::Owned(name.replace("''", "'")) } else { Cow::Borrowed(name) });
        }
        end = quote.saturating_sub(1);
    }
}

/// A formula without what stands in quotes, as a text.
fn unquoted(formula: &str) -> String {
    formula.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// Whether a formula names another workbook by its number: `[1]Sheet!A1`, `'[1]A sheet'!A1`, `[1]!Name`. A
/// column of a table has the table's name in front.
pub(crate) fn names_book(formula: &str) -> bool {
    let text = unquoted(formula);
    let Some(last) = text.rfind('!') else { return false };
    text.match_indices('[').any(|(at, _)| {
        let (before, rest) = (text.get(..at).unwrap_or(""), text.get(at.saturating_add(1)..).unwrap_or(""));
        let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let numbered = behind.len() < rest.len();
        let Some(behind) = behind.strip_prefix(']').filter(|_| numbered) else { return false };
        let of_table = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '\\'));
        let named = behind.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '!' | '\''));
        !of_table && named && last >= text.len().saturating_sub(behind.len())
    })
}

#[cfg(test)]
mod tests {
    use unpack::formats::ooxml::acts::starts_program;

    use super::*;

    #[test]
    fn formulas_that_only_look_like_links_stay() {
        for (text, program, book) in [
            ("cmd|'/c calc'!A0", true, false),
            ("1+cmd|'x'!'\"y'", true, false),
            ("A1&\"|\"&B1!C1", false, false),
            ("IF(A1=\"a|b\",Sheet2!A1,0)", false, false),
            ("'Q1 | Umsatz'!$A$1:$F$90", false, false),
            ("SUM(Sales[2024])", false, false),
            ("Sales[[2024]:[2025]]!A", false, false),
            ("[1]Sheet1!A1", false, true),
            ("SUM('[12]A sheet'!A1:B2)", false, true),
            ("[3]!Name", false, true),
            ("\"[1]Sheet1!A1\"", false, false),
            ("[]Sheet1!A1", false, false),
            ("A1!B1+[1]Sheet1", false, false),
        ] {
            assert_eq!((starts_program(text), names_book(text)), (program, book), "{text}");
        }
    }

    #[test]
    fn sheets_that_go_are_known_by_their_names_and_the_others_move_up() {
        let mut sheets = Sheets::default();
        for (name, goes) in [("Stays", false), ("Gone", true), ("It's gone", true), ("Last", false), ("", true)] {
            sheets.add(name, goes);
        }
        let numbers: Vec<_> = (0..6).map(|old| sheets.number(old)).collect();
        assert_eq!(numbers, [Some(0), None, None, Some(1), None, Some(5)]);
        for (formula, named) in [
            ("Gone!A1", true),
            ("SUM(GONE!A1:B2)", true),
            ("'gone'!A1", true),
            ("'It''s gone'!$A$1", true),
            ("Last!A1+'It''s gone'!A1", true),
            ("Gone:Last!A1", true),
            ("SUM('Stays:Gone'!A1)", true),
            ("NotGone!A1", false),
            ("'Not gone'!A1", false),
            ("[1]Gone!A1", false),
            ("'[1]Gone'!A1", false),
            ("Gone+A1", false),
            ("'It''s'!A1", false),
            ("Stays!Gone", false),
            ("!A1'!", false),
        ] {
            assert_eq!(sheets.are_named(formula), named, "{formula}");
        }
    }

    #[test]
    fn many_sheets_names_and_marks_take_time_in_proportion() {
        let mut sheets = Sheets::default();
        for number in 0..50_000 {
            sheets.add(&format!("sheet {number}"), number % 2 == 0);
        }
        assert_eq!(sheets.number(49_999), Some(24_999));
        for number in 0..50_000 {
            assert_eq!(sheets.are_named(&format!("'sheet {number}'!A1")), number % 2 == 0);
            assert_eq!(sheets.number(number).is_some(), number % 2 == 1);
        }
        for piece in ["[", "[1", "[1]", "!", "'!", "''!", "'''!", "x'!", "''''x!", "]!a"] {
            let text = piece.repeat(300_000);
            let begun = testkit::CpuClock::now();
            assert!(!sheets.are_named(&text) && !names_book(&text), "{piece}");
            assert!(begun.elapsed().as_secs() < 20, "{piece}");
        }
    }
}
