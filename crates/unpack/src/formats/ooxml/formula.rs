//! Formulas of binary workbooks (MS-XLSB 2.2.2) as text, in the order in which they are computed:
//! what a function takes stands in front of it (`"cmd.exe" EXEC/1`). For matching, not for computing.
//!
//! A token that is not known ends the text with `?`. Limit: [`MAX_TEXT`] bytes.

use std::fmt::Write as _;

use crate::bytes::{le16, le32, take};
use crate::formats::ole2::xls::functions;

/// Longest formula as text, in bytes; the rest is left out.
const MAX_TEXT: usize = 64 * 1024;

/// Operators from token 3 on.
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "^", "&", "<", "<=", "=", ">=", ">", "<>", " ", ",", ":", "u+", "u-", "%"];

/// UTF-16 as text; what is no character becomes a replacement.
pub(super) fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes(<[u8; 2]>::try_from(pair).unwrap_or_default()));
    char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect()
}

/// A formula as text.
pub(super) fn read(tokens: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < tokens.len() && out.len() < MAX_TEXT {
        if !out.is_empty() {
            out.push(' ');
        }
        let Some(length) = token(tokens, at, &mut out) else {
            out.push('?');
            break;
        };
        at = at.saturating_add(length).saturating_add(1);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Writes one token; gives how many bytes follow its own.
fn token(tokens: &[u8], at: usize, out: &mut String) -> Option<usize> {
    let byte = *tokens.get(at)?;
    let body = at.checked_add(1)?;
    // Operands come in three classes, which differ in two bits.
    let base = if byte & 0x60 == 0 { byte } else { byte & 0x1f | 0x20 };
    Some(match base {
        0x01 | 0x02 => 4,
        0x03..=0x14 => {
            out.push_str(OPERATORS.get(usize::from(base).saturating_sub(3))?);
            0
        }
        0x15 | 0x16 => 0,
        0x17 => {
            let length = usize::from(le16(tokens, body)?).saturating_mul(2);
            let text = wide(take(tokens, body.checked_add(2)?, length)?);
            let _ = write!(out, "\"{text}\"");
            length.saturating_add(2)
        }
        0x19 => match tokens.get(body)? {
            // CHOOSE has a table of jumps.
            4 => usize::from(le16(tokens, body.checked_add(1)?)?).saturating_add(1).saturating_mul(2).saturating_add(3),
            _ => 3,
        },
        0x1c | 0x1d => {
            let _ = write!(out, "{}", tokens.get(body)?);
            1
        }
        0x1e => {
            let _ = write!(out, "{}", le16(tokens, body)?);
            2
        }
        0x1f => {
            let number = f64::from_le_bytes(take(tokens, body, 8)?.try_into().ok()?);
            let _ = write!(out, "{number}");
            8
        }
        0x20 => 14,
        0x21 => function(le16(tokens, body)?, None, 2, out),
        0x22 => function(le16(tokens, body.checked_add(1)?)?, tokens.get(body).copied(), 3, out),
        0x23 => {
            let _ = write!(out, "name{}", le32(tokens, body)?);
            4
        }
        0x24 | 0x2a | 0x2c => cell(tokens, body, 4, 6, out)?,
        0x25 | 0x2b | 0x2d => cell(tokens, body, 8, 12, out)?,
        0x26..=0x28 => 6,
        0x29 => 2,
        0x39 => 6,
        0x3a | 0x3c => cell(tokens, body.checked_add(2)?, 4, 8, out)?,
        0x3b | 0x3d => cell(tokens, body.checked_add(2)?, 8, 14, out)?,
        _ => return None,
    })
}

/// A reference by its first cell: the row at a place, the column `column` bytes behind.
fn cell(tokens: &[u8], at: usize, column: usize, length: usize, out: &mut String) -> Option<usize> {
    let (row, column) = (le32(tokens, at)?, le16(tokens, at.checked_add(column)?)? & 0x3fff);
    let _ = write!(out, "R{}C{}", row.saturating_add(1), column.saturating_add(1));
    Some(length)
}

/// A function or, with the highest bit, a command; how many arguments it takes, where that is stated.
fn function(number: u16, arguments: Option<u8>, length: usize, out: &mut String) -> usize {
    let (is_command, number) = (number & 0x8000 != 0, number & 0x7fff);
    let known = if is_command { functions::command(number) } else { functions::function(number).map(|found| found.0) };
    match known {
        Some(name) => out.push_str(name),
        None => drop(write!(out, "{}{number}", if is_command { 'C' } else { 'F' })),
    }
    if let Some(count) = arguments {
        let _ = write!(out, "/{}", count & 0x7f);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_in_the_order_of_their_tokens() {
        let text = |text: &str| {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [&b"\x17"[..], &(text.len() as u16).to_le_bytes(), &units].concat()
        };
        let exec = [text("cmd").as_slice(), &text("/c"), b"\x08", b"\x42\x01\x6e\x00"].concat();
        assert_eq!(read(&exec), "\"cmd\" \"/c\" & EXEC/1");
        assert_eq!(read(b"\x1e\x41\x00\x41\x6f\x00"), "65 CHAR");
        assert_eq!(read(b"\x44\x01\0\0\0\x02\x00\x24"), "R2C3 ?");
        assert_eq!(read(b"\x42\x01\x76\x80\x7f"), "ALERT/1 ?");
        assert_eq!(read(b""), "");
    }
}
