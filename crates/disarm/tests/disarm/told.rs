//! Whatever the reader tells of a document is taken out of it, if the table of formats lists it, and all else stays.

use disarm::DisarmError;
use mail::evidence::{Active, FileKind};

use crate::File;
use crate::documents::{OFFICE, PACKAGE, active, disarmed, file, package};
use crate::read;

const STAYS: &str = "the text that stays";

/// What takes out of a document must leave nothing of what its format lists, and the rest as it was.
fn check(what: &str, data: &[u8], told: &[Active], kept: &[&str]) {
    let kind = unpack::detect(data);
    let before = active(data);
    assert!(told.iter().all(|told| before.contains(told)), "{what}: {before:?}");
    let listed = disarm::formats::format(kind).unwrap().active;
    assert!(told.iter().all(|told| listed.contains(told)), "{what}: {told:?} is not listed");
    let new = disarmed(data).unwrap_or_else(|why| panic!("{what}: {why}")).bytes;
    let left: Vec<Active> = active(&new).into_iter().filter(|left| listed.contains(left)).collect();
    assert_eq!(left, [], "{what}");
    let text: String = read(&new).iter().map(|(_, part)| String::from_utf8_lossy(part).into_owned()).collect();
    for kept in kept {
        assert!(text.contains(kept), "{what}: {kept} is gone from {text}");
    }
}

fn wide(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn relationships(list: &[(&str, &str, &str, bool)]) -> String {
    let one = |(id, kind, target, external): &(&str, &str, &str, bool)| {
        let mode = if *external { " TargetMode=\"External\"" } else { "" };
        format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"{mode}/>")
    };
    let all: String = list.iter().map(one).collect();
    format!("<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}/relationships\">{all}</Relationships>")
}

/// A package with this main part and what else is given.
fn office(main: &str, kind: &str, content: &[u8], more: &[File]) -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"{PACKAGE}/content-types\"><Override PartName=\"/{main}\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.{kind}.main+xml\"/></Types>"
    );
    let mut files = vec![
        file("[Content_Types].xml", &types),
        file("_rels/.rels", &relationships(&[("rId1", "officeDocument", main, false)])),
        (main.to_owned(), content.to_vec()),
    ];
    files.extend_from_slice(more);
    package(&files, zip::CompressionMethod::Deflated)
}

fn letter(content: &[u8], more: &[File]) -> Vec<u8> {
    office("word/document.xml", "wordprocessingml.document", content, more)
}

fn body(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><w:document xmlns:w=\"urn:w\" xmlns:r=\"{OFFICE}\"><w:body><w:p><w:r>\
         <w:t>{STAYS}</w:t></w:r>{inner}</w:p></w:body></w:document>"
    )
}

#[test]
fn relationships_that_load_or_start_something_go() {
    for (kind, target, told) in [
        ("attachedTemplate", "https://example.org/a.dotm", Active::RemoteTemplate),
        ("attachedTemplate", "\\\\192.0.2.1\\a\\b.dotm", Active::RemoteTemplate),
        ("oleObject", "mhtml:http://example.org/a!x-usc:http://example.org/a", Active::RemoteTemplate),
        ("frame", "http://example.org/", Active::RemoteTemplate),
        ("subDocument", "http://example.org/b.docx", Active::RemoteTemplate),
        ("image", "file://192.0.2.1/logo.png", Active::RemoteTemplate),
        ("hyperlink", "ms-msdt:/id PCWDiagnostic", Active::Launch),
    ] {
        for external in [true, false] {
            let kept = [("rId8", "hyperlink", "https://example.org/kept", true), ("rId9", kind, target, external)];
            let more = [file("word/_rels/document.xml.rels", &relationships(&kept))];
            check(
                kind,
                &letter(body("").replace("UTF-16", "UTF-8").as_bytes(), &more),
                &[told],
                &[STAYS, "example.org/kept"],
            );
        }
    }
}

