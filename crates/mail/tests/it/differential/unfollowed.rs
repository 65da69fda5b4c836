//! What other parsers read and we do not follow, rule by rule: decision 0012 says why not.
//!
//! A rule names the parsers that read so, and makes what they make of a message, byte by byte. A leaf is passed
//! over only if it is exactly that, but for white space, `=`, and zeros at its end (as in `equal.rs`). A rule never
//! looks at what a leaf holds.

use mail::graph::{Encoding, EntityId, Message};
use mail::transfer;

use super::equal::{MAX_CONTENT, Ours, plain};
use super::peers::Found;

/// What a parser reads.
enum Reads {
    /// Leaves, made of the message and its entities.
    Leaves(fn(&[u8], &Message<'_>) -> Vec<Vec<u8>>),
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
    Rule {
        name: "a text cut at a line like a delimiter",
        peers: &["munpack", "ripmime"],
        reads: Reads::Leaves(cut_at_delimiters),
    },
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
        name: "base64 that is damaged in many ways",
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

fn body<'m>(message: &'m Message<'_>, id: EntityId) -> &'m [u8] {
    let entity = message.entity(id).unwrap();
    entity.body.of(message.buffer(entity.buffer))
}

fn decode(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    transfer::decode(encoding, body, MAX_CONTENT).bytes
}

/// munpack takes lines for C strings: a NUL and what follows it up to the next line is gone, in any file.
fn cut_lines(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
    message.all().map(|id| decode(Encoding::NulToLine, body(message, id))).collect()
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
        let fronts = [body, &body[..first.unwrap_or(body.len())]];
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
    message.all().filter(other).flat_map(ways).collect()
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

/// Thunderbird shows a text without the uuencoded files and those in BinHex that stand in it; they are leaves of
/// their own.
fn without_files(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = raw.to_vec();
    for block in transfer::embedded::find(raw).into_iter().rev() {
        out.drain(block.span.start as usize..block.span.end as usize);
    }
    (out != raw).then_some(out)
}

/// Base64 that is damaged in so many ways that two of them, which only ripmime and reformime read, find no room.
fn many_damages(_: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
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
        let body = body(message, *id);
        let strict = decode(Encoding::Base64, body);
        let mut ways: Vec<Vec<u8>> = OTHERS.map(|way| decode(way, body)).to_vec();
        ways.retain(|bytes| !bytes.is_empty() && *bytes != strict);
        ways.sort();
        ways.dedup();
        message.entity(*id).unwrap().encoding == Encoding::Base64 && ways.len() >= 6
    };
    let rare = |id| [Encoding::Base64ToGap, Encoding::Base64Places].map(|way| decode(way, body(message, id)));
    message.all().filter(many).flat_map(rare).collect()
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

/// Who reads, the message, the leaf, and why it is not followed.
type Case = (&'static str, &'static [u8], &'static [u8], Option<&'static str>);

#[test]
fn only_what_a_rule_makes_is_not_followed() {
    let cases: &[Case] = &[
        ("munpack", b"Content-Type:a/p\ng\0b\n-", b"g-", Some("lines of a file cut at their NUL")),
        ("ripmime", b"Content-Type:a/p\ng\0b\n-", b"g-", None),
        ("munpack", b"Content-Type:a/p\ng\0b\n-", b"g+", None),
        (
            "ripmime",
            b"Content-Type: boundary=b\nContent-Transfer-Encoding: quoted-printable\n\nh=3ell@\n--b-",
            b"h>ll@\n",
            Some("a text cut at a line like a delimiter"),
        ),
        (
            "ripmime",
            b"Content-Type: boundary=b\nContent-Transfer-Encoding: quoted-printable\n\nh=3ell@\n-b-",
            b"h>ll@\n",
            None,
        ),
        (
            "ripmime",
            b"Content-Type: multipart/x; boundary=bb\n\n--bb\nContent-Transfer-Encoding: quoted-printable\n\nq=3D=\n--bb--",
            b"q=--bb--",
            Some("a delimiter behind a soft break"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:base64\"\nContent-Type: multipart/x; boundary=b\n\n--b\nHell",
            b"lw\xa5",
            Some("an encoded multipart as one file"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:base64\"\nContent-Type: multipart/x; boundary=b\n\n--b\nHell",
            b"lw\xa6",
            None,
        ),
        (
            "ripmime",
            b"a:\n\ntext\nContent-Transfer-Encoding: base64\n\nQUJDREVGR0hJ\n\n\nQUJDREVGR0hJ",
            b"ABCDEFGHI",
            Some("damage in what only another reading decodes"),
        ),
        (
            "ripmime",
            b"Content-Transfer-Encoding: base64\n\nQUJDREVGR0hJ\n\n\nQUJDREVGR0hJ",
            b"ABCDEFGHIA",
            None,
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\n\na=3Db\nc=xyz=E4",
            b"a=b\nc=z\xe4",
            Some("characters lost behind an escape that is none"),
        ),
        (
            "thunderbird",
            b"Content-Transfer-Encoding: quoted-printable\n\na=3Db\nc=xyz=E4",
            b"a=b\ncxyz\xe5",
            None,
        ),
        (
            "thunderbird",
            b"Content-Type: text/plain\n\none\nbegin 644 a\n#86)C\n`\nend\ntwo\n",
            b"one\ntwo\n",
            Some("a text without the file in it"),
        ),
        (
            "reformime",
            b"Content-Transfer-Encoding:base64\n\nHello\nt-Tyry=b",
            b"\x1d\xe9e\xa2\xd4\xf2\xaf\xdb",
            Some("base64 that is damaged in many ways"),
        ),
        ("reformime", b"Content-Transfer-Encoding:base64\n\nt-Tyry=b", b"\xb5<\xab\xbf", None),
        (
            "ripmime",
            b"Conte=??q?nt-Transfer-Encoding: quoted-printable\n\n<=3D2",
            b"<=2",
            Some("encoded words in names of fields"),
        ),
        ("ripmime", b"Conte=??nt-Transfer-Encoding: quoted-printable\n\n<=3D2", b"<2", None),
        (
            "ripmime",
            b"\n--000Content-Transfer-Encoding: quoted-printable\n\n\ndir=3D2",
            b"\ndir=2",
            Some("the name of a field inside a word"),
        ),
        ("ripmime", b"\nthe Content-Transfer-Encoding: quoted-printable\n\n\ndir=3D", b"\ndirx", None),
    ];
    for (peer, raw, leaf, why) in cases {
        let found = Found { bytes: leaf.to_vec(), text: false };
        assert_eq!(reason(peer, raw, &found), *why, "{peer}: {}", raw.escape_ascii());
    }
    let names: Vec<&str> = cases.iter().filter_map(|(.., why)| *why).collect();
    assert!(RULES.iter().all(|rule| names.contains(&rule.name)), "a rule without a case");
}
