//! RTF without active content: groups that hold an object, a template, or the instruction of a field
//! with DDE are cut out; everything else stays byte for byte.
//!
//! Depth is counted on a stack in memory, of at most [`MAX_DEPTH`]; deeper documents are refused, and
//! so are those whose groups do not close. Linear in the size of the text.

use std::collections::BTreeSet;
use std::ops::Range;

use mail::evidence::Active;

use crate::DisarmError;

/// Most groups in one another.
const MAX_DEPTH: usize = 10_000;
/// Longest control word, in bytes.
const MAX_WORD: usize = 32;

/// The document without these kinds of active content.
///
/// # Errors
/// [`DisarmError::NotSound`], [`DisarmError::NothingToRemove`].
pub(crate) fn edit(data: &[u8], active: &BTreeSet<Active>) -> Result<Vec<u8>, DisarmError> {
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut groups: Vec<(usize, bool)> = Vec::new();
    let mut at = 0;
    while let Some(byte) = data.get(at) {
        match byte {
            b'{' => {
                if groups.len() >= MAX_DEPTH {
                    return Err(DisarmError::TooLarge);
                }
                groups.push((at, false));
                at = at.saturating_add(1);
            }
            b'}' => {
                at = at.saturating_add(1);
                // What stands behind the end of the document is no part of it.
                let Some((start, goes)) = groups.pop() else { return Err(DisarmError::NotSound) };
                if goes {
                    cuts.retain(|cut| cut.start < start);
                    cuts.push(start..at);
                }
            }
            b'\\' => at = control(data, at, active, &mut groups)?,
            _ => at = at.saturating_add(1),
        }
    }
    if !groups.is_empty() {
        return Err(DisarmError::NotSound);
    }
    if cuts.is_empty() {
        return Err(DisarmError::NothingToRemove);
    }
    if cuts.first().is_some_and(|cut| cut.start == 0) {
        return Err(DisarmError::NothingLeft);
    }
    let (mut out, mut from) = (Vec::with_capacity(data.len()), 0);
    for cut in cuts {
        out.extend_from_slice(data.get(from..cut.start).unwrap_or_default());
        from = cut.end;
    }
    out.extend_from_slice(data.get(from..).unwrap_or_default());
    Ok(out)
}

/// Reads a control word; gives the place behind it.
fn control(
    data: &[u8],
    at: usize,
    active: &BTreeSet<Active>,
    groups: &mut [(usize, bool)],
) -> Result<usize, DisarmError> {
    let start = at.saturating_add(1);
    let rest = data.get(start..).unwrap_or_default();
    let letters = rest.iter().take(MAX_WORD).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        return Ok(start.saturating_add(1));
    }
    let word = rest.get(..letters).unwrap_or_default();
    let mut end = start.saturating_add(letters);
    let number = data.get(end..).unwrap_or_default();
    let digits = number.iter().take(MAX_WORD).take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let value = std::str::from_utf8(number.get(..digits).unwrap_or_default()).unwrap_or("").parse::<usize>();
    end = end.saturating_add(digits);
    if word == b"bin" {
        let skip = value.unwrap_or(0).saturating_add(1);
        let behind = end.saturating_add(skip);
        return if behind <= data.len() { Ok(behind) } else { Err(DisarmError::NotSound) };
    }
    let has = |what| active.contains(&what);
    let goes = match word {
        b"object" | b"objdata" | b"objclass" => has(Active::OlePackage) || has(Active::ActiveX),
        b"template" => has(Active::RemoteTemplate),
        b"fldinst" => has(Active::Dde) && instruction(data, end),
        b"ddeauto" | b"dde" => has(Active::Dde),
        _ => false,
    };
    if let (true, Some(group)) = (goes, groups.last_mut()) {
        group.1 = true;
    }
    Ok(end)
}

/// Whether the instruction of a field, up to the end of its group, names DDE: letters alone count.
fn instruction(data: &[u8], at: usize) -> bool {
    const LONGEST: usize = 4096;
    let rest = data.get(at..).unwrap_or_default();
    let text: Vec<u8> = rest.iter().take(LONGEST).copied().collect();
    text.to_ascii_uppercase().windows(3).any(|window| window == b"DDE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_and_the_rest_stays() {
        let all: BTreeSet<Active> = Active::ALL.into_iter().collect();
        let text =
            br"{\rtf1 a{\object\objemb{\*\objdata 0105}{\result x}} b{\*\template http://example.org/t}\'7d\{ c}";
        assert_eq!(edit(text, &all).as_deref(), Ok(&br"{\rtf1 a b\'7d\{ c}"[..]));
        let field = br"{\rtf1 {\field{\*\fldinst DDEAUTO c:\\x}{\fldrslt shown}}{\field{\*\fldinst PAGE}{\fldrslt 1}}}";
        let new = edit(field, &all).unwrap();
        assert!(!new.windows(3).any(|window| window == b"DDE"), "{}", String::from_utf8_lossy(&new));
        assert!(new.windows(5).any(|window| window == b"shown"));
        assert_eq!(edit(br"{\rtf1 plain}", &all), Err(DisarmError::NothingToRemove));
        assert_eq!(edit(br"{\rtf1 {\object", &all), Err(DisarmError::NotSound));
        assert!(edit(&b"{".repeat(1_000_000), &all).is_err());
    }
}
