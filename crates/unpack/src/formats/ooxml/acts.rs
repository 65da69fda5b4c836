//! What in a formula or in an action of a slide acts: said once, for the reader that tells it and for whoever
//! takes it out. Formulas of OpenDocument are asked the same.
//!
//! Linear in the length of a formula. What a name of a function stands in is not looked at, so that a text which
//! shows how to write one counts too: programs differ in where a text begins.

use std::borrow::Cow;

use mail::evidence::Active;

use crate::views::links::is_remote;

/// What a formula of a workbook of Excel does beside computing.
pub fn formula(text: &str) -> impl Iterator<Item = Active> {
    acting(text, starts_program(text))
}

/// What a formula of OpenDocument does beside computing: a bar between rows is no link there.
pub fn open_formula(text: &str) -> impl Iterator<Item = Active> {
    acting(text, false)
}

/// What a formula does; `program`: it asks one by its bar.
fn acting(text: &str, program: bool) -> impl Iterator<Item = Active> {
    let dde = program || calls_dde(text);
    let web = asks_web(text) || names_remote(text);
    [(Active::Dde, dde), (Active::RemoteTemplate, web)].into_iter().filter(|(_, does)| *does).map(|(what, _)| what)
}

/// Whether a formula asks a program: its name, a bar, a topic, `!` and an item (`cmd|'/c calc'!A0`). What stands in
/// quotes is text, or the name of a sheet.
pub fn starts_program(formula: &str) -> bool {
    without_quoted(formula).split_once('|').is_some_and(|(_, rest)| rest.contains('!'))
}

/// A formula without the texts and the quoted names of sheets in it. Where one of them does not end, the formula stays
/// as it is; and so does what has no `!` behind it, or a bracket in it: in the names of columns a quote begins nothing.
fn without_quoted(formula: &str) -> Cow<'_, str> {
    let (mut out, mut rest) = (String::new(), formula);
    while let Some((before, from)) = rest.find(['"', '\'']).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let quote = if from.starts_with('"') { '"' } else { '\'' };
        let Some((inside, behind)) = quoted_len(from, quote).and_then(|len| from.split_at_checked(len)) else {
            return Cow::Borrowed(formula);
        };
        if quote == '\'' && (!behind.starts_with('!') || inside.contains(['[', ']'])) {
            out.push_str(inside);
        }
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// How long what stands in quotes is at the start of a text, with both, in bytes; quotes in it are doubled.
fn quoted_len(text: &str, quote: char) -> Option<usize> {
    let mut at = 1_usize;
    loop {
        at = at.saturating_add(text.get(at..)?.find(quote)?).saturating_add(1);
        if !text.get(at..)?.starts_with(quote) {
            return Some(at);
        }
        at = at.saturating_add(1);
    }
}

/// Whether a formula calls the function of LibreOffice that asks a program: in any case, with blanks behind it.
fn calls_dde(formula: &str) -> bool {
    calls(formula, "DDE", |before| !(before.is_alphanumeric() || before == '_'))
}

/// Whether a formula fetches something from an address.
fn asks_web(formula: &str) -> bool {
    calls(formula, "WEBSERVICE", |_| true)
}

/// Whether a formula calls a function, with a letter in front of its name that may stand there.
fn calls(formula: &str, name: &str, front: fn(char) -> bool) -> bool {
    formula.to_ascii_uppercase().match_indices(name).any(|(at, found)| {
        // Changing the case of ASCII moves nothing.
        let before = formula.get(..at).and_then(|before| before.chars().next_back());
        let behind = formula.get(at.saturating_add(found.len())..).unwrap_or("");
        before.is_none_or(front) && next_is(behind, '(')
    })
}

/// Most blanks between the name of a function and its bracket that are passed over.
const MAX_BLANKS: usize = 4096;

/// Whether a letter comes next, behind blanks; more blanks than anybody writes count as if it did.
fn next_is(text: &str, wanted: char) -> bool {
    let mut letters = text.chars().take(MAX_BLANKS).skip_while(|letter| letter.is_whitespace() || letter.is_control());
    letters.next().map_or(text.len() >= MAX_BLANKS, |letter| letter == wanted)
}