#[test]
fn what_acts_in_parts_of_office_goes_wherever_it_stands() {
    let dde = "<w:fldSimple w:instr=\"DDEAUTO cmd x\"><w:r><w:t>shown</w:t></w:r></w:fldSimple>";
    check("UTF-16", &letter(&wide(&body(dde)), &[]), &[Active::Dde], &[STAYS, "shown"]);
    let plain = body(dde).replace("UTF-16", "UTF-8");
    check("a mark in front", &letter(format!("\u{feff}{plain}").as_bytes(), &[]), &[Active::Dde], &[STAYS, "shown"]);
    check(
        "no quotes",
        &letter(plain.replace("\"DDEAUTO cmd x\"", "DDEAUTO").as_bytes(), &[]),
        &[Active::Dde],
        &[STAYS],
    );
    let template = "<w:attachedTemplate w:val=\"http://example.org/a.dotm\"/>";
    let plain = |inner: &str| body(inner).replace("UTF-16", "UTF-8");
    check("a template", &letter(plain(template).as_bytes(), &[]), &[Active::RemoteTemplate], &[STAYS]);
    let control = file(
        "word/other/part.xml",
        "<ax:ocx xmlns:ax=\"urn:x\" ax:classid=\"{8BD21D10-EC42-11CE-9E0D-00AA006002F3}\"/>",
    );
    check("a control", &letter(plain("").as_bytes(), &[control]), &[Active::ActiveX], &[STAYS]);
}

#[test]
fn what_acts_in_workbooks_goes_wherever_it_stands() {
    let spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let book = |more: &str| {
        format!(
            "<?xml version=\"1.0\"?><workbook xmlns=\"{spread}\" xmlns:r=\"{OFFICE}\"><sheets>\
             <sheet name=\"{STAYS}\" sheetId=\"1\" r:id=\"rId1\"/>{more}</sheets></workbook>"
        )
    };
    let sheet = |formula: &str| {
        format!(
            "<?xml version=\"1.0\"?><worksheet xmlns=\"{spread}\"><sheetData><row r=\"1\"><c r=\"A1\"><f>{formula}</f><v>7</v></c>\
             <c r=\"B1\"><f>A1+1</f><v>8</v></c></row></sheetData></worksheet>"
        )
    };
    let macros = "<xm:macrosheet xmlns:xm=\"urn:x\"><sheetData><row r=\"1\"><c r=\"A1\"><f>EXEC(\"calc\")</f></c></row></sheetData></xm:macrosheet>";
    let link = "<externalLink><ddeLink ddeService=\"cmd\" ddeTopic=\"/c calc\"/></externalLink>";
    let web = "<connections><connection id=\"1\"><webPr url=\"https://example.org/a\"/></connection></connections>";
    let condition = "<worksheet><conditionalFormatting sqref=\"A1\"><cfRule type=\"expression\" priority=\"1\">\
        <formula>DDE(\"cmd\",\"/c calc\",\"A1\")</formula></cfRule></conditionalFormatting></worksheet>";
    let later = "<worksheet><x14:dataValidation><x14:formula1><xm:f>DDE(A1,A2,A3)</xm:f></x14:formula1></x14:dataValidation></worksheet>";
    for (what, told, formula, part) in [
        ("a program", Active::Dde, "cmd|'/c calc'!A0", ""),
        ("a function", Active::Dde, "1+dde (&quot;cmd&quot;,&quot;/c calc&quot;,&quot;A1&quot;)", ""),
        ("a service", Active::RemoteTemplate, "WEBSERVICE(\"https://example.org/\")", ""),
        ("a sheet elsewhere", Active::RemoteTemplate, "'http://example.org/[a.xlsx]S'!A1", ""),
        ("a condition", Active::Dde, "A1", condition),
        ("a condition of later programs", Active::Dde, "A1", later),
        (
            "a name",
            Active::Dde,
            "A1",
            "<workbook><definedNames><definedName name=\"n\">DDE(\"cmd\",\"/c calc\",\"A1\")</definedName></definedNames></workbook>",
        ),
        (
            "a column",
            Active::RemoteTemplate,
            "A1",
            "<table><calculatedColumnFormula>WEBSERVICE(A1)</calculatedColumnFormula></table>",
        ),
        ("a sheet of macros", Active::Xlm, "A1", macros),
        ("a link", Active::Dde, "A1", link),
        ("a connection", Active::RemoteTemplate, "A1", web),
    ] {
        let list =
            [("rId1", "worksheet", "worksheets/sheet1.xml", false), ("rId2", "customXml", "other/part.xml", false)];
        let mut more = vec![
            file("xl/_rels/workbook.xml.rels", &relationships(&list)),
            file("xl/worksheets/sheet1.xml", &sheet(formula)),
        ];
        if !part.is_empty() {
            more.push(file("xl/other/part.xml", part));
        }
        let data = office("xl/workbook.xml", "spreadsheetml.sheet", book("").as_bytes(), &more);
        check(what, &data, &[told], &[STAYS, "<f>A1+1</f><v>8</v>", "<v>7</v>"]);
    }
}

