//! TNEF, by an encoder of our own.

use mail::evidence::{FileKind, UnscannedReason::Damaged};
use unpack::{Limits, Member, detect};

use crate::support::{members, name, walk};

/// A stream in the making.
struct Stream(Vec<u8>);

const MESSAGE: u8 = 1;
const ATTACHMENT: u8 = 2;
const RENDERING: u32 = 0x0006_9002;
const TITLE: u32 = 0x0001_8010;
const DATA: u32 = 0x0006_800f;

impl Stream {
    fn new() -> Self {
        Self(b"\x78\x9f\x3e\x22\x01\0".to_vec()).with(MESSAGE, 0x0006_9007, &1252_u64.to_le_bytes())
    }

    fn with(mut self, level: u8, number: u32, data: &[u8]) -> Self {
        self.0.push(level);
        self.0.extend(number.to_le_bytes());
        self.0.extend((data.len() as u32).to_le_bytes());
        self.0.extend(data);
        let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        self.0.extend(sum.to_le_bytes());
        self
    }

    fn attachment(self, title: &str, data: &[u8]) -> Self {
        let title = [title.as_bytes(), b"\0"].concat();
        self.with(ATTACHMENT, RENDERING, &[0; 14]).with(ATTACHMENT, TITLE, &title).with(ATTACHMENT, DATA, data)
    }

    fn properties(self, level: u8, list: &[Vec<u8>]) -> Self {
        let number = if level == MESSAGE { 0x0006_9003 } else { 0x0006_9005 };
        let data = [&(list.len() as u32).to_le_bytes()[..], &list.concat()].concat();
        self.with(level, number, &data)
    }
}

