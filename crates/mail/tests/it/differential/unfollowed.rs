//! What other parsers read and we do not follow, rule by rule: decision 0012 says why not.
//!
//! A rule names the parsers that read so, and makes what they make of a message, byte by byte. A leaf is passed
//! over only if it is exactly that, but for white space, `=`, and zeros at its end (as in `equal.rs`). Where a parser
//! reads beside its own tables, single bytes of what it makes are unknown. A rule never looks at what a leaf holds.

use mail::graph::{Encoding, EntityId, Message};
use mail::transfer;

use super::equal::{MAX_CONTENT, Ours, endings, plain};
use super::peers::Found;

mod cases;

/// What a parser reads.
enum Reads {
    /// Leaves, made of the message and its entities.
    Leaves(fn(&[u8], &Message<'_>) -> Vec<Vec<u8>>),
    /// The same, of which some bytes may be any.
    Partly(fn(&Message<'_>) -> Vec<Vec<Option<u8>>>),
    /// What we read of the message with a change made to it, if there is anything to change.
    Changed(fn(&[u8]) -> Option<Vec<u8>>),
}

/// One thing that is not followed.
struct Rule {
    name: &'static str,
    peers: &'static [&'static str],
    reads: Reads,
}

const RULES: &[Rule] = &[
    Rule { name: "lines of a file cut at their NUL", peers: &["munpack"], reads: Reads::Leaves(cut_lines) },
    Rule { name: "lines of a file cut at their NUL", peers: &["munpack"], reads: Reads::Changed(all_lines_cut) },
    Rule {
        name: "a text cut at a line like a delimiter",
        peers: &["munpack", "ripmime"],
        reads: Reads::Leaves(cut_at_delimiters),
    },
    Rule { name: "NUL bytes as blanks", peers: &["ripmime"], reads: Reads::Changed(nul_to_blank) },
    Rule { name: "NUL bytes as blanks", peers: &["ripmime"], reads: Reads::Leaves(endings_with_blanks) },
    Rule {
        name: "nothing of a header with a word that cannot be decoded",
        peers: &["ripmime"],
        reads: Reads::Changed(behind_bad_word),
    },
    Rule { name: "a digit lost in front of a CR", peers: &["mail-parser"], reads: Reads::Leaves(digit_lost) },
    Rule { name: "what is no character as a byte", peers: &["npm"], reads: Reads::Leaves(no_characters) },
    Rule { name: "a delimiter behind a soft break", peers: &["ripmime"], reads: Reads::Leaves(joined_delimiter) },
    Rule {
        name: "an encoded multipart as one file",
        peers: &["reformime", "ripmime"],
        reads: Reads::Leaves(whole_multiparts),
    },
    Rule {
        name: "damage in what only another reading decodes",
        peers: &["reformime", "ripmime"],
        reads: Reads::Leaves(damage_elsewhere),
    },
    Rule {
        name: "a body that is damaged in many ways",
        peers: &["reformime", "ripmime"],
        reads: Reads::Leaves(many_damages),
    },
    Rule {
        name: "encoded words in names of fields",
        peers: &["ripmime"],
        reads: Reads::Changed(without_words_in_names),
    },
    Rule {
        name: "characters lost behind an escape that is none",
        peers: &["thunderbird"],
        reads: Reads::Leaves(lost_behind_escapes),
    },
    Rule { name: "a text without the file in it", peers: &["thunderbird"], reads: Reads::Changed(without_files) },
    Rule {
        name: "the end of a part lost with the encoding of a multipart/signed",
        peers: &["thunderbird"],
        reads: Reads::Leaves(through_lost_delimiters),
    },
    Rule { name: "bytes above 127 as digits", peers: &["ripmime"], reads: Reads::Partly(digits_beside_the_table) },
    Rule { name: "the name of a field inside a word", peers: &["ripmime"], reads: Reads::Changed(names_from_inside) },
];

/// The reason why a parser's leaf is not followed, if there is one.
pub(crate) fn reason(peer: &str, raw: &[u8], found: &Found) -> Option<&'static str> {
    let letters = |bytes: &[u8]| bytes.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let trimmed = |bytes: &[u8]| -> Vec<u8> { if found.text { letters(bytes) } else { trimmed(bytes) } };
    let wanted = trimmed(&found.bytes);
    let message = mail::graph::parse(raw, &mail::graph::Limits::default());
    let is = |rule: &&Rule| match rule.reads {
        Reads::Leaves(make) => !wanted.is_empty() && make(raw, &message).iter().any(|leaf| trimmed(leaf) == wanted),
        Reads::Partly(make) => make(&message).iter().any(|leaf| fits(leaf, &found.bytes)),
        Reads::Changed(change) => change(raw).is_some_and(|changed| Ours::of(&changed).has(found)),
    };
    RULES.iter().filter(|rule| rule.peers.contains(&peer)).find(is).map(|rule| rule.name)
}

/// Without white space and `=`, and without zeros at the end.
fn trimmed(bytes: &[u8]) -> Vec<u8> {
    let mut out = plain(bytes);
    out.truncate(out.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1));
    out
}

/// Whether a leaf is these bytes, but for line ends and the white space at its end; those that are not known stand for
/// one each.
fn fits(leaf: &[Option<u8>], found: &[u8]) -> bool {
    let leaf: Vec<Option<u8>> = leaf.iter().copied().filter(|byte| *byte != Some(b'\r')).collect();
    let found: Vec<u8> = found.iter().copied().filter(|byte| *byte != b'\r').collect();
    let space = |byte: &Option<u8>| byte.is_some_and(|byte| byte.is_ascii_whitespace());
    let leaf = &leaf[..leaf.iter().rposition(|byte| !space(byte)).map_or(0, |at| at + 1)];
    let found = found.trim_ascii_end();
    leaf.len() == found.len() && leaf.iter().zip(found).all(|(byte, found)| byte.is_none_or(|byte| byte == *found))
}

fn body<'m>(message: &'m Message<'_>, id: EntityId) -> &'m [u8] {
    let entity = message.entity(id).unwrap();
    entity.body.of(message.buffer(entity.buffer))
}

fn decode(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    transfer::decode(encoding, body, MAX_CONTENT).bytes
}

/// munpack takes lines for C strings: a NUL and what follows it up to the next line is gone, in any file.
fn cut_lines(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let ways = |id: EntityId| {
        let (body, entity) = (body(message, id), message.entity(id).unwrap());
        let whole = behind_fields(entity.whole.of(message.buffer(entity.buffer)));
        [body, behind_fields(body), whole].map(|body| decode(Encoding::NulToLine, body))
    };
    message.all().flat_map(ways).collect()
}

/// The same of the lines of a header, the one that should end it included.
fn all_lines_cut(raw: &[u8]) -> Option<Vec<u8>> {
    raw.contains(&0).then(|| decode(Encoding::NulToLine, raw))
}

/// What stands behind the fields and empty lines that a body begins with: munpack's header goes on there.
fn behind_fields(body: &[u8]) -> &[u8] {
    let mut rest = body;
    while let Some(line) = rest.split_inclusive(|byte| *byte == b'\n').next() {
        let name = line.split(|byte| *byte == b':').next().filter(|name| name.len() < line.len());
        let is_field = name.is_some_and(|name| name.iter().all(|byte| (33..=126).contains(byte)));
        if !is_field && !line.trim_ascii().is_empty() && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            break;
        }
        rest = &rest[line.len()..];
    }
    rest
}

