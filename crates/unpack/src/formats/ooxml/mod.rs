//! Office Open XML (ECMA-376): the package's members as a zip archive gives them, and behind them what
//! the document says and does ([`Views`]): text, hidden text, remote content, DDE, Excel 4.0 macros,
//! ActiveX, embedded objects, actions.
//!
//! Parts are told by their content (the root element, the first record), not by their names or
//! declared types, which a sender may choose. Content types and relationships are read to find what
//! they point to, and where they contradict themselves or the parts, that is damage: programs differ
//! about such a package. Limits: those of the budget, of [`crate::views`] and of the modules here.
//! Not handled: styles that hide text by their name; strict conformance of any kind.

pub(crate) mod activemime;
pub mod acts;
mod binary;
pub mod fields;
pub(crate) mod flat;
mod formula;
pub mod names;
mod package;
mod sheet;
mod slide;
mod word;

use mail::evidence::{Active, FileKind, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::container::{Container, Member};
use crate::formats::zip::Zip;
use crate::views::{Views, links};
use crate::xml::{self, Event, Reader, Tag};
use package::Package;
pub use package::{is_outside, outside};
use sheet::Book;

/// A document in a package.
pub(crate) struct Ooxml {
    zip: Zip,
    /// Taken when the package's own members are done.
    document: Option<Document>,
    views: std::vec::IntoIter<Member>,
    meter: Meter,
    /// The next number.
    next: u32,
    problems: Vec<UnscannedReason>,
}

impl Ooxml {
    pub(crate) fn open(data: &[u8], budget: &Budget) -> Self {
        Self {
            zip: Zip::open(data, budget),
            document: Some(Document::default()),
            views: Vec::new().into_iter(),
            meter: Meter::new(data.len() as u64),
            next: 0,
            problems: Vec::new(),
        }
    }
}

impl Container for Ooxml {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.document.is_some() {
            if let Some(mut member) = self.zip.next(data, budget) {
                self.next = self.next.max(member.index.saturating_add(1));
                let name = member.name.as_ref().map_or("", |name| name.raw()).to_owned();
                if binary::starts(&member.content) {
                    // A record, not one of the formats that begin with the same few bytes.
                    member.kind = Some(FileKind::Unknown);
                }
                if let Some(document) = &mut self.document
                    && let Err(limit) = document.part(&name, &member.content, budget)
                {
                    member.problem(limit.into());
                }
                return Some(member);
            }
            self.problems.extend(self.zip.problems());
        }
        if let Some(document) = self.document.take() {
            let (views, problems) = document.finish(self.next, budget, &mut self.meter);
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

/// What is read of a document, part by part.
#[derive(Default)]
pub(super) struct Document {
    views: Views,
    package: Package,
    book: Book,
    /// Actions of slides, told when the relationships are known.
    actions: Vec<slide::Action>,
    damaged: bool,
}

impl Document {
    /// Reads one part. Parts that hold nothing of interest cost nothing.
    ///
    /// # Errors
    /// The limit that kept it from being read.
    pub(super) fn part(&mut self, name: &str, content: &[u8], budget: &mut Budget) -> Result<(), crate::Limit> {
        let name = names::normal(name);
        self.package.saw(&name);
        if binary::starts(content) {
            budget.burn(content.len() as u64)?;
            binary::read(&name, content, self);
            return Ok(());
        }
        if !xml::is_xml(content) {
            return Ok(());
        }
        budget.burn((content.len() as u64).saturating_mul(2))?;
        let text = xml::decode(content);
        let reader = Reader::new(&text);
        if let Some(root) = root(&reader) {
            self.read(&name, root, reader);
        }
        Ok(())
    }

    /// Reads a part by its root element.
    fn read(&mut self, name: &str, root: Tag<'_>, mut reader: Reader<'_>) {
        match root.name {
            "Types" => self.package.types(&mut reader),
            "Relationships" => self.package.relationships(name, &mut reader, &mut self.views),
            "document" | "hdr" | "ftr" | "footnotes" | "endnotes" | "comments" | "glossaryDocument" | "settings"
            | "wordDocument" => word::read(&mut reader, &mut self.views),
            "workbook" | "worksheet" | "macrosheet" | "dialogsheet" | "chartsheet" | "sst" | "externalLink"
            | "connections" | "table" | "Workbook" => sheet::read(name, root.name, &mut reader, self),
            "presentation" | "sld" | "sldLayout" | "sldMaster" | "notes" | "dataModel" | "wsDr" | "chartSpace"
            | "userShapes" | "drawing" | "cmLst" => slide::read(name, root.name, &mut reader, self),
            "ocx" => {
                let class = root.get("classid").unwrap_or_default();
                self.views.act(Active::ActiveX, Some(name), links::kept(&class));
                reader.by_ref().for_each(drop);
            }
            _ => return,
        }
        self.damaged |= reader.is_damaged();
    }

    /// What it shows and does, and what of it was not read or contradicts itself.
    pub(super) fn finish(
        mut self,
        first: u32,
        budget: &mut Budget,
        meter: &mut Meter,
    ) -> (Vec<Member>, Vec<UnscannedReason>) {
        for action in &self.actions {
            action.tell(&self.package, &mut self.views);
        }
        self.book.tell(&self.package, &mut self.views);
        let damaged = self.damaged || self.package.is_contradictory();
        let (views, mut problems) = self.views.into_members(first, budget, meter);
        if damaged {
            problems.push(UnscannedReason::Damaged);
        }
        (views, problems)
    }
}

/// Reads some bytes as a part of any kind; for fuzzing.
pub(crate) fn fuzz_part(data: &[u8], budget: &mut Budget) {
    let mut document = Document::default();
    for name in ["xl/macrosheets/sheet1.bin", "word/_rels/a.xml.rels"] {
        let _ = document.part(name, data, budget);
    }
    let (members, _) = document.finish(0, budget, &mut Meter::new(data.len() as u64));
    assert!(members.len() <= crate::views::MAX_ACTIVE.saturating_add(2));
}

/// The first element of a text.
fn root<'a>(reader: &Reader<'a>) -> Option<Tag<'a>> {
    reader.clone().find_map(|event| match event {
        Event::Start(tag) => Some(tag),
        _ => None,
    })
}
