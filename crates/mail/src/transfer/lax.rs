//! Other ways in which clients undo a damaged transfer encoding.
//!
//! Base64: up to its first whole padding, up to the first character outside the alphabet, only the
//! lines that are base64 from end to end, up to the first `=`, up to two empty lines in a row, padding
//! passed over as if it were nothing or taken for a character in one of two ways, each line for itself, the alphabet of
//! RFC 4648 section 5. Quoted-printable: an escape that is none dropped in
//! part or whole. Texts: NUL bytes dropped. Every way takes linear time and gives at most its input.

use super::{Decoded, JUNK, PAD, SPACE, base64, class, quoted_printable};
use crate::graph::Encoding;

mod damage;
mod quoted;

use quoted::{
    any_escape_a_byte, bare_cr_to_lf, blank_breaks_kept, breaks_to_end, damaged_lines, dropped, is_visible, kept_whole,
    low_bytes, paired, raw_from_damage, without_blanks, without_halves,
};
pub(crate) use quoted::{escapes, has_low_bytes, holds_raw_bytes, is_damaged_quoted_printable};

/// Bodies up to this size, in bytes, are decoded in every way to compare what comes out. Of larger ones in
/// base64 every way is taken that the damage makes differ; of quoted-printable so much of the lines that are
/// damaged is compared.
pub(crate) const MAX_COMPARED: usize = 64 * 1024;

/// Most ways to read one body beside the strict one; other readings of the entity need room, too.
const MAX_WAYS: usize = 7;
/// Beside so many, those are not taken that only one known program reads, which is no mail program.
const MAX_BESIDE_RARE: usize = 6;
/// The same for quoted-printable, where bytes that must not stand in it need room, too.
const MAX_BESIDE_RARE_QUOTED: usize = 5;

/// See [`super::decode`].
pub(super) fn decode(encoding: Encoding, body: &[u8], max: usize) -> Decoded {
    let text = match encoding {
        Encoding::Base64ToPadding => return quiet(base64(&to_padding(body), max)),
        Encoding::Base64ToAnyPadding => return quiet(base64(to_any_padding(body), max)),
        Encoding::Base64ToJunk => return quiet(base64(to_junk(body), max)),
        Encoding::Base64CleanLines => return quiet(base64(&clean_lines(body), max)),
        Encoding::Base64Lone => return quiet(base64(&lone_to_bytes(body), max)),
        Encoding::Base64NoPadding => return quiet(base64(&lone_to_bytes(&only(body, |byte| class(byte) != PAD)), max)),
        Encoding::Base64ByLine => return by_line(body, max),
        Encoding::Base64ToGap => return quiet(base64(to_gap(body), max)),
        Encoding::Base64Places | Encoding::Base64Groups => {
            let bytes = if encoding == Encoding::Base64Places { places(body) } else { groups(body) };
            return Decoded { cut: bytes.len() > max, bytes: cut_at(bytes, max), ..Decoded::default() };
        }
        Encoding::Base64Url => return quiet(base64(&url_alphabet(body), max)),
        Encoding::QuotedPrintableDrop => dropped(body, 1),
        Encoding::QuotedPrintableSkip => dropped(body, 3),
        Encoding::QuotedPrintableBlanks => without_blanks(body),
        Encoding::QuotedPrintableCr => bare_cr_to_lf(body),
        Encoding::QuotedPrintableRaw => raw_from_damage(body),
        Encoding::QuotedPrintableBreak => blank_breaks_kept(body),
        Encoding::QuotedPrintableKeep => kept_whole(body),
        Encoding::QuotedPrintableVisible => only(body, is_visible),
        Encoding::QuotedPrintableHalf => without_halves(body),
        Encoding::QuotedPrintableToEnd => breaks_to_end(body),
        Encoding::QuotedPrintableZero => any_escape_a_byte(body),
        Encoding::QuotedPrintableLow => low_bytes(body),
        Encoding::QuotedPrintablePair => paired(body, b"=3D=3D"),
        Encoding::QuotedPrintableOne => paired(body, b"=3D"),
        Encoding::NoNul | Encoding::NulToLine => {
            let bytes = if encoding == Encoding::NoNul { only(body, |byte| byte != 0) } else { nul_to_line(body) };
            let cut = bytes.len() > max;
            return Decoded { bytes: cut_at(bytes, max), cut, ..Decoded::default() };
        }
        _ => return Decoded { bytes: cut_at(body.to_vec(), max), cut: body.len() > max, ..Decoded::default() },
    };
    quiet(quoted_printable(&text, max))
}

