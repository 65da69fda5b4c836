//! Documents that are one XML file: a flat package (`pkg:package`), Word 2003 (`w:wordDocument`), Excel
//! 2003 (`Workbook`), OpenDocument (`office:document`). What they hold in base64 comes as members;
//! the text and what acts behind them.
//!
//! Limits: those of the budget, of [`crate::views`], and [`HEAD`]. Told by the address of a namespace
//! near the start, since the declared program (`<?mso-application?>`) is only a hint.

use std::ops::Range;

use mail::evidence::UnscannedReason;
use mail::transfer;

use super::{Document, root};
use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::formats::odf;
use crate::names;
use crate::xml::{self, Event, Reader};

/// How far from the start the namespace stands, in bytes.
const HEAD: usize = 8192;
/// How much work a part is, in fuel, beside its bytes.
const PART_FUEL: u64 = 1024;

const PACKAGE: &str = "http://schemas.microsoft.com/office/2006/xmlpackage";
const WORD: &str = "http://schemas.microsoft.com/office/word/2003/wordml";
const EXCEL: &str = "urn:schemas-microsoft-com:office:spreadsheet";
const ODF: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";

/// Whether a text is such a document.
pub(crate) fn starts(data: &[u8]) -> bool {
    if !matches!(data.trim_ascii_start(), [b'<', ..] | [0xef | 0xfe | 0xff, ..] | [0, b'<', ..]) {
        return false;
    }
    let head = xml::decode(between(data, 0, HEAD));
    // The parts of a zipped document have the same namespace, but other roots.
    let flat = root(&Reader::new(&head)).is_some_and(|root| root.name == "document");
    let head = head.to_ascii_lowercase();
    [PACKAGE, WORD, EXCEL].iter().any(|namespace| head.contains(namespace)) || flat && head.contains(ODF)
}

/// Where a part stands.
struct Part {
    name: String,
    range: Range<usize>,
    base64: bool,
}

/// What reads the document.
enum Kind {
    Office(Box<Document>),
    Odf(Box<odf::Document>),
}

/// A document in one file.
pub(crate) struct Flat {
    /// The text, if it had to be decoded; else it is the file's bytes from here on.
    text: Option<String>,
    skip: usize,
    parts: std::vec::IntoIter<Part>,
    kind: Option<Kind>,
    views: std::vec::IntoIter<Member>,
    meter: Meter,
    next: u32,
    problems: Vec<UnscannedReason>,
}

impl Flat {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let mut flat = Self {
            text: None,
            skip: if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 },
            parts: Vec::new().into_iter(),
            kind: None,
            views: Vec::new().into_iter(),
            meter: Meter::new(data.len() as u64),
            next: 0,
            problems: Vec::new(),
        };
        if let Err(limit) = budget.burn((data.len() as u64).saturating_mul(4)) {
            flat.problems.push(limit.into());
            return flat;
        }
        let text = xml::decode(data);
        let reader = Reader::new(&text);
        let root = root(&reader);
        let max = budget.limits().objects as usize;
        let mut scan = reader.clone();
        let parts = parts(&mut scan, max);
        if parts.len() >= max {
            flat.problems.push(UnscannedReason::LimitObjects);
        }
        if scan.is_damaged() {
            flat.problems.push(UnscannedReason::Damaged);
        }
        flat.parts = parts.into_iter();
        flat.kind = Some(match root {
            Some(tag) if tag.name == "document" => {
                let mut document = odf::Document::default();
                document.read("", reader);
                Kind::Odf(Box::new(document))
            }
            root => {
                let mut document = Document::default();
                document.package.flat = true;
                // The parts of a package are read as they come.
                if let Some(root) = root.filter(|root| root.name != "package") {
                    document.read("", root, reader);
                }
                Kind::Office(Box::new(document))
            }
        });
        if let std::borrow::Cow::Owned(text) = text {
            flat.skip = if text.starts_with('\u{feff}') { 3 } else { 0 };
            flat.text = Some(text);
        }
        flat
    }

    /// Decodes one part.
    fn member(&mut self, part: Part, data: &[u8], budget: &mut Budget) -> Member {
        let (name, other_names) = names::split([part.name.trim_start_matches('/').to_owned()]);
        let mut member = Member { index: self.next, name, other_names, ..Member::default() };
        self.next = self.next.saturating_add(1);
        let bytes = self.text.as_ref().map_or(data, |text| text.as_bytes());
        let (start, end) = (part.range.start.saturating_add(self.skip), part.range.end.saturating_add(self.skip));
        let raw = between(bytes, start, end);
        self.meter.next_object();
        if let Err(limit) = budget.burn(PART_FUEL.saturating_add(raw.len() as u64)) {
            member.problem(limit.into());
            return member;
        }
        let most = usize::try_from(budget.bytes_left().min(budget.limits().object_bytes)).unwrap_or(usize::MAX);
        let content = if part.base64 {
            let decoded = transfer::base64(raw, most);
            if decoded.cut {
                member.problem(UnscannedReason::LimitBytes);
            }
            decoded.bytes
        } else {
            between(raw, 0, most).to_vec()
        };
        match budget.produce(&mut self.meter, content.len() as u64, raw.len() as u64) {
            Ok(()) => member.content = content,
            Err(limit) => member.problem(limit.into()),
        }
        if let Some(Kind::Office(document)) = &mut self.kind
            && let Err(limit) =
                document.part(member.name.as_ref().map_or("", |name| name.raw()), &member.content, budget)
        {
            member.problem(limit.into());
        }
        member
    }
}

impl Container for Flat {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(limit) = budget.exhausted() {
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
            return None;
        }
        if let Some(part) = self.parts.next() {
            return Some(self.member(part, data, budget));
        }
        let finished = match self.kind.take() {
            Some(Kind::Office(document)) => Some(document.finish(self.next, budget, &mut self.meter)),
            Some(Kind::Odf(document)) => Some(document.finish(self.next, budget, &mut self.meter)),
            None => None,
        };
        if let Some((views, problems)) = finished {
            self.views = views.into_iter();
            for problem in problems {
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
            }
        }
        self.views.next()
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// Where the parts of a document stand, at most `max`.
fn parts(reader: &mut Reader<'_>, max: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut name, mut open) = (String::new(), None);
    loop {
        let before = reader.at();
        let Some(event) = reader.next() else { break };
        match event {
            Event::Start(tag) if open.is_none() => {
                if matches!(tag.name, "part" | "binData" | "frame") {
                    name = names::cut(tag.get("name").unwrap_or_default().into_owned());
                }
                let holds = match tag.name {
                    "xmlData" => Some(false),
                    "binaryData" | "binData" | "binary-data" => Some(true),
                    _ => None,
                };
                open = holds.filter(|_| !tag.empty).map(|base64| (tag.name, reader.at(), base64));
            }
            Event::End(end) => {
                let Some((_, start, base64)) = open.filter(|(tag, _, _)| *tag == end) else { continue };
                open = None;
                if parts.len() < max {
                    parts.push(Part { name: name.clone(), range: start..before, base64 });
                }
            }
            _ => {}
        }
    }
    // What does not end is read as far as there is.
    if let Some((_, start, base64)) = open.filter(|_| parts.len() < max) {
        parts.push(Part { name, range: start..reader.at(), base64 });
    }
    parts
}
