//! What holds for every message, well formed or not.

use mail::edit::{Edit, EditSet, HeaderName, HeaderValue, Kept, NewPart, Rewrite};
use mail::fuzzing::{fuzz_filename, fuzz_header, fuzz_message, fuzz_text};
use mail::graph::{EntityId, Limits, parse};
use mail::header::decode_words;
use mail::patch::{Patch, PatchSet};
use mail::render::render;
use mail::span::Span;
use mail::transfer;
use proptest::prelude::*;

use crate::differential::mutate::Random;
use crate::generate::{message, part};
use crate::golden::messages;

/// A receipt for tests.
struct Receipt;

impl Kept for Receipt {
    fn message(&self) -> mail::arrival::MessageId {
        mail::arrival::MessageId::new(0, [0; 10])
    }
}

fn new_part(body: &[u8], text: bool) -> NewPart {
    NewPart {
        media: if text { "text/plain" } else { "application/pdf" }.to_owned(),
        charset_utf8: text,
        name: Some("new.txt".to_owned()),
        attachment: !text,
        body: body.to_vec(),
        again: false,
    }
}

fn edited(raw: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let message = parse(raw, &Limits::default());
    let set = EditSet::new(&message, edits).unwrap();
    render(&message, &Rewrite::Edit(set), Some(&Receipt)).unwrap().to_vec()
}