/// Without defects: the strict decoding tells them.
fn quiet(decoded: Decoded) -> Decoded {
    Decoded { defects: Vec::new(), ..decoded }
}

fn cut_at(mut bytes: Vec<u8>, max: usize) -> Vec<u8> {
    bytes.truncate(max);
    bytes
}

fn only(body: &[u8], keep: impl Fn(u8) -> bool) -> Vec<u8> {
    body.iter().copied().filter(|byte| keep(*byte)).collect()
}

/// Without each NUL and the rest of its line, line end included: readers that take lines for C strings.
fn nul_to_line(body: &[u8]) -> Vec<u8> {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| line.iter().take_while(|byte| **byte != 0)).copied().collect()
}

/// Up to two empty lines in a row.
fn to_gap(body: &[u8]) -> &[u8] {
    let gaps: [&[u8]; 2] = [b"\n\n\n", b"\n\r\n\r\n"];
    let end = gaps.into_iter().filter_map(|gap| memchr::memmem::find(body, gap)).min();
    body.get(..end.unwrap_or(body.len())).unwrap_or(body)
}

/// Base64 in groups of four characters, padding counted as one. Where it stands it is no byte in the third
/// and fourth place, and adds to those beside it the bits of the mark that stands for it in a table.
fn places(body: &[u8]) -> Vec<u8> {
    /// What padding is in such tables.
    const PAD_BITS: u8 = 99;
    let marks: Vec<u8> = body.iter().map(|byte| class(*byte)).filter(|mark| *mark <= PAD && *mark != SPACE).collect();
    let mut out = Vec::with_capacity(marks.len() / 4 * 3);
    for four in marks.chunks_exact(4) {
        let [a, b, c, d] = four else { continue };
        let bits = |mark: u8| if mark == PAD { PAD_BITS } else { mark };
        let (first, second, third, fourth) = (bits(*a), bits(*b), bits(*c), bits(*d));
        out.push(first << 2 | second >> 4);
        if *c != PAD {
            out.push(second << 4 | third >> 2);
        }
        if *d != PAD {
            out.push(third << 6 | fourth);
        }
    }
    out
}

/// Base64 in groups of four characters, padding counted as one: so many bytes are missing at the end of the
/// group, of which one always stays, so that a group of nothing but padding is a zero; at the end those say nothing.
/// A last group that is not complete is text, up to four characters with padding.
fn groups(body: &[u8]) -> Vec<u8> {
    let is_one = |byte: &u8| !matches!(class(*byte), SPACE | JUNK);
    let text: Vec<u8> = body.iter().copied().filter(is_one).collect();
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let fours = text.chunks_exact(4);
    let rest = fours.remainder();
    let mut zeros = 0;
    for four in fours {
        let [a, b, c, d] = four else { continue };
        if four == b"====" {
            zeros += 1;
            continue;
        }
        out.extend(std::iter::repeat_n(0, std::mem::take(&mut zeros)));
        let bits = |byte: u8| if byte == b'=' { 0 } else { class(byte) };
        let (first, second, third, fourth) = (bits(*a), bits(*b), bits(*c), bits(*d));
        let bytes = [first << 2 | second >> 4, second << 4 | third >> 2, third << 6 | fourth];
        let missing = four.iter().filter(|byte| **byte == b'=').count();
        out.extend_from_slice(bytes.get(..3usize.saturating_sub(missing).max(1)).unwrap_or(&[]));
    }
    if rest.first().is_some_and(|byte| *byte != b'=') {
        out.extend_from_slice(rest);
        out.extend(std::iter::repeat_n(b'=', 4usize.saturating_sub(rest.len())));
    }
    out
}

