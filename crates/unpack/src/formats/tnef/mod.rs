//! TNEF (`winmail.dat`, MS-OXTNEF): the bodies of the message in it, then its attachments.
//!
//! An embedded message is a TNEF stream again and comes as one. An attachment that stands there twice
//! (as an attribute and among the properties) comes twice where the two differ, the second time as
//! unlisted. Compressed RTF is decoded. Limits: [`MAX_NAME_BYTES`], attachments up to the limit of
//! objects, those of the properties, and the budget. Not handled: recipients, and properties that
//! hold neither body nor attachment.

mod properties;
mod stream;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use mail::charset;
use mail::evidence::UnscannedReason;
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le32};
use crate::container::{Container, Member};
use crate::decode::{End, Method, append, stored};
use crate::names;
use properties::{Form, Property};
use stream::{Attribute, Attributes, SIGNATURE};

/// How much of a name is read, in bytes.
const MAX_NAME_BYTES: usize = 2048;
/// The head of compressed RTF, and the words there that say how it is compressed (MS-OXRTFCP 2.1.3.1).
const RTF_HEAD: usize = 16;
const COMPRESSED: u32 = 0x7546_5a4c;
const UNCOMPRESSED: u32 = 0x414c_454d;
/// Most names of one attachment beside its long one.
const MAX_NAMES: usize = names::MAX_OTHER_NAMES;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 1024;
/// How much work an attribute is, in fuel.
const ATTRIBUTE_FUEL: u64 = 64;

/// How a piece's bytes become its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    AsIs,
    Rtf,
}

/// A body or an attachment, and where it stands.
struct Piece {
    names: Arc<[String]>,
    declared: Option<Arc<str>>,
    range: Range<usize>,
    form: Coding,
    hidden: bool,
    damaged: bool,
}

/// An attachment, as far as it was read.
#[derive(Default)]
struct Attachment {
    long_name: Option<String>,
    /// At most [`MAX_NAMES`].
    names: Vec<String>,
    declared: Option<Arc<str>>,
    data: Vec<Range<usize>>,
    picture: Option<Range<usize>>,
    damaged: bool,
}

impl Attachment {
    fn name(&mut self, name: String) {
        if self.names.len() < MAX_NAMES && !self.names.contains(&name) {
            self.names.push(name);
        }
    }
}

/// A TNEF stream.
pub(crate) struct Tnef {
    pieces: std::vec::IntoIter<Piece>,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Tnef {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let most = budget.limits().objects as usize;
        let mut reader = Reader { data, most, page: None, pieces: Vec::new(), open: None, problems: Vec::new() };
        reader.read(budget);
        let Reader { pieces, problems, .. } = reader;
        Self { pieces: pieces.into_iter(), index: 0, meter: Meter::new(data.len() as u64), problems }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    fn member(&mut self, piece: Piece, data: &[u8], budget: &mut Budget) -> Member {
        let (name, other_names) = names::split(piece.names.iter().cloned());
        let declared = piece.declared.map(|declared| Untrusted::new(names::cut(declared.to_ascii_lowercase())));
        let mut member = Member { name, other_names, declared, hidden: piece.hidden, ..Member::default() };
        if piece.damaged {
            member.problem(UnscannedReason::Damaged);
        }
        let bytes = between(data, piece.range.start, piece.range.end);
        self.meter.next_object();
        match piece.form {
            Coding::AsIs => drop(stored(&mut member, bytes, budget, &mut self.meter)),
            Coding::Rtf => self.rtf(&mut member, bytes, budget),
        }
        member
    }

    fn rtf(&mut self, member: &mut Member, bytes: &[u8], budget: &mut Budget) {
        let method = match le32(bytes, 8) {
            Some(COMPRESSED) => Method::CompressedRtf,
            Some(UNCOMPRESSED) => Method::Stored,
            _ => {
                member.problem(UnscannedReason::Damaged);
                stored(member, bytes, budget, &mut self.meter);
                return;
            }
        };
        let decoded = append(method, between(bytes, RTF_HEAD, bytes.len()), Vec::new(), budget, &mut self.meter);
        member.content = decoded.content;
        match decoded.end {
            End::Complete => {}
            // Some writers leave the end mark out.
            End::Broken if le32(bytes, 4).is_some_and(|size| member.content.len() as u64 == u64::from(size)) => {}
            End::Limit(limit) => member.problem(limit.into()),
            End::Broken | End::Unknown => member.problem(UnscannedReason::Damaged),
        }
    }
}

/// Reads the attributes and notes where everything stands.
struct Reader<'a> {
    data: &'a [u8],
    /// Most pieces.
    most: usize,
    page: Option<String>,
    pieces: Vec<Piece>,
    open: Option<Attachment>,
    problems: Vec<UnscannedReason>,
}

