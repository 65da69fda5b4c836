//! Documents: their active content is gone from the bytes, the rest is as it was, and LibreOffice opens
//! what comes out.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use disarm::{DisarmError, Rebuilt, Wish, remove};
use mail::evidence::{Active, Role};
use sha2::{Digest, Sha256};
use unpack::{Budget, Limits, Member, Opening, StopFlag};

use crate::{File, archive, read};

pub(crate) fn budget() -> Budget {
    Budget::new(Limits::default(), StopFlag::new())
}

pub(crate) fn members(data: &[u8]) -> Vec<Member> {
    let mut budget = budget();
    let Opening::Container(mut container) = unpack::open(unpack::detect(data), data, &mut budget) else {
        return Vec::new();
    };
    std::iter::from_fn(|| container.next(data, &mut budget)).collect()
}

/// The active content that a reader finds, in it and in the documents in it.
pub(crate) fn active(data: &[u8]) -> BTreeSet<Active> {
    let (mut found, mut todo) = (BTreeSet::new(), vec![data.to_vec()]);
    while let Some(data) = todo.pop() {
        for member in members(&data) {
            match member.role {
                Role::Active(what) => drop(found.insert(what)),
                Role::File if unpack::detect(&member.content).name() == "ole2" => todo.push(member.content),
                _ => {}
            }
        }
    }
    found
}

pub(crate) fn disarmed(data: &[u8]) -> Result<Rebuilt, DisarmError> {
    let wish = Wish { active: Active::ALL.into_iter().collect(), ..Wish::default() };
    remove(unpack::detect(data), data, &wish, &mut budget())
}

pub(crate) fn file(name: &str, content: &str) -> File {
    (name.to_owned(), content.as_bytes().to_vec())
}

/// A package as office programs write it.
pub(crate) fn package(files: &[File], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name, zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
pub(crate) const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// A document of Word with a template on the web, DDE in a field in two pieces, an object, a control and a
/// project of macros.
pub(crate) fn word() -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Default Extension=\"png\" ContentType=\"image/png\"/>\
         <Default Extension=\"bin\" ContentType=\"application/vnd.ms-office.vbaProject\"/>\
         <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/>\
         <Override PartName=\"/word/settings.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml\"/>\
         <Override PartName=\"/word/activeX/activeX1.xml\" ContentType=\"application/vnd.ms-office.activeX+xml\"/></Types>"
    );
    let rels = |list: &[(&str, &str, &str, bool)]| {
        let one = |(id, kind, target, external): &(&str, &str, &str, bool)| {
            let mode = if *external { " TargetMode=\"External\"" } else { "" };
            format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"{mode}/>")
        };
        let all: String = list.iter().map(one).collect();
        format!("<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}/relationships\">{all}</Relationships>")
    };
    let body = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" \
        xmlns:o=\"urn:schemas-microsoft-com:office:office\"><w:body>\
        <w:p><w:r><w:t>the text that stays</w:t></w:r></w:p><w:p>\
        <w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText> DDEA</w:instrText></w:r>\
        <w:r><w:instrText>UTO c:\\\\programs\\\\x \"run\" </w:instrText></w:r>\
        <w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>shown</w:t></w:r>\
        <w:r><w:fldChar w:fldCharType=\"end\"/></w:r></w:p>\
        <w:p><w:r><w:object><o:OLEObject Type=\"Embed\" ProgID=\"Package\" r:id=\"rId4\"/></w:object></w:r>\
        <w:hyperlink r:id=\"rId6\"><w:r><w:t>a link</w:t></w:r></w:hyperlink>\
        <w:r><w:object><w:control r:id=\"rId5\" w:name=\"c\"/></w:object></w:r></w:p></w:body></w:document>";
    let settings = "<w:settings xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
        <w:attachedTemplate r:id=\"rId1\"/></w:settings>";
    let files = [
        file("[Content_Types].xml", &types),
        file("_rels/.rels", &rels(&[("rId1", "officeDocument", "word/document.xml", false)])),
        file("word/document.xml", body),
        file(
            "word/_rels/document.xml.rels",
            &rels(&[
                ("rId2", "vbaProject", "vbaProject.bin", false),
                ("rId3", "settings", "settings.xml", false),
                ("rId4", "oleObject", "embeddings/oleObject1.bin", false),
                ("rId5", "control", "activeX/activeX1.xml", false),
                ("rId6", "hyperlink", "https://example.org/", true),
            ]),
        ),
        file("word/settings.xml", settings),
        file(
            "word/_rels/settings.xml.rels",
            &rels(&[("rId1", "attachedTemplate", "https://example.org/t.dotm", true)]),
        ),
        file("word/vbaProject.bin", "not a real project: Sub AutoOpen()"),
        file("word/embeddings/oleObject1.bin", "a program"),
        file(
            "word/activeX/activeX1.xml",
            "<ax:ocx xmlns:ax=\"urn:x\" ax:classid=\"{8BD21D10-EC42-11CE-9E0D-00AA006002F3}\"/>",
        ),
        file("word/media/picture.png", "\u{89}PNG bytes that stay"),
    ];
    package(&files, zip::CompressionMethod::Deflated)
}

