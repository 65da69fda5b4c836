//! The objects of OLE 1.0 that RTF holds (MS-OLEDS 2.2): a head with a class, then the native data, which
//! is a compound file, a package or whatever the class wants.
//!
//! Writers of malware damage the head, so what it holds is looked for by its content too. Limit:
//! [`MAX_NAME`].

use std::ops::Range;

use crate::bytes::{between, le32, take};

/// Longest name in the head, in bytes; a longer one is none.
const MAX_NAME: usize = 4096;
/// Begins a compound file.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// An object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Object {
    /// Its class, if the head could be read.
    pub(super) class: String,
    /// What a link leads to.
    pub(super) target: Option<String>,
    /// Where its native data stands.
    pub(super) native: Range<usize>,
    /// The head or the data is not as it should be.
    pub(super) damaged: bool,
}

/// A text with its length in front, and what stands behind it.
fn text(data: &[u8], at: usize) -> Option<(String, usize)> {
    let length = usize::try_from(le32(data, at)?).ok().filter(|length| *length <= MAX_NAME)?;
    let start = at.checked_add(4)?;
    let bytes = take(data, start, length)?;
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    Some((text.iter().map(|byte| char::from(*byte)).collect(), start.checked_add(length)?))
}

impl Object {
    /// Reads an object.
    pub(super) fn read(data: &[u8]) -> Self {
        let by_head = Self::by_head(data).filter(|object| !object.native.is_empty() || object.target.is_some());
        by_head.unwrap_or_else(|| {
            let start = memchr::memmem::find(data, COMPOUND).unwrap_or(0);
            Self { native: start..data.len(), damaged: true, ..Self::default() }
        })
    }

    fn by_head(data: &[u8]) -> Option<Self> {
        let format = le32(data, 4)?;
        let (class, at) = text(data, 8)?;
        let (topic, at) = text(data, at)?;
        let (_, at) = text(data, at)?;
        if format == 1 {
            let network = text(data, at).map(|(network, _)| network).unwrap_or_default();
            let target = if network.is_empty() { topic } else { format!("{network} {topic}") };
            return Some(Self { class, target: Some(target), ..Self::default() });
        }
        let size = le32(data, at)? as usize;
        let start = at.checked_add(4)?;
        let end = start.checked_add(size)?;
        // The stated size may be a lie; what looks like a compound file is taken to its end.
        let whole = end <= data.len() && size > 0;
        let rest = between(data, start, data.len());
        let end = if whole && !(size < rest.len() && rest.starts_with(COMPOUND)) { end } else { data.len() };
        Some(Self { class, target: None, native: start..end, damaged: !whole })
    }

    /// The native data.
    pub(super) fn native<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        between(data, self.native.start, self.native.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_by_their_head_or_by_their_content() {
        let named = |name: &str| [&(name.len() as u32 + 1).to_le_bytes()[..], name.as_bytes(), b"\0"].concat();
        let head = |format: u8, class: &str| [&[1, 5, 0, 0, format, 0, 0, 0][..], &named(class), &[0; 8]].concat();
        let object = [&head(2, "Package")[..], b"\x03\0\0\0abc", b"rest"].concat();
        let read = Object::read(&object);
        assert_eq!((read.class.as_str(), read.native(&object), read.damaged), ("Package", &b"abc"[..], false));
        let broken = [&b"\xff\xff\xff\xff\x02\0\0\0\xff\xff\xff\xff"[..], COMPOUND, b"x"].concat();
        let read = Object::read(&broken);
        assert_eq!((read.native(&broken), read.damaged), (&broken[12..], true));
        let link = [&[1, 5, 0, 0, 1, 0, 0, 0][..], &named("Word"), &named("\\\\192.0.2.1\\a"), &[0; 12]].concat();
        assert_eq!(Object::read(&link).target.as_deref(), Some("\\\\192.0.2.1\\a"));
    }
}
