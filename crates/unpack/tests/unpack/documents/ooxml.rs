//! Word, Excel and PowerPoint documents, in packages and flat.

use std::io::Write as _;

use mail::evidence::{Active, FileKind, UnscannedReason};
use unpack::detect;

use super::{Seen, package, relationships, seen};
use crate::support::{archive, deflated, members};

const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const EXCEL: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
const SLIDES: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml";

/// A Word document with this body and these relationships.
fn word(body: &str, links: &[(&str, &str, &str, bool)]) -> Vec<u8> {
    let document = format!("<?xml version=\"1.0\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    let parts = [("word/document.xml", document.as_str()), ("word/_rels/document.xml.rels", &relationships(links))];
    package(("word/document.xml", WORD), &parts)
}

fn run(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>")
}

#[test]
fn text_is_told_apart_from_hidden_text() {
    let white = "<w:color w:val=\"FFFFFF\"/>";
    let body = [
        "<w:p>".to_owned(),
        run("", "seen"),
        run("<w:vanish/>", " vanished"),
        run("<w:vanish w:val=\"false\"/>", " and this"),
        run("<w:sz w:val=\"2\"/>", " tiny"),
        run(white, " white"),
        run(&format!("{white}<w:shd w:fill=\"000000\"/>"), " on black"),
        "</w:p><w:tbl><w:tr><w:tc><w:p>".to_owned(),
        run(white, "head of a table"),
        "</w:p></w:tc></w:tr></w:tbl><w:p><w:r><w:t>a &amp; b</w:t><w:tab/><w:t>c</w:t></w:r></w:p>".to_owned(),
    ]
    .concat();
    let found = seen(&word(&body, &[]));
    assert_eq!(found.text, "seen and this on black\nhead of a table\na & b c");
    assert_eq!(found.hidden, "vanished tiny white");
    assert_eq!((found.acts, found.problems), (vec![], vec![]));
    assert_eq!(found.files.len(), 4);
}

#[test]
fn fields_split_over_runs_are_read_as_one() {
    let code = |text: &str| format!("<w:r><w:instrText>{text}</w:instrText></w:r>");
    let mark = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let body = [
        "<w:p>",
        &mark("begin"),
        &code("DD"),
        &code("EAU"),
        "</w:p><w:p>",
        &code("TO cmd \"/c calc\""),
        &mark("end"),
        "</w:p>",
    ]
    .concat();
    let simple = "<w:fldSimple w:instr=\" DDE excel a b \"/>";
    let expected = |text: &str| vec![(Active::Dde, text.to_owned())];
    assert_eq!(seen(&word(&body, &[])).acts, expected("DDEAUTO cmd \"/c calc\""));
    assert_eq!(seen(&word(simple, &[])).acts, expected("DDE excel a b"));
}

#[test]
fn what_is_loaded_from_elsewhere_is_told_and_plain_links_are_not() {
    let cases = [
        ("attachedTemplate", "https://example.org/a.dotm", Some(Active::RemoteTemplate)),
        ("attachedTemplate", "file:///C:/Users/a/Normal.dotm", None),
        ("attachedTemplate", r"\\192.0.2.1\a\b.dotm", Some(Active::RemoteTemplate)),
        ("oleObject", "mhtml:http://example.org/a!x-usc:http://example.org/a", Some(Active::RemoteTemplate)),
        ("frame", "http://example.org/", Some(Active::RemoteTemplate)),
        ("subDocument", "http://example.org/b.docx", Some(Active::RemoteTemplate)),
        ("image", "http://example.org/logo.png", None),
        ("image", "file://192.0.2.1/logo.png", Some(Active::RemoteTemplate)),
        ("hyperlink", "https://example.org/", None),
        ("hyperlink", "ms-msdt:/id PCWDiagnostic", Some(Active::Launch)),
    ];
    for (kind, target, what) in cases {
        let acts: Vec<Active> =
            seen(&word("", &[("r9", kind, target, true)])).acts.into_iter().map(|act| act.0).collect();
        assert_eq!(acts, what.into_iter().collect::<Vec<_>>(), "{kind} {target}");
    }
}

#[test]
fn objects_and_controls_are_told() {
    let body = "<w:object><o:OLEObject Type=\"Embed\" ProgID=\"Package\" r:id=\"r5\"/></w:object>";
    let document = format!("<w:document>{body}</w:document>");
    let parts = [
        ("word/document.xml", document.as_str()),
        ("word/activeX/activeX1.xml", "<ax:ocx ax:classid=\"{8BD21D10-EC42-11CE-9E0D-00AA006002F3}\"/>"),
    ];
    let found = seen(&package(("word/document.xml", WORD), &parts));
    let expected = [
        (Active::OlePackage, "Package".to_owned()),
        (Active::ActiveX, "{8BD21D10-EC42-11CE-9E0D-00AA006002F3}".to_owned()),
    ];
    assert_eq!(found.acts, expected);
}

/// A workbook with two sheets, of which the second is hidden, and more parts.
pub(crate) fn workbook(more: &[(&str, &str)]) -> Vec<u8> {
    let book = "<workbook><sheets><sheet name=\"Front\" sheetId=\"1\" r:id=\"r1\"/>\
        <sheet name=\"Back\" state=\"veryHidden\" sheetId=\"2\" r:id=\"r2\"/></sheets></workbook>";
    let links = relationships(&[
        ("r1", "worksheet", "worksheets/sheet1.xml", false),
        ("r2", "worksheet", "/xl/worksheets/sheet2.xml", false),
    ]);
    let front = "<worksheet><cols><col min=\"3\" max=\"3\" hidden=\"1\"/></cols><sheetData>\
        <row r=\"1\"><c r=\"A1\" t=\"s\"><v>1</v></c><c r=\"B1\" t=\"inlineStr\"><is><t>own</t></is></c><c r=\"C1\" t=\"s\"><v>0</v></c></row>\
        <row r=\"2\" hidden=\"1\"><c r=\"A2\"><v>42</v></c></row>\
        <row r=\"3\"><c r=\"A3\" t=\"str\"><f>A1</f><v>result</v></c></row></sheetData></worksheet>";
    let back = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>2</v></c></row></sheetData></worksheet>";
    let strings = "<sst><si><t>first</t></si><si><r><t>sec</t></r><r><t>ond</t></r><rPh><t>no</t></rPh></si><si><t>third</t></si></sst>";
    let mut parts = vec![
        ("xl/worksheets/sheet1.xml", front),
        ("xl/worksheets/sheet2.xml", back),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", &links),
        ("xl/sharedStrings.xml", strings),
    ];
    parts.extend(more);
    package(("xl/workbook.xml", EXCEL), &parts)
}

#[test]
fn cells_are_text_and_hidden_ones_hidden_text() {
    let found = seen(&workbook(&[]));
    assert_eq!(found.text, "Front\nsecond own\nresult");
    assert_eq!(found.hidden, "first\n42\nBack\nthird");
    assert_eq!((found.acts, found.problems), (vec![], vec![]));
}

#[test]
fn macros_and_links_of_workbooks_are_told() {
    let macros = "<xm:macrosheet><sheetData><row r=\"1\"><c r=\"A1\"><f>EXEC(\"calc\")</f><v>0</v></c></row>\
        <row r=\"2\"><c r=\"A2\"><f>HALT()</f></c></row></sheetData></xm:macrosheet>";
    let link = "<externalLink><ddeLink ddeService=\"cmd\" ddeTopic=\"/c calc\"><ddeItems/></ddeLink></externalLink>";
    let formula = "<worksheet><sheetData><row><c r=\"A1\"><f>cmd|'/c calc'!A0</f></c><c r=\"B1\"><f>\"a|b\"&amp;C1</f></c></row></sheetData></worksheet>";
    let names = "<workbook><definedNames><definedName name=\"_xlnm.Auto_Open\">Macro1!$A$1</definedName></definedNames></workbook>";
    let found = seen(&workbook(&[
        ("xl/macrosheets/sheet1.xml", macros),
        ("xl/externalLinks/externalLink1.xml", link),
        ("xl/worksheets/sheet3.xml", formula),
        ("xl/other.xml", names),
    ]));
    let expected = [
        (Active::Dde, "cmd|/c calc".to_owned()),
        (Active::Dde, "cmd|'/c calc'!A0".to_owned()),
        (Active::Xlm, "_xlnm.Auto_Open = Macro1!$A$1".to_owned()),
        (Active::Xlm, "A1 =EXEC(\"calc\")\nA2 =HALT()\n".to_owned()),
    ];
    assert_eq!(found.acts, expected);
}

/// A record of a binary workbook.
fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = if kind < 128 { vec![kind as u8] } else { vec![kind as u8 | 0x80, (kind >> 7) as u8] };
    assert!(body.len() < 128);
    out.push(body.len() as u8);
    out.extend(body);
    out
}

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [&(text.len() as u32).to_le_bytes()[..], &units].concat()
}