pub(crate) fn open_document() -> Vec<u8> {
    let ns = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
              xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
              xmlns:script=\"urn:oasis:names:tc:opendocument:xmlns:script:1.0\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"";
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content {ns} office:version=\"1.2\"><office:scripts>\
         <office:event-listeners><script:event-listener script:language=\"ooo:script\" script:event-name=\"dom:load\" \
         xlink:href=\"vnd.sun.star.script:Standard.M.Main?language=Basic&amp;location=document\"/></office:event-listeners>\
         </office:scripts><office:body><office:text><text:p>the text that stays</text:p></office:text></office:body>\
         </office:document-content>"
    );
    let module = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><script:module xmlns:script=\"http://openoffice.org/2000/script\" \
                  script:name=\"M\" script:language=\"StarBasic\">Sub Main\nShell \"run\"\nEnd Sub</script:module>";
    let manifest = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><manifest:manifest \
        xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" manifest:version=\"1.2\">\
        <manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"application/vnd.oasis.opendocument.text\"/>\
        <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>\
        <manifest:file-entry manifest:full-path=\"Basic/Standard/M.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>";
    // The marker has to be the first member, and not compressed.
    let files = [
        file("mimetype", "application/vnd.oasis.opendocument.text"),
        file("content.xml", &content),
        file("Basic/Standard/M.xml", module),
        file("META-INF/manifest.xml", manifest),
    ];
    package(&files, zip::CompressionMethod::Stored)
}

pub(crate) fn rich_text() -> Vec<u8> {
    br"{\rtf1\ansi the text that stays {\field{\*\fldinst DDEAUTO cmd run}{\fldrslt shown}}{\*\template https://example.org/t.dotm}{\object\objemb{\*\objdata 01050000020000000800000050616368616765000000000000000000040000004142434400}{\result pic}}\par}".to_vec()
}

#[test]
fn a_word_document_keeps_its_text_and_loses_what_acts() {
    let data = word();
    let before = active(&data);
    for what in [Active::Dde, Active::RemoteTemplate, Active::ActiveX] {
        assert!(before.contains(&what), "{what:?} of {before:?}");
    }
    let rebuilt = disarmed(&data).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    assert_eq!(rebuilt.suffix, ".docx");
    let new = read(&rebuilt.bytes);
    let names: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "[Content_Types].xml",
            "_rels/.rels",
            "word/document.xml",
            "word/_rels/document.xml.rels",
            "word/settings.xml",
            "word/_rels/settings.xml.rels",
            "word/media/picture.png"
        ]
    );
    let old = read(&data);
    for name in ["_rels/.rels", "word/media/picture.png"] {
        let of = |files: &[File]| files.iter().find(|(it, _)| it == name).map(|(_, content)| content.clone());
        assert_eq!(of(&new), of(&old), "{name}");
    }
    let all: String = new.iter().map(|(_, content)| String::from_utf8_lossy(content).into_owned()).collect();
    for gone in
        ["vbaProject", "macroEnabled", "DDEA", "example.org/t.dotm", "OLEObject", "w:control", "attachedTemplate "]
    {
        assert!(!all.contains(gone), "{gone} is left");
    }
    for stays in
        ["the text that stays", "shown", "https://example.org/\"", "a link", "wordprocessingml.document.main+xml"]
    {
        assert!(all.contains(stays), "{stays} is gone");
    }
    let removed: Vec<&str> = rebuilt.removed.iter().map(|it| it.name.as_str()).collect();
    for part in ["word/vbaProject.bin", "word/embeddings/oleObject1.bin", "word/activeX/activeX1.xml"] {
        assert!(removed.contains(&part), "{removed:?}");
    }
}

#[test]
fn an_open_document_and_rich_text_lose_what_acts() {
    let odf = open_document();
    assert!(active(&odf).contains(&Active::Script) || active(&odf).contains(&Active::Vba), "{:?}", active(&odf));
    let rebuilt = disarmed(&odf).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    let all: String = read(&rebuilt.bytes).iter().map(|(_, c)| String::from_utf8_lossy(c).into_owned()).collect();
    assert!(all.contains("the text that stays") && !all.contains("Shell") && !all.contains("Basic"), "{all}");

    let rtf = rich_text();
    let before = active(&rtf);
    assert!(before.contains(&Active::Dde) && before.contains(&Active::RemoteTemplate), "{before:?}");
    let rebuilt = disarmed(&rtf).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    let text = String::from_utf8(rebuilt.bytes).unwrap();
    assert!(text.contains("the text that stays") && text.contains("shown") && !text.contains("objdata"), "{text}");
}

