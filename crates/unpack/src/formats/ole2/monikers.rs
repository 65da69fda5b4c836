//! Links as OLE stores them, wherever they stand in a stream: monikers of addresses and of files (MS-OSHARED
//! 2.3.7.2 to 2.3.7.8), hyperlinks that hold their address as a text (2.3.7.1), and the list of them in a summary
//! (2.3.3.1.18).
//!
//! They are found by their classes and types. Limits: [`MAX_LINKS`], [`MAX_ADDRESS`]; a longer address is told by its beginning,
//! and its place is all of it. All links together may have [`MAX_READ`] times the stream's bytes of letters: lengths of a
//! sender may lead many to the same ones.

use std::ops::Range;

use mail::evidence::MAX_NAME;

use super::text::{decode, utf16};
use crate::bytes::{between, le32, take};
use crate::views::links;

/// Most links of one stream.
const MAX_LINKS: usize = 4096;
/// Longest address that is looked at, in bytes.
const MAX_ADDRESS: usize = MAX_NAME * 2;
/// How many times a stream's size may be read as letters. Those of an honest link are its own.
const MAX_READ: usize = 2;
/// The classes: of a hyperlink, and of the monikers that lead elsewhere, to an address and to a file.
const HYPERLINK: &[u8] = b"\xd0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\0\xaa\0\x4b\xa9\x0b";
const URL: &[u8] = b"\xe0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\0\xaa\0\x4b\xa9\x0b";
const FILE: &[u8] = b"\x03\x03\0\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";
/// The types of what a summary's list says of a link: four numbers in front of its address.
const NUMBER: u32 = 3;
const ADDRESS: &[u8] = b"\x1f\0\0\0";
const NUMBERS: [usize; 4] = [8, 16, 24, 32];
/// What a hyperlink says that it has: an address, texts in front of it, and that the address is a text.
const HAS_ADDRESS: u32 = 0x01;
const HAS_NAME: u32 = 0x10;
const HAS_FRAME: u32 = 0x80;
const IS_TEXT: u32 = 0x100;

/// One link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Where it leads.
    pub address: String,
    /// The bytes of its letters in the stream: where they are zeros, it leads nowhere.
    pub place: Range<usize>,
}

/// Where a link's letters stand.
struct Letters {
    start: usize,
    /// How many bytes they are said to have.
    length: usize,
    wide: bool,
}

/// What may stand behind a class: one link, or two.
type Found = [Option<Letters>; 2];

/// Reads what stands at a place.
type Read = fn(&[u8], usize) -> Found;

/// Classes and types, and what stands behind each.
const KINDS: [(&[u8], Read); 4] = [
    (URL, |data, at| [url(data, at), None]),
    (HYPERLINK, |data, at| [text(data, at), None]),
    (ADDRESS, |data, at| [listed(data, at), None]),
    (FILE, file),
];

impl Letters {
    /// The link, if the letters are there and say anything. `left`: how many bytes may still be read; `None` when
    /// that is not enough.
    fn link(&self, data: &[u8], left: &mut usize) -> Option<Option<Link>> {
        let end = self.start.saturating_add(self.length).min(data.len());
        let letters = between(data, self.start, end.min(self.start.saturating_add(MAX_ADDRESS)));
        // Up to the zero that ends them.
        let last = if self.wide {
            letters.chunks_exact(2).position(|pair| pair == [0, 0]).map(|at| at.saturating_mul(2))
        } else {
            memchr::memchr(0, letters)
        };
        let letters = between(letters, 0, last.unwrap_or(letters.len()));
        *left = left.checked_sub(letters.len())?;
        let address = if self.wide { utf16(letters) } else { decode(letters, 1252) };
        Some((!address.trim().is_empty()).then_some(Link { address, place: self.start..end }))
    }
}

/// The links in these bytes, by kind and in the order in which they stand, at most `most`; the flag says that there are
/// more than are looked at.
pub(super) fn links(data: &[u8], most: usize) -> (Vec<Link>, bool) {
    let (mut all, mut left) = (Vec::new(), data.len().saturating_mul(MAX_READ));
    for (class, read) in KINDS {
        for at in memchr::memmem::find_iter(data, class) {
            for letters in read(data, at.saturating_add(class.len())).into_iter().flatten() {
                match letters.link(data, &mut left) {
                    Some(None) => {}
                    Some(Some(link)) if all.len() < most => all.push(link),
                    _ => return (all, true),
                }
            }
        }
    }
    (all, false)
}

/// The address of a moniker of one.
fn url(data: &[u8], at: usize) -> Option<Letters> {
    Some(Letters { start: at.checked_add(4)?, length: le32(data, at)? as usize, wide: true })
}

/// A hyperlink's address that is a text.
fn text(data: &[u8], at: usize) -> Option<Letters> {
    let flags = le32(data, at.checked_add(4)?)?;
    if flags & (HAS_ADDRESS | IS_TEXT) != HAS_ADDRESS | IS_TEXT {
        return None;
    }
    let mut at = at.checked_add(8)?;
    // A text is the number of its letters, and they.
    let length = |at: usize| Some((le32(data, at)? as usize).saturating_mul(2));
    for _ in 0..(flags & (HAS_NAME | HAS_FRAME)).count_ones() {
        at = at.checked_add(4)?.checked_add(length(at)?)?;
    }
    Some(Letters { start: at.checked_add(4)?, length: length(at)?, wide: true })
}