/// Bytes that are likely to mean something to a parser of mail.
pub(crate) fn mail_like() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b";",
        b"--",
        b"--b",
        b"--b--",
        b"--c",
        b"\0",
        b"\xfc",
        b"=",
        b"=20",
        b"=?utf-8?Q?",
        b"?=",
        b"\"",
        b"\\",
        b"(",
        b")",
        b"From ",
        b"Subject: ",
        b"a",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/digest; boundary=\"c\"\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/html; charset=x\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Disposition: attachment; filename*0=x; filename*1*=%20\r\n",
        b"U3ViamVjdDogeAoKeA==",
    ];
    let heads: Vec<&'static [u8]> = vec![b"", b"A: b\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"];
    let words = proptest::collection::vec(proptest::sample::select(words), 0..60);
    (proptest::sample::select(heads), words).prop_map(|(head, words)| [head, &words.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_break_a_promise(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_message(&data);
        fuzz_header(&data);
        fuzz_text(&data);
        fuzz_filename(&data);
    }

    #[test]
    fn mail_like_bytes_never_break_a_promise(data in mail_like()) {
        fuzz_message(&data);
        fuzz_header(&data);
        fuzz_text(&data);
        fuzz_filename(&data);
    }

    #[test]
    fn well_formed_messages_have_no_defect_and_all_their_leaves(tree in part(true), crlf in any::<bool>()) {
        let (raw, leaves) = message(&tree, if crlf { "\r\n" } else { "\n" });
        fuzz_message(&raw);
        let parsed = parse(&raw, &Limits::default());
        prop_assert_eq!(parsed.defects(), &[]);
        let found: Vec<_> = parsed
            .primary()
            .filter(|id| parsed.entity(*id).is_some_and(|entity| entity.is_leaf()))
            .map(|id| (parsed.entity(id).unwrap().media.clone(), parsed.content(id, 1 << 20).bytes.into_owned()))
            .collect();
        prop_assert_eq!(found, leaves);
    }

    #[test]
    fn prepending_only_puts_bytes_in_front(data in mail_like(), value in "[ -~äü]{0,200}") {
        let edit = Edit::Prepend { name: HeaderName::new("X-A").unwrap(), value: HeaderValue::new(value).unwrap() };
        let out = edited(&data, vec![edit]);
        let mbox = data.strip_prefix(b"From ").is_some_and(|rest| rest.trim_ascii_start().first() != Some(&b':'));
        let at = if mbox { data.iter().position(|byte| *byte == b'\n').map_or(data.len(), |at| at + 1) } else { 0 };
        prop_assert!(out.starts_with(&data[..at]) && out.ends_with(&data[at..]) && out.len() > data.len());
        // What was in the message reads as before.
        let (before, after) = (parse(&data, &Limits::default()), parse(&out, &Limits::default()));
        prop_assert_eq!(before.primary().count(), after.primary().count());
        if !mbox {
            let root = EntityId(0);
            prop_assert!(after.fields(root)[0].name_is(&out, "x-a"));
            prop_assert_eq!(after.content(root, 9999).bytes, before.content(root, 9999).bytes);
        }
    }

    #[test]
    fn stripping_removes_exactly_that_field(data in mail_like(), n in 0usize..4) {
        let before = parse(&data, &Limits::default());
        let fields = before.fields(EntityId(0));
        prop_assume!(!fields.is_empty());
        let n = n % fields.len();
        let span = fields[n].whole;
        let out = edited(&data, vec![Edit::Strip { field: n as u32 }]);
        prop_assert_eq!(out, [&data[..span.start as usize], &data[span.end as usize..]].concat());
    }

    #[test]
    fn replacing_a_part_leaves_all_else(tree in part(true), n in 0usize..30, body in proptest::collection::vec(any::<u8>(), 0..300), text in any::<bool>()) {
        let (raw, _) = message(&tree, "\r\n");
        let before = parse(&raw, &Limits::default());
        let parts: Vec<EntityId> = before.primary().filter(|id| before.entity(*id).unwrap().depth > 0 && !before.entity(*id).unwrap().part.is_empty()).collect();
        prop_assume!(!parts.is_empty());
        let id = parts[n % parts.len()];
        let entity = before.entity(id).unwrap();
        let parent_is_message = before.entity(entity.parent.unwrap()).unwrap().shape() == mail::graph::Shape::Message;
        let out = edited(&raw, vec![Edit::Replace { entity: id, part: new_part(&body, text) }]);
        let (start, end) = (entity.whole.start as usize, entity.whole.end as usize);
        prop_assert!(out.starts_with(&raw[..start]));
        prop_assert!(out.ends_with(&raw[end..]));
        // The new part is read as it was meant, and nothing else changed its place.
        let after = parse(&out, &Limits::default());
        prop_assert_eq!(after.defects(), &[]);
        let new = after.entity(id).unwrap();
        prop_assert_eq!(&new.media, if text { "text/plain" } else { "application/pdf" });
        let content = after.content(id, 1 << 20).bytes.into_owned();
        let plain = |text: &[u8]| String::from_utf8_lossy(text).replace("\r\n", "\n");
        if text {
            prop_assert_eq!(plain(&content), plain(&body));
        } else {
            prop_assert_eq!(content, body);
        }
        prop_assert_eq!(new.names[0].raw(), "new.txt");
        if parent_is_message {
            prop_assert!(after.header(id, "subject").is_some(), "the message lost its own fields");
        }
    }

    #[test]
    fn removing_a_part_leaves_the_others(tree in part(false), n in 0usize..30) {
        let (raw, _) = message(&tree, "\r\n");
        let before = parse(&raw, &Limits::default());
        let parts: Vec<EntityId> = before.primary().filter(|id| before.entity(*id).unwrap().parent.is_some_and(|parent| before.children(parent).len() > 1)).collect();
        prop_assume!(!parts.is_empty());
        let id = parts[n % parts.len()];
        let parent = before.entity(id).unwrap().parent.unwrap();
        let out = edited(&raw, vec![Edit::Remove { entity: id }]);
        let after = parse(&out, &Limits::default());
        prop_assert_eq!(after.defects(), &[]);
        prop_assert_eq!(after.children(parent).len() + 1, before.children(parent).len());
        let raws = |message: &mail::graph::Message<'_>, without: Option<EntityId>| -> Vec<Vec<u8>> {
            message.children(parent).iter().filter(|id| Some(**id) != without).map(|id| message.entity(*id).unwrap().whole.of(message.raw()).to_vec()).collect()
        };
        prop_assert_eq!(raws(&after, None), raws(&before, Some(id)));
    }

    #[test]
    fn editing_broken_mail_touches_only_the_part(data in mail_like(), n in 0usize..30) {
        let before = parse(&data, &Limits::default());
        let in_multipart = |id: &EntityId| {
            let parent = before.entity(*id).and_then(|entity| entity.parent).and_then(|parent| before.entity(parent));
            let raw = before.entity(*id).unwrap().buffer == mail::graph::BufferId::RAW;
            raw && parent.is_some_and(|parent| parent.shape() == mail::graph::Shape::Multipart)
        };
        let parts: Vec<EntityId> = before.primary().filter(in_multipart).collect();
        prop_assume!(!parts.is_empty());
        let id = parts[n % parts.len()];
        let span = before.entity(id).unwrap().whole;
        let (start, end) = (&data[..span.start as usize], &data[span.end as usize..]);
        let out = edited(&data, vec![Edit::Replace { entity: id, part: new_part(b"new", false) }]);
        prop_assert!(out.starts_with(start) && out.ends_with(end) && out.len() > start.len() + end.len());
        let after = parse(&out, &Limits::default());
        prop_assert_eq!(&after.entity(id).unwrap().media, "application/pdf");
        prop_assert_eq!(&*after.content(id, 100).bytes, b"new");
        if before.children(before.entity(id).unwrap().parent.unwrap()).len() > 1 {
            let out = edited(&data, vec![Edit::Remove { entity: id }]);
            let common = out.iter().zip(&data).take_while(|(a, b)| a == b).count();
            prop_assert!(data.ends_with(&out[common..]), "more than one place changed");
        }
    }

    #[test]
    fn patches_change_only_their_spans(data in mail_like(), start in 0usize..300, len in 0usize..40) {
        let start = start.min(data.len());
        let end = (start + len).min(data.len());
        let bytes: Vec<u8> = data[start..end].iter().map(|b| if matches!(b, b'\r' | b'\n') { *b } else { b'x' }).collect();
        let patches = PatchSet::new(&data, vec![Patch { span: Span::new(start, end), bytes: bytes.clone() }]).unwrap();
        let parsed = parse(&data, &Limits::default());
        let rewrite = Rewrite::Patch(patches);
        let out = render(&parsed, &rewrite, None).unwrap().to_vec();
        prop_assert_eq!(out, [&data[..start], &bytes, &data[end..]].concat());
    }

    #[test]
    fn encoders_and_decoders_agree(bytes in proptest::collection::vec(any::<u8>(), 0..500), text in "[ -~äöü€\t\n]{0,300}") {
        let encoded = transfer::encode_base64(&bytes, b"\r\n");
        let decoded = transfer::base64(&encoded, usize::MAX);
        prop_assert_eq!((decoded.bytes, decoded.defects.len(), decoded.cut), (bytes, 0, false));
        let encoded = transfer::encode_quoted_printable(text.as_bytes(), b"\n");
        prop_assert!(encoded.split(|b| *b == b'\n').all(|line| line.len() <= 76 && !line.starts_with(b"--") && !line.starts_with(b".")));
        let decoded = transfer::quoted_printable(&encoded, usize::MAX);
        prop_assert_eq!((decoded.bytes, decoded.defects.len(), decoded.cut), (text.into_bytes(), 0, false));
    }

    #[test]
    fn labels_are_put_once(data in mail_like(), label in "[A-Z\\[\\]ÄÜ]{1,40}") {
        let edit = || vec![Edit::Label { text: HeaderValue::new(label.clone()).unwrap() }];
        let once = edited(&data, edit());
        prop_assert_eq!(&edited(&once, edit()), &once);
        let parsed = parse(&once, &Limits::default());
        let subject = decode_words(&parsed.header(EntityId(0), "subject").unwrap());
        prop_assert!(subject.trim_start().starts_with(&label), "{} {}", subject, label);
    }
}

