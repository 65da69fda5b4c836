//! aPLib's method, which FSG and MEW use: a byte, then bits that tell literals, single bytes and copies.
//!
//! Limits: numbers of [`MAX_BITS`] bits, and those of the window.

use super::window::{Failure, Window};

/// Longest number, in bits.
const MAX_BITS: u32 = 31;

struct Input<'a> {
    data: &'a [u8],
    at: usize,
    held: u8,
    bits: u32,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, Failure> {
        let byte = *self.data.get(self.at).ok_or(Failure::Broken)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    fn bit(&mut self) -> Result<usize, Failure> {
        if self.bits == 0 {
            (self.held, self.bits) = (self.byte()?, 8);
        }
        self.bits = self.bits.saturating_sub(1);
        Ok(usize::from(self.held >> self.bits & 1))
    }

    fn number(&mut self) -> Result<usize, Failure> {
        let mut number = 1_usize;
        for _ in 0..MAX_BITS {
            number = number << 1 | self.bit()?;
            if self.bit()? == 0 {
                return Ok(number);
            }
        }
        Err(Failure::Broken)
    }
}

/// Decompresses what starts at `at`; where it ends.
pub(super) fn decompress(data: &[u8], at: usize, window: &mut Window<'_>) -> Result<usize, Failure> {
    let mut input = Input { data, at, held: 0, bits: 0 };
    let start = input.byte()?;
    window.push(start, input.at)?;
    // The last offset, and whether a copy came just before.
    let (mut last, mut after_copy) = (0_usize, false);
    loop {
        if input.bit()? == 0 {
            let byte = input.byte()?;
            window.push(byte, input.at)?;
            after_copy = false;
            continue;
        }
        if input.bit()? == 0 {
            let (offset, length) = far(&mut input, last, after_copy)?;
            window.copy(offset, length, input.at)?;
            (last, after_copy) = (offset, true);
        } else if input.bit()? == 0 {
            let byte = usize::from(input.byte()?);
            if byte >> 1 == 0 {
                break;
            }
            window.copy(byte >> 1, (byte & 1).saturating_add(2), input.at)?;
            (last, after_copy) = (byte >> 1, true);
        } else {
            let mut offset = 0;
            for _ in 0..4 {
                offset = offset << 1 | input.bit()?;
            }
            if offset == 0 {
                window.push(0, input.at)?;
            } else {
                window.copy(offset, 1, input.at)?;
            }
            after_copy = false;
        }
    }
    window.count(input.at)?;
    Ok(input.at)
}

/// A copy with an offset of any size.
fn far(input: &mut Input<'_>, last: usize, after_copy: bool) -> Result<(usize, usize), Failure> {
    let high = input.number()?;
    if !after_copy && high == 2 {
        return Ok((last, input.number()?));
    }
    let high = high.saturating_sub(if after_copy { 2 } else { 3 });
    let offset = high.saturating_mul(256).saturating_add(usize::from(input.byte()?));
    let more = match offset {
        0..128 => 2,
        128..1280 => 0,
        1280..32_000 => 1,
        _ => 2,
    };
    Ok((offset, input.number()?.saturating_add(more)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Limits, Meter, StopFlag};

    #[test]
    fn every_kind_of_step_is_taken() {
        // Literal `a`, then: literal b; short copy of 2 from 2; a zero byte; byte from 1 before; the end.
        let steps = [0b0110_1110, 0b0001_1100, 0b0111_0000];
        let data = [b'a', steps[0], b'b', 2 << 1, steps[1], steps[2], 0];
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let mut meter = Meter::new(data.len() as u64);
        let mut window = Window::new(&mut budget, &mut meter);
        assert_eq!(decompress(&data, 0, &mut window), Ok(data.len()));
        assert_eq!(window.content, b"abab\0\0");
    }
}
