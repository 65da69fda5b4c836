//! The same message, rendered as bytes and as changes that a mail server applies.

use mail::arrival::MessageId;
use mail::edit::{Edit, EditSet, HeaderName, HeaderValue, NewPart, Rewrite};
use mail::graph::{self, EntityId, Limits};
use mail::render::render;
use store::{Options, Store, WaivedReceipt, Waiver};
use wire::milter::edits::apply;

use super::*;

/// A mail server that holds fields and a body, and does what it is told.
fn applied(raw: &[u8], told: &Told, blanks: bool) -> Vec<u8> {
    let head = body_start(raw);
    let new = apply(fields(&raw[..head], blanks).unwrap(), &told.header);
    let mut out = Vec::new();
    new.iter().for_each(|field| field.write(blanks, &mut out));
    out.extend_from_slice(b"\r\n");
    match &told.body {
        Some((bytes, at)) => out.extend_from_slice(&bytes[*at..]),
        None => out.extend_from_slice(&raw[head..]),
    }
    out
}

fn rendered(raw: &[u8], edits: Vec<Edit>, waived: &WaivedReceipt) -> Option<Vec<u8>> {
    let message = graph::parse(raw, &Limits::default());
    let set = EditSet::new(&message, edits).ok()?;
    Some(render(&message, &Rewrite::Edit(set), Some(waived)).unwrap().to_vec())
}

fn part(body: &str) -> NewPart {
    NewPart {
        media: "text/plain".to_owned(),
        charset_utf8: true,
        name: Some("note.txt".to_owned()),
        attachment: true,
        body: body.as_bytes().to_vec(),
        again: false,
    }
}

/// A plain generator of numbers, so that every run is the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }
}

const FIELDS: [&str; 10] = [
    "Received: from a\r\n\tby b; date\r\n",
    "X-Mailward-Status: forged\r\n",
    "x-mailward-status:  forged too\r\n",
    "Subject: hello\r\n",
    "Subject:folded\r\n and more\r\n",
    "From: <a@example.org>\r\n",
    "X-Empty:\r\n",
    "MIME-Version: 1.0\r\n",
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n",
    "X-Spam-Flag: YES\r\n",
];

fn message(numbers: &mut Numbers) -> Vec<u8> {
    let mut raw = String::new();
    for _ in 0..numbers.below(12) {
        raw.push_str(FIELDS[numbers.below(FIELDS.len())]);
    }
    raw.push_str("\r\npreamble\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n");
    raw.into_bytes()
}

fn some_edits(numbers: &mut Numbers, raw: &[u8]) -> Vec<Edit> {
    let parsed = graph::parse(raw, &Limits::default());
    let fields = parsed.fields(EntityId(0)).len();
    let entities = (0..).take_while(|id| parsed.entity(EntityId(*id)).is_some()).count();
    let mut edits = Vec::new();
    for n in 0..numbers.below(5) {
        let entity = EntityId(u32::try_from(numbers.below(entities)).unwrap());
        edits.push(match numbers.below(5) {
            0 | 1 => {
                let name = HeaderName::new(["X-Mailward-Status", "X-Mailward-Backup-Id"][n % 2]).unwrap();
                Edit::Prepend { name, value: HeaderValue::lossy(&"word ".repeat(n * 9)) }
            }
            2 => Edit::Strip { field: u32::try_from(numbers.below(fields)).unwrap() },
            3 => Edit::Label { text: HeaderValue::lossy("[label]") },
            _ => Edit::Replace { entity, part: part("in its place\n") },
        });
    }
    edits
}

#[test]
fn the_same_edits_give_the_same_message_as_bytes_and_as_changes() {
    let (mut numbers, mut compared, mut bodies) = (Numbers(5), 0, 0);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { create: true }).unwrap();
    let waived = store.waive(MessageId::new(0, [0; 10]), Waiver::CopyOffByPolicy);
    for _ in 0..4000 {
        let raw = message(&mut numbers);
        let Some(wanted) = rendered(&raw, some_edits(&mut numbers, &raw), &waived) else { continue };
        let head = body_start(&raw) as u64;
        let output = Output::Whole(Arc::from(wanted.clone()));
        for blanks in [true, false] {
            let told = told(&output, &Spool::from(raw.clone()), head, blanks).unwrap();
            bodies += usize::from(told.body.is_some());
            let got = applied(&raw, &told, blanks);
            // Without leading blanks a field that has none gets one.
            let same = if blanks { got == wanted } else { unblanked(&got) == unblanked(&wanted) };
            assert!(same, "{}\nwanted\n{}", String::from_utf8_lossy(&got), String::from_utf8_lossy(&wanted));
        }
        compared += 1;
    }
    assert!(compared > 1500 && bodies > 300, "{compared} {bodies}");
}

/// One blank behind every colon of the header.
fn unblanked(raw: &[u8]) -> Vec<u8> {
    let head = body_start(raw);
    let mut out = Vec::new();
    fields(&raw[..head], false).unwrap().iter().for_each(|field| field.write(false, &mut out));
    [&out, &raw[head..]].concat()
}

#[test]
fn only_what_differs_is_told() {
    let raw = b"From: a\r\nSubject: b\r\n\r\nbody\r\n".to_vec();
    let spool = Spool::from(raw.clone());
    let head = 23;
    let nothing = told(&Output::Original, &spool, head, true).unwrap();
    assert!(nothing.header.is_empty() && nothing.body.is_none());
    let new = b"X: y\r\nFrom: a\r\nSubject: b\r\n\r\n";
    let one = told(&Output::Head { head: new.to_vec(), rest: head }, &spool, head, true).unwrap();
    let expected = Change::InsertHeader { at: 0, name: b"X".to_vec(), value: b" y".to_vec() };
    assert!(one.header == [expected] && one.body.is_none());
    let whole = [new.as_slice(), b"body\r\n"].concat();
    assert!(told(&Output::Whole(whole.into()), &spool, head, true).unwrap().body.is_none());
    let whole = [new.as_slice(), b"bodies"].concat();
    assert_eq!(told(&Output::Whole(whole.into()), &spool, head, true).unwrap().body.unwrap().1, 29);
    let other = Output::Head { head: new.to_vec(), rest: 9 };
    assert!(matches!(told(&other, &spool, head, true), Err(Untold::OtherHead)));
    let line = Output::Head { head: b"no colon\r\n\r\n".to_vec(), rest: head };
    assert!(matches!(told(&line, &spool, head, true), Err(Untold::NoField)));
}

#[test]
fn a_large_body_in_a_file_is_compared_piece_by_piece() {
    let raw = [b"A: b\r\n\r\n".as_slice(), &b"line\r\n".repeat(100_000)].concat();
    let dir = tempfile::tempdir().unwrap();
    let mut spooler = service::spool::Spooler::new(dir.path(), 10);
    spooler.write(&raw).unwrap();
    let spool = spooler.finish();
    assert!(is_same(&spool, 8, &raw[8..]).unwrap());
    let mut other = raw.clone();
    other[500_000] ^= 1;
    assert!(!is_same(&spool, 8, &other[8..]).unwrap() && !is_same(&spool, 8, &raw[9..]).unwrap());
}
