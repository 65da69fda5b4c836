//! What is embedded in a document as an object: packages (a file of any kind behind an icon), links to
//! other files, equations, and controls.
//!
//! A package (MS-OLEDS 2.3.6, and what the packager of Windows writes in it) names its file up to three
//! times; all names are told. Limits: [`MAX_NAME`], [`MAX_LINKS`]. Not handled: packages that hold a
//! command line in place of a file are given as they stand.

use std::ops::Range;

use mail::evidence::{Active, MAX_NAME, UnscannedReason};

use super::monikers;
use super::text::{decode, utf16};
use super::work::Work;
use crate::bytes::{between, le16, le32};
use crate::container::Member;
use crate::names;

/// Most links of one object.
const MAX_LINKS: usize = 16;
/// A link's stream of up to this many bytes without a target says only that there is an object.
const PLAIN: usize = 64;
/// What a package says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Package {
    /// What its icon shows, and where the file came from and goes to.
    pub(crate) names: Vec<String>,
    /// Where its content stands.
    pub(crate) content: Range<usize>,
    /// Whether all of the content is there.
    pub(crate) whole: bool,
}

impl Package {
    /// Reads what stands in `\x01Ole10Native`, or behind the head of an OLE 1.0 object of the class
    /// `Package`. What names no file is content alone.
    pub(crate) fn read(data: &[u8]) -> Self {
        // Some writers leave out the size in front.
        let sized = le32(data, 0).is_some_and(|size| size as usize <= data.len());
        let named = Self::named(data, 4).or_else(|| Self::named(data, 0));
        named.unwrap_or_else(|| {
            let end = le32(data, 0).map_or(0, |size| size as usize).saturating_add(4);
            let content = if sized && data.len() > 4 { 4..end.min(data.len()) } else { 0..data.len() };
            Self { names: Vec::new(), content, whole: true }
        })
    }

    /// With a head of names, at `at`.
    fn named(data: &[u8], at: usize) -> Option<Self> {
        if le16(data, at)? != 2 {
            return None;
        }
        let (label, at) = text(data, at.checked_add(2)?)?;
        let (path, at) = text(data, at)?;
        // Two numbers of 16 bit: 0 and 3 for a file that is embedded, 0 and 1 for one that is linked.
        if le16(data, at.checked_add(2)?)? == 1 {
            let (command, end) = text(data, at.checked_add(6)?)?;
            let names = [label, path, command].into_iter().filter(|name| !name.is_empty()).collect();
            return Some(Self { names, content: end..end, whole: true });
        }
        let length = le32(data, at.checked_add(4)?)? as usize;
        let at = at.checked_add(8)?;
        let (temporary, _) = text(between(data, at, at.saturating_add(length)), 0)?;
        let at = at.checked_add(length)?;
        let size = le32(data, at)? as usize;
        let start = at.checked_add(4)?;
        let end = start.checked_add(size)?;
        let names = [label, path, temporary].into_iter().filter(|name| !name.is_empty()).collect();
        Some(Self { names, content: start..end.min(data.len()), whole: end <= data.len() })
    }

    /// The file's name as a member: without its folder, first what the icon shows.
    pub(crate) fn member(&self) -> Member {
        let bare = |name: &String| name.rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
        let (name, other_names) = names::split(self.names.iter().map(bare));
        let mut member = Member { name, other_names, ..Member::default() };
        if !self.whole {
            member.problem(UnscannedReason::Damaged);
        }
        member
    }
}

/// A text that ends with a zero, and what stands behind it.
fn text(data: &[u8], at: usize) -> Option<(String, usize)> {
    let rest = between(data, at, at.saturating_add(MAX_NAME));
    let length = memchr::memchr(0, rest)?;
    Some((decode(between(rest, 0, length), 1252), at.checked_add(length)?.checked_add(1)?))
}

/// Gives a package and its file.
pub(crate) fn package(number: u32, work: &mut Work<'_>) {
    let stream = work.read(number);
    let package = Package::read(&stream.bytes);
    if package.names.is_empty() && package.content.is_empty() {
        return;
    }
    let size = package.content.len();
    let said = if package.names.is_empty() { "an embedded object".to_owned() } else { package.names.join(" ") };
    work.active(Active::OlePackage, "package", format!("{said} ({size} bytes)\n"));
    let content = between(&stream.bytes, package.content.start, package.content.end).to_vec();
    if content.is_empty() {
        return;
    }
    if content.len().saturating_mul(2) >= stream.bytes.len() && !package.names.is_empty() {
        work.made.taken.insert(number);
    }
    work.give(Member { content, ..package.member() }, stream.bytes.len() as u64);
}