#[test]
fn what_acts_on_slides_goes() {
    let slide = |inner: &str| {
        format!(
            "<?xml version=\"1.0\"?><p:sld xmlns:p=\"urn:p\" xmlns:a=\"urn:a\" xmlns:r=\"{OFFICE}\"><p:cSld><p:sp>{inner}\
             <a:p><a:r><a:t>{STAYS}</a:t></a:r></a:p></p:sp></p:cSld></p:sld>"
        )
    };
    let main = "<?xml version=\"1.0\"?><p:presentation xmlns:p=\"urn:p\"/>";
    for (inner, target) in [
        ("<a:hlinkClick action=\"ppaction://program\" r:id=\"rId5\"/>", "file:///C:/Windows/calc.exe"),
        ("<a:hlinkClick action=\"ppaction://macro?name=a\" r:id=\"\"/>", ""),
        ("<a:hlinkMouseOver action=\"PPACTION://OLE?verb=0\" r:id=\"\"/>", ""),
        ("<a:hlinkClick r:id=\"rId5\"/>", "run.exe"),
        ("<p:cmd type=\"verb\" cmd=\"0\"><p:cBhvr/></p:cmd>", ""),
    ] {
        // Programs follow a relationship of any type.
        for kind in ["hyperlink", "other"] {
            let list = [("rId5", kind, target, true)];
            let more = [
                file("ppt/slides/slide1.xml", &slide(inner)),
                file("ppt/slides/_rels/slide1.xml.rels", &relationships(&list)),
            ];
            let data = office("ppt/presentation.xml", "presentationml.presentation", main.as_bytes(), &more);
            check(inner, &data, &[Active::Launch], &[STAYS]);
        }
    }
}

/// An OpenDocument text with this in its body.
fn open(inner: &str, encode: fn(&str) -> Vec<u8>) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content><office:body><office:text><text:p>{STAYS}</text:p>{inner}\
         </office:text></office:body></office:document-content>"
    );
    let manifest = "<?xml version=\"1.0\"?><manifest:manifest><manifest:file-entry manifest:full-path=\"content.xml\"/></manifest:manifest>";
    let files = [
        file("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml".to_owned(), encode(&content)),
        file("META-INF/manifest.xml", manifest),
    ];
    package(&files, zip::CompressionMethod::Stored)
}

#[test]
fn what_acts_in_open_documents_goes_in_every_charset() {
    let plain: fn(&str) -> Vec<u8> = |text| text.as_bytes().to_vec();
    let marked: fn(&str) -> Vec<u8> = |text| format!("\u{feff}{text}").into_bytes();
    let cases = [
        ("<script:event-listener xlink:href=\"vnd.sun.star.script:Standard.M.Main\"/>", Active::Script, ""),
        (
            "<presentation:event-listener presentation:action=\"execute\" xlink:href=\"file:///C:/Windows/calc.exe\"/>",
            Active::Launch,
            "",
        ),
        ("<office:dde-source office:dde-application=\"soffice\" office:dde-topic=\"/tmp/a\"/>", Active::Dde, ""),
        ("<text:dde-connection-decl office:dde-application=\"soffice\" office:dde-topic=\"a\"/>", Active::Dde, ""),
        ("<text:section-source xlink:href=\"http://example.org/a.odt\"/>", Active::RemoteTemplate, ""),
        ("<draw:image xlink:href=\"file://192.0.2.1/a.png\"/>", Active::RemoteTemplate, "<draw:image"),
        ("<text:a xlink:href=\"vnd.sun.star.script:Standard.M.Main\">a link</text:a>", Active::Script, "a link"),
        ("<text:a xlink:href=vnd.sun.star.script:a >a link</text:a>", Active::Script, ""),
        ("<form:button xlink:href=\"macro:///Standard.M.Main\" form:label=\"press\"/>", Active::Script, "press"),
        ("<text:a xlink:href=\"java&#115;cript:run()\">a link</text:a>", Active::Script, "a link"),
        ("<text:a xlink:href=\"ms-msdt:/id\">a link</text:a>", Active::Launch, "a link"),
        (
            "<office:script><script:module script:name=\"M\">Sub Main\nEnd Sub</script:module></office:script>",
            Active::Script,
            "",
        ),
        (
            "<table:table-cell table:formula=\"of:=d&#68;E (&quot;cmd&quot;;&quot;/c calc&quot;;&quot;A1&quot;)\" office:value-type=\"string\"><text:p>last</text:p></table:table-cell>",
            Active::Dde,
            "<table:table-cell office:value-type=\"string\"><text:p>last</text:p></table:table-cell>",
        ),
        (
            "<table:covered-table-cell table:formula='oooc:=WEBSERVICE(\"http://example.org/\")'/>",
            Active::RemoteTemplate,
            "<table:covered-table-cell/>",
        ),
        (
            "<table:table-cell table:formula=\"of:=[&apos;http://example.org/x.ods&apos;#$S.A1]\" office:value=\"7\"/>",
            Active::RemoteTemplate,
            "<table:table-cell office:value=\"7\"/>",
        ),
        ("<table:named-expression table:name=\"n\" table:expression=\"of:=DDE(1;2;3)\"/>", Active::Dde, ""),
        (
            "<table:content-validation table:name=\"v\" table:condition=\"of:cell-content-is-in-list(DDE(1;2;3))\"/>",
            Active::Dde,
            "<table:content-validation table:name=\"v\"/>",
        ),
        ("<style:map style:condition=\"of:is-true-formula(DDE(1;2;3))\"/>", Active::Dde, ""),
        ("<calcext:condition calcext:value=\"formula-is(DDE(1;2;3))\"/>", Active::Dde, ""),
    ];
    for (inner, told, kept) in cases {
        for encode in [plain, marked, wide] {
            let beside =
                "<text:a xlink:href=\"https://example.org/\">kept</text:a><draw:image xlink:href=\"Pictures/1.png\"/>";
            let data = open(&format!("{inner}{beside}"), encode);
            assert_eq!(unpack::detect(&data), FileKind::Odf);
            check(inner, &data, &[told], &[STAYS, kept, beside]);
        }
    }
}