/// Whether a formula names a sheet of a document elsewhere: its address in quotes, with `#` or `!` behind
/// (`'http://example.org/a.ods'#$S.A1`, `'\\\\server\\[a.xls]S'!A1`).
fn names_remote(formula: &str) -> bool {
    let named = formula.contains("'#") || formula.contains("'!");
    named && formula.split('\'').skip(1).any(|name| is_remote(name.trim_start_matches('[')))
}

/// Whether an action of a shape runs something (ECMA-376 part 1, 21.1.2.3.5): a program, a macro, or an object's verb.
pub fn runs(action: &str) -> bool {
    let verb = action.to_ascii_lowercase();
    ["program", "macro", "ole"]
        .iter()
        .any(|what| verb.strip_prefix("ppaction://").is_some_and(|it| it.starts_with(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_places_are_found_however_they_are_written() {
        let (dde, web) = (Active::Dde, Active::RemoteTemplate);
        for (text, does) in [
            ("of:=DDE(\"cmd\";\"/c calc\";\"A1\")", vec![dde]),
            ("oooc:=dDe  \n(A1;A2;A3)", vec![dde]),
            ("msoxl:=IF(A1,COM.X.DDE(A1,A2,A3),0)", vec![dde]),
            ("DDE(WEBSERVICE(A1);A2;A3)", vec![dde, web]),
            ("of:=['http://example.org/x.ods'#$S.A1]", vec![web]),
            ("[.'\"'.A1]&['http://example.org/x.ods'#$S.A1]", vec![web]),
            ("'http://example.org/[a.xlsx]S'!A1", vec![web]),
            ("'[http://example.org/a.xlsx]S'!A1", vec![web]),
            ("'\\\\192.0.2.1\\share\\[a.xls]S'!R1C1", vec![web]),
            ("of:=['file:///C:/a.ods'#$S.A1]+[.B2]", vec![]),
            ("of:=HYPERLINK(\"http://example.org/\")", vec![]),
            ("of:=ADDED([.A1])+DDEX(1)+MY_DDE(1)+[.DDE1]", vec![]),
            ("of:=SUM({1;2|3;4})!A1", vec![]),
        ] {
            assert_eq!(open_formula(text).collect::<Vec<_>>(), does, "{text}");
        }
        assert!(calls_dde(&format!("DDE{}(1)", " ".repeat(MAX_BLANKS))));
    }

    #[test]
    fn long_formulas_take_time_in_proportion() {
        for piece in ["DDE", "DDE ", "DDE\t\t\t\t\t\t\t\t", "'", "'x", "\"", "|'", "''", "'|'!", "WEBSERVICE "] {
            let text = piece.repeat(200_000);
            let begun = testkit::CpuClock::now();
            assert!(formula(&text).count() < 3);
            assert!(begun.elapsed().as_secs() < 20, "{piece}");
        }
    }

    #[test]
    fn what_acts_is_told_from_what_looks_like_it() {
        assert!(starts_program("cmd|'/c calc'!A0") && starts_program("\"x\"&cmd|'y'!A0"));
        assert!(!starts_program("IF(A1=\"a|b\",Sheet2!A1,0)") && !starts_program("A1|B1"));
        assert!(starts_program("'\"'!A1&cmd|'/c calc'!A0") && starts_program("'a&cmd|'/c'!A0"));
        // The name of a sheet may have a bar, and a quote that is doubled; that of a table's column escapes by quotes.
        for text in ["'Q1 | Umsatz'!$A$1:$F$90", "SUM('It''s | a|b'!A1,'x|y'!B2)", "'a|b'!A1&\"'|\"&C1!D1"] {
            assert!(!starts_program(text), "{text}");
        }
        for text in ["T['#a]&cmd|'/c'!A0&T['#b]", "T['#a]&cmd|'!/c'!A0&T['#b]", "T['[a]&cmd|'!/c'!A0&T['#b]"] {
            assert!(starts_program(text), "{text}");
        }
        assert!(starts_program("'a|b'!A1+cmd|'/c x'!A0") && starts_program("'a|b'&cmd!A0"));
        assert!(asks_web("_xlfn.WebService (A1)") && !asks_web("SUM(A1)") && !asks_web("WEBSERVICE+(A1)"));
        assert!(runs("PPaction://Macro?name=x") && runs("ppaction://program") && runs("ppaction://ole?verb=1"));
        assert!(!runs("ppaction://hlinksldjump") && !runs("program"));
    }
}