/// Up to the first padding that completes a group; padding that completes none is passed over.
fn to_padding(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let (mut count, mut pads) = (0u8, 0u8);
    for byte in body {
        match class(*byte) {
            SPACE | JUNK => {}
            PAD => {
                pads = pads.saturating_add(1);
                if count >= 2 && count.saturating_add(pads) >= 4 {
                    break;
                }
            }
            _ => {
                out.push(*byte);
                count = (count + 1) % 4;
                pads = 0;
            }
        }
    }
    out
}

/// Up to the first `=`.
fn to_any_padding(body: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'=', body).unwrap_or(body.len());
    body.get(..end).unwrap_or(body)
}

fn to_junk(body: &[u8]) -> &[u8] {
    let end = body.iter().position(|byte| class(*byte) == JUNK).unwrap_or(body.len());
    body.get(..end).unwrap_or(body)
}

/// Only lines that hold nothing but base64.
fn clean_lines(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if is_clean_base64(line) || line.iter().all(|byte| class(*byte) != JUNK) {
            out.extend_from_slice(line);
        }
    }
    out
}

/// Each line for itself; a group does not go on in the next line.
fn by_line(body: &[u8], max: usize) -> Decoded {
    let mut out = Decoded::default();
    for line in body.split(|byte| *byte == b'\n') {
        let left = max.saturating_sub(out.bytes.len());
        let line = base64(line, left);
        out.bytes.extend_from_slice(&line.bytes);
        out.cut |= line.cut;
    }
    out
}

fn url_alphabet(body: &[u8]) -> Vec<u8> {
    let map = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    body.iter().map(map).collect()
}

/// Base64 in which one sextet in front of padding, or at the end, is a byte.
fn lone_to_bytes(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut count = 0u8;
    for byte in body {
        match class(*byte) {
            SPACE | JUNK => {}
            PAD => {
                if count == 1 {
                    out.push(b'A');
                }
                out.push(b'=');
                count = 0;
            }
            _ => {
                out.push(*byte);
                count = (count + 1) % 4;
            }
        }
    }
    if count == 1 {
        out.push(b'A');
    }
    out
}

/// Whether a body is base64 as it should be: nothing but the alphabet and white space, padding only at
/// its end, and no single sextet left over. Line length does not matter.
pub(crate) fn is_clean_base64(body: &[u8]) -> bool {
    let mut text = body.trim_ascii_end();
    for _ in 0..2 {
        text = text.strip_suffix(b"=").unwrap_or(text).trim_ascii_end();
    }
    let (mut bad, mut blanks) = (0u8, 0usize);
    // Plain comparisons, and chunks whose blanks a byte can count, so that the compiler can look at many
    // bytes at once.
    for chunk in text.chunks(240) {
        let (bad_here, blanks_here) = chunk.iter().fold((0u8, 0u8), |(bad, blanks), byte| {
            let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            let other = byte.wrapping_sub(b'/') < 11 || *byte == b'+';
            let blank = matches!(*byte, b' ' | b'\t' | b'\r' | b'\n');
            (bad | u8::from(!(letter | other | blank)), blanks.wrapping_add(u8::from(blank)))
        });
        bad |= bad_here;
        blanks = blanks.saturating_add(usize::from(blanks_here));
    }
    bad == 0 && text.len().saturating_sub(blanks) % 4 != 1
}

/// The ways to decode a damaged base64 body that give something else than the lenient one, and whether
/// there are more.
pub(crate) fn base64_variants(body: &[u8]) -> (Vec<Encoding>, bool) {
    let ways = [
        Encoding::Base64ToPadding,
        Encoding::Base64Groups,
        Encoding::Base64ToAnyPadding,
        Encoding::Base64CleanLines,
        Encoding::Base64NoPadding,
        Encoding::Base64ToJunk,
        Encoding::Base64ByLine,
        Encoding::Base64Lone,
        Encoding::Base64Url,
        Encoding::Base64ToGap,
        Encoding::Base64Places,
    ];
    let may_differ = damage::Damage::of(body).ways();
    if body.len() > MAX_COMPARED {
        // How many of them are tried is a matter of what may be read again.
        return (may_differ, false);
    }
    let wanted = ways.iter().copied().filter(|way| match way {
        // Two at the end are the same to all.
        Encoding::Base64Places => has_inner_padding(body),
        way => may_differ.contains(way),
    });
    different(body, Encoding::Base64, wanted)
}