#[test]
fn an_attribute_with_a_foreign_prefix_does_not_hide_the_one_that_acts() {
    let shown = "<w:r><w:t>shown</w:t></w:r>";
    let plain = |inner: &str| body(inner).replace("UTF-16", "UTF-8");
    let field = format!("<w:fldSimple x:instr=\"PAGE\" w:instr=\"DDEAUTO cmd x\">{shown}</w:fldSimple>");
    let marks = format!(
        "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:fldChar x:fldCharType=\"separate\" w:fldCharType=\"begin\"/>\
         </w:r><w:r><w:instrText>DDEAUTO cmd x</w:instrText></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r>{shown}"
    );
    for inner in [field, marks] {
        check(&inner, &letter(plain(&inner).as_bytes(), &[]), &[Active::Dde], &[STAYS, "shown"]);
    }
    let template = "<w:attachedTemplate x:val=\"a.dotm\" w:val=\"http://example.org/a.dotm\"/>";
    check(template, &letter(plain(template).as_bytes(), &[]), &[Active::RemoteTemplate], &[STAYS]);
    let real = relationships(&[("rId9", "attachedTemplate", "http://example.org/a.dotm", true)]);
    let many: String = (0..9).map(|number| format!("x{number}:Target=\"a.xml\" ")).collect();
    let decoys = ["x:Target=\"a.xml\" ", "x:Type=\"urn:x/hyperlink\" ", "x:TargetMode=\"Internal\" "];
    for decoy in decoys {
        let links = real.replace("<Relationship Id", &format!("<Relationship {decoy}Id"));
        let more = [file("word/_rels/document.xml.rels", &links)];
        check(decoy, &letter(plain("").as_bytes(), &more), &[Active::RemoteTemplate], &[STAYS]);
    }
    // More than anyone compares goes, whatever it leads to.
    let links = real.replace("<Relationship Id", &format!("<Relationship {many}Id"));
    let field = "<w:fldSimple w:instr=\"DDE cmd x\"/>";
    let more = [file("word/_rels/document.xml.rels", &links)];
    let new = disarmed(&letter(plain(field).as_bytes(), &more)).unwrap().bytes;
    assert!(!read(&new).iter().any(|(_, part)| String::from_utf8_lossy(part).contains("a.dotm")));
    let slide = format!(
        "<p:sld xmlns:p=\"urn:p\" xmlns:a=\"urn:a\" xmlns:r=\"{OFFICE}\"><a:t>{STAYS}</a:t>\
         <a:hlinkClick x:action=\"ppaction://hlinksldjump\" action=\"ppaction://program\" r:id=\"rId5\"/></p:sld>"
    );
    let main = b"<p:presentation xmlns:p=\"urn:p\"/>";
    let more = [file("ppt/slides/slide1.xml", &slide)];
    let data = office("ppt/presentation.xml", "presentationml.presentation", main, &more);
    check("an action", &data, &[Active::Launch], &[STAYS]);
    for (inner, told) in [
        ("<text:a x:href=\"#a\" xlink:href=\"vnd.sun.star.script:Standard.M.Main\">a link</text:a>", Active::Script),
        ("<text:a x:href=\"ms-msdt:/id\" xlink:href=\"javascript:run()\">a link</text:a>", Active::Script),
        ("<text:section-source x:href=\"#a\" xlink:href=\"http://example.org/a.odt\"/>", Active::RemoteTemplate),
    ] {
        check(inner, &open(inner, |text| text.as_bytes().to_vec()), &[told], &[STAYS]);
    }
}

