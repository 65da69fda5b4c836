//! RTF (1.9.1): its objects, pictures and stored data as members, and behind them its text, hidden text,
//! fields and templates that act.
//!
//! Read as Word reads it, and where hex data is mixed with what readers may or may not pass over (groups
//! that nobody knows, `\'xx`), both ways: the second as an unlisted member. Limits: those of the budget,
//! of [`crate::views`] and of the modules here. Not handled: the HTML that
//! Outlook hides in RTF (`\fromhtml`) comes as its text.

mod ole1;
mod places;
mod state;
mod tokens;
mod work;

use mail::evidence::{Active, UnscannedReason};
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::formats::ole2::package::Package;
use crate::names;
use crate::views::{Views, links};
use ole1::Object;
pub use places::{Places, places};
use state::Goal;
use tokens::Tokens;
use work::{Piece, Work};

/// How far from the start the head may stand, in bytes.
const MAX_BEFORE: usize = 64;
/// How much work a piece is, in fuel, beside its bytes.
const PIECE_FUEL: u64 = 1024;

/// Whether some bytes are RTF for Word: the head needs no more than its first letters.
pub(crate) fn starts(data: &[u8]) -> bool {
    let head = between(data, 0, MAX_BEFORE);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().starts_with(b"{\\rt")
}

/// An RTF file.
pub(crate) struct Rtf {
    pieces: std::vec::IntoIter<Piece>,
    /// A further member of the piece before.
    waiting: Option<Member>,
    views: Option<Views>,
    last: std::vec::IntoIter<Member>,
    meter: Meter,
    next: u32,
    problems: Vec<UnscannedReason>,
}

impl Rtf {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let mut rtf = Self {
            pieces: Vec::new().into_iter(),
            waiting: None,
            views: None,
            last: Vec::new().into_iter(),
            meter: Meter::new(data.len() as u64),
            next: 0,
            problems: Vec::new(),
        };
        if let Err(limit) = budget.burn((data.len() as u64).saturating_mul(4)) {
            rtf.problems.push(limit.into());
            return rtf;
        }
        let mut work = Work::new();
        let mut tokens = Tokens::new(data);
        for token in tokens.by_ref() {
            work.token(token);
        }
        work.finish();
        if tokens.damaged {
            rtf.problems.push(UnscannedReason::Damaged);
        }
        if work.over {
            rtf.problems.push(UnscannedReason::LimitObjects);
        }
        rtf.pieces = work.pieces.into_iter();
        rtf.views = Some(work.views);
        rtf
    }

    /// A member with some content, within the budget.
    fn member(&mut self, mut member: Member, content: &[u8], budget: &mut Budget) -> Member {
        member.index = self.next;
        self.next = self.next.saturating_add(1);
        self.meter.next_object();
        let counted = budget.burn(PIECE_FUEL);
        match counted.and_then(|()| budget.produce(&mut self.meter, content.len() as u64, content.len() as u64)) {
            Ok(()) => member.content = content.to_vec(),
            Err(limit) => member.problem(limit.into()),
        }
        member
    }

    /// What a piece holds.
    fn piece(&mut self, piece: Piece, budget: &mut Budget) -> Member {
        let strict = self.reading(&piece, &piece.strict.bytes, budget);
        let loose = piece.loose.as_ref().map(|hex| &hex.bytes).filter(|bytes| **bytes != piece.strict.bytes);
        if let Some(loose) = loose.filter(|bytes| !bytes.is_empty()) {
            let mut other = self.reading(&piece, loose, budget);
            other.hidden = true;
            // That one of the two makes no sense is what two readings are for.
            other.problems.retain(|reason| *reason != UnscannedReason::Damaged);
            self.waiting = Some(other);
        }
        strict
    }

    fn reading(&mut self, piece: &Piece, bytes: &[u8], budget: &mut Budget) -> Member {
        if piece.goal != Goal::Object {
            return self.member(Member::default(), bytes, budget);
        }
        let object = Object::read(bytes);
        let native = object.native(bytes);
        let class = if object.class.is_empty() { &piece.class } else { &object.class };
        if let Some(views) = &mut self.views {
            let update = if piece.update { ", opened with the document" } else { "" };
            let what = if piece.control { Active::ActiveX } else { Active::OlePackage };
            views.act(what, None, links::kept(&format!("{}{update}", if class.is_empty() { "object" } else { class })));
            if let Some(target) = object.target.as_ref().filter(|target| !target.is_empty()) {
                views.act(Active::RemoteTemplate, None, links::kept(target));
            }
        }
        let damaged = object.damaged && !bytes.is_empty();
        let mut member = if class.eq_ignore_ascii_case("package") {
            let package = Package::read(native);
            let content = between(native, package.content.start, package.content.end);
            self.member(package.member(), content, budget)
        } else {
            let name = Some(names::cut(class.clone())).filter(|name| !name.is_empty()).map(Untrusted::new);
            self.member(Member { name, ..Member::default() }, native, budget)
        };
        if damaged {
            member.problem(UnscannedReason::Damaged);
        }
        member
    }
}

impl Container for Rtf {
    fn next(&mut self, _: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(member) = self.waiting.take() {
            return Some(member);
        }
        if let Some(limit) = budget.exhausted() {
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
            return None;
        }
        if let Some(piece) = self.pieces.next() {
            return Some(self.piece(piece, budget));
        }
        if let Some(views) = self.views.take() {
            let (members, problems) = views.into_members(self.next, budget, &mut self.meter);
            self.last = members.into_iter();
            self.problems.extend(problems);
        }
        self.last.next()
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
