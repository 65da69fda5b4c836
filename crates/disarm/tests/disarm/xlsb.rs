//! Workbooks in binary form: what acts is gone, the rest keeps its place, and LibreOffice shows the cells.

use std::collections::BTreeSet;
use std::fs;

use mail::evidence::Active;

use crate::documents::{active, disarmed, package};
use crate::samples::office;
use crate::{File, read};

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MACROS: &str = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet";

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = if kind < 0x80 { vec![kind as u8] } else { vec![(kind & 0x7f) as u8 | 0x80, (kind >> 7) as u8] };
    assert!(body.len() < 0x4000);
    match body.len() {
        length @ 0..0x80 => out.push(length as u8),
        length => out.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]),
    }
    out.extend(body);
    out
}

fn wide(text: &str) -> Vec<u8> {
    let letters: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [&(text.len() as u32).to_le_bytes()[..], &letters].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn relationships(list: &[(&str, &str, &str, bool)]) -> Vec<u8> {
    let one = |(id, kind, target, external): &(&str, &str, &str, bool)| {
        let mode = if *external { " TargetMode=\"External\"" } else { "" };
        format!("<Relationship Id=\"{id}\" Type=\"{kind}\" Target=\"{target}\"{mode}/>")
    };
    let all: String = list.iter().map(one).collect();
    format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         {all}</Relationships>"
    )
    .into_bytes()
}

/// A defined name of the workbook, with a formula of one error.
fn defined(text: &str) -> Vec<u8> {
    let formula = [2, 0, 0, 0, 0x1c, 0x17, 0, 0, 0, 0];
    record(39, &[&[0, 0, 0, 0, 0][..], &[0xff; 4], &wide(text), &formula, &[0xff; 4]].concat())
}

/// A sheet of one cell, with an object and a control beside it.
fn cells() -> Vec<u8> {
    let object = |id: &str| record(639, &[&numbers(&[1, 3, 1025]), &[0; 4][..], &wide("Package"), &wide(id)].concat());
    [
        record(129, b""),
        record(148, &numbers(&[0, 0, 0, 0])),
        record(145, b""),
        record(0, &[&numbers(&[0, 0])[..], &[0x2c, 1, 0, 0, 0], &numbers(&[1, 0, 0])].concat()),
        record(6, &[&numbers(&[0, 0])[..], &wide("the text that stays")].concat()),
        record(146, b""),
        record(638, b""),
        object("rId1"),
        record(640, b""),
        record(643, b""),
        record(644, &[&numbers(&[1026])[..], &wide("Control 1"), &wide("rId2")].concat()),
        record(645, b""),
        record(130, b""),
    ]
    .concat()
}

/// A sheet of macros with one formula.
fn macros() -> Vec<u8> {
    let tokens = [0x17, 4, 0, b'c', 0, b'a', 0, b'l', 0, b'c', 0, 0x42, 1, 0x6e, 0];
    let cell = [&numbers(&[0, 0])[..], &[0; 8], &[0, 0], &numbers(&[tokens.len() as u32]), &tokens, &[0; 4]].concat();
    [record(129, b""), record(145, b""), record(0, &[0; 25]), record(9, &cell), record(146, b""), record(130, b"")]
        .concat()
}

/// A cell of a number with a formula, in a column.
fn formula(column: u32, tokens: &[u8]) -> Vec<u8> {
    let value = 7.5_f64.to_le_bytes();
    record(
        9,
        &[&numbers(&[column, 0])[..], &value, &[0, 0], &numbers(&[tokens.len() as u32]), tokens, &[0; 4]].concat(),
    )
}

/// A cell by the first place, which leads out, and by the second, which does not.
const OUTSIDE: [u8; 9] = [0x5a, 0, 0, 0, 0, 0, 0, 0, 0];
const INSIDE: [u8; 9] = [0x5a, 1, 0, 0, 0, 0, 0, 0, 0];

