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
/// Longest instruction of a field that is looked at, in letters.
const MAX_INSTRUCTION: usize = 4096;

/// The document without these kinds of active content.
///
/// # Errors
/// [`DisarmError::NotSound`], [`DisarmError::NothingToRemove`].
pub(crate) fn edit(data: &[u8], active: &BTreeSet<Active>) -> Result<Vec<u8>, DisarmError> {
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut groups: Vec<(usize, bool)> = Vec::new();
    let mut field: Option<Field> = None;
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
                let depth = groups.len();
                // What stands behind the end of the document is no part of it.
                let Some((start, mut goes)) = groups.pop() else { return Err(DisarmError::NotSound) };
                if let Some(field) = field.take_if(|field| field.depth >= depth) {
                    goes |= field.names_dde();
                }
                if goes {
                    while cuts.pop_if(|cut| cut.start >= start).is_some() {}
                    cuts.push(start..at);
                }
            }
            b'\\' => at = control(data, at, active, &mut groups, &mut field)?,
            letter => {
                if let Some(field) = &mut field {
                    field.push(*letter);
                }
                at = at.saturating_add(1);
            }
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

/// The instruction of a field that is being read, whatever groups and escapes it is in.
struct Field {
    /// In how many groups it stands.
    depth: usize,
    text: Vec<u8>,
}

impl Field {
    fn push(&mut self, letter: u8) {
        if self.text.len() < MAX_INSTRUCTION && !matches!(letter, b'\r' | b'\n') {
            self.text.push(letter.to_ascii_uppercase());
        }
    }

    /// Whether one of its words is DDE, in whatever field in it.
    fn names_dde(&self) -> bool {
        self.text.split(|byte| !byte.is_ascii_alphanumeric()).any(|word| matches!(word, b"DDE" | b"DDEAUTO"))
    }
}

/// Reads a control word or symbol; gives the place behind it.
fn control(
    data: &[u8],
    at: usize,
    active: &BTreeSet<Active>,
    groups: &mut [(usize, bool)],
    field: &mut Option<Field>,
) -> Result<usize, DisarmError> {
    let start = at.saturating_add(1);
    let rest = data.get(start..).unwrap_or_default();
    let letters = rest.iter().take(MAX_WORD).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        return Ok(symbol(rest, start, field));
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
    if word == b"fldinst" && has(Active::Dde) && field.is_none() {
        *field = Some(Field { depth: groups.len(), text: Vec::new() });
    }
    if let (b"u", Some(field), Ok(letter)) = (word, field, &value) {
        field.push(u8::try_from(*letter).unwrap_or(b'?'));
    }
    let goes = match word {
        b"object" | b"objdata" | b"objclass" => has(Active::OlePackage) || has(Active::ActiveX),
        b"template" => has(Active::RemoteTemplate),
        b"ddeauto" | b"dde" => has(Active::Dde),
        _ => false,
    };
    if let (true, Some(group)) = (goes, groups.last_mut()) {
        group.1 = true;
    }
    // One blank belongs to the word.
    Ok(end.saturating_add(usize::from(data.get(end) == Some(&b' '))))
}

/// Reads a control symbol: a letter by its number in a code page, or one that stands for itself.
fn symbol(rest: &[u8], start: usize, field: &mut Option<Field>) -> usize {
    let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    match (rest.first(), digit(1), digit(2)) {
        (Some(b'\''), Some(high), Some(low)) => {
            if let Some(field) = field {
                field.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
            }
            start.saturating_add(3)
        }
        _ => start.saturating_add(1),
    }
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
        for hidden in [r"{DD}{\b EAUTO} c:\\x", r"\'44D\'45AUTO c:\\x", r"\u68 DE c:\\x", "D\r\nDE c:\\x"] {
            let field = format!(r"{{\rtf1 {{\field{{\*\fldinst {hidden}}}{{\fldrslt shown}}}}}}");
            assert_eq!(
                edit(field.as_bytes(), &all).as_deref(),
                Ok(&br"{\rtf1 {\field{\fldrslt shown}}}"[..]),
                "{hidden}"
            );
        }
        let link = br#"{\rtf1 {\field{\*\fldinst HYPERLINK "https://example.org/addenda"}{\fldrslt a}}}"#;
        assert_eq!(edit(link, &all), Err(DisarmError::NothingToRemove));
        assert_eq!(edit(br"{\rtf1 plain}", &all), Err(DisarmError::NothingToRemove));
        assert_eq!(edit(br"{\rtf1 {\object", &all), Err(DisarmError::NotSound));
        assert!(edit(&b"{".repeat(1_000_000), &all).is_err());
        // Objects and instructions by the hundred thousand take linear time.
        let many = [&b"{\\rtf1 "[..], &b"{\\object x}".repeat(200_000), &b"\\fldinst x".repeat(200_000), b"}"].concat();
        assert_eq!(edit(&many, &all).map(|new| new.len()), Ok(8 + 200_000 * 10));
    }
}
