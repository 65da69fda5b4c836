//! The ways in which uuencode is read where a line is not as long as it says, or empty. Linear time; at most 63
//! bytes for each line of the input, of which at most [`MAX_FILLED`] stand for what lines should have and have not.

/// Most bytes of a file that are not on its lines but should be: behind so many, a line has what it has, and the file
/// counts as cut.
const MAX_FILLED: usize = 16 << 20;
/// Thunderbird's longest line: it takes so many characters at once and drops those over [`MAX_DATA`] of them.
const MAX_LINE: usize = 127;
/// How many characters of a longest line count.
const MAX_DATA: usize = 125;

/// As most read it: whatever stands on a line is taken, up to the length that the line says.
pub(super) fn lenient(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    for line in body.split(|byte| *byte == b'\n') {
        // A CR ends the data of a line wherever it stands.
        let line = line.split(|byte| *byte == b'\r').next().unwrap_or(line);
        if line.starts_with(b"end") {
            break;
        }
        let value = |byte: u8| byte.wrapping_sub(32) & 63;
        let Some((length, data)) = line.split_first() else { continue };
        let start = out.len();
        for four in data.chunks(4) {
            // Blanks at the end of a line may have been lost.
            let at = |n: usize| value(four.get(n).copied().unwrap_or(b' '));
            let (a, b, c, d) = (at(0), at(1), at(2), at(3));
            out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        }
        let wanted = start.saturating_add(usize::from(value(*length)));
        out.truncate(wanted);
        // What is lost at the end of a line is zeros; not of a line that never was so long.
        if out.len().saturating_sub(start).saturating_mul(4) >= wanted.saturating_sub(start) {
            out.resize(wanted, 0);
        }
    }
    out
}

/// As Perl reads it: a line counts only if its length fits what it says and no small letter stands on it;
/// what is over on a line, but for a check sum, begins with a length again.
pub(super) fn even(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"end") {
            break;
        }
        let wanted = usize::from(value(line.first().copied().unwrap_or(b' '))).saturating_add(2) / 3;
        if wanted != line.len() / 4 || line.iter().any(u8::is_ascii_lowercase) {
            continue;
        }
        let mut rest = line;
        while let Some((length, data)) = rest.split_first().filter(|(length, _)| (b'!'..b'a').contains(length)) {
            rest = run(usize::from(value(*length)), data, &mut out);
        }
    }
    out
}

/// As ripmime reads it: up to a line that is empty or says so, empty ones at the begin passed over; each line has
/// as many bytes as it says, whatever of them is there. And whether that was more than is filled.
pub(super) fn to_gap(body: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut begun, mut filled) = (false, 0usize);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if line.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"end")) {
            break;
        }
        if !begun && matches!(line.first(), Some(b'\n' | b'\r')) {
            continue;
        }
        begun = true;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some((length, data)) = line.split_first().filter(|(length, _)| value(**length) > 0) else { break };
        let there = data.len().div_ceil(4).saturating_mul(3);
        let wanted = within_fill(usize::from(value(*length)), there, &mut filled);
        let end = out.len().saturating_add(wanted);
        let mut at = 0usize;
        while out.len() < end {
            let next = |offset: usize| data.get(at.saturating_add(offset)).map_or(0, |byte| value(*byte));
            let (a, b, c, d) = (next(0), next(1), next(2), next(3));
            out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
            at = at.saturating_add(4);
        }
        out.truncate(end);
    }
    (out, filled > MAX_FILLED)
}

/// As Thunderbird reads it: each line has as many bytes as it says, zeros in place of those that are not there; a
/// group that is not full gives what it has whole bytes of. Empty lines are passed over, NUL bytes, too. And whether
/// that was more than is filled.
pub(super) fn filled(body: &[u8]) -> (Vec<u8>, bool) {
    let body: Vec<u8> = body.iter().copied().filter(|byte| *byte != 0).collect();
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let mut filled = 0usize;
    for line in body.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if line == b"end" {
            break;
        }
        for piece in line.chunks(MAX_LINE) {
            let Some((length, data)) = piece.get(..MAX_DATA).unwrap_or(piece).split_first() else { continue };
            let there = data.len().saturating_mul(3) / 4;
            let wanted = within_fill(usize::from(value(*length)), there, &mut filled);
            let start = out.len();
            for four in data.chunks(4) {
                let at = |n: usize| four.get(n).map_or(0, |byte| value(*byte));
                let (a, b, c, d) = (at(0), at(1), at(2), at(3));
                out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
            }
            out.truncate(start.saturating_add(wanted.min(there)));
            out.resize(start.saturating_add(wanted), 0);
        }
        // What begins so ends the file, but counts as a line.
        if line.starts_with(b"end") {
            break;
        }
    }
    (out, filled > MAX_FILLED)
}