/// Names that pretend, with pieces put in anywhere.
#[test]
fn changed_names_never_break_a_promise() {
    let seeds = [
        "photo\u{202e}gpj.exe",
        "invoice.pdf  .scr. ",
        "scan.pdf.ｅｘｅ\u{200b}",
        "=?utf-8?Q?b=2Eexe?=",
        "a.exe\0.txt",
    ];
    let pieces =
        ["\u{202e}", "\u{202c}", ".", " ", "\0", "exe", "е", "。", "%2e", "\"", "\\", "\r\n ", "=?", "?=", "*0="];
    for number in 0..400 {
        let mut random = Random::new("names", number);
        let mut name = seeds[random.below(seeds.len())].to_owned();
        for _ in 0..=random.below(5) {
            let at = name.floor_char_boundary(random.below(name.len() + 1));
            name.insert_str(at, pieces[random.below(pieces.len())]);
        }
        fuzz_filename(name.as_bytes());
    }
}

#[test]
fn mutated_mail_never_breaks_a_promise() {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below.max(1) as u64) as usize
    };
    let alphabet = b"\r\n \t:;-=?\"\\()/\0\xffab0";
    for path in messages() {
        let raw = std::fs::read(path).unwrap();
        for _ in 0..60 {
            let mut data = raw.clone();
            for _ in 0..=next(6) {
                let at = next(data.len());
                match next(4) {
                    0 => drop(data.drain(at..(at + next(40)).min(data.len()))),
                    1 => data.insert(at, alphabet[next(alphabet.len())]),
                    2 => {
                        let piece = data[at..(at + next(60)).min(data.len())].to_vec();
                        let to = next(data.len());
                        data.splice(to..to, piece);
                    }
                    _ => {
                        if let Some(byte) = data.get_mut(at) {
                            *byte = alphabet[next(alphabet.len())];
                        }
                    }
                }
            }
            fuzz_message(&data);
            fuzz_header(&data);
            fuzz_text(&data);
            fuzz_filename(&data);
        }
    }
}
