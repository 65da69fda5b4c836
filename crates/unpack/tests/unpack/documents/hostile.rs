//! Documents made to cost time or memory, or to hide.

use mail::evidence::UnscannedReason;

use super::{package, relationships, seen};

const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

#[test]
fn entities_are_never_expanded() {
    let mut entities = String::from("<!ENTITY a0 \"lol\">");
    for level in 1..10 {
        entities += &format!("<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10));
    }
    let document = format!("<!DOCTYPE x [{entities}]><w:document><w:p><w:r><w:t>&a9;</w:t></w:r></w:p></w:document>");
    let found = seen(&package(("word/document.xml", WORD), &[("word/document.xml", &document)]));
    assert_eq!(found.text, "");
    assert!(found.problems.contains(&UnscannedReason::Damaged));
}

#[test]
fn many_and_deep_elements_are_read_to_their_end() {
    let end = "<w:p><w:r><w:t>end</w:t></w:r></w:p>";
    for middle in ["<w:x/>".repeat(1_000_000), format!("{}{}", "<w:tbl>".repeat(300_000), "</w:tbl>".repeat(300_000))] {
        let document = format!("<w:document>{middle}{end}</w:document>");
        let found = seen(&package(("word/document.xml", WORD), &[("word/document.xml", &document)]));
        assert_eq!(found.text, "end");
        assert_eq!(found.problems, []);
    }
}

#[test]
fn a_hundred_thousand_relationships_are_a_limit_that_is_said() {
    let names: Vec<String> = (0..100_000).map(|number| format!("http://example.org/{number}")).collect();
    let ids: Vec<String> = (0..100_000).map(|number| format!("r{number}")).collect();
    let all: Vec<_> = names.iter().zip(&ids).map(|(name, id)| (id.as_str(), "frame", name.as_str(), true)).collect();
    let parts = [("word/document.xml", "<w:document/>"), ("word/_rels/document.xml.rels", &relationships(&all))];
    let found = seen(&package(("word/document.xml", WORD), &parts));
    assert_eq!(found.acts.len(), 256);
    assert_eq!(found.problems, [UnscannedReason::LimitObjects]);
}

#[test]
fn cells_that_repeat_one_long_string_cost_no_more_than_the_text() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "word ".repeat(6000));
    let cells = "<c t=\"s\"><v>0</v></c>".repeat(100_000);
    let sheet = format!("<worksheet><sheetData><row>{cells}</row></sheetData></worksheet>");
    let main = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
    let parts =
        [("xl/workbook.xml", "<workbook/>"), ("xl/worksheets/sheet1.xml", &sheet), ("xl/sharedStrings.xml", &strings)];
    let found = seen(&package(("xl/workbook.xml", main), &parts));
    assert!(found.text.len() <= 4 << 20 && found.text.len() > 4_000_000);
}
