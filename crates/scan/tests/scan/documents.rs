//! Text and links of attached documents, looked at for spam where the policy wants that (LM-04, LM-05).

use std::io::Write;

use mail::evidence::Extent;
use scan::{Context, SpamContext};

use crate::support::{examine, message_with, plain, zip};

const WORDS: &str = "buy bitcoin now";

/// A look that goes so far.
fn of(extent: Extent) -> SpamContext {
    SpamContext { extent, ..SpamContext::default() }
}

fn context(spam: SpamContext) -> Context {
    let spam = SpamContext { fuel: u64::MAX, unrated: true, ..spam };
    Context { spam: Some(spam), ..Context::default() }
}

/// Whether the words were looked at, and the hosts that lists would be asked about.
fn seen(name: &str, content: &[u8], spam: SpamContext) -> (bool, Vec<String>) {
    let evidence = examine(&plain(), &message_with(name, content), &context(spam));
    evidence.validate().expect("sound evidence");
    let wallet = evidence.spam.signs().iter().any(|sign| sign.evidence.raw().contains("bitcoin"));
    (wallet, evidence.facts.hosts.clone())
}

fn docx() -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink";
    let links = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" \
         Type=\"{kind}\" Target=\"http://bad.example/x\" TargetMode=\"External\"/></Relationships>"
    );
    docx_of("word/_rels/document.xml.rels", links.as_bytes())
}

/// A document with the words in it, and a part that says where links lead.
fn docx_of(name: &str, links: &[u8]) -> Vec<u8> {
    let space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    let document = format!(
        "<w:document xmlns:w=\"{space}\"><w:body><w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p></w:body></w:document>"
    );
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Override \
                 PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.\
                 wordprocessingml.document.main+xml\"/></Types>";
    zip(&[("[Content_Types].xml", types.as_bytes()), (name, links), ("word/document.xml", document.as_bytes())])
}

