//! Other ways in which clients undo damaged quoted-printable: each gives quoted-printable that the
//! lenient decoder reads as they do. Linear time; at most three times the input.

use crate::transfer::embedded::is_needless;
use crate::transfer::hex;

/// Most blanks between an `=` and a line end or digits.
const MAX_BLANKS: usize = 100;

/// Quoted-printable with `count` bytes of each escape that is none taken out.
pub(super) fn dropped(body: &[u8], count: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        if *byte == b'=' && !is_escape(body, at) {
            at = at.saturating_add(count);
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

/// Quoted-printable with escapes put together whose digits stand on two lines, the line end in front, and
/// without escapes of which only the first digit is one; what follows those stays.
pub(super) fn without_halves(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        let rest = body.get(at.saturating_add(1)..).unwrap_or(&[]);
        let (digit, end, other) = match rest {
            [digit, b'\r', b'\n', other, ..] => (*digit, &b"\r\n"[..], *other),
            [digit, b'\n', other, ..] => (*digit, &b"\n"[..], *other),
            [digit, ..] => (*digit, &b""[..], 0),
            [] => (0, &b""[..], 0),
        };
        if *byte != b'=' || is_escape(body, at) || hex(digit).is_none() {
            out.push(*byte);
            at += 1;
        } else if hex(other).is_some() {
            out.extend_from_slice(end);
            out.extend_from_slice(&[b'=', digit, other]);
            at = at.saturating_add(end.len()).saturating_add(3);
        } else {
            at = at.saturating_add(2);
        }
    }
    out
}

/// Quoted-printable in which an escape that is none takes the two characters behind it along, unread.
pub(super) fn kept_whole(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        let kept = if *byte == b'=' && !is_escape(body, at) && !is_blank_break(body, at) { 3 } else { 1 };
        for byte in body.get(at..at.saturating_add(kept).min(body.len())).unwrap_or(&[]) {
            match byte {
                b'=' if kept == 3 => out.extend_from_slice(b"=3D"),
                byte => out.push(*byte),
            }
        }
        at += kept;
    }
    out
}

/// Quoted-printable in which an escape that is none is a byte, too: by as many digits as it begins with,
/// else zero; what is too short for one in front of the next `=` is nothing. Soft breaks go first.
pub(super) fn any_escape_a_byte(body: &[u8]) -> Vec<u8> {
    let joined = without_soft_breaks(body);
    let mut out = Vec::with_capacity(joined.len());
    let mut rest = joined.as_slice();
    loop {
        let (taken, byte) = match rest {
            [] => return out,
            [b'=', b'=', ..] | [b'='] => (1, None),
            [b'=', high, low, ..] if *low != b'=' => {
                (3, Some(hex(*high).map_or(0, |high| hex(*low).map_or(high, |low| high << 4 | low))))
            }
            [b'=', _, _, ..] => (2, None),
            [b'=', one] => (2, Some(hex(*one).unwrap_or(0))),
            [byte, ..] => {
                out.push(*byte);
                (1, None)
            }
        };
        if let Some(byte) = byte {
            super::super::push_escape(byte, &mut out);
        }
        rest = rest.get(taken..).unwrap_or(&[]);
    }
}

/// Quoted-printable in which blanks behind an `=` make it a soft break that takes the rest of the line along, and
/// of an escape that is none the sign is gone, with its digit if it has one.
pub(super) fn breaks_to_end(body: &[u8]) -> Vec<u8> {
    at_signs(body, |behind, out| match behind {
        [_, high, low, ..] if hex(*high).is_some() && hex(*low).is_some() => {
            out.extend_from_slice(&[b'=', *high, *low]);
            3
        }
        [_, blank, ..] if blank.is_ascii_whitespace() => {
            memchr::memchr(b'\n', behind).map_or(behind.len(), |end| end.saturating_add(1))
        }
        [_, digit, ..] if hex(*digit).is_some() => 2,
        _ => 1,
    })
}

/// Lines that a soft break ends, put together.
fn without_soft_breaks(body: &[u8]) -> Vec<u8> {
    at_signs(body, |behind, out| match behind {
        [_, b'\n', ..] => 2,
        [_, b'\r', b'\n', ..] => 3,
        _ => {
            out.push(b'=');
            1
        }
    })
}

/// A body with something else at each `=`: `write` is shown the rest from there on, and gives how many bytes of it are
/// done (at least one).
fn at_signs(body: &[u8], write: impl Fn(&[u8], &mut Vec<u8>) -> usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let done = write(behind, &mut out);
        rest = behind.get(done..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    out
}

/// Quoted-printable with each character above U+00FF as its lowest byte, as programs have it that put
/// characters where bytes belong.
pub(super) fn low_bytes(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let mut out = Vec::with_capacity(body.len());
    for unit in text.encode_utf16() {
        match unit.to_be_bytes() {
            [0, byte] => out.push(byte),
            [_, byte] => super::super::push_escape(byte, &mut out),
        }
    }
    out
}

/// Whether a body holds characters that [`low_bytes`] makes ASCII of.
pub(crate) fn has_low_bytes(body: &[u8]) -> bool {
    !body.is_ascii() && String::from_utf8_lossy(body).encode_utf16().any(|unit| unit > 0xff && unit & 0xff < 0x80)
}

/// Whether a byte may stand in quoted-printable (RFC 2045 section 6.7).
pub(super) fn is_visible(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~')
}

/// Whether a quoted-printable body holds bytes that must not stand in it.
pub(crate) fn holds_raw_bytes(body: &[u8]) -> bool {
    // No early end inside a chunk, so that the compiler can look at many bytes at once.
    let bad = |byte: u8| {
        let visible = byte.wrapping_sub(b' ') <= b'~' - b' ';
        u8::from(!(visible | (byte == b'\t') | (byte == b'\r') | (byte == b'\n')))
    };
    body.chunks(1024).any(|chunk| chunk.iter().fold(0u8, |all, byte| all | bad(*byte)) != 0)
}

/// Quoted-printable with blanks behind an `=`, and bare CRs, taken out.
pub(super) fn without_blanks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        at += 1;
        if *byte == b'\r' && body.get(at) != Some(&b'\n') {
            continue;
        }
        out.push(*byte);
        if *byte == b'=' {
            let rest = body.get(at..).unwrap_or(&[]);
            at += rest.iter().take(MAX_BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        }
    }
    out
}