/// As many bytes as a line says, or as there are where no more may be filled.
fn within_fill(says: usize, there: usize, filled: &mut usize) -> usize {
    *filled = filled.saturating_add(says.saturating_sub(there));
    if *filled > MAX_FILLED { says.min(there) } else { says }
}

/// As GMime and Evolution read it: the bytes of a line go on in the next line where a group of four is not full;
/// what is over on a line begins with a length again, and the first that says nothing ends it.
pub(super) fn stream(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut left, mut begins, mut bits, mut count) = (0u8, true, 0u32, 0u8);
    for byte in body {
        if *byte == b'\n' {
            begins = true;
        } else if begins || left == 0 {
            (left, begins) = (value(*byte), false);
            if left == 0 {
                break;
            }
        } else {
            (bits, count) = (bits << 6 | u32::from(value(*byte)), count.saturating_add(1));
            if count == 4 {
                let [_, group @ ..] = bits.to_be_bytes();
                let taken = left.min(3);
                out.extend(group.iter().take(usize::from(taken)));
                (left, bits, count) = (left.saturating_sub(taken), 0, 0);
            }
        }
    }
    out
}

/// Decodes so many bytes, or as many as there are; what is missing of the last group is zeros. Gives what is
/// over.
fn run<'l>(length: usize, data: &'l [u8], out: &mut Vec<u8>) -> &'l [u8] {
    let there = data.len().div_ceil(4).saturating_mul(3);
    let (mut rest, end) = (data, out.len().saturating_add(length.min(there)));
    while out.len() < end {
        let mut next = || match rest.split_first() {
            Some((byte, behind)) if (b' '..b'a').contains(byte) => {
                rest = behind;
                value(*byte)
            }
            _ => 0,
        };
        let (a, b, c, d) = (next(), next(), next(), next());
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    out.truncate(end);
    match rest {
        [b'\n', behind @ ..] | [_, b'\n', behind @ ..] => behind,
        rest => rest,
    }
}

/// The sextet of a character.
fn value(byte: u8) -> u8 {
    byte.wrapping_sub(32) & 63
}

