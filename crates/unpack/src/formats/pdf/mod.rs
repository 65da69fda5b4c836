//! PDF (ISO 32000): embedded files, scripts and other actions, forms, and the text of its pages.
//!
//! Objects are looked for everywhere in the file and in its tables; what only one of the two has, and
//! older versions of an object, come as hidden members. A document that opens with an empty password is
//! not encrypted to its reader. Limits: those of the files beside this one, and the budget; what is not
//! handled stands there too. Pictures are not looked at.

mod crypt;
mod document;
mod filter;
mod index;
mod lex;
mod live;
mod parts;
mod strings;
mod text;
mod xref;

use std::collections::VecDeque;

use mail::evidence::{Active, FileKind, PasswordSource, Role, UnscannedReason};
use mail::untrusted::Untrusted;

pub use self::lex::{Dict, Value};
pub use self::live::{Live, LiveObject, live, references};

use self::crypt::Part as Kind;
use self::document::Document;
use self::parts::{Part, Parts};
use crate::budget::{Budget, Limit};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// How far into a file a PDF may begin, in bytes: readers look that far.
const WINDOW: usize = 1024;
/// How much of a stream of unknown purpose is looked at to tell what it is, in bytes.
const HEAD: usize = 1024;

/// A document.
pub(crate) struct Pdf {
    state: State,
    index: u32,
    problems: Vec<UnscannedReason>,
}

enum State {
    New,
    Open(Box<Contents>),
    Done,
}

/// What is still to be given.
struct Contents {
    document: Document,
    parts: std::vec::IntoIter<Part>,
    /// Members that are ready.
    ready: VecDeque<Member>,
    /// Texts that stand on no page, and whether they are hidden.
    shown: Vec<(String, bool)>,
    /// All pages; taken when their text is read.
    pages: Option<Vec<usize>>,
    opened_with: Option<PasswordSource>,
}

/// Whether something that is no PDF by its first bytes is one to a reader of PDF too.
pub(crate) fn starts_late(data: &[u8]) -> bool {
    let window = between(data, 0, WINDOW);
    memchr::memmem::find(window, b"%PDF-").is_some_and(|at| {
        let behind = between(data, at, data.len());
        matches!(behind.get(5), Some(b'0'..=b'9')) && memchr::memmem::find(behind, b"obj").is_some()
    })
}

/// Whether readers of PDF find a document by its end, whatever it begins with: the place of its table, the mark
/// of its end, and an object.
pub(crate) fn ends(data: &[u8]) -> bool {
    let end = between(data, data.len().saturating_sub(WINDOW), data.len());
    let table = memchr::memmem::rfind(end, b"startxref").map(|at| between(end, at.saturating_add(9), end.len()));
    table.is_some_and(|rest| {
        let numbered = rest.trim_ascii_start().first().is_some_and(u8::is_ascii_digit);
        numbered && memchr::memmem::find(rest, b"%%EOF").is_some() && xref::has_object(data)
    })
}

impl Pdf {
    pub(crate) fn open() -> Self {
        Self { state: State::New, index: 0, problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }
}

impl Container for Pdf {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let State::New = self.state {
            self.state = match Contents::read(data, budget) {
                Ok(contents) => State::Open(Box::new(contents)),
                Err(limit) => {
                    self.problem(limit.into());
                    State::Done
                }
            };
        }
        let State::Open(contents) = &mut self.state else { return None };
        let next = match budget.exhausted() {
            Some(limit) => Err(limit),
            None => contents.next(data, budget),
        };
        match next {
            Ok(Some(mut member)) => {
                member.index = self.index;
                self.index = self.index.saturating_add(1);
                return Some(member);
            }
            Ok(None) => {}
            Err(limit) => contents.document.problem(limit.into()),
        }
        let problems = std::mem::take(&mut contents.document.problems);
        problems.into_iter().for_each(|problem| self.problem(problem));
        self.state = State::Done;
        None
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

impl Contents {
    fn read(data: &[u8], budget: &mut Budget) -> Result<Self, Limit> {
        let mut document = Document::read(data, budget)?;
        if document.entries.is_empty() {
            document.problem(UnscannedReason::Damaged);
        }
        let parts = Parts::find(&mut document, data, budget)?;
        let opened_with = document.opened_with();
        Ok(Self {
            document,
            parts: parts.parts.into_iter(),
            ready: VecDeque::new(),
            shown: parts.shown,
            pages: Some(parts.pages),
            opened_with,
        })
    }

    /// The next member.
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Result<Option<Member>, Limit> {
        loop {
            if let Some(mut member) = self.ready.pop_front() {
                member.opened_with = self.opened_with;
                return Ok(Some(member));
            }
            if let Some(part) = self.parts.next() {
                let member = self.member(data, part, budget)?;
                self.ready.extend(member);
            } else if let Some(pages) = self.pages.take() {
                self.texts(data, &pages, budget)?;
            } else {
                return Ok(None);
            }
        }
    }