/// ripmime reads lines with blanks in the place of NUL bytes.
fn nul_to_blank(raw: &[u8]) -> Option<Vec<u8>> {
    raw.contains(&0).then(|| blanks_for_nul(raw))
}

fn blanks_for_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect()
}

/// The same of lines that it has decoded, where it has met a header in them.
fn endings_with_blanks(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let content = |id: EntityId| message.content(id, MAX_CONTENT).bytes.into_owned();
    message.all().flat_map(|id| endings(&content(id))).map(|ending| blanks_for_nul(&ending)).collect()
}

/// ripmime gives a header up that has an encoded word in an encoding that is neither `Q` nor `B`, and reads what
/// stands behind it as a message.
fn behind_bad_word(raw: &[u8]) -> Option<Vec<u8>> {
    let ends = [b"\n\n".as_slice(), b"\n\r\n"].map(|end| memchr::memmem::find(raw, end).map(|at| at + end.len()));
    let end = ends.into_iter().flatten().min()?;
    let is_bad = |at: usize| {
        let mut pieces = raw[at + 2..end].split(|byte| *byte == b'?');
        let (charset, encoding) = (pieces.next()?, pieces.next()?);
        let known = encoding.len() == 1 && matches!(encoding[0], b'Q' | b'q' | b'B' | b'b');
        (!charset.contains(&b'\n') && !encoding.contains(&b'\n') && pieces.next().is_some() && !known).then_some(())
    };
    memchr::memmem::find_iter(&raw[..end], b"=?").find_map(is_bad).map(|()| raw[end..].to_vec())
}