/// Whether the ways differ about a block, whose first line is passed over, by more than zeros at the end.
pub(crate) fn is_uneven(block: &[u8]) -> bool {
    let body = memchr::memchr(b'\n', block).and_then(|at| block.get(at.saturating_add(1)..)).unwrap_or(&[]);
    let trimmed = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1)));
        bytes
    };
    let usual = trimmed(lenient(body));
    let differs = |way: fn(&[u8]) -> Vec<u8>| {
        let other = trimmed(way(body));
        !other.is_empty() && other != usual
    };
    differs(even) || differs(|body| to_gap(body).0) || differs(stream) || differs(|body| filled(body).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_do_not_fit_are_read_in_two_ways() {
        let cases: [(&[u8], &[u8], &[u8]); 6] = [
            (b"#0V%T\n`\nend\n", b"Cat", b"Cat"),
            (b"#0V%T\r\n#0V%T\r\nend\r\n", b"CatCat", b"CatCat"),
            (b"#0V%TX\n`\nend\n", b"Cat", b"Cat"),
            (b"27\n#0V%T\n", b"\\\0\0Cat", b"Cat"),
            (b"#0v%T\n#0V%T\n", b"Cat", b"Cat"),
            (b"\"IT REA", b"\xa7@", b"\xa7@\x84"),
        ];
        for (body, lenient_bytes, even_bytes) in cases {
            let block = [b"begin 644 a\n", body].concat();
            let text = body.escape_ascii();
            let lenient = lenient(body);
            assert!(lenient.starts_with(lenient_bytes) || body.contains(&b'v'), "{text}: {lenient:?}");
            assert!(even(body).starts_with(even_bytes), "{text}: {:?}", even(body));
            let differ = lenient_bytes != even_bytes || body.contains(&b'v');
            assert!(is_uneven(&block) || !differ, "{text}");
        }
    }

    #[test]
    fn a_group_goes_on_in_the_next_line_and_what_is_over_is_a_length() {
        let cases: [(&[u8], &[u8], bool); 7] = [
            (b"#0V%T\n`\nend\n", b"Cat", false),
            (b"#0V%T\r\n#0V%T\r\n`\r\nend\r\n", b"CatCat", false),
            (b"#0V\n#%T\n", b"Cat", true),
            (b"#0V%T#0V%T\n", b"CatCat", true),
            (b"\"0V%T\n`\n", b"Ca", false),
            (b"#0V%T\n`\n#0V%T\n", b"Cat", true),
            (b"", b"", false),
        ];
        for (body, bytes, differs) in cases {
            let text = body.escape_ascii();
            assert_eq!(stream(body), bytes, "{text}");
            assert_eq!(is_uneven(&[b"begin 644 a\n", body].concat()), differs, "{text}");
        }
    }

    #[test]
    fn lines_have_as_many_bytes_as_they_say_up_to_an_empty_one() {
        let cases: [(&[u8], &[u8], bool); 7] = [
            (b"#0V%T\n`\nend\n", b"Cat", false),
            (b"\n\r\n#0V%T\nEND\n#0V%T\n", b"Cat", true),
            (b"#0V%T\n\n#0V%T\n", b"Cat", true),
            (b"#0V%T\n`\n#0V%T\n", b"Cat", true),
            (b"&0V%T\n#0V%T\n", b"Cat\0\0\0Cat", true),
            (b"-\n#0V%T\n", b"\0\0\0\0\0\0\0\0\0\0\0\0\0Cat", true),
            (b"", b"", false),
        ];
        for (body, bytes, differs) in cases {
            let text = body.escape_ascii();
            assert_eq!(to_gap(body), (bytes.to_vec(), false), "{text}");
            assert_eq!(is_uneven(&[b"begin 644 a\n", body].concat()), differs, "{text}");
        }
    }

    #[test]
    fn lines_have_as_many_bytes_as_they_say_with_zeros_for_those_that_are_not_there() {
        let long = [b"M".as_slice(), &b"0V%T".repeat(35), b"\n#0V%T\n"].concat();
        let many = [b"Cat".repeat(15).as_slice(), b"\xd1\r\x85\xd1\rCat"].concat();
        let cases: [(&[u8], &[u8], bool); 9] = [
            (b"#0V%T\n`\nend\n", b"Cat", false),
            (b"#0V\n#0V%T\n", b"C\0\0Cat", true),
            (b"-\n\n#0V%T\r\n", b"\0\0\0\0\0\0\0\0\0\0\0\0\0Cat", true),
            (b"#0V%T\n`\n#0V%T\nend\n#0V%T\n", b"CatCat", true),
            (b"#0V%T\nendX\n#0V%T\n", b"Cat8N\0\0\0", true),
            (b"#0V%TXYZW\n#0V%T\n", b"CatCat", true),
            (b"#0V\0%T\n\0\n#0V%T\n", b"CatCat", true),
            (&long, &many, true),
            (b"", b"", false),
        ];
        for (body, bytes, differs) in cases {
            let text = body.escape_ascii();
            assert_eq!(filled(body), (bytes.to_vec(), false), "{text}");
            assert_eq!(is_uneven(&[b"begin 644 a\n", body].concat()), differs, "{text}");
        }
    }

    #[test]
    fn what_lines_should_have_and_have_not_is_bounded() {
        let lines = MAX_FILLED / 63 + 100;
        let body = b"_\n".repeat(lines);
        for (bytes, cut) in [filled(&body), to_gap(&body)] {
            assert!(cut && bytes.len() <= MAX_FILLED && bytes.len() > MAX_FILLED - 64, "{}", bytes.len());
        }
    }
}