/// Gives what a linked object (`\x01Ole`, MS-OLEDS 2.3.3) is loaded from.
pub(crate) fn link(number: u32, work: &mut Work<'_>) {
    let bytes = work.read(number).bytes;
    let (targets, over) = targets(&bytes);
    if over {
        work.problem(UnscannedReason::LimitObjects);
    }
    if targets.is_empty() && bytes.len() <= PLAIN {
        work.made.taken.insert(number);
    }
    for target in targets {
        work.active(Active::RemoteTemplate, "link", format!("{target}\n"));
    }
}

/// The addresses and files that monikers in these bytes lead to; the flag says that there are more than are looked at.
pub fn targets(bytes: &[u8]) -> (Vec<String>, bool) {
    let (links, over) = monikers::links(bytes, MAX_LINKS);
    (links.into_iter().map(|link| link.address).collect(), over)
}

/// Says that there is an equation or a control, which programs of their own open.
pub(crate) fn object(number: u32, what: Active, work: &mut Work<'_>) {
    let Some(entry) = work.cfb.entry(number) else { return };
    let class = work.cfb.entry(entry.parent).map(|storage| class(&storage.class)).unwrap_or_default();
    let bytes = work.read(number).bytes;
    let said = if what == Active::ActiveX {
        utf16(&bytes).trim_end_matches('\0').to_owned()
    } else {
        "an object of the equation editor".to_owned()
    };
    work.active(what, "object", format!("{said} {class}\n"));
}

/// A class in the usual form.
pub(crate) fn class(raw: &[u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = raw;
    let head = format!("{{{d:02X}{c:02X}{b:02X}{a:02X}-{f:02X}{e:02X}-{h:02X}{g:02X}-");
    let mut out = head;
    for (at, byte) in rest.iter().enumerate() {
        out.push_str(if at == 2 { "-" } else { "" });
        out.push_str(&format!("{byte:02X}"));
    }
    out + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package as the packager of Windows writes it.
    fn native() -> Vec<u8> {
        let inner = [
            &b"\x02\0invoice.txt\0C:\\in\\invoice.exe\0\0\0\x03\0"[..],
            b"\x0c\0\0\0C:\\t\\inv.tx\0",
            b"\x05\0\0\0hello",
        ]
        .concat();
        [&u32::try_from(inner.len()).unwrap().to_le_bytes()[..], &inner].concat()
    }

    #[test]
    fn a_package_tells_all_its_names_and_its_content() {
        let data = native();
        for data in [&data[..], &data[4..]] {
            let package = Package::read(data);
            assert_eq!(package.names, ["invoice.txt", "C:\\in\\invoice.exe", "C:\\t\\inv.tx"]);
            assert_eq!(&data[package.content.clone()], b"hello");
            let member = package.member();
            assert_eq!(member.name.unwrap().raw(), "invoice.txt");
            assert_eq!(member.other_names[0].raw(), "invoice.exe");
        }
    }

    #[test]
    fn a_package_that_is_linked_tells_what_it_runs() {
        let data = b"\x27\0\0\0\x02\0calc.exe\0C:\\calc.exe\0\0\0\x01\0\x01\0C:\\calc.exe\0";
        let package = Package::read(data);
        assert_eq!(package.names, ["calc.exe", "C:\\calc.exe", "C:\\calc.exe"]);
        assert!(package.whole && package.content.is_empty());
    }

    #[test]
    fn a_package_that_is_cut_or_has_no_names_gives_what_there_is() {
        let data = native();
        let package = Package::read(&data[..data.len() - 2]);
        assert!(!package.whole && package.content.len() == 3);
        let package = Package::read(b"\x03\0\0\0abc");
        assert!(package.whole && package.names.is_empty());
        assert_eq!(package.content, 4..7);
        assert_eq!(Package::read(b"").content, 0..0);
    }

    #[test]
    fn a_class_is_written_as_usual() {
        assert_eq!(
            class(b"\xe0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\0\xaa\0\x4b\xa9\x0b"),
            "{79EAC9E0-BAF9-11CE-8C82-00AA004BA90B}"
        );
    }
}
