//! What a script's expression is worth, as far as it is constant.

use std::rc::Rc;

use super::lex::Units;

/// A constant, or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// A string.
    Text(Units),
    /// A whole number.
    Number(i64),
    /// A list of numbers, each cut to 32 bits.
    Numbers(Rc<Vec<i32>>),
    /// A list of strings.
    List(Rc<Vec<Units>>),
    /// A regular expression's source.
    Pattern(Units),
    /// Something that is not known.
    Unknown,
}

impl Value {
    /// A text of units.
    pub(crate) fn text(units: Vec<u16>) -> Self {
        Self::Text(Rc::new(units))
    }

    /// A text of bytes, each one unit.
    pub(crate) fn binary(bytes: &[u8]) -> Self {
        Self::text(bytes.iter().map(|byte| u16::from(*byte)).collect())
    }

    /// Its size, in units, about.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Pattern(text) => text.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::List(list) => list.iter().map(|text| text.len().saturating_add(1)).sum(),
            Self::Number(_) | Self::Unknown => 1,
        }
    }

    /// As text: numbers in digits, lists with commas.
    pub(crate) fn units(&self) -> Option<Units> {
        match self {
            Self::Text(text) => Some(Rc::clone(text)),
            Self::Number(number) => Some(Rc::new(number.to_string().encode_utf16().collect())),
            Self::List(list) => Some(Rc::new(join(list, &[u16::from(b',')]))),
            Self::Numbers(_) | Self::Pattern(_) | Self::Unknown => None,
        }
    }

    /// As a number.
    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => String::from_utf16(text.get(..24).unwrap_or(text)).ok()?.trim().parse().ok(),
            _ => None,
        }
    }
}

/// Texts as one, with something between.
pub(crate) fn join(list: &[Units], between: &[u16]) -> Vec<u16> {
    let mut out = Vec::new();
    for (at, text) in list.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(text);
    }
    out
}

/// The bytes of a text: one a unit where that fits, else UTF-8.
pub(crate) fn bytes(text: &[u16]) -> Vec<u8> {
    if text.iter().all(|unit| *unit < 256) {
        return text.iter().map(|unit| unit.to_le_bytes()[0]).collect();
    }
    String::from_utf16_lossy(text).into_bytes()
}

/// The bytes of a list of numbers, if all are bytes (signed ones too).
pub(crate) fn bytes_of_numbers(numbers: &[i32]) -> Option<Vec<u8>> {
    numbers.iter().map(|number| (-128..256).contains(number).then_some(number.to_le_bytes()[0])).collect()
}
