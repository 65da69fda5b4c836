//! Documents: what they hold, show and do. Built here part by part, so that each test says what makes
//! the difference.

mod hostile;
mod odf;
mod onenote;
mod ooxml;
mod rtf;

use mail::evidence::{Active, FileKind, Role, UnscannedReason};
use unpack::{Budget, Limits, Member, Opening, Passwords, StopFlag, detect, open};

pub(crate) use onenote::section;

use crate::support::{deflated, name};

/// What a document gave beside its files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) hidden: String,
    pub(crate) acts: Vec<(Active, String)>,
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) problems: Vec<UnscannedReason>,
}

/// Opens a document of the kind that it is told to be.
pub(crate) fn seen(data: &[u8]) -> Seen {
    seen_with(data, Passwords::empty())
}

pub(crate) fn seen_with(data: &[u8], passwords: Passwords) -> Seen {
    let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(passwords);
    let Opening::Container(mut container) = open(detect(data), data, &mut budget) else { panic!("does not open") };
    let mut seen = Seen::default();
    let mut last = None;
    while let Some(member) = container.next(data, &mut budget) {
        assert!(last < Some(member.index), "numbers ascend");
        last = Some(member.index);
        seen.problems.extend(&member.problems);
        add(&mut seen, member);
    }
    seen.problems.extend(container.problems());
    seen
}

fn add(seen: &mut Seen, member: Member) {
    let text = || String::from_utf8_lossy(&member.content).into_owned();
    match member.role {
        Role::Text => {
            assert_eq!(member.kind, Some(FileKind::Text));
            assert!(seen.text.is_empty(), "one text a document");
            seen.text = text();
        }
        Role::HiddenText => seen.hidden = text(),
        Role::Active(what) => seen.acts.push((what, text())),
        Role::File | Role::Decoded => seen.files.push((name(&member).to_owned(), member.content)),
    }
}

/// A package of these parts, with the content type of its main part.
pub(crate) fn package(main: (&str, &str), parts: &[(&str, &str)]) -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/{}\" ContentType=\"{}\"/></Types>",
        main.0, main.1
    );
    let relationships = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"x/officeDocument\" Target=\"{}\"/></Relationships>",
        main.0
    );
    let mut all = vec![("[Content_Types].xml", types.as_bytes()), ("_rels/.rels", relationships.as_bytes())];
    all.extend(parts.iter().map(|(name, content)| (*name, content.as_bytes())));
    deflated(&all)
}

/// Relationships as XML: number, type, target, whether it is external.
pub(crate) fn relationships(all: &[(&str, &str, &str, bool)]) -> String {
    let one = |(id, kind, target, external): &(&str, &str, &str, bool)| {
        let mode = if *external { " TargetMode=\"External\"" } else { "" };
        format!("<Relationship Id=\"{id}\" Type=\"http://schemas.example.org/r/{kind}\" Target=\"{target}\"{mode}/>")
    };
    format!("<?xml version=\"1.0\"?><Relationships>{}</Relationships>", all.iter().map(one).collect::<String>())
}

/// Parts of documents, for changing them at random.
pub(crate) fn parts() -> Vec<Vec<u8>> {
    let texts = [
        "<w:document><w:p><w:r><w:rPr><w:vanish/></w:rPr><w:fldChar w:fldCharType='begin'/><w:instrText>DDE a</w:instrText><w:t>x&#65;&amp;</w:t></w:r></w:p></w:document>",
        "<worksheet><cols><col min='1' max='2' hidden='1'/></cols><row hidden='1'><c r='B2' t='s'><f>a|b!c</f><v>1</v></c></row></worksheet>",
        "<p:sld show='0'><a:hlinkClick r:id='r1' action='ppaction://program'/><a:p><a:r><a:t>x</a:t></a:r></a:p></p:sld>",
        "<manifest:manifest><manifest:file-entry manifest:full-path='content.xml' manifest:size='9'><manifest:encryption-data manifest:checksum='AAAA'>\
         <manifest:algorithm manifest:algorithm-name='Blowfish CFB' manifest:initialisation-vector='AAAA'/></manifest:encryption-data></manifest:file-entry></manifest:manifest>",
        "<office:document-content><style:style style:name='a'><style:text-properties text:display='none'/></style:style><text:p text:style-name='a'>x</text:p></office:document-content>",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).chain(ooxml::binary_parts()).collect()
}

/// Whole documents, for changing them at random.
pub(crate) fn whole() -> Vec<Vec<u8>> {
    vec![ooxml::workbook(&[]), ooxml::flat()]
}

/// RTF with an object, a field, text of several kinds; for changing it at random.
pub(crate) fn rtf() -> Vec<u8> {
    b"{\\rtf1\\ansi{\\fonttbl{\\f0\\fcharset204 A;}}{\\colortbl;\\red255\\green255\\blue255;}{\\field{\\*\\fldinst DDE a}{\\fldrslt x}}\\
      {\\object\\objupdate{\\*\\objclass Package}{\\*\\objdata 0105000002000000080000005061636b6167650000000000000000000300000061\\'6263{\\*\\x 00}\\bin3 abc}}\\
      \\u1073?\\uc0\\v hidden\\par}"
        .to_vec()
}