/// The parts of a binary workbook: two sheets, of which the second has macros, strings, a link.
pub(crate) fn binary_parts() -> Vec<Vec<u8>> {
    let zeros = [0; 8];
    let formula = b"\x17\x04\0c\0a\0l\0c\0\x42\x01\x6e\0";
    let exec = [&zeros[..], &zeros, b"\0\0", &(formula.len() as u32).to_le_bytes(), formula, &zeros[..4]].concat();
    let sheet = |cells: &[Vec<u8>]| [record(129, b""), record(0, &[0; 17]), cells.concat(), record(130, b"")].concat();
    let cells = [record(7, &[0; 12]), record(6, &[&zeros[..], &wide("own")].concat())];
    let front = record(156, &[&zeros[..], &wide("r1"), &wide("Front")].concat());
    let back = record(156, &[b"\x01\0\0\0", &zeros[..4], &wide("r2"), &wide("Macro")].concat());
    vec![
        [record(131, b""), front, back].concat(),
        sheet(&cells),
        sheet(&[record(9, &exec)]),
        [record(159, &zeros), record(19, &[&b"\0"[..], &wide("shared")].concat())].concat(),
        record(360, &[&b"\x01\0"[..], &wide("cmd"), &wide("/c calc")].concat()),
    ]
}