#[test]
fn only_what_is_asked_for_goes() {
    let wish = Wish { active: [Active::Vba].into(), ..Wish::default() };
    let data = word();
    let rebuilt = remove(unpack::detect(&data), &data, &wish, &mut budget()).unwrap();
    let names: Vec<String> = read(&rebuilt.bytes).into_iter().map(|(name, _)| name).collect();
    assert!(!names.contains(&"word/vbaProject.bin".to_owned()));
    assert!(names.contains(&"word/embeddings/oleObject1.bin".to_owned()));
    assert!(active(&rebuilt.bytes).contains(&Active::Dde));
}

#[test]
fn a_document_in_an_archive_is_disarmed_there() {
    let inner = word();
    let outer = archive(&[("letter.docm".to_owned(), inner.clone()), file("beside.txt", "beside")]);
    let through = [Sha256::digest(&inner).into()].into();
    let wish = Wish { active: Active::ALL.into_iter().collect(), through, ..Wish::default() };
    let rebuilt = remove(unpack::detect(&outer), &outer, &wish, &mut budget()).unwrap();
    let new = read(&rebuilt.bytes);
    assert_eq!(new[0].0, "letter.docm.docx");
    assert_eq!(new[1], file("beside.txt", "beside"));
    assert_eq!(active(&new[0].1), BTreeSet::new());
}

#[test]
fn libreoffice_opens_what_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Command::new("soffice");
    run.arg(format!("-env:UserInstallation=file://{}/profile", folder.path().display()));
    run.args(["--headless", "--convert-to", "txt:Text", "--outdir"]).arg(folder.path());
    for (name, data) in [("word.docx", word()), ("open.odt", open_document()), ("rich.rtf", rich_text())] {
        fs::write(folder.path().join(name), disarmed(&data).unwrap().bytes).unwrap();
        run.arg(folder.path().join(name));
    }
    let Ok(output) = run.stdin(Stdio::null()).output() else {
        testkit::peers::skipped("soffice");
        return;
    };
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    for name in ["word.txt", "open.txt", "rich.txt"] {
        let text = fs::read_to_string(folder.path().join(name)).unwrap_or_else(|_| panic!("{name}: {told}"));
        assert!(text.contains("the text that stays"), "{name}: {text}");
    }
}

#[test]
fn mutated_documents_are_refused_or_lose_what_acts() {
    for data in [word(), open_document(), rich_text()] {
        for round in 0..200_usize {
            let mut bad = data.clone();
            let at = round.wrapping_mul(7919) % bad.len();
            bad[at] ^= 1 << (round % 8);
            disarm::fuzzing::fuzz_disarm(&bad);
        }
    }
}

/// A document of Word with these runs.
pub(crate) fn document(body: &str) -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Override PartName=\"/word/document.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>"
    );
    let rels = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
         Type=\"{OFFICE}/officeDocument\" Target=\"word/document.xml\"/></Relationships>"
    );
    let body = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body><w:p>{body}</w:p></w:body></w:document>"
    );
    let files = [file("[Content_Types].xml", &types), file("_rels/.rels", &rels), file("word/document.xml", &body)];
    package(&files, zip::CompressionMethod::Deflated)
}

/// A field with this code, in runs, that shows something.
pub(crate) fn field(code: &str) -> String {
    let mark = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let shown = "<w:r><w:t>shown</w:t></w:r>";
    format!("{}{code}{}{shown}{}", mark("begin"), mark("separate"), mark("end"))
}

pub(crate) fn instruction(code: &str) -> String {
    format!("<w:r><w:instrText xml:space=\"preserve\">{code}</w:instrText></w:r>")
}

/// The part of a package with a name, as text.
fn part(data: &[u8], name: &str) -> String {
    let found = members(data).into_iter().find(|it| it.name.as_ref().is_some_and(|known| known.raw() == name));
    String::from_utf8(found.unwrap().content).unwrap()
}