#[test]
fn markup_in_character_sets_that_are_not_read_is_refused_whatever_its_part_is_called() {
    let dde = "<w:fldSimple w:instr=\"DDEAUTO cmd x\"><w:r><w:t>shown</w:t></w:r></w:fldSimple>";
    let narrow = body(dde).replace("UTF-16", "windows-1252").replace(STAYS, "quoted @");
    let narrow: Vec<u8> = narrow.bytes().map(|byte| if byte == b'@' { 0x93 } else { byte }).collect();
    let odd = [&wide(&body(dde))[..], b"x"].concat();
    let jpeg = (b"\xff\xd8\xff\xe0\0\x10JFIF").to_vec();
    for main in ["word/document.xml", "word/document.dat"] {
        for content in [&narrow, &odd] {
            let data = office(main, "wordprocessingml.document", content, &[]);
            assert_eq!(active(&data), [Active::Dde].into(), "{main}");
            assert_eq!(disarmed(&data).map(|_| ()), Err(DisarmError::Format), "{main}");
        }
        let data =
            office(main, "wordprocessingml.document", &wide(&body(dde)), &[("word/media/a".into(), jpeg.clone())]);
        check(main, &data, &[Active::Dde], &[STAYS, "shown"]);
        assert!(read(&disarmed(&data).unwrap().bytes).contains(&("word/media/a".into(), jpeg.clone())));
    }
}

#[test]
fn only_the_list_of_content_types_has_parts_deleted() {
    let claim = "<Types><Override PartName=\"/word/comments.xml\" ContentType=\"application/vnd.ms-office.vbaProject\"/></Types>";
    let more = [
        file("word/comments.xml", "<w:comments xmlns:w=\"urn:w\"><w:t>a remark</w:t></w:comments>"),
        file("customXml/item1.xml", claim),
        file("word/vbaProject.bin", "no project"),
    ];
    let data = letter(body("").replace("UTF-16", "UTF-8").as_bytes(), &more);
    let wish = disarm::Wish { active: [Active::Vba].into(), ..disarm::Wish::default() };
    let new = disarm::remove(FileKind::Ooxml, &data, &wish, &mut crate::documents::budget()).unwrap();
    let names: Vec<String> = read(&new.bytes).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"word/comments.xml".to_owned()), "{names:?}");
    assert!(!names.contains(&"word/vbaProject.bin".to_owned()), "{names:?}");
}

