//! Flash: what the head leaves in the file is compressed (zlib, or LZMA). One member, the same film
//! uncompressed, in which engines find what they know; films and files in its tags come as they stand.
//!
//! Limits: [`MAX_TAGS`], and the budget. Not handled: what scripts of Flash make when they run.

use std::ops::Range;

use mail::evidence::{Role, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32};
use crate::container::{Container, Member};
use crate::decode::{End, Method, append, stored};

/// Most tags that are looked at.
const MAX_TAGS: usize = 65_536;
/// The tag of data that a script may take and run.
const BINARY_DATA: u16 = 87;
/// Length of the head that is never compressed, in bytes.
const HEAD: usize = 8;

/// A film.
pub(crate) struct Flash {
    /// The numbers of members given, and the pieces of data still to come.
    index: u32,
    film: Option<Vec<u8>>,
    pieces: std::vec::IntoIter<Range<usize>>,
    started: bool,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

/// Whether these bytes are a film.
pub(crate) fn starts(data: &[u8]) -> bool {
    let length = le32(data, 4).unwrap_or(0) as usize;
    let head = [&b"FWS"[..], b"CWS", b"ZWS"].iter().any(|magic| data.starts_with(magic));
    head && matches!(data.get(3), Some(1..=60)) && length > 20
}

impl Flash {
    pub(crate) fn open(data: &[u8]) -> Self {
        let meter = Meter::new(data.len() as u64);
        Self { index: 0, film: None, pieces: Vec::new().into_iter(), started: false, meter, problems: Vec::new() }
    }

    /// Looks for data in the tags.
    fn look(&mut self, film: &[u8]) {
        let (pieces, more) = pieces(film);
        self.pieces = pieces.into_iter();
        self.problems.extend(more.then_some(UnscannedReason::LimitObjects));
    }

    /// The film, uncompressed.
    fn film(&mut self, data: &[u8], budget: &mut Budget) -> Member {
        let mut member = Member { role: Role::Decoded, ..Member::default() };
        let mut head = between(data, 0, HEAD).to_vec();
        if let Some(first) = head.first_mut() {
            *first = b'F';
        }
        let length = u64::from(le32(data, 4).unwrap_or(0)).saturating_sub(HEAD as u64);
        let (method, at) = if data.starts_with(b"ZWS") {
            let (properties, dictionary) = (data.get(12).copied().unwrap_or(0), le32(data, 13).unwrap_or(0));
            (Method::RawLzma { properties, dictionary, size: Some(length) }, 17)
        } else {
            (Method::Deflate, HEAD.saturating_add(2))
        };
        let decoded = append(method, between(data, at, data.len()), head, budget, &mut self.meter);
        member.content = decoded.content;
        match decoded.end {
            End::Complete => {}
            End::Limit(limit) => member.problem(limit.into()),
            _ => member.problem(UnscannedReason::Damaged),
        }
        member
    }
}

/// Where the data in the tags of a film stand; the flag says that there are more tags.
fn pieces(film: &[u8]) -> (Vec<Range<usize>>, bool) {
    // Behind the head: a rectangle of four numbers of so many bits, then rate and count of frames.
    let bits = film.get(HEAD).map_or(0, |byte| usize::from(byte >> 3));
    let rectangle = bits.saturating_mul(4).saturating_add(5).div_ceil(8);
    let mut at = HEAD.saturating_add(rectangle).saturating_add(4);
    let mut found = Vec::new();
    for _ in 0..MAX_TAGS {
        let Some(word) = le16(film, at) else { return (found, false) };
        let (mut start, mut length) = (at.saturating_add(2), usize::from(word & 0x3f));
        if length == 0x3f {
            length = le32(film, start).unwrap_or(0) as usize;
            start = start.saturating_add(4);
        }
        let end = start.saturating_add(length);
        if word >> 6 == BINARY_DATA && length > 6 {
            found.push(start.saturating_add(6).min(film.len())..end.min(film.len()));
        }
        at = end;
    }
    (found, at < film.len())
}

impl Container for Flash {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let index = self.index;
        if let Some(limit) = budget.exhausted() {
            self.problems = vec![limit.into()];
            return None;
        }
        self.index = index.saturating_add(1);
        self.meter.next_object();
        if !std::mem::replace(&mut self.started, true) {
            if data.starts_with(b"FWS") {
                self.look(data);
            } else {
                let member = self.film(data, budget);
                self.look(&member.content);
                // The pieces are cut out of it: the one copy that is kept.
                self.film = (self.pieces.len() > 0).then(|| member.content.clone());
                return Some(Member { index, ..member });
            }
        }
        let range = self.pieces.next()?;
        let film = self.film.as_deref().unwrap_or(data);
        let mut member = Member { index, ..Member::default() };
        stored(&mut member, between(film, range.start, range.end), budget, &mut self.meter);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