fn odt() -> Vec<u8> {
    let text = format!(
        "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><office:body><office:text><text:p>{WORDS} at \
         http://bad.example/x</text:p></office:text></office:body></office:document-content>"
    );
    // Its type is stored as it is: that is what tells the format.
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", text.as_str())] {
        writer.start_file(name, stored).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn rtf() -> Vec<u8> {
    format!("{{\\rtf1\\ansi {WORDS} at http://bad.example/x\\par}}").into_bytes()
}

fn pdf() -> Vec<u8> {
    let shown = format!("BT /F1 12 Tf 72 700 Td ({WORDS} at http://bad.example/x) Tj ET");
    format!(
        "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n\
         3 0 obj\n<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>\nendobj\n\
         4 0 obj\n<</Length {}>>\nstream\n{shown}\nendstream\nendobj\n\
         5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n",
        shown.len()
    )
    .into_bytes()
}

#[test]
fn lm_04_lm_05_text_and_links_of_documents_are_looked_at_where_that_is_wanted() {
    let doc = || of(Extent { doc: true, ..Extent::default() });
    let cases: [(&str, Vec<u8>, SpamContext); 5] = [
        ("a.docx", docx(), doc()),
        ("a.odt", odt(), doc()),
        ("a.rtf", rtf(), of(Extent { rtf: true, ..Extent::default() })),
        ("a.pdf", pdf(), of(Extent { pdf: true, ..Extent::default() })),
        (
            "a.txt",
            format!("{WORDS} at http://bad.example/x\r\n").into_bytes(),
            of(Extent { texts: true, ..Extent::default() }),
        ),
    ];
    for (name, content, wanted) in cases {
        assert_eq!(seen(name, &content, SpamContext::default()), (false, Vec::new()), "{name} where it is off");
        assert_eq!(seen(name, &content, wanted.clone()), (true, vec!["bad.example".to_owned()]), "{name}");
        let outgoing = SpamContext { body_only: true, ..wanted };
        assert_eq!(seen(name, &content, outgoing), (false, Vec::new()), "{name} OUT-06");
    }
}

#[test]
fn out_06_where_only_the_text_counts_no_attached_page_is_read() {
    let page = b"<p>buy <a href='http://bad.example/x'>here</a></p>";
    let hosts = |body_only| seen("a.html", page, SpamContext { body_only, ..SpamContext::default() }).1;
    assert_eq!(hosts(false), ["bad.example"]);
    assert_eq!(hosts(true), [""; 0]);
}

#[test]
fn links_of_documents_are_read_however_they_are_written_and_take_no_room_of_the_text() {
    let doc = || of(Extent { doc: true, ..Extent::default() });
    let part =
        |target: &str| format!("<Relationships><Relationship Id='r' {target} TargetMode='External'/></Relationships>");
    let wide: Vec<u8> = part("Target='http://bad.example/x'").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, Vec<u8>); 6] = [
        ("word/_rels/document.xml.rels", part("Target = 'http://bad.example/x'").into_bytes()),
        ("word/_rels/document.xml.RELS", part("Target=\"HTTP://bad.example/x\"").into_bytes()),
        ("word/_rels/document.xml.rels", part("Target='&#104;ttp&#x3a;//bad.example/?a=1&amp;b=2'").into_bytes()),
        ("word/_rels/document.xml.rels", part("Target=' http://bad.example/x'").into_bytes()),
        (
            "word/_rels/document.xml.rels",
            part("p:Target='http://bad.example/x'").replace("<Rel", "<p:Rel").into_bytes(),
        ),
        ("word/_rels/document.xml.rels", [vec![0xff, 0xfe], wide].concat()),
    ];
    for (name, links) in cases {
        let found = seen("a.docx", &docx_of(name, &links), doc());
        assert_eq!(found, (true, vec!["bad.example".to_owned()]), "{}", String::from_utf8_lossy(&links));
    }
    // The part with the links may come first, and be as long as it wants.
    let many: String =
        (0..3000).map(|at| format!("<Relationship Target='http://www.bad.example/{at:080}'/>")).collect();
    let long = docx_of("word/_rels/document.xml.rels", many.as_bytes());
    let none = docx_of("word/_rels/document.xml.rels", b"<Relationships/>");
    let told = |content: &[u8]| {
        let evidence = examine(&plain(), &message_with("a.docx", content), &context(doc()));
        let cut = evidence.spam.signs().iter().any(|sign| sign.id == "not_all_read" && sign.evidence.raw() == "links");
        (seen("a.docx", content, doc()), cut)
    };
    assert_eq!(told(&long), ((true, vec!["bad.example".to_owned()]), true));
    assert_eq!(told(&none), ((true, Vec::new()), false));
    // So may a text.
    let text = |words: usize| {
        let content = format!("{}\r\n", format!("{WORDS}\r\n").repeat(words));
        let context = context(of(Extent { rtf: true, ..Extent::default() }));
        let rtf = format!("{{\\rtf1\\ansi {content}}}");
        let evidence = examine(&plain(), &message_with("a.rtf", rtf.as_bytes()), &context);
        evidence.spam.signs().iter().any(|sign| sign.id == "documents_not_all_read")
    };
    assert_eq!((text(10), text(70_000 / WORDS.len())), (false, true));
}

#[test]
fn d_21_each_extent_is_a_look_of_its_own() {
    let none = Extent::default();
    let texts = Extent { texts: true, ..none };
    let spam = SpamContext { others: vec![texts, none, texts, Extent { pdf: true, ..none }], ..of(none) };
    let content = format!("{WORDS} at http://bad.example/x\r\n").into_bytes();
    let evidence = examine(&plain(), &message_with("a.txt", &content), &context(spam));
    evidence.validate().expect("sound evidence");
    let extents: Vec<Extent> = evidence.other_looks.iter().map(|look| look.extent).collect();
    assert_eq!(extents, [texts, Extent { pdf: true, ..none }], "each once");
    let work = evidence.spam_fuel;
    let report = evidence.close(&[]);
    for (extent, hosts) in [(none, &[][..]), (texts, &["bad.example"]), (Extent { pdf: true, ..none }, &[])] {
        let own = report.clone().looked_at(extent, work);
        assert_eq!(own.facts().hosts, hosts, "{extent:?}");
        assert_eq!(own.spam().signs().iter().any(|sign| sign.evidence.raw().contains("bitcoin")), extent == texts);
        assert_eq!(report.clone().looked_at(extent, work - 1).spam(), &mail::evidence::SpamSeen::OutOfTime);
    }
}