/// Whether padding stands in front of other characters of base64, or is more than completes a group.
fn has_inner_padding(body: &[u8]) -> bool {
    let end = body.iter().rposition(|byte| class(*byte) < SPACE).unwrap_or(0);
    memchr::memchr(b'=', body.get(..end).unwrap_or(body)).is_some()
        || memchr::memchr_iter(b'=', body.get(end..).unwrap_or(&[])).nth(2).is_some()
}

/// The same for damaged quoted-printable.
pub(crate) fn quoted_printable_variants(body: &[u8]) -> (Vec<Encoding>, bool) {
    let ways = [
        Encoding::QuotedPrintableBlanks,
        Encoding::QuotedPrintableCr,
        Encoding::QuotedPrintableBreak,
        Encoding::QuotedPrintableRaw,
        Encoding::QuotedPrintableDrop,
        Encoding::QuotedPrintableSkip,
        Encoding::QuotedPrintableKeep,
        Encoding::QuotedPrintableHalf,
        Encoding::QuotedPrintableZero,
        Encoding::QuotedPrintablePair,
        Encoding::QuotedPrintableOne,
        Encoding::QuotedPrintableToEnd,
    ];
    if body.len() > MAX_COMPARED {
        return different(&damaged_lines(body, MAX_COMPARED), Encoding::QuotedPrintable, ways.into_iter());
    }
    different(body, Encoding::QuotedPrintable, ways.into_iter())
}