    /// The text of all pages, with what else is shown.
    fn texts(&mut self, data: &[u8], pages: &[usize], budget: &mut Budget) -> Result<(), Limit> {
        let (mut shown, mut hidden) = text::read(&mut self.document, data, pages, budget)?;
        for (text, is_hidden) in std::mem::take(&mut self.shown) {
            let all = if is_hidden { &mut hidden } else { &mut shown };
            all.push_str(&text);
            all.push('\n');
        }
        for (role, text) in [(Role::Text, shown), (Role::HiddenText, hidden)] {
            if !text.trim().is_empty() {
                let member = self.text(role, &text, false, budget);
                self.ready.push_back(member);
            }
        }
        Ok(())
    }

    /// The member of a part, unless it turns out to be nothing.
    fn member(&mut self, data: &[u8], part: Part, budget: &mut Budget) -> Result<Option<Member>, Limit> {
        Ok(Some(match part {
            Part::Action { what, text, hidden } => self.text(Role::Active(what), &text, hidden, budget),
            Part::Script { place } => {
                let member = self.stream(data, place, Kind::Stream, budget)?;
                let text = strings::text(&member.content);
                Member { role: Role::Active(Active::Script), content: text.into_bytes(), ..member }
            }
            Part::File { place, names, hidden } => {
                let member = self.stream(data, place, Kind::File, budget)?;
                // Bills in XML are data that a program reads; everything else is there to be opened.
                if !matches!(crate::detect(&member.content), FileKind::Text | FileKind::Xml | FileKind::Empty) {
                    let told = format!("{} ({} bytes)", names.join(" "), member.content.len());
                    let sign = self.text(Role::Active(Active::OlePackage), told.trim_start(), hidden, budget);
                    self.ready.push_back(sign);
                }
                let (name, other_names) = names::split(names);
                Member { name, other_names, hidden, ..member }
            }
            Part::Form { objects, hidden } => {
                let mut member = Member { name: Some(Untrusted::new("form.xml".to_owned())), ..Member::default() };
                for place in objects.into_iter().filter_map(|number| self.document.current(number)).collect::<Vec<_>>()
                {
                    let piece = self.stream(data, place, Kind::Stream, budget)?;
                    member.content.extend_from_slice(&piece.content);
                    piece.problems.iter().for_each(|problem| member.problem(*problem));
                }
                for script in strings::scripts(&member.content) {
                    let script = self.text(Role::Active(Active::Script), &script, hidden, budget);
                    self.ready.push_back(script);
                }
                Member { role: Role::Decoded, hidden, ..member }
            }
            Part::Stream { place } => return self.unknown(data, place, budget),
        }))
    }

    /// A piece of text as a member.
    fn text(&mut self, role: Role, text: &str, hidden: bool, budget: &mut Budget) -> Member {
        let mut member = Member { role, hidden, ..Member::default() };
        self.document.meter.next_object();
        stored(&mut member, text.as_bytes(), budget, &mut self.document.meter);
        member
    }

    /// A stream as a member.
    fn stream(&mut self, data: &[u8], place: usize, kind: Kind, budget: &mut Budget) -> Result<Member, Limit> {
        let object = self.document.object(data, place, budget)?;
        let hidden = self.document.entries.get(place).is_none_or(|entry| entry.hidden);
        let mut member = Member { hidden, ..Member::default() };
        match self.document.stream(data, place, &object, kind, budget) {
            Ok(stream) => {
                member.content = stream.content;
                if !stream.whole {
                    let locked = self.document.is_locked();
                    member.problem(if locked { UnscannedReason::Encrypted } else { UnscannedReason::Damaged });
                }
            }
            // It may be this stream alone that is too large.
            Err(limit) if budget.exhausted().is_none() => member.problem(limit.into()),
            Err(limit) => return Err(limit),
        }
        Ok(member)
    }

    /// A stream that nothing refers to as a file, and that is one all the same.
    fn unknown(&mut self, data: &[u8], place: usize, budget: &mut Budget) -> Result<Option<Member>, Limit> {
        let object = self.document.object(data, place, budget)?;
        let head = self.document.head(data, place, &object, HEAD, budget)?;
        let kind = crate::detect(&head);
        let file = kind.is_archive() && kind != FileKind::Compressed
            || matches!(
                kind,
                FileKind::Pe
                    | FileKind::Elf
                    | FileKind::MachO
                    | FileKind::Pdf
                    | FileKind::Rtf
                    | FileKind::Ole2
                    | FileKind::Ooxml
                    | FileKind::Odf
                    | FileKind::Lnk
                    | FileKind::Html
                    | FileKind::Script
            );
        if !file {
            return Ok(None);
        }
        Ok(Some(Member { hidden: true, ..self.stream(data, place, Kind::Stream, budget)? }))
    }
}