#[test]
fn binary_workbooks_are_read() {
    let links = relationships(&[
        ("r1", "worksheet", "worksheets/sheet1.bin", false),
        ("r2", "xlMacrosheet", "macrosheets/sheet1.bin", false),
    ]);
    let names = ["workbook", "worksheets/sheet1", "macrosheets/sheet1", "sharedStrings", "externalLinks/externalLink1"];
    let names = names.map(|name| format!("xl/{name}.bin"));
    let binary = binary_parts();
    let mut parts: Vec<(&str, &[u8])> =
        vec![("[Content_Types].xml", b"<Types/>"), ("xl/_rels/workbook.bin.rels", links.as_bytes())];
    parts.extend(names.iter().zip(&binary).map(|(name, part)| (name.as_str(), part.as_slice())));
    let found = seen(&deflated(&parts));
    let (all, _) = members(FileKind::Ooxml, &deflated(&parts));
    // Their first bytes are those of other formats, as which they are not to be opened.
    assert_eq!(all.iter().filter(|member| member.kind == Some(FileKind::Unknown)).count(), binary.len());
    assert_eq!(found.text, "Front\nshared own");
    assert_eq!(found.hidden, "Macro");
    let expected = [(Active::Dde, "cmd|/c calc".to_owned()), (Active::Xlm, "R1C1 =\"calc\" EXEC/1\n".to_owned())];
    assert_eq!(found.acts, expected);
    assert_eq!(found.problems, []);
}

#[test]
fn slides_have_text_and_actions() {
    let text = |text: &str| format!("<a:p><a:r><a:rPr/><a:t>{text}</a:t></a:r></a:p>");
    let first = format!(
        "<p:sld>{}<p:cNvPr><a:hlinkClick r:id=\"r2\" action=\"ppaction://program\"/></p:cNvPr>\
         <p:cNvPr><a:hlinkMouseOver r:id=\"r3\"/></p:cNvPr><p:cNvPr><a:hlinkClick r:id=\"r4\"/></p:cNvPr>\
         <p:cNvPr hidden=\"1\"/>{}</p:sld>",
        text("shown"),
        text("shape")
    );
    let second = format!("<p:sld show=\"0\">{}</p:sld>", text("hidden slide"));
    let links = relationships(&[
        ("r2", "hyperlink", "file:///C:/Windows/calc.exe", true),
        ("r3", "hyperlink", "https://example.org/", true),
        ("r4", "hyperlink", "https://example.org/", true),
    ]);
    let parts = [
        ("ppt/presentation.xml", "<p:presentation/>"),
        ("ppt/slides/slide1.xml", &first),
        ("ppt/slides/_rels/slide1.xml.rels", &links),
        ("ppt/slides/slide2.xml", &second),
        ("ppt/slideLayouts/slideLayout1.xml", &format!("<p:sldLayout>{}</p:sldLayout>", text("Click to edit"))),
    ];
    let found = seen(&package(("ppt/presentation.xml", SLIDES), &parts));
    assert_eq!(found.text, "shown");
    assert_eq!(found.hidden, "shape\nhidden slide");
    let expected = [
        (Active::Launch, "ppaction://program file:///C:/Windows/calc.exe".to_owned()),
        (Active::OpenUri, "https://example.org/".to_owned()),
    ];
    assert_eq!(found.acts, expected);
}