/// Adds a link to a program, a sheet whose formulas use it, a name that does, and shared strings.
fn with_links(files: &mut Vec<File>) {
    let kind = |name: &str| format!("{OFFICE}/{name}");
    let body = [&[1, 0][..], &wide("cmd"), &wide("/c calc")].concat();
    files.push(("xl/externalLinks/externalLink1.bin".into(), record(360, &body)));
    let sheet = [
        record(129, b""),
        record(145, b""),
        record(0, &[0; 25]),
        formula(0, &OUTSIDE),
        formula(1, &INSIDE),
        record(7, &numbers(&[2, 0, 0])),
        record(146, b""),
        record(130, b""),
    ];
    files.push(("xl/worksheets/sheet2.bin".into(), sheet.concat()));
    let string = |text: &str| record(19, &[&[0][..], &wide(text)].concat());
    let strings = [record(159, &numbers(&[2, 2])), string("shown"), string("run cmd"), record(160, b"")];
    files.push(("xl/sharedStrings.bin".into(), strings.concat()));
    let links = [
        record(353, b""),
        record(355, &wide("rId9")),
        record(357, b""),
        record(362, &numbers(&[2, 0, 0, 0, 1, 0, 0])),
        record(354, b""),
    ];
    let named =
        [&[0, 0, 0, 0, 0][..], &[0xff; 4], &wide("quote"), &numbers(&[9]), &OUTSIDE, &[0; 4], &[0xff; 4]].concat();
    for (name, content) in files {
        match name.as_str() {
            "xl/workbook.bin" => {
                let end = content.windows(3).rposition(|window| window == record(132, b"")).unwrap();
                content.splice(end..end, [links.concat(), record(39, &named)].concat());
            }
            "xl/_rels/workbook.bin.rels" => {
                let list = [
                    ("rId1", kind("worksheet"), "worksheets/sheet1.bin"),
                    ("rId9", kind("externalLink"), "externalLinks/externalLink1.bin"),
                    ("rId3", kind("sharedStrings"), "sharedStrings.bin"),
                    ("rId4", kind("worksheet"), "worksheets/sheet2.bin"),
                    ("rId2", MACROS.to_owned(), "macrosheets/sheet1.bin"),
                ];
                let borrowed: Vec<_> =
                    list.iter().map(|(id, kind, target)| (*id, kind.as_str(), *target, false)).collect();
                *content = relationships(&borrowed);
            }
            "xl/macrosheets/sheet1.bin" => {
                let cells = [record(0, &[0; 25]), record(7, &numbers(&[1, 0, 1]))].concat();
                let end = content.windows(3).rposition(|window| window == record(146, b"")).unwrap();
                content.splice(end..end, cells);
            }
            _ => {}
        }
    }
}

/// A workbook with all of it; `link`: to a program besides.
pub(crate) fn workbook(link: bool) -> Vec<u8> {
    let sheet =
        |number: u32, id: &str, name: &str| record(156, &[&numbers(&[0, number])[..], &wide(id), &wide(name)].concat());
    let book = [
        record(131, b""),
        record(143, b""),
        sheet(1, "rId1", "Cells"),
        sheet(2, "rId2", "Macro1"),
        record(144, b""),
        defined("kept"),
        defined("_xlnm.Auto_Open"),
        record(132, b""),
    ];
    let types = "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
        <Default Extension=\"xml\" ContentType=\"application/vnd.ms-office.activeX+xml\"/>\
        <Default Extension=\"bin\" ContentType=\"application/vnd.ms-excel.sheet.binary.macroEnabled.main\"/>\
        <Override PartName=\"/xl/worksheets/sheet1.bin\" ContentType=\"application/vnd.ms-excel.worksheet\"/>\
        <Override PartName=\"/xl/macrosheets/sheet1.bin\" ContentType=\"application/vnd.ms-excel.macrosheet\"/></Types>";
    let kind = |name: &str| format!("{OFFICE}/{name}");
    let (sheet_kind, object, control) = (kind("worksheet"), kind("oleObject"), kind("control"));
    let mut files: Vec<File> = vec![
        ("[Content_Types].xml".into(), types.into()),
        ("_rels/.rels".into(), relationships(&[("rId1", &kind("officeDocument"), "xl/workbook.bin", false)])),
        ("xl/workbook.bin".into(), book.concat()),
        (
            "xl/_rels/workbook.bin.rels".into(),
            relationships(&[
                ("rId1", &sheet_kind, "worksheets/sheet1.bin", false),
                ("rId2", MACROS, "macrosheets/sheet1.bin", false),
            ]),
        ),
        ("xl/worksheets/sheet1.bin".into(), cells()),
        (
            "xl/worksheets/_rels/sheet1.bin.rels".into(),
            relationships(&[
                ("rId1", &object, "../embeddings/oleObject1.bin", false),
                ("rId2", &control, "../activeX/activeX1.xml", false),
            ]),
        ),
        ("xl/macrosheets/sheet1.bin".into(), macros()),
        ("xl/embeddings/oleObject1.bin".into(), b"a program".to_vec()),
        (
            "xl/activeX/activeX1.xml".into(),
            b"<ax:ocx xmlns:ax=\"urn:x\" ax:classid=\"{8BD21D10-EC42-11CE-9E0D-00AA006002F3}\"/>".to_vec(),
        ),
    ];
    if link {
        with_links(&mut files);
    }
    package(&files, zip::CompressionMethod::Deflated)
}