/// mail-parser shows of an escape that is none the two characters behind the sign, but the one in front of the
/// second in the place of the first: a CR, which is passed over otherwise. The sign always stays.
fn digit_lost(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let quoted = |id: &EntityId| message.entity(*id).unwrap().encoding == Encoding::QuotedPrintable;
    message.all().filter(quoted).map(|id| by_last_two(body(message, id))).collect()
}

fn by_last_two(body: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let (mut out, mut first, mut open, mut last) = (Vec::new(), None, false, 0);
    for byte in body.iter().copied() {
        match (byte, first) {
            (b'=', _) => open = true,
            (b'\n', _) if open && first.is_none() => open = false,
            (b'\n', _) => out.push(b'\n'),
            (b'\r', _) => {}
            (byte, _) if !open => out.push(byte),
            (byte, None) => {
                first = digit(byte);
                if first.is_none() && !byte.is_ascii_whitespace() {
                    open = false;
                    out.extend([b'=', byte]);
                }
            }
            (byte, Some(high)) => {
                (open, first) = (false, None);
                match digit(byte) {
                    Some(low) => out.push((high * 16 + low) as u8),
                    None => out.extend([b'=', last, byte]),
                }
            }
        }
        last = byte;
    }
    out
}

/// mailparser makes characters of quoted-printable and takes the lowest byte of each: of what is no UTF-8 that is
/// 0xfd. Where a character gives ASCII so, it is a reading of ours.
fn no_characters(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let quoted = |id: &EntityId| message.entity(*id).unwrap().encoding == Encoding::QuotedPrintable;
    message.all().filter(quoted).map(|id| decode(Encoding::QuotedPrintableLow, body(message, id))).collect()
}

/// ripmime takes any `boundary=` for one, and munpack a multipart without one for one with an empty one: a text
/// ends at a line that begins with `--`.
fn cut_at_delimiters(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for id in message.all() {
        let (encoding, body) = (message.entity(id).unwrap().encoding, body(message, id));
        let places = memchr::memmem::find_iter(body, b"\n--").take(100);
        out.extend(places.map(|at| decode(encoding, &body[..=at])));
    }
    out
}

/// ripmime undoes soft breaks before it looks for delimiters: one that follows a soft break is text.
fn joined_delimiter(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let joined = |id: EntityId| {
        let entity = message.entity(id).unwrap();
        let buffer = message.buffer(entity.buffer);
        let (from, to) = (entity.body.start as usize, entity.body.end as usize);
        let soft = buffer[from..to].trim_ascii_end().ends_with(b"=");
        let rest = &buffer[to..];
        let line = rest.len() - rest.trim_ascii_start().len();
        let end = memchr::memchr(b'\n', &rest[line..]).map_or(rest.len(), |at| line + at + 1);
        soft.then(|| decode(Encoding::QuotedPrintable, &buffer[from..to + end]))
    };
    message.all().filter_map(joined).collect()
}

/// reformime decodes a multipart by its encoding as a whole where it does not know its type, ripmime what stands
/// in front of the first delimiter.
fn whole_multiparts(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    const WAYS: [Encoding; 4] =
        [Encoding::Base64, Encoding::Base64Places, Encoding::Base64ToGap, Encoding::QuotedPrintable];
    let multipart = |id: &EntityId| message.entity(*id).unwrap().media.starts_with("multipart/");
    let mut out = Vec::new();
    for id in message.all().filter(multipart) {
        let body = body(message, id);
        let first = if body.starts_with(b"--") { Some(0) } else { memchr::memmem::find(body, b"\n--") };
        // A header that goes on through the first delimiter ends at an empty line behind it.
        let entity = message.entity(id).unwrap();
        let whole = entity.whole.of(message.buffer(entity.buffer));
        let behind = |end: &[u8]| memchr::memmem::find(whole, end).map(|at| &whole[at + end.len()..]);
        let late = [b"\n\n".as_slice(), b"\n\r\n"].into_iter().filter_map(behind).max_by_key(|rest| rest.len());
        let to_delimiter = |body: &'_ [u8]| memchr::memmem::find(body, b"\n--").map_or(body.len(), |at| at);
        let late = late.map_or(&[][..], |late| &late[..to_delimiter(late)]);
        let fronts = [body, &body[..first.unwrap_or(body.len())], late];
        out.extend(fronts.iter().flat_map(|front| WAYS.map(|way| decode(way, front))));
    }
    out
}

