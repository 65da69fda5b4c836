//! The attributes of a TNEF stream (MS-OXTNEF 2.1.3), one after the other.
//!
//! Limits: none of its own; an attribute takes 11 bytes at least. A wrong checksum is told and
//! nothing more: programs that write TNEF get it wrong, and programs that read it do not look.

use std::ops::Range;

use crate::bytes::{between, le16, le32};

/// Begins a stream.
pub(super) const SIGNATURE: u32 = 0x223e_9f78;
/// Length of the signature and the key behind it.
pub(super) const HEAD: usize = 6;
/// Length of what stands in front of an attribute's data: level, number and length.
const ATTRIBUTE_HEAD: usize = 9;

/// The attributes that matter here (MS-OXTNEF 2.1.3.2 and 2.1.3.3).
pub(super) const BODY: u32 = 0x0002_800c;
pub(super) const CODE_PAGE: u32 = 0x0006_9007;
pub(super) const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
pub(super) const RENDERING: u32 = 0x0006_9002;
pub(super) const TITLE: u32 = 0x0001_8010;
pub(super) const TRANSPORT_NAME: u32 = 0x0006_9001;
pub(super) const DATA: u32 = 0x0006_800f;
pub(super) const META_FILE: u32 = 0x0006_8011;
pub(super) const ATTACHMENT_PROPERTIES: u32 = 0x0006_9005;

/// One attribute.
pub(super) struct Attribute {
    pub(super) number: u32,
    pub(super) data: Range<usize>,
    /// Its checksum is wrong, or it is cut off.
    pub(super) damaged: bool,
}

/// Reads attributes.
pub(super) struct Attributes<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: HEAD }
    }

    /// Where the next attribute would stand.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The attribute at the present place; `None` where none stands.
    fn read(&self) -> Option<Attribute> {
        let level = *self.data.get(self.at)?;
        let number = le32(self.data, self.at.checked_add(1)?)?;
        let len = usize::try_from(le32(self.data, self.at.checked_add(5)?)?).ok()?;
        let start = self.at.checked_add(ATTRIBUTE_HEAD)?;
        if !matches!(level, 1 | 2) {
            return None;
        }
        let end = start.checked_add(len)?;
        let content = between(self.data, start, end);
        let sum = content.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        let damaged = end > self.data.len() || le16(self.data, end) != Some(sum);
        Some(Attribute { number, data: start..end.min(self.data.len()), damaged })
    }
}

impl Iterator for Attributes<'_> {
    type Item = Attribute;

    fn next(&mut self) -> Option<Attribute> {
        let attribute = self.read()?;
        self.at = attribute.data.end.saturating_add(2).min(self.data.len());
        Some(attribute)
    }
}