impl Reader<'_> {
    fn read(&mut self, budget: &mut Budget) {
        if le32(self.data, 0) != Some(SIGNATURE) {
            return self.problem(UnscannedReason::Damaged);
        }
        let mut attributes = Attributes::new(self.data);
        for attribute in attributes.by_ref() {
            if let Err(limit) = budget.burn(ATTRIBUTE_FUEL) {
                return self.problem(limit.into());
            }
            if self.pieces.len() >= self.most {
                return self.problem(UnscannedReason::LimitObjects);
            }
            self.attribute(&attribute);
        }
        self.close();
        let rest = attributes.at()..self.data.len();
        if between(self.data, rest.start, rest.end).iter().any(|byte| *byte != 0) {
            self.problem(UnscannedReason::Damaged);
            self.piece(Arc::default(), rest, |piece| piece.hidden = true);
        }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    fn piece(&mut self, names: Arc<[String]>, range: Range<usize>, change: impl FnOnce(&mut Piece)) {
        let mut piece = Piece { names, declared: None, range, form: Coding::AsIs, hidden: false, damaged: false };
        change(&mut piece);
        self.pieces.push(piece);
    }

    fn attribute(&mut self, attribute: &Attribute) {
        let damaged = attribute.damaged;
        if damaged && !matches!(attribute.number, stream::BODY | stream::DATA | stream::ATTACHMENT_PROPERTIES) {
            self.problem(UnscannedReason::Damaged);
        }
        match attribute.number {
            stream::CODE_PAGE => self.page = le32(self.data, attribute.data.start).map(label),
            stream::BODY => self.body("body.txt", attribute.data.clone(), damaged),
            stream::MESSAGE_PROPERTIES => self.message(attribute),
            stream::RENDERING => {
                self.close();
                self.open = Some(Attachment::default());
            }
            stream::TITLE | stream::TRANSPORT_NAME => {
                let name = self.text(Form::Narrow, &attribute.data);
                self.attachment().name(name);
            }
            stream::DATA => {
                let attachment = self.attachment();
                attachment.data.push(attribute.data.clone());
                attachment.damaged |= damaged;
            }
            stream::META_FILE => self.attachment().picture = Some(attribute.data.clone()),
            stream::ATTACHMENT_PROPERTIES => self.properties(attribute),
            _ => {}
        }
    }

    /// The attachment that attributes are about; one of its own when none was begun.
    fn attachment(&mut self) -> &mut Attachment {
        self.open.get_or_insert_default()
    }

    /// The present attachment ends.
    fn close(&mut self) {
        let Some(attachment) = self.open.take() else { return };
        let names: Arc<[String]> = attachment.long_name.into_iter().chain(attachment.names).collect();
        let mut given: BTreeSet<&[u8]> = BTreeSet::new();
        for range in attachment.data {
            let second = !given.is_empty();
            if !given.insert(between(self.data, range.start, range.end)) {
                continue;
            }
            if self.pieces.len() >= self.most {
                return self.problem(UnscannedReason::LimitObjects);
            }
            self.piece(Arc::clone(&names), range, |piece| {
                (piece.hidden, piece.damaged) = (second, attachment.damaged);
                piece.declared.clone_from(&attachment.declared);
            });
        }
        // The picture that shows in place of an attachment.
        if let Some(range) = attachment.picture.filter(|range| !range.is_empty()) {
            self.piece(Arc::default(), range, |piece| piece.hidden = !given.is_empty());
        }
    }

    fn body(&mut self, name: &str, range: Range<usize>, damaged: bool) {
        let range = trimmed(self.data, range);
        if !range.is_empty() {
            self.piece([name.to_owned()].into(), range, |piece| piece.damaged = damaged);
        }
    }

    /// The properties of the message: its bodies.
    fn message(&mut self, attribute: &Attribute) {
        let (all, whole) = properties::read(self.data, attribute.data.clone());
        if !whole {
            self.problem(UnscannedReason::Damaged);
        }
        for property in all {
            let Some(range) = property.values.first().cloned() else { continue };
            match (property.number, property.form) {
                (properties::INTERNET_CODE_PAGE, Form::Number) => {
                    let page = le32(self.data, range.start).map(label);
                    self.page = self.page.take().or(page);
                }
                (properties::BODY, _) => self.body("body.txt", range, false),
                (properties::HTML, _) => self.body("body.html", range, false),
                (properties::RTF, Form::Bytes) => {
                    self.piece(["body.rtf".to_owned()].into(), range, |piece| piece.form = Coding::Rtf);
                }
                _ => {}
            }
        }
    }

    /// The properties of an attachment.
    fn properties(&mut self, attribute: &Attribute) {
        let (all, whole) = properties::read(self.data, attribute.data.clone());
        for property in &all {
            self.property(property);
        }
        self.attachment().damaged |= attribute.damaged || !whole;
    }

    fn property(&mut self, property: &Property) {
        let Some(range) = property.values.first().cloned() else { return };
        let text = || self.text(property.form, &range);
        match property.number {
            properties::ATTACH_LONG_NAME => {
                let name = text();
                self.attachment().long_name = Some(name);
            }
            properties::ATTACH_NAME | properties::DISPLAY_NAME => {
                let name = text();
                self.attachment().name(name);
            }
            properties::ATTACH_TYPE => {
                let declared = text();
                self.attachment().declared = Some(declared.into());
            }
            properties::ATTACH_DATA => self.attachment().data.push(range),
            _ => {}
        }
    }

    /// A name or the like.
    fn text(&self, form: Form, range: &Range<usize>) -> String {
        let end = range.end.min(range.start.saturating_add(MAX_NAME_BYTES));
        let bytes = between(self.data, range.start, end);
        let text = match form {
            Form::Wide => charset::to_text(bytes, Some("utf-16le")),
            _ => charset::to_text(bytes, self.page.as_deref()),
        };
        text.split('\0').next().unwrap_or_default().to_owned()
    }
}

/// The label of a code page.
fn label(page: u32) -> String {
    match page {
        65001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        page => format!("windows-{page}"),
    }
}

/// Without the NUL that ends a text.
fn trimmed(data: &[u8], range: Range<usize>) -> Range<usize> {
    let text = between(data, range.start, range.end);
    let zeros = text.iter().rev().take_while(|byte| **byte == 0).count().min(2);
    // A text in UTF-16 may end with the upper half of a letter, which is zero.
    let wide = text.get(1) == Some(&0);
    let zeros = if wide && zeros < 2 { 0 } else { zeros };
    range.start..range.end.saturating_sub(zeros).max(range.start)
}

impl Container for Tnef {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let piece = self.pieces.next()?;
        if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
            self.problem(limit.into());
            self.pieces = Vec::new().into_iter();
            return None;
        }
        let mut member = self.member(piece, data, budget);
        member.index = self.index;
        self.index = self.index.saturating_add(1);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