/// The ways whose result neither the known one nor an earlier one gave, and whether there are more.
fn different(body: &[u8], known: Encoding, ways: impl Iterator<Item = Encoding>) -> (Vec<Encoding>, bool) {
    let mut seen = vec![super::decode(known, body, usize::MAX).bytes];
    let mut out = Vec::new();
    for way in ways {
        let bytes = decode(way, body, usize::MAX).bytes;
        if bytes.is_empty() || seen.contains(&bytes) {
            continue;
        }
        let beside = match way {
            Encoding::Base64ToGap | Encoding::Base64Places => MAX_BESIDE_RARE,
            Encoding::QuotedPrintableToEnd => MAX_BESIDE_RARE_QUOTED,
            _ => usize::MAX,
        };
        if out.len() >= beside {
            continue;
        }
        if out.len() >= MAX_WAYS {
            return (out, true);
        }
        seen.push(bytes);
        out.push(way);
    }
    (out, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_reads_damage_as_its_clients_do() {
        let cases: [(Encoding, &[u8], &[u8]); 39] = [
            (Encoding::Base64Groups, b"SGktCo=b SG=k", b"Hi-\n\x80H\x60"),
            (Encoding::Base64Groups, b"SGk=*SGktSG", b"HiHi-SG=="),
            (Encoding::Base64Groups, b"QQ==\nQ===\n=", b"A@"),
            (Encoding::Base64Groups, b"SGkt====\n====SGkt", b"Hi-\0\0Hi-"),
            (Encoding::Base64ToGap, b"SGkt\nSGkt\n\n\nSGkt", b"Hi-Hi-"),
            (Encoding::Base64ToGap, b"SGkt\r\n\r\nSGkt\r\n\r\n\r\nSGkt", b"Hi-Hi-"),
            (Encoding::Base64Places, b"SGktCo=b SG=k", b"Hi-\n\xdbH\xe4"),
            (Encoding::Base64Places, b"=slP\ny=Wd QQ==", b"\x8e\xc9O\xce5\x9dA"),
            (Encoding::NulToLine, b"a\0b\nc\0", b"ac"),
            (Encoding::QuotedPrintableKeep, b"=e=D1=3Dh", b"=e=D1=h"),
            (Encoding::Base64ToAnyPadding, b"SGkt=SGkt", b"Hi-"),
            (Encoding::QuotedPrintableVisible, b"<scr\x80i\0pt>=3D", b"<script>="),
            (Encoding::QuotedPrintableHalf, b"a=b\ns=Zd=3D", b"a\ns=Zd="),
            (Encoding::QuotedPrintableHalf, b"a=4\r\n1=4\nZ=3D", b"a\r\nA\nZ="),
            (Encoding::QuotedPrintableToEnd, b"Ae=0r= the Co\nx=3D= \n=zy", b"Aerx=zy"),
            (Encoding::QuotedPrintableToEnd, b"a==3Db=4=3D=", b"a=b="),
            (Encoding::QuotedPrintableZero, b"a==<db=4=3D", b"a\0b="),
            (Encoding::QuotedPrintableZero, b"a=\r\nb=3G=\nc=E", b"ab\x03c\x0e"),
            (Encoding::QuotedPrintableLow, "a\u{8868}\u{fc}=3D".as_bytes(), b"ah\xfc="),
            (Encoding::QuotedPrintableLow, "\u{1d400}b".as_bytes(), b"5\0b"),
            (Encoding::Base64Lone, b"QUJDR", b"ABCD"),
            (Encoding::Base64ToPadding, b"SGk=SGk=", b"Hi"),
            (Encoding::Base64ToPadding, b"SG=ktISE=", b"Hi-!!"),
            (Encoding::Base64NoPadding, b"SG=kt", b"Hi-"),
            (Encoding::Base64ToJunk, b"SGkt*SGkt", b"Hi-"),
            (Encoding::Base64CleanLines, b"a footer!\r\nSGkt\r\n-- \r\n", b"Hi-"),
            (Encoding::Base64ByLine, b"SGk\nSGkt\n", b"HiHi-"),
            (Encoding::Base64Url, b"--__", b"\xfb\xef\xff"),
            (Encoding::QuotedPrintableDrop, b"a=zb=3D", b"azb="),
            (Encoding::QuotedPrintableSkip, b"a=zzb=3D", b"ab="),
            (Encoding::QuotedPrintableBlanks, b"a= 3Db=\r3Dc=\t\r\nd", b"a=b=cd"),
            (Encoding::QuotedPrintableCr, b"a=\rb\r\nc", b"ab\r\nc"),
            (Encoding::QuotedPrintableBreak, b"a= \r\nb=\r\nc", b"a= \r\nbc"),
            (Encoding::QuotedPrintableRaw, b"=3Da=zz=3D=\r\n=3Db", b"=a=zz=3D=\r\n=b"),
            (Encoding::Base64Lone, b"SGktd=SGkt", b"Hi-tHi-"),
            (Encoding::QuotedPrintablePair, b"a==3D", b"a==3D"),
            (Encoding::QuotedPrintableOne, b"a==3D", b"a=3D"),
            (Encoding::QuotedPrintableDrop, b"a==3D", b"a="),
            (Encoding::NoNul, b"a\0b\0", b"ab"),
        ];
        for (way, body, bytes) in cases {
            assert_eq!(decode(way, body, 100).bytes, bytes, "{way:?} {body:?}");
            assert!(decode(way, body, 1).bytes.len() <= 1);
        }
    }

    #[test]
    fn large_bodies_are_read_in_each_way_that_differs() {
        let line = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n";
        let lines = line.repeat(MAX_COMPARED / line.len() + 1);
        let cases: [(&str, String, &[Encoding]); 8] = [
            ("the alphabet of URLs", lines.replace('B', "-"), &[Encoding::Base64Url]),
            ("padding inside", format!("QQ==\r\n{lines}"), &[Encoding::Base64ToPadding, Encoding::Base64NoPadding]),
            ("padding that completes nothing", format!("QQ=\r\n{lines}"), &[Encoding::Base64ToAnyPadding]),
            ("lines of odd length", format!("QUF\r\n{lines}"), &[Encoding::Base64ByLine]),
            (
                "a footer",
                format!("{lines}a footer!\r\nmore\r\n"),
                &[Encoding::Base64CleanLines, Encoding::Base64ToJunk],
            ),
            ("a gap", format!("{line}\r\n\r\n{lines}*"), &[Encoding::Base64ToGap]),
            ("a sextet alone", format!("{lines}Q"), &[Encoding::Base64Lone]),
            ("a mark at the end", format!("{lines}*"), &[]),
        ];
        for (name, body, wanted) in cases {
            let (ways, _) = base64_variants(body.as_bytes());
            for way in wanted {
                assert!(ways.contains(way), "{name}: {way:?} not in {ways:?}");
            }
            let strict = super::super::decode(Encoding::Base64, body.as_bytes(), usize::MAX).bytes;
            // Nothing is left out that differs.
            let all = [
                Encoding::Base64ToPadding,
                Encoding::Base64ToAnyPadding,
                Encoding::Base64CleanLines,
                Encoding::Base64NoPadding,
                Encoding::Base64ToJunk,
                Encoding::Base64ByLine,
                Encoding::Base64Lone,
                Encoding::Base64Url,
                Encoding::Base64ToGap,
                Encoding::Base64Places,
                Encoding::Base64Groups,
            ];
            let decoded: Vec<Vec<u8>> =
                ways.iter().map(|way| decode(*way, body.as_bytes(), usize::MAX).bytes).collect();
            for way in all {
                let bytes = decode(way, body.as_bytes(), usize::MAX).bytes;
                // At the end padding is the same to all.
                let alike = way == Encoding::Base64Places && !has_inner_padding(body.as_bytes());
                let known = alike || bytes.is_empty() || bytes == strict || decoded.contains(&bytes);
                assert!(known, "{name}: {way:?} differs and is not in {ways:?}");
            }
        }
    }

    #[test]
    fn of_a_large_text_the_damaged_lines_are_compared() {
        let text = "a line of text, =E4=3D\r\nthat goes on =\r\n".repeat(MAX_COMPARED / 40);
        let damages =
            ["a= b\r\n", "a=zb\r\n", "a=\r b\r\n", "a==3D=\r\nx\r\n", "a=4\r\n1b\r\n", "a=zb=3D =\r\n\r\n", "a\rb\r\n"];
        for damage in damages {
            let small = quoted_printable_variants(damage.as_bytes()).0;
            assert!(!small.is_empty(), "{damage:?}");
            let large = quoted_printable_variants(format!("{text}{damage}{text}").as_bytes()).0;
            assert_eq!(small, large, "{damage:?}");
        }
        // So much of them, and no more.
        assert!(damaged_lines("=zz\n".repeat(MAX_COMPARED).as_bytes(), MAX_COMPARED).len() <= MAX_COMPARED);
        assert_eq!(damaged_lines(text.as_bytes(), MAX_COMPARED), b"");
    }

    #[test]
    fn damage_is_told_from_what_is_usual() {
        for clean in ["", "SGkt", "SGk=\r\n", "SGk\t=\r\n =", "SA==\n\n", "AZaz09+/\r\n"] {
            assert!(is_clean_base64(clean.as_bytes()), "{clean}");
        }
        for damaged in [
            "SG=k",
            "SGk-",
            "SGk===",
            "SGk=\r\n-- \r\n",
            "SGktQ",
            "SGkt\r\nQ\r\n",
            "S_",
            "S:",
            "S@",
            "S[",
            "S`",
            "S{",
            "S.",
        ] {
            assert!(!is_clean_base64(damaged.as_bytes()), "{damaged}");
        }
        for (body, damaged) in
            [("a=20b=\r\nc=\nd=", false), ("a=2", true), ("=zz", true), ("= x", true), ("= \r\n", true)]
        {
            assert_eq!(is_damaged_quoted_printable(body.as_bytes()), damaged, "{body}");
        }
    }
}