/// Documents with much that acts in their parts.
pub(crate) fn crowded() -> Vec<Vec<u8>> {
    let run = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let code = |code: &str| format!("<w:r><w:instrText>{code}</w:instrText></w:r>");
    let field =
        |inner: &str| format!("{}{inner}{}<w:r><w:t>shown</w:t></w:r>{}", run("begin"), run("separate"), run("end"));
    let fields = [
        field(&code("DDEAUTO cmd x")),
        field(&(field(&code("QUOTE 68 68 69")) + &code(" cmd x"))),
        field(&code("INCLUDETEXT &quot;http://example.org/a.docx&quot;")),
        "<w:fldSimple w:instr=\"DDE cmd x\"><w:r><w:t>shown</w:t></w:r></w:fldSimple>".to_owned(),
        "<w:object><o:OLEObject ProgID=\"Package\"/></w:object><w:control w:name=\"c\"/>".to_owned(),
    ];
    let list =
        [("rId1", "attachedTemplate", "https://example.org/a.dotm", true), ("rId2", "hyperlink", "ms-msdt:/id", true)];
    let more = [file("word/_rels/document.xml.rels", &relationships(&list))];
    let inner = [
        "<script:event-listener xlink:href=\"vnd.sun.star.script:Standard.M.Main\"/>",
        "<office:dde-source office:dde-application=\"soffice\" office:dde-topic=\"/tmp/a\"/>",
        "<text:section-source xlink:href=\"http://example.org/a.odt\"/><draw:image xlink:href=\"file://192.0.2.1/a.png\"/>",
        "<text:a xlink:href=\"javascript:run()\">a link</text:a><text:a xlink:href=\"ms-msdt:/id\">a link</text:a>",
    ];
    let slide = format!(
        "<p:sld xmlns:p=\"urn:p\" xmlns:a=\"urn:a\" xmlns:r=\"{OFFICE}\"><a:hlinkClick action=\"ppaction://program\" r:id=\"rId5\"/>\
         <a:hlinkClick r:id=\"rId5\"/><p:cmd type=\"verb\" cmd=\"0\"/><p:oleObj progId=\"Package\"/></p:sld>"
    );
    let links = relationships(&[("rId5", "hyperlink", "run.exe", true)]);
    let slides = [file("ppt/slides/slide1.xml", &slide), file("ppt/slides/_rels/slide1.xml.rels", &links)];
    vec![
        letter(body(&fields.concat()).replace("UTF-16", "UTF-8").as_bytes(), &more),
        letter(&wide(&body(&fields.concat())), &[]),
        open(&inner.concat(), |text| text.as_bytes().to_vec()),
        office("ppt/presentation.xml", "presentationml.presentation", b"<p:presentation xmlns:p=\"urn:p\"/>", &slides),
    ]
}

#[test]
fn codes_of_fields_are_told_apart_by_where_they_stand() {
    let field = |code: &str, shown: &str| {
        format!(
            "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText>{code}</w:instrText></w:r>\
             <w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>{shown}</w:t></w:r>\
             <w:r><w:fldChar w:fldCharType=\"end\"/></w:r>"
        )
    };
    // The link goes with the code in it.
    let link = format!("<w:hyperlink r:id=\"rId9\">{}</w:hyperlink>", field("PAGE", "one"));
    let text = body(&[link, field("DDEAUTO cmd x", "two"), field("DATE", "three")].concat());
    let links = [("rId9", "hyperlink", "ms-msdt:/id", true)];
    for content in [text.replace("UTF-16", "UTF-8").into_bytes(), wide(&text)] {
        let more = [file("word/_rels/document.xml.rels", &relationships(&links))];
        check("fields", &letter(&content, &more), &[Active::Launch, Active::Dde], &[STAYS, "two", "DATE", "three"]);
    }
}

#[test]
fn strings_go_with_the_sheets_of_macros_that_alone_show_them_wherever_those_stand() {
    let spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let sheet = |root: &str, string: u32| {
        format!(
            "<?xml version=\"1.0\"?><{root} xmlns=\"{spread}\"><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>{string}</v></c>\
             <c r=\"B1\" t=\"s\"><v>2</v></c></row></sheetData></{root}>"
        )
    };
    let book = format!(
        "<?xml version=\"1.0\"?><workbook xmlns=\"{spread}\" xmlns:r=\"{OFFICE}\"><sheets>\
         <sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/><sheet name=\"m\" sheetId=\"2\" r:id=\"rId2\"/></sheets></workbook>"
    );
    let strings =
        "<?xml version=\"1.0\"?><sst><si><t>is shown</t></si><si><t>calc.exe</t></si><si><t>is both</t></si></sst>";
    for (cells, macros) in
        [("worksheets/s1.xml", "worksheets/s9.xml"), ("a/one.xml", "worksheets/s9.xml"), ("b.xml", "c.xml")]
    {
        let list = [
            ("rId1", "worksheet", cells, false),
            ("rId2", "xlMacrosheet", macros, false),
            ("rId3", "sharedStrings", "texts.xml", false),
        ];
        let more = [
            file("xl/_rels/workbook.xml.rels", &relationships(&list)),
            file(&format!("xl/{cells}"), &sheet("worksheet", 0)),
            file(&format!("xl/{macros}"), &sheet("macrosheet", 1)),
            file("xl/texts.xml", strings),
        ];
        let data = office("xl/workbook.xml", "spreadsheetml.sheet", book.as_bytes(), &more);
        check(cells, &data, &[Active::Xlm], &["is shown", "is both"]);
        let new = disarmed(&data).unwrap().bytes;
        let strings = read(&new).into_iter().find(|(name, _)| name == "xl/texts.xml").unwrap().1;
        assert!(!String::from_utf8_lossy(&strings).contains("calc"), "{cells}");
    }
}
