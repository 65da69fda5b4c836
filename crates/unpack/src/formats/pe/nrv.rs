//! The three methods that UPX has of its own: bits tell literals from copies, and how far and how much
//! to copy.
//!
//! Limits: numbers of [`MAX_BITS`] bits, and those of the window. A stream that ends early gives what
//! there is.

use super::window::{Failure, Window};
use crate::bytes::{le16, le32};

/// Longest number, in bits.
const MAX_BITS: u32 = 31;

/// Which of the methods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Variant {
    B,
    D,
    E,
}

/// How many bits are read at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Byte,
    Le16,
    Le32,
}

/// The input, whose bits and bytes stand mixed.
struct Input<'a> {
    data: &'a [u8],
    at: usize,
    word: Word,
    held: u32,
    bits: u32,
}

impl Input<'_> {
    fn bit(&mut self) -> Result<u32, Failure> {
        if self.bits == 0 {
            let (word, size) = match self.word {
                Word::Byte => (self.data.get(self.at).map(|byte| u32::from(*byte)), 1),
                Word::Le16 => (le16(self.data, self.at).map(u32::from), 2),
                Word::Le32 => (le32(self.data, self.at), 4),
            };
            self.held = word.ok_or(Failure::Broken)?;
            self.at = self.at.saturating_add(size);
            self.bits = (size as u32).saturating_mul(8);
        }
        self.bits = self.bits.saturating_sub(1);
        Ok(self.held >> self.bits & 1)
    }

    fn byte(&mut self) -> Result<u32, Failure> {
        let byte = *self.data.get(self.at).ok_or(Failure::Broken)?;
        self.at = self.at.saturating_add(1);
        Ok(u32::from(byte))
    }

    /// A number behind a leading 1, a bit for each of its bits that says whether it is the last.
    fn number(&mut self, mut number: u32) -> Result<u32, Failure> {
        for _ in 0..MAX_BITS {
            number = number.wrapping_mul(2).wrapping_add(self.bit()?);
            if self.bit()? == 1 {
                return Ok(number);
            }
        }
        Err(Failure::Broken)
    }

    /// The same with a further bit between two looks, in the later methods.
    fn wide_number(&mut self) -> Result<u32, Failure> {
        let mut number = 1_u32;
        for _ in 0..MAX_BITS {
            number = number.wrapping_mul(2).wrapping_add(self.bit()?);
            if self.bit()? == 1 {
                return Ok(number);
            }
            number = number.wrapping_sub(1).wrapping_mul(2).wrapping_add(self.bit()?);
        }
        Err(Failure::Broken)
    }
}

/// Decompresses up to the end mark, or until `size` bytes are there.
pub(super) fn decompress(
    variant: Variant,
    word: Word,
    data: &[u8],
    size: usize,
    window: &mut Window<'_>,
) -> Result<(), Failure> {
    let mut input = Input { data, at: 0, word, held: 0, bits: 0 };
    let (mut last, start) = (1_usize, window.content.len());
    while window.content.len().saturating_sub(start) < size {
        if input.bit()? == 1 {
            let byte = input.byte()? as u8;
            window.push(byte, input.at)?;
            continue;
        }
        let Some((offset, length)) = copy(variant, &mut input, &mut last)? else { break };
        let left = size.saturating_sub(window.content.len().saturating_sub(start));
        window.copy(offset, (length as usize).min(left), input.at)?;
    }
    window.count(input.at)
}

/// How far back and how much; `None` at the end mark.
fn copy(variant: Variant, input: &mut Input<'_>, last: &mut usize) -> Result<Option<(usize, u32)>, Failure> {
    let number = if variant == Variant::B { input.number(1)? } else { input.wide_number()? };
    // The later methods keep the first bit of the length in the offset.
    let mut first = None;
    if number == 2 {
        if variant != Variant::B {
            first = Some(input.bit()?);
        }
    } else {
        let mut offset = number.wrapping_sub(3).wrapping_mul(256).wrapping_add(input.byte()?);
        if offset == u32::MAX {
            return Ok(None);
        }
        if variant != Variant::B {
            first = Some(!offset & 1);
            offset >>= 1;
        }
        *last = (offset as usize).saturating_add(1);
    }
    let mut length = match variant {
        Variant::B => {
            let high = input.bit()?;
            plus(high << 1 | input.bit()?, input, 2)?
        }
        Variant::D => plus(first.unwrap_or(0) << 1 | input.bit()?, input, 2)?,
        Variant::E => match first {
            Some(1) => input.bit()?.saturating_add(1),
            _ if input.bit()? == 1 => input.bit()?.saturating_add(3),
            _ => input.number(1)?.saturating_add(3),
        },
    };
    let far = if variant == Variant::B { 0xd00 } else { 0x500 };
    length = length.saturating_add(u32::from(*last > far)).saturating_add(1);
    Ok(Some((*last, length)))
}

/// A length of two bits, or a longer one behind two zeros.
fn plus(length: u32, input: &mut Input<'_>, more: u32) -> Result<u32, Failure> {
    if length == 0 { Ok(input.number(1)?.saturating_add(more)) } else { Ok(length) }
}