/// Base64 that only another reading takes for it, as ripmime decodes it (up to a gap, or to padding) and reformime
/// (padding as a character).
fn damage_elsewhere(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let other = |id: &EntityId| {
        let entity = message.entity(*id).unwrap();
        !entity.primary && entity.encoding == Encoding::Base64
    };
    let ways = |id: EntityId| {
        let body = body(message, id);
        let gap = memchr::memmem::find(body, b"\n\n\n").unwrap_or(body.len());
        let front = &body[..gap];
        [
            decode(Encoding::Base64, front),
            decode(Encoding::Base64ToAnyPadding, front),
            decode(Encoding::Base64ToPadding, front),
            decode(Encoding::Base64Places, body),
        ]
    };
    message.all().filter(other).flat_map(ways).flat_map(with_whole_groups).collect()
}

/// What was decoded, and the same without a last group that is not complete: ripmime loses that where it stops.
fn with_whole_groups(bytes: Vec<u8>) -> [Vec<u8>; 2] {
    let whole = bytes[..bytes.len() / 3 * 3].to_vec();
    [bytes, whole]
}

/// Thunderbird decodes quoted-printable line by line, each in the memory in which it stands. Of an escape that is
/// none three characters stay, but up to two of them find no room where as many were left of the line before. The
/// `=` always stays, so that nothing is put together that was apart.
fn lost_behind_escapes(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let quoted = |id: &EntityId| message.entity(*id).unwrap().encoding == Encoding::QuotedPrintable;
    message.all().filter(quoted).map(|id| line_by_line(body(message, id))).collect()
}

fn line_by_line(body: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let (mut out, mut token) = (Vec::new(), Vec::new());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let begin = out.len();
        let mut taken = 0;
        while taken < line.len() {
            token.push(line[taken]);
            taken += 1;
            let &[first, second, third] = &token[..] else { continue };
            if first != b'=' {
                out.push(first);
                token.remove(0);
                continue;
            }
            token.clear();
            match (digit(second), digit(third)) {
                (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
                _ if second == b'\n' || (second == b'\r' && third != b'\n') => taken -= 1,
                _ if second == b'\r' => {}
                _ => {
                    let room = (taken + begin).saturating_sub(out.len());
                    out.extend([first, second, third].into_iter().take(room));
                }
            }
        }
    }
    out.extend(token);
    out
}

/// Thunderbird undoes quoted-printable of a multipart/signed, as above, before it looks for delimiters: it loses
/// those with a `=` in them that is no escape, and a part goes on through them.
fn through_lost_delimiters(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    let encoded = |id: &EntityId| {
        let entity = message.entity(*id).unwrap();
        entity.media == "multipart/signed" && entity.encoding == Encoding::QuotedPrintable
    };
    let first_part = |id: EntityId| {
        let decoded = line_by_line(body(message, id));
        let (start, delimiter) = first_delimiter(&decoded)?;
        let part = &decoded[start + delimiter.len()..];
        let text = memchr::memmem::find(part, b"\n\n").map(|at| &part[at + 2..])?;
        let end = memchr::memmem::find(text, &[b"\n", delimiter].concat());
        Some(text[..end.unwrap_or(text.len())].to_vec())
    };
    message.all().filter(encoded).filter_map(first_part).collect()
}

/// The first line that begins with `--`, without its end, and where it begins.
fn first_delimiter(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let start = if bytes.starts_with(b"--") { 0 } else { memchr::memmem::find(bytes, b"\n--")? + 1 };
    let line = bytes[start..].split(|byte| *byte == b'\n').next()?;
    Some((start, line.trim_ascii_end()))
}

/// ripmime takes a byte above 127 behind `=` for a digit: what stands in its memory in front of its table of digits,
/// its own messages for the log in one build of it.
fn digits_beside_the_table(message: &Message<'_>) -> Vec<Vec<Option<u8>>> {
    let quoted = |id: &EntityId| message.entity(*id).unwrap().encoding == Encoding::QuotedPrintable;
    let unknown = |id: EntityId| {
        // What differs with the escape that stands for such a one is its byte.
        let [first, second] = [b"=01", b"=02"]
            .map(|escape| decode(Encoding::QuotedPrintable, &with_escape_for_high_digits(body(message, id), escape)));
        first.into_iter().zip(second).map(|(one, other)| (one == other).then_some(one)).collect()
    };
    message.all().filter(quoted).map(unknown).collect()
}

