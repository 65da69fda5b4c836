//! Which letters of a document are hidden: pages of runs with their formats (MS-DOC 2.4.6.2).
//!
//! A run is hidden by the format "hidden", or by letters of one point or less. Limits: [`MAX_PAGES`].
//! Not handled: formats of styles.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::bytes::{between, le16, le32};
use crate::formats::several::joined;

/// Most pages that are looked at.
const MAX_PAGES: usize = 1 << 16;
/// Length of a page, in bytes.
const PAGE: usize = 512;
/// The formats: hidden, and the size of letters in half points.
const VANISH: u16 = 0x083c;
const SIZE: u16 = 0x4a43;
/// Letters up to this size, in half points, are too small to be read.
const TINY: u16 = 2;

/// Ranges of the main stream whose letters are hidden, in order and apart.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Hidden(Vec<Range<usize>>);

impl Hidden {
    /// Reads the list of pages, and each page once.
    pub(super) fn read(list: &[u8], main: &[u8]) -> Self {
        let count = list.len().saturating_sub(4) / 8;
        let numbers = between(list, count.saturating_add(1).saturating_mul(4), list.len()).chunks_exact(4);
        let pages: BTreeSet<u32> = numbers.take(MAX_PAGES).filter_map(|raw| le32(raw, 0)).collect();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for page in pages {
            let at = ((page & 0x003f_ffff) as usize).saturating_mul(PAGE);
            let page = between(main, at, at.saturating_add(PAGE));
            if page.len() == PAGE {
                ranges.extend(runs(page));
            }
        }
        Self(joined(ranges))
    }

    /// Whether the letter at a place is hidden, and up to where that holds.
    pub(super) fn at(&self, place: usize) -> (bool, usize) {
        let next = self.0.partition_point(|run| run.end <= place);
        match self.0.get(next) {
            Some(run) if run.start <= place => (true, run.end),
            Some(run) => (false, run.start),
            None => (false, usize::MAX),
        }
    }
}

/// The hidden runs of one page.
fn runs(page: &[u8]) -> Vec<Range<usize>> {
    let count = page.last().copied().map_or(0, usize::from);
    let offsets = count.saturating_add(1).saturating_mul(4);
    let run = |number: usize| {
        let at = number.saturating_mul(4);
        let (start, end) = (le32(page, at)? as usize, le32(page, at.saturating_add(4))? as usize);
        let place = usize::from(*page.get(offsets.saturating_add(number))?).saturating_mul(2);
        let size = page.get(place).copied().map_or(0, usize::from);
        let formats = between(page, place.saturating_add(1), place.saturating_add(1).saturating_add(size));
        (place > 0 && start < end && hides(formats)).then_some(start..end)
    };
    (0..count).filter_map(run).collect()
}

/// Whether a list of formats hides what has them (2.2.5.2: the upper three bits tell a format's length).
fn hides(formats: &[u8]) -> bool {
    let mut at = 0_usize;
    let mut hidden = false;
    while let Some(code) = le16(formats, at) {
        let value = at.saturating_add(2);
        let length = match code >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            7 => 3,
            3 => 4,
            _ => formats.get(value).copied().map_or(1, usize::from).saturating_add(1),
        };
        match code {
            VANISH => hidden = matches!(formats.get(value), Some(1 | 0x81)),
            SIZE if le16(formats, value).is_some_and(|size| size <= TINY) => return true,
            _ => {}
        }
        at = value.saturating_add(length);
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_hide_are_told() {
        let cases: [(&[u8], bool); 5] = [
            (b"\x3c\x08\x01", true),
            (b"\x3c\x08\0", false),
            (b"\x43\x4a\x18\0\x3c\x08\x01", true),
            (b"\x43\x4a\x02\0", true),
            (b"\x0f\xca\x02\x3c\x08\x01", false),
        ];
        for (formats, expected) in cases {
            assert_eq!(hides(formats), expected, "{formats:?}");
        }
    }

    #[test]
    fn ranges_are_found_by_a_place_in_them() {
        let hidden = Hidden(vec![10..20, 30..40]);
        let cases =
            [(0, (false, 10)), (10, (true, 20)), (20, (false, 30)), (39, (true, 40)), (40, (false, usize::MAX))];
        for (place, expected) in cases {
            assert_eq!(hidden.at(place), expected);
        }
    }
}
