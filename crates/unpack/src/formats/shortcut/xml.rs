//! Shortcuts that are XML: settings pages (`.settingcontent-ms`), libraries and searches (`.library-ms`,
//! `.search-ms`), and scripts with jobs (`.wsf`), which are read as pages are; and style sheets that any XML loads
//! from elsewhere, in plain XML from a file server.
//!
//! Limit: [`MAX_ELEMENTS`].

use mail::evidence::{Active, FileKind};

use crate::budget::Budget;
use crate::bytes::between;
use crate::container::Container;
use crate::formats::html::{Found, finish_with, plain};
use crate::views::html::entities::undone;
use crate::views::html::{Token, Tokens, local};
use crate::views::links;
use crate::xml::{attributes, unescape};

/// Most elements that are looked at.
const MAX_ELEMENTS: usize = 100_000;

/// What documents of Office and OpenDocument have in them: the program that they name, and their namespaces.
const OFFICE: [&[u8]; 4] = [
    b"<?mso-application",
    b"schemas.microsoft.com/office/",
    b"urn:schemas-microsoft-com:office:",
    b"urn:oasis:names:tc:opendocument:",
];

/// The address of a style sheet that a processing instruction loads from elsewhere (`<?xml-stylesheet?>`, "Associating
/// Style Sheets with XML documents 1.0"), from what stands between `<?` and `?>`. Of plain XML those of the web count
/// as nothing: browsers load them like the pictures of a page, or not at all, while asking a file server tells it who
/// the reader is. `office`: programs of Office open the document ([`is_office_xml`]), which load any.
#[must_use]
pub fn remote_sheet(instruction: &str, office: bool) -> Option<String> {
    let rest =
        instruction.strip_prefix("xml-stylesheet").filter(|rest| rest.starts_with(|c: char| c.is_whitespace()))?;
    let mut addresses = attributes(rest).filter(|(name, _)| *name == "href").map(|(_, value)| unescape(value));
    let counts = |address: &str| links::is_remote(address) && (office || !links::is_web(address));
    addresses.find(|address| counts(address)).map(|address| address.into_owned())
}

/// Whether XML says that it is a document of Office or OpenDocument, wherever it does.
#[must_use]
pub fn is_office_xml(text: &[u8]) -> bool {
    OFFICE.iter().any(|word| memchr::memmem::find(text, word).is_some())
}

/// Notes the style sheets of a document.
fn sheets(text: &[u8], found: &mut Found) {
    let office = is_office_xml(text);
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"<?xml-stylesheet") {
        let from = between(rest, at.saturating_add(2), rest.len());
        let (inner, behind) = from.split_at(memchr::memmem::find(from, b"?>").unwrap_or(from.len()));
        if let Some(address) = remote_sheet(&String::from_utf8_lossy(inner), office) {
            found.acts(Active::RemoteTemplate, links::kept(&address).as_str());
        }
        rest = behind;
    }
}

/// Opens an XML document; `None` if it does nothing that is known here.
pub(crate) fn open(kind: FileKind, data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    let text = plain(data);
    let has = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
    let scripts = has(b"<script") || has(b"<SCRIPT") || has(b":script") || has(b"xlink:href") || has(b"<iframe");
    let shortcut = has(b"<DeepLink") || has(b"<libraryDescription") || has(b"<persistedQuery");
    let styled = has(b"<?xml-stylesheet");
    if !scripts && !shortcut && !styled {
        return None;
    }
    let (mut found, mut problems) = (Found::default(), Vec::new());
    if scripts {
        let xml = kind == FileKind::Xml && !has(b"<job") && !has(b"<package");
        found.read(&text, xml, false, budget, &mut problems);
    }
    if shortcut {
        elements(&text, &mut found);
    }
    if styled {
        sheets(&text, &mut found);
    }
    finish_with(found, problems, data.len(), budget)
}

fn elements(text: &[u8], found: &mut Found) {
    let mut tokens = Tokens::new(text, true);
    let mut name: &[u8] = b"";
    for _ in 0..MAX_ELEMENTS {
        match tokens.next() {
            None => return,
            Some(Token::Start(start)) => name = local(start),
            Some(Token::End(_)) => name = b"",
            Some(Token::Text(raw) | Token::Cdata(raw)) => {
                let value = undone(raw);
                let value = value.trim();
                if name.eq_ignore_ascii_case(b"DeepLink") && !value.is_empty() {
                    found.acts(Active::CommandLine, value);
                } else if name.eq_ignore_ascii_case(b"url") && (value.starts_with("\\\\") || value.contains("://")) {
                    found.opens(value);
                }
            }
            Some(Token::Raw(..)) => {}
        }
    }
}