/// Bare CRs as line ends.
pub(super) fn bare_cr_to_lf(body: &[u8]) -> Vec<u8> {
    let is_bare = |at: usize| body.get(at) == Some(&b'\r') && body.get(at.saturating_add(1)) != Some(&b'\n');
    body.iter().enumerate().map(|(at, byte)| if is_bare(at) { b'\n' } else { *byte }).collect()
}

/// Quoted-printable in which a line stays as it is from its first damage on, its soft break included.
pub(super) fn raw_from_damage(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let (mut at, mut raw) = (0, false);
    while let Some(byte) = body.get(at) {
        raw = (raw || (*byte == b'=' && !is_escape(body, at) && !is_blank_break(body, at))) && *byte != b'\n';
        match byte {
            b'=' if raw => out.extend_from_slice(b"=3D"),
            byte => out.push(*byte),
        }
        at += 1;
    }
    out
}

/// Whether only blanks stand between the `=` at `at` and the end of its line.
fn is_blank_break(body: &[u8], at: usize) -> bool {
    let rest = body.get(at.saturating_add(1)..).unwrap_or(&[]);
    let blanks = rest.iter().take(MAX_BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    matches!(rest.get(blanks..).unwrap_or(&[]), [] | [b'\n', ..] | [b'\r', b'\n', ..])
}

/// Quoted-printable in which blanks behind an `=` make it no soft break, and a CR makes it one that
/// reaches to the next LF.
pub(super) fn blank_breaks_kept(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.iter().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'=', Some(b' ' | b'\t')) => {
                out.extend_from_slice(b"=3D");
                while let Some(blank) = bytes.next_if(|byte| matches!(byte, b' ' | b'\t')) {
                    out.extend_from_slice(if *blank == b' ' { b"=20" } else { b"=09" });
                }
            }
            (b'=', Some(b'\r')) => while bytes.next().is_some_and(|byte| *byte != b'\n') {},
            (byte, _) => out.push(*byte),
        }
    }
    out
}

/// The lines of quoted-printable that the ways to decode it may read differently, each with the line behind it:
/// an escape may go on there. At most so many bytes.
pub(super) fn damaged_lines(body: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut goes_on = false;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let damaged = memchr::memchr(b'\r', text).is_some() || is_damaged_quoted_printable(line);
        if (damaged || goes_on) && out.len().saturating_add(line.len()) <= most {
            out.extend_from_slice(line);
        }
        goes_on = damaged;
    }
    out
}

/// Quoted-printable with two `=` in a row, both taken, as what they stand for in some readers.
pub(super) fn paired(body: &[u8], sign: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        if body.get(at..at.saturating_add(2)) == Some(b"==") {
            out.extend_from_slice(sign);
            at += 2;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

/// Whether the `=` at `at` begins an escape or a soft break.
fn is_escape(body: &[u8], at: usize) -> bool {
    let rest = body.get(at.saturating_add(1)..).unwrap_or(&[]);
    match rest {
        [b'0'..=b'9' | b'A'..=b'F', b'0'..=b'9' | b'A'..=b'F', ..] => true,
        [] | [b'\r'] | [b'\r', b'\n', ..] | [b'\n', ..] => true,
        [a, b, ..] => hex(*a).is_some() && hex(*b).is_some(),
        _ => false,
    }
}

/// Whether a quoted-printable body holds an escape that is none.
pub(crate) fn is_damaged_quoted_printable(body: &[u8]) -> bool {
    escapes(body).0
}

/// Whether a quoted-printable body holds an escape that is none, and whether one of what needs none.
pub(crate) fn escapes(body: &[u8]) -> (bool, bool) {
    let (mut damaged, mut needless) = (false, false);
    let mut rest = body;
    loop {
        // Escapes often stand side by side.
        if rest.first() != Some(&b'=') {
            let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
            rest = rest.get(plain..).unwrap_or(&[]);
        }
        let used = match rest {
            [] => return (damaged, needless),
            [_, high, low, ..] if let (Some(high), Some(low)) = (hex(*high), hex(*low)) => {
                needless |= is_needless(high << 4 | low);
                3
            }
            _ => {
                damaged |= !is_escape(rest, 0);
                1
            }
        };
        rest = rest.get(used..).unwrap_or(&[]);
    }
}
