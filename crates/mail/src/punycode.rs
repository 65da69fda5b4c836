//! Labels of domains as the DNS has them (RFC 3492), read back into letters.
//!
//! Limit: [`MAX_LABEL`]. Lower case only, as addresses are compared. Not handled: whether such a label may be
//! registered (RFC 5892).

/// Longest label, in bytes (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// Decodes a label, without its `xn--`; `None` if it is none.
pub fn decode(text: &str) -> Option<String> {
    const BASE: u32 = 36;
    if text.len() > MAX_LABEL || !text.is_ascii() {
        return None;
    }
    let (basic, extended) = text.rsplit_once('-').unwrap_or(("", text));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes();
    let mut first = true;
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (at, 1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte.wrapping_sub(b'a')),
                byte @ b'0'..=b'9' => u32::from(byte.wrapping_sub(b'0')).checked_add(26)?,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE.checked_sub(threshold)?)?;
            k = k.checked_add(BASE)?;
        }
        let length = u32::try_from(out.len()).ok()?.checked_add(1)?;
        bias = adapt(at.checked_sub(before)?, length, first)?;
        first = false;
        code = code.checked_add(at.checked_div(length)?)?;
        at = at.checked_rem(length)?;
        out.insert(at as usize, char::from_u32(code)?);
        at = at.checked_add(1)?;
    }
    Some(out.into_iter().collect())
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, length: u32, first: bool) -> Option<u32> {
    let mut delta = delta.checked_div(if first { 700 } else { 2 })?;
    delta = delta.checked_add(delta.checked_div(length)?)?;
    let mut k = 0_u32;
    while delta > 455 {
        delta = delta.checked_div(35)?;
        k = k.checked_add(36)?;
    }
    k.checked_add(delta.checked_mul(36)?.checked_div(delta.checked_add(38)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_decoded() {
        let cases = [("bcher-kva", "bücher"), ("mnchen-3ya", "münchen"), ("80ak6aa92e", "аррӏе"), ("", "")];
        for (text, expected) in cases {
            assert_eq!(decode(text).as_deref(), Some(expected), "{text}");
        }
        for wrong in ["ü", "99999999", "a-!", &"9".repeat(80)] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