#[test]
fn macros_objects_and_controls_go_and_the_cells_stay() {
    let data = workbook(false);
    assert_eq!(unpack::detect(&data).name(), "ooxml");
    assert!(active(&data).is_superset(&[Active::Xlm, Active::ActiveX].into()), "{:?}", active(&data));
    let rebuilt = disarmed(&data).unwrap();
    assert_eq!((active(&rebuilt.bytes), rebuilt.suffix), (BTreeSet::new(), ""));
    let new = read(&rebuilt.bytes);
    let part = |name: &str| new.iter().find(|(it, _)| it == name).map(|(_, content)| content.clone());
    let names: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.iter().any(|name| name.contains("embeddings") || name.contains("activeX")), "{names:?}");
    assert_eq!(part("xl/macrosheets/sheet1.bin").unwrap(), b"\x81\x01\0\x91\x01\0\x92\x01\0\x82\x01\0");
    // Both lists are gone as a whole; all else of the sheet is as it was.
    let (old, sheet) = (cells(), part("xl/worksheets/sheet1.bin").unwrap());
    let lists = old.windows(3).position(|window| window == b"\xfe\x04\0").unwrap();
    assert_eq!(sheet, [&old[..lists], b"\x82\x01\0"].concat());
    // The number of names is as it was: formulas refer to them by it.
    let book = part("xl/workbook.bin").unwrap();
    let holds = |text: &str| book.windows(text.len() * 2).any(|window| window == &wide(text)[4..]);
    assert!(holds("kept") && holds("_removed") && !holds("Auto_Open") && holds("Macro1"));
}

#[test]
fn links_to_programs_and_workbooks_lead_nowhere_and_cells_keep_their_values() {
    let data = workbook(true);
    assert!(active(&data).is_superset(&[Active::Dde, Active::Xlm].into()));
    let rebuilt = disarmed(&data).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    let new = read(&rebuilt.bytes);
    let part = |name: &str| new.iter().find(|(it, _)| it == name).map(|(_, content)| content.clone());
    let holds = |data: &[u8], text: &[u8]| data.windows(text.len()).any(|window| window == text);
    assert!(!new.iter().any(|(name, _)| name.contains("externalLinks")));
    assert!(!holds(&part("xl/_rels/workbook.bin.rels").unwrap(), b"externalLink"));
    let book = part("xl/workbook.bin").unwrap();
    // One link to itself in place of the other, whose place leads to no sheet; the name that used it is nothing.
    let places = record(362, &[numbers(&[2, 0]), vec![0xff; 8], numbers(&[1, 0, 0])].concat());
    assert!(holds(&book, &[record(357, b""), record(357, b""), places].concat()));
    assert!(!holds(&book, &record(355, &wide("rId9"))) && !holds(&book, &wide("quote")[4..]));
    let sheet = part("xl/worksheets/sheet2.bin").unwrap();
    assert!(holds(&sheet, &record(5, &[numbers(&[0, 0]), 7.5_f64.to_le_bytes().to_vec()].concat())));
    assert!(holds(&sheet, &formula(1, &INSIDE)), "a formula that stays inside stays");
    // The text that only the sheet of macros showed is gone, the other is not.
    let strings = part("xl/sharedStrings.bin").unwrap();
    assert!(holds(&strings, &wide("shown")) && !holds(&strings, &wide("run cmd")[4..]));
}

#[test]
fn libreoffice_shows_the_cells_of_what_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    for (name, link) in [("book", false), ("linked", true)] {
        let made = disarmed(&workbook(link)).unwrap().bytes;
        fs::write(folder.path().join(format!("{name}.xlsb")), made).unwrap();
    }
    let Some(told) = office(folder.path(), &["csv"], &["book.xlsb", "linked.xlsb"]) else { return };
    for name in ["book.csv", "linked.csv"] {
        let text = fs::read_to_string(folder.path().join(name)).unwrap_or(told.clone());
        assert!(text.contains("the text that stays"), "{name}: {text}");
    }
}