/// A property with one value.
fn property(kind: u16, number: u16, value: &[u8]) -> Vec<u8> {
    let mut out = [kind.to_le_bytes(), number.to_le_bytes()].concat();
    if number >= 0x8000 {
        out.extend([7; 16]);
        out.extend([1, 0, 0, 0, 6, 0, 0, 0, b'x', 0, b'y', 0, 0, 0, 0, 0]);
    }
    out.extend(1_u32.to_le_bytes());
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// One attachment with so many names and as many contents.
pub(crate) fn crowded(pieces: usize) -> Vec<u8> {
    let stream = Stream::new().with(ATTACHMENT, RENDERING, &[0; 14]);
    let one = |stream: Stream, number: usize| {
        let text = number.to_string();
        stream.with(ATTACHMENT, TITLE, text.as_bytes()).with(ATTACHMENT, DATA, text.as_bytes())
    };
    (0..pieces).fold(stream, one).0
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Compressed RTF, every token a byte but for what repeats.
fn compressed_rtf(body: &[u8]) -> Vec<u8> {
    let mut tokens: Vec<Vec<u8>> = body.iter().map(|byte| vec![*byte]).collect();
    // Then the last three bytes over and over, and the end mark.
    let at = 207 + body.len();
    tokens.push(((((at - 3) as u16) << 4) | 7).to_be_bytes().to_vec());
    tokens.push((((at + 9) as u16) << 4).to_be_bytes().to_vec());
    let mut data = Vec::new();
    for run in tokens.chunks(8) {
        let flags =
            run.iter().enumerate().filter(|(_, token)| token.len() == 2).fold(0_u8, |all, (at, _)| all | 1 << at);
        data.push(flags);
        data.extend(run.concat());
    }
    let head = [(data.len() + 12) as u32, (body.len() + 9) as u32, 0x7546_5a4c, 0];
    [head.iter().flat_map(|word| word.to_le_bytes()).collect(), data].concat()
}

fn all(data: &[u8]) -> (Vec<Member>, Vec<mail::evidence::UnscannedReason>) {
    assert_eq!(detect(data), FileKind::Tnef);
    members(FileKind::Tnef, data)
}

#[test]
fn bodies_and_attachments_are_members() {
    let data = Stream::new()
        .properties(
            MESSAGE,
            &[
                // A date, a number, a named property, and one with several values come between.
                [&[0x40, 0, 6, 0x30][..], &[0; 8]].concat(),
                [&[3, 0, 7, 0x0e][..], &[1, 0, 0, 0]].concat(),
                property(0x1e, 0x8001, b"named\0"),
                [&[3, 0x10, 1, 0x40][..], &[2, 0, 0, 0], &[0; 8]].concat(),
                property(0x1f, 0x1000, &wide("plain")),
                property(0x102, 0x1013, b"<html>body</html>"),
                property(0x102, 0x1009, &compressed_rtf(b"{\\rtf1 abc")),
            ],
        )
        .attachment("report.doc", b"content of the report")
        .properties(
            ATTACHMENT,
            &[
                property(0x1f, 0x3707, &wide("a longer report name.doc")),
                property(0x1e, 0x370e, b"Application/MSWord\0"),
            ],
        )
        .attachment("second.txt", b"second");
    let (found, problems) = all(&data.0);
    assert_eq!(problems, []);
    let listed: Vec<(&str, Vec<u8>)> = found.iter().map(|member| (name(member), member.content.clone())).collect();
    assert_eq!(
        listed,
        [
            ("body.txt", wide("plain")[..10].to_vec()),
            ("body.html", b"<html>body</html>".to_vec()),
            ("body.rtf", b"{\\rtf1 abcabcabcabc".to_vec()),
            ("a longer report name.doc", b"content of the report".to_vec()),
            ("second.txt", b"second".to_vec()),
        ]
    );
    assert_eq!(found[3].other_names[0].raw(), "report.doc");
    assert_eq!(found[3].declared.as_ref().map(|declared| declared.raw().as_str()), Some("application/msword"));
    assert!(found.iter().all(|member| member.problems.is_empty() && !member.hidden));
}

#[test]
fn text_that_repeats_the_window_of_rtf_is_read() {
    // "{\rtf1\ansi" is the start of the window: one reference of eleven bytes.
    let tokens = [&[3_u8][..], &9_u16.to_be_bytes(), &((207 + 11_u16) << 4).to_be_bytes()].concat();
    let head: Vec<u8> = [0_u32, 11, 0x7546_5a4c, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let data = Stream::new().properties(MESSAGE, &[property(0x102, 0x1009, &[head, tokens].concat())]);
    let (found, problems) = all(&data.0);
    assert_eq!((problems.as_slice(), found[0].problems.as_slice()), (&[][..], &[][..]));
    assert_eq!(found[0].content, b"{\\rtf1\\ansi");
}

#[test]
fn an_embedded_message_is_opened_in_turn() {
    let inner = Stream::new().attachment("deep.bin", b"deep");
    let object = [&[7_u8, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46][..], &inner.0].concat();
    let outer =
        Stream::new().with(ATTACHMENT, RENDERING, &[0; 14]).properties(ATTACHMENT, &[property(0x0d, 0x3701, &object)]);
    let walk = walk(&outer.0, Limits::default());
    assert!(walk.names.contains(&"deep.bin".to_owned()), "{walk:?}");
    assert_eq!(walk.reasons.len(), 0);
}

#[test]
fn content_that_stands_twice_comes_once_and_a_second_content_is_unlisted() {
    let twice = |second: &[u8]| {
        let data = Stream::new().attachment("a", b"content").properties(ATTACHMENT, &[property(0x102, 0x3701, second)]);
        all(&data.0).0.iter().map(|member| (member.content.clone(), member.hidden)).collect::<Vec<_>>()
    };
    assert_eq!(twice(b"content"), [(b"content".to_vec(), false)]);
    assert_eq!(twice(b"other"), [(b"content".to_vec(), false), (b"other".to_vec(), true)]);
}

#[test]
fn wrong_checksums_are_told_and_read_over() {
    let mut data = Stream::new().attachment("a", b"content").attachment("b", b"more").0;
    let at = data.windows(7).position(|window| window == b"content").unwrap() + 7;
    data[at] ^= 1;
    let (found, problems) = all(&data);
    assert_eq!(problems, []);
    assert_eq!((found[0].content.as_slice(), found[0].problems.as_slice()), (&b"content"[..], &[Damaged][..]));
    assert_eq!((found[1].content.as_slice(), found[1].problems.as_slice()), (&b"more"[..], &[][..]));
}

#[test]
fn what_is_cut_off_is_told_and_given_as_far_as_it_goes() {
    let whole = Stream::new().attachment("a", b"first content").attachment("b", b"second content").0;
    for cut in 7..whole.len() {
        let (found, problems) = all(&whole[..cut]);
        let told = !problems.is_empty() || found.iter().any(|member| !member.problems.is_empty());
        // A cut between two attributes leaves a whole stream.
        let mut attributes = 6;
        while attributes < cut {
            attributes += 11 + u32::from_le_bytes(whole[attributes + 5..attributes + 9].try_into().unwrap()) as usize;
        }
        assert_eq!(told, attributes != cut, "cut at {cut}");
    }
    let (found, _) = all(&whole[..whole.len() - 6]);
    assert_eq!(found[1].content, b"second con");
}

#[test]
fn what_stands_behind_the_stream_is_unlisted() {
    let data = [Stream::new().attachment("a", b"content").0, b"MZ and more".to_vec()].concat();
    let (found, problems) = all(&data);
    assert_eq!(problems, [Damaged]);
    assert_eq!((found[1].content.as_slice(), found[1].hidden), (&b"MZ and more"[..], true));
}