#[test]
fn only_the_field_that_acts_loses_its_code() {
    let arguments = " c:\\\\programs\\\\x \"run\" ";
    let acting = [
        field(&instruction(&format!("DDEAUTO{arguments}"))),
        field(&instruction(&format!("&#68;DE<!-- x --><![CDATA[AUTO]]>{arguments}"))),
        field(&(field(&instruction("QUOTE 68 68 69 65 85 84 79")) + &instruction(arguments))),
        field(&instruction("INCLUDETEXT \"http://example.org/a.docx\"")),
        field(&instruction("HYPERLINK \"ms-msdt:/id x\"")),
        format!(
            "<w:fldSimple w:instr=\"DDE{}\"><w:r><w:t>shown</w:t></w:r></w:fldSimple>",
            arguments.replace('"', "&quot;")
        ),
    ];
    let kept = [
        field(&instruction("HYPERLINK \"http://example.org/\"")),
        "<w:fldSimple w:instr=\" REF Addendum1 \"><w:r><w:t>kept words</w:t></w:r></w:fldSimple>".to_owned(),
        field(&instruction("PAGE")),
    ];
    for acting in &acting {
        let data = document(&(kept[0].clone() + acting + &kept[1] + &kept[2]));
        assert_eq!(active(&data).len(), 1, "{acting}");
        let new = disarmed(&data).unwrap().bytes;
        assert!(active(&new).is_empty(), "{acting}");
        let text = part(&new, "word/document.xml");
        assert!(kept.iter().all(|kept| text.contains(kept)), "{text}");
        assert_eq!(text.matches("shown").count(), part(&data, "word/document.xml").matches("shown").count(), "{text}");
    }
}

#[test]
fn formulas_and_names_beside_those_that_act_stay() {
    let office = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    };
    let rels = |list: String| {
        format!("<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}/relationships\">{list}</Relationships>")
    };
    let spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let names = [
        "<definedName name=\"_xlnm.Print_Area\" localSheetId=\"1\">S!$A$1:$C$9</definedName>",
        "<definedName name=\"rate\" localSheetId=\"1\">S!$B$1</definedName>",
        "<definedName name=\"all\">NotMacro1!$A$1</definedName>",
    ];
    let gone =
        "<definedName name=\"Auto_Open\">Macro1!$A$1</definedName><definedName name=\"m\">Macro1!$A$2</definedName>";
    let book = format!(
        "<?xml version=\"1.0\"?><workbook xmlns=\"{spread}\" xmlns:r=\"{OFFICE}\"><sheets>\
         <sheet name=\"Macro1\" sheetId=\"1\" r:id=\"rId3\"/><sheet name=\"S\" sheetId=\"2\" r:id=\"rId1\"/></sheets>\
         <definedNames>{}{gone}</definedNames></workbook>",
        names.concat()
    );
    let formulas = ["SUM(Sales[2024])*rate", "A1&amp;\"|\"&amp;B1!C1", "A1+B1"].map(|text| format!("<f>{text}</f>"));
    let sheet = |formulas: &str| {
        format!(
            "<?xml version=\"1.0\"?><worksheet xmlns=\"{spread}\"><sheetData><row r=\"1\"><c r=\"A1\">{formulas}<v>7</v></c></row></sheetData></worksheet>"
        )
    };
    let cells = formulas.join("<v>1</v></c><c r=\"B1\">") + "<v>1</v></c><c r=\"C1\"><f>cmd|'/c calc'!A0</f>";
    let files = [
        file(
            "[Content_Types].xml",
            &format!(
                "<?xml version=\"1.0\"?><Types xmlns=\"{PACKAGE}/content-types\"><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.ms-excel.sheet.macroEnabled.main+xml\"/></Types>"
            ),
        ),
        file("_rels/.rels", &rels(office("rId1", "officeDocument", "xl/workbook.xml"))),
        file("xl/workbook.xml", &book),
        file(
            "xl/_rels/workbook.xml.rels",
            &rels(
                office("rId1", "worksheet", "worksheets/sheet1.xml")
                    + &office("rId3", "xlMacrosheet", "macrosheets/sheet1.xml"),
            ),
        ),
        file("xl/worksheets/sheet1.xml", &sheet(&cells)),
        file(
            "xl/macrosheets/sheet1.xml",
            &sheet("<f>EXEC(\"calc\")</f>")
                .replace("worksheet", "xm:macrosheet xmlns:xm=\"urn:x\"")
                .replace("</xm:macrosheet xmlns:xm=\"urn:x\">", "</xm:macrosheet>"),
        ),
    ];
    let data = package(&files, zip::CompressionMethod::Deflated);
    let new = disarmed(&data).unwrap().bytes;
    assert!(active(&new).is_empty(), "{:?}", active(&new));
    let (book, sheet) = (part(&new, "xl/workbook.xml"), part(&new, "xl/worksheets/sheet1.xml"));
    // The sheet's number is one less, as one in front of it is gone.
    assert!(names.iter().all(|name| book.contains(&name.replace("\"1\"", "\"0\""))), "{book}");
    assert!(
        !book.contains("Macro1!$A$1</definedName><definedName name=\"m\"") && !book.contains("Auto_Open"),
        "{book}"
    );
    assert!(formulas.iter().all(|formula| sheet.contains(formula)) && !sheet.contains("calc"), "{sheet}");
}