#[test]
fn packages_that_contradict_themselves_are_damaged() {
    let macros = [("word/document.xml", "<w:document/>"), ("word/vbaProject.bin", "x")];
    let twice = archive(
        zip::CompressionMethod::Stored,
        &[("[Content_Types].xml", b"<Types/>"), ("word/a.xml", b"<a>"), ("_rels/.rels", b"<Relationships/>")],
    );
    let other = [("word/document.xml", "<w:document/>"), ("other.xml", "<Types/>")];
    for (data, damaged) in [
        (package(("word/document.xml", WORD), &macros[..1]), false),
        (package(("word/document.xml", WORD), &macros), true),
        (package(("word/document.xml", WORD), &other), true),
        (package(("word/document.xml", WORD), &[("word/document.xml", "<w:document><w:p>")]), true),
        (
            package(
                ("word/document.xml", WORD),
                &[("word/document.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><w:document/>")],
            ),
            true,
        ),
        (twice, false),
    ] {
        assert_eq!(detect(&data), FileKind::Ooxml);
        assert_eq!(seen(&data).problems.contains(&UnscannedReason::Damaged), damaged);
    }
}

const FLAT: &str = "<w:document><w:p><w:r><w:t>flat text</w:t></w:r></w:p></w:document>";

/// A package in one XML file.
pub(crate) fn flat() -> Vec<u8> {
    let text = format!(
        "<?xml version=\"1.0\"?><pkg:package xmlns:pkg=\"http://schemas.microsoft.com/office/2006/xmlPackage\">\
         <pkg:part pkg:name=\"/word/document.xml\"><pkg:xmlData>{FLAT}</pkg:xmlData></pkg:part>\
         <pkg:part pkg:name=\"/word/_rels/settings.xml.rels\"><pkg:xmlData>{}</pkg:xmlData></pkg:part>\
         <pkg:part pkg:name=\"/word/a.bin\"><pkg:binaryData>aGVs\nbG8=</pkg:binaryData></pkg:part></pkg:package>",
        relationships(&[("r1", "attachedTemplate", "http://example.org/a.dotm", true)])
    );
    text.into_bytes()
}

#[test]
fn flat_packages_are_opened_like_zipped_ones() {
    let text = String::from_utf8(flat()).unwrap();
    let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for data in [text.as_bytes().to_vec(), format!("\u{feff}{text}").into_bytes(), wide] {
        let Seen { text, acts, files, problems, .. } = seen(&data);
        assert_eq!((text.as_str(), problems), ("flat text", vec![]));
        assert_eq!(acts, [(Active::RemoteTemplate, "http://example.org/a.dotm".to_owned())]);
        assert_eq!(files.len(), 3);
        assert_eq!(files[0], ("word/document.xml".to_owned(), FLAT.as_bytes().to_vec()));
        assert_eq!(files[2], ("word/a.bin".to_owned(), b"hello".to_vec()));
    }
}

#[test]
fn documents_of_2003_are_opened_with_their_macros() {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    packed.write_all(b"the compound file").unwrap();
    let mut mso = b"ActiveMime\0\0".to_vec();
    mso.resize(0x32, 0);
    mso.extend(packed.finish().unwrap());
    let encoded = base64_simd::STANDARD.encode_to_string(&mso);
    let text = format!(
        "<?xml version=\"1.0\"?><?mso-application progid=\"Word.Document\"?>\
         <w:wordDocument xmlns:w=\"http://schemas.microsoft.com/office/word/2003/wordml\" w:macrosPresent=\"yes\">\
         <w:docSuppData><w:binData w:name=\"editdata.mso\">{encoded}</w:binData></w:docSuppData>\
         <w:docPr><w:attachedTemplate w:val=\"http://example.org/a.dot\"/></w:docPr>\
         <w:body><w:p><w:r><w:t>old</w:t></w:r></w:p></w:body></w:wordDocument>"
    );
    let found = seen(text.as_bytes());
    assert_eq!(found.text, "old");
    assert_eq!(found.acts, [(Active::RemoteTemplate, "http://example.org/a.dot".to_owned())]);
    assert_eq!(found.files, [("editdata.mso".to_owned(), mso.clone())]);
    assert_eq!(seen(&mso).files, [(String::new(), b"the compound file".to_vec())]);
}
