//! ActiveMime (`editdata.mso`): what Word writes beside a page or into a Word 2003 document to keep the
//! macros: a head, then a compound file compressed with zlib.
//!
//! The head is not documented; its length differs by version and is stated in it. Limit: where that
//! does not fit, [`MAX_PLACES`] places in the first [`MAX_HEAD`] bytes are tried.

use mail::evidence::{Role, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16};
use crate::container::{Container, Member};
use crate::decode::{End, Method, decode};

/// Begins such a file.
pub(crate) const MAGIC: &[u8] = b"ActiveMime";
/// How far the content may start behind the beginning, in bytes.
const MAX_HEAD: usize = 1024;
/// Most places that are tried.
const MAX_PLACES: usize = 16;
/// Where the stated length counts from, in bytes.
const STATED_FROM: usize = 46;

/// Such a file: it holds one.
pub(crate) struct ActiveMime {
    done: bool,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl ActiveMime {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { done: false, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    /// Where the compressed content may start, the likeliest place first.
    fn places(data: &[u8]) -> impl Iterator<Item = usize> {
        let stated = le16(data, 0x1e).map(|length| usize::from(length).saturating_add(STATED_FROM));
        let any = memchr::memchr_iter(0x78, between(data, 0, MAX_HEAD));
        let all = stated.into_iter().chain([0x32]).chain(any).filter(|at| data.get(*at) == Some(&0x78));
        all.take(MAX_PLACES)
    }
}

impl Container for ActiveMime {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if std::mem::replace(&mut self.done, true) {
            return None;
        }
        let mut best = Member { role: Role::Decoded, ..Member::default() };
        best.problem(UnscannedReason::Damaged);
        for at in Self::places(data) {
            // The two bytes of zlib's own head; its checksum is not looked at.
            let packed = between(data, at.saturating_add(2), data.len());
            let decoded = decode(Method::Deflate, packed, budget, &mut self.meter);
            let end = decoded.end;
            if decoded.content.len() > best.content.len() {
                best.content = decoded.content;
            }
            match end {
                End::Complete if !best.content.is_empty() => {
                    best.problems.clear();
                    return Some(best);
                }
                End::Limit(limit) => {
                    best.problems = vec![limit.into()];
                    return Some(best);
                }
                _ => {}
            }
        }
        Some(best)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