/// Quoted-printable with an escape in place of each with a byte above 127 for a digit.
fn with_escape_for_high_digits(body: &[u8], escape: &[u8; 3]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    let digit = |byte: u8| byte.is_ascii_hexdigit() || byte > 127;
    while let [byte, behind @ ..] = rest {
        rest = match behind {
            [high, low, behind @ ..] if *byte == b'=' && digit(*high) && digit(*low) => {
                let known = [b'=', *high, *low];
                out.extend(if known.is_ascii() { &known } else { escape });
                behind
            }
            _ => {
                out.push(*byte);
                behind
            }
        };
    }
    out
}

/// Thunderbird shows a text without the uuencoded files and those in BinHex that stand in it; they are leaves of
/// their own.
fn without_files(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = raw.to_vec();
    for block in transfer::embedded::find(raw).into_iter().rev() {
        out.drain(block.span.start as usize..block.span.end as usize);
    }
    (out != raw).then_some(out)
}

/// A body that is damaged in so many ways that those find no room which only ripmime or reformime reads.
fn many_damages(raw: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    const OTHERS: [Encoding; 10] = [
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
    ];
    let quoted = |id: &EntityId| {
        let entity = message.entity(*id).unwrap();
        entity.encoding == Encoding::QuotedPrintable && distinct(&OTHERS, entity.encoding, body(message, *id)) >= 5
    };
    let to_end = |id| decode(Encoding::QuotedPrintableToEnd, body(message, id));
    let mut out = many_damages_of_base64(raw, message);
    out.extend(message.all().filter(quoted).map(to_end));
    out
}

/// How many of these ways give something of a body that neither the strict way nor another one gives.
fn distinct(ways: &[Encoding], strict: Encoding, body: &[u8]) -> usize {
    let strict = decode(strict, body);
    let mut all: Vec<Vec<u8>> = ways.iter().map(|way| decode(*way, body)).collect();
    all.retain(|bytes| !bytes.is_empty() && *bytes != strict);
    all.sort();
    all.dedup();
    all.len()
}

fn many_damages_of_base64(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    const OTHERS: [Encoding; 9] = [
        Encoding::Base64ToPadding,
        Encoding::Base64Groups,
        Encoding::Base64ToAnyPadding,
        Encoding::Base64CleanLines,
        Encoding::Base64NoPadding,
        Encoding::Base64ToJunk,
        Encoding::Base64ByLine,
        Encoding::Base64Lone,
        Encoding::Base64Url,
    ];
    let many = |id: &EntityId| {
        let entity = message.entity(*id).unwrap();
        entity.encoding == Encoding::Base64 && distinct(&OTHERS, entity.encoding, body(message, *id)) >= 6
    };
    let rare = |id| [Encoding::Base64ToGap, Encoding::Base64Places].map(|way| decode(way, body(message, id)));
    message.all().filter(many).flat_map(rare).flat_map(with_whole_groups).collect()
}

/// ripmime decodes encoded words before it looks for names of fields, and needs no end of one: `=?`, a charset,
/// `?`, the encoding, `?` are gone.
fn without_words_in_names(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = raw.to_vec();
    let mut at = 0;
    while let Some(start) = out.get(at..).and_then(|rest| memchr::memmem::find(rest, b"=?")).map(|found| at + found) {
        let line_end = memchr::memchr(b'\n', &out[start..]).map_or(out.len(), |end| start + end);
        let marks: Vec<usize> = memchr::memchr_iter(b'?', &out[start + 2..line_end]).take(2).collect();
        if let [_, second] = marks[..] {
            out.drain(start..start + 2 + second + 1);
        }
        at = start + 1;
    }
    (out != raw).then_some(out)
}

/// ripmime finds the name of the field of the encoding in a line, wherever in its first word it stands, behind blank
/// lines, too.
fn names_from_inside(raw: &[u8]) -> Option<Vec<u8>> {
    const NAME: &[u8] = b"content-transfer-encoding";
    let start = raw.len() - raw.trim_ascii_start().len();
    let mut out = Vec::with_capacity(raw.len());
    for line in raw[start..].split_inclusive(|byte| *byte == b'\n') {
        let word = line.iter().position(|byte| matches!(byte, b' ' | b'\t' | b':')).unwrap_or(line.len());
        let lower = line[..word].to_ascii_lowercase();
        out.extend_from_slice(&line[memchr::memmem::find(&lower, NAME).unwrap_or(0)..]);
    }
    (out != raw).then_some(out)
}