/// A link of a summary's list.
fn listed(data: &[u8], at: usize) -> Option<Letters> {
    let start = at.checked_sub(ADDRESS.len())?;
    let numbers = NUMBERS.iter().all(|back| start.checked_sub(*back).and_then(|at| le32(data, at)) == Some(NUMBER));
    let length = le32(data, at).filter(|_| numbers)? as usize;
    Some(Letters { start: at.checked_add(4)?, length: length.saturating_mul(2), wide: true })
}

/// A moniker of a file has its path once or twice: in letters of one byte, and of two.
fn file(data: &[u8], at: usize) -> Found {
    let narrow_at = at.saturating_add(6);
    let Some(length) = le32(data, at.saturating_add(2)).map(|length| length as usize) else { return [None, None] };
    let narrow = Letters { start: narrow_at, length, wide: false };
    // Behind it: two numbers, five that mean nothing, and a size, which is 0 where there is no second path; else the
    // path's size in bytes, and a number.
    let sizes = narrow_at.saturating_add(length).saturating_add(24);
    let wide = le32(data, sizes).filter(|size| *size > 0).and_then(|_| {
        let length = le32(data, sizes.checked_add(4)?)? as usize;
        let start = sizes.checked_add(10)?;
        take(data, start, length).map(|_| Letters { start, length, wide: true })
    });
    [Some(narrow), wide]
}

/// The links in a stream, and whether there are more than are looked at.
pub(super) fn all(data: &[u8]) -> (Vec<Link>, bool) {
    links(data, MAX_LINKS)
}

/// The links in a stream that start a program or hand something to one, and whether there are more links than are
/// looked at.
pub fn acting(data: &[u8]) -> (Vec<Link>, bool) {
    let (all, over) = all(data);
    (all.into_iter().filter(|link| links::acts(&link.address)).collect(), over)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn number(number: usize) -> [u8; 4] {
        u32::try_from(number).unwrap().to_le_bytes()
    }

    #[test]
    fn links_are_found_in_every_form_with_their_places() {
        let address = wide("ms-msdt:/id x\0");
        let url = [URL, &number(address.len()), &address].concat();
        let path = wide(r"\\192.0.2.1\a\run.exe");
        let file =
            [FILE, &[0; 2], &number(2), b"a\0", &[0; 24], &number(path.len() + 6), &number(path.len()), b"\x03\0"]
                .concat();
        let file = [&file[..], &path].concat();
        let script = wide("javascript:x\0");
        let text = [HYPERLINK, &number(2), &number(0x111), &number(3), &wide("abc"), &number(13), &script].concat();
        let plain = wide("https://example.org/\0");
        let plain = [URL, &number(plain.len()), &plain].concat();
        let data = [&b"in front"[..], &url, &file, &plain, &text].concat();
        let all: Vec<String> = links(&data, 9).0.into_iter().map(|link| link.address).collect();
        let expected = ["ms-msdt:/id x", "https://example.org/", "javascript:x", "a", r"\\192.0.2.1\a\run.exe"];
        assert_eq!(all, expected);
        let (acting, over) = acting(&data);
        let found: Vec<&str> = acting.iter().map(|link| link.address.as_str()).collect();
        assert_eq!((found, over), (vec![expected[0], expected[2], expected[4]], false));
        let mut data = data;
        acting.into_iter().for_each(|link| data[link.place].fill(0));
        let left: Vec<String> = links(&data, 9).0.into_iter().map(|link| link.address).collect();
        assert_eq!(left, ["https://example.org/", "a"]);
    }

    #[test]
    fn what_is_cut_or_lies_costs_little() {
        for class in [URL, FILE, HYPERLINK] {
            for length in 0..40 {
                links(&[class, &vec![0xff; length]].concat(), 9);
                links(&[class, &vec![1; length]].concat(), 9);
            }
            let many = [class, &[0, 0, 0xff, 0xff, 0, 0, 0x11, 1]].concat().repeat(2000);
            assert!(acting(&many).0.is_empty());
        }
    }

    #[test]
    fn what_leads_nowhere_counts_for_nothing_and_hides_nothing() {
        let path = b"\\\\192.0.2.1\\a\\run.exe\0";
        let file = [FILE, &[0; 2], &number(path.len()), path, &[0; 28]].concat();
        for decoy in [[FILE, &[0; 34]].concat(), [URL, b"\xff\xff\0\0", b"\0\0"].concat()] {
            let data = [decoy.repeat(MAX_LINKS + 1), file.clone()].concat();
            let (found, over) = acting(&data);
            assert_eq!((found.len(), over), (1, false));
            assert_eq!(links(&data, 1).0, found);
        }
        // Links that say something do count, and so do letters of many links that are the same.
        let plain = wide("x:");
        let data = [URL, &number(plain.len()), &plain].concat().repeat(MAX_LINKS + 1);
        assert_eq!((links(&data, MAX_LINKS).0.len(), acting(&data).1), (MAX_LINKS, true));
        let one = [HYPERLINK, &number(2), &number(0x111)].concat();
        let count = 300;
        let each = one.len() + 4;
        let mut data = Vec::new();
        for at in 1..=count {
            data.extend(&one);
            // What is skipped as a name ends in front of the same blanks.
            data.extend(number((count - at) * each / 2));
        }
        data.extend([&number(1000)[..], &wide(&" ".repeat(1000))].concat());
        assert_eq!(acting(&data), (Vec::new(), true));
    }
}
