//! Edits by example: what comes out, and what is refused.

use mail::arrival::MessageId;
use mail::edit::{Edit, EditError, EditSet, Grade, HeaderName, HeaderValue, Kept, NewPart, Rewrite};
use mail::graph::{EntityId, Limits, parse};
use mail::render::{RenderError, render};

struct Receipt;

impl Kept for Receipt {
    fn message(&self) -> MessageId {
        MessageId::new(0, [0; 10])
    }
}

const MIXED: &str = "Subject: hi\r\nX-Spam-Flag: NO\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\none\r\n\
    --b\r\nContent-Type: application/zip; name=a.zip\r\n\r\ntwo\r\n\
    --b--\r\nepilogue\r\n";

fn run(raw: &str, edits: Vec<Edit>) -> String {
    let message = parse(raw.as_bytes(), &Limits::default());
    let set = EditSet::new(&message, edits).unwrap();
    let rewrite = Rewrite::Edit(set);
    let rendered = render(&message, &rewrite, Some(&Receipt)).unwrap();
    assert_eq!(rendered.len(), rendered.to_vec().len() as u64);
    String::from_utf8(rendered.to_vec()).unwrap()
}

fn prepend(name: &str, value: &str) -> Edit {
    Edit::Prepend { name: HeaderName::new(name).unwrap(), value: HeaderValue::new(value).unwrap() }
}

fn label(text: &str) -> Edit {
    Edit::Label { text: HeaderValue::new(text).unwrap() }
}

fn notice() -> NewPart {
    NewPart {
        media: "text/plain".to_owned(),
        charset_utf8: true,
        name: None,
        attachment: false,
        body: b"removed\n".to_vec(),
        again: false,
    }
}

const NOTICE: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\
    Content-Disposition: inline\r\n\r\nremoved\r\n";

#[test]
fn fields_go_on_top_in_order() {
    assert_eq!(run(MIXED, vec![prepend("X-A", "1"), prepend("X-B", "2")]), format!("X-A: 1\r\nX-B: 2\r\n{MIXED}"));
    assert_eq!(run("A: b\n\nc", vec![prepend("X-A", "1")]), "X-A: 1\nA: b\n\nc");
}

#[test]
fn a_missing_header_is_closed_off() {
    let cases = [
        ("", "X-A: 1\r\n\r\n"),
        ("no header\r\nat all\r\n", "X-A: 1\r\n\r\nno header\r\nat all\r\n"),
        ("\r\nbody", "X-A: 1\r\n\r\nbody"),
        (" orphan\r\nA: b\r\n\r\n", "X-A: 1\r\nX-Mailward-Defect: header_without_colon;\r\n orphan\r\nA: b\r\n\r\n"),
        ("From a 2024\r\nA: b\r\n\r\n", "From a 2024\r\nX-A: 1\r\nA: b\r\n\r\n"),
    ];
    for (raw, out) in cases {
        assert_eq!(run(raw, vec![prepend("X-A", "1")]), out, "{raw:?}");
    }
}

#[test]
fn fields_are_stripped_by_index() {
    assert_eq!(run(MIXED, vec![Edit::Strip { field: 1 }]), MIXED.replace("X-Spam-Flag: NO\r\n", ""));
    assert_eq!(run("A: b", vec![Edit::Strip { field: 0 }]), "");
}

#[test]
fn subjects_are_labelled_once() {
    let cases = [
        ("Subject: hi\r\n\r\n", "Subject: [X] hi\r\n\r\n"),
        ("Subject:hi\r\n\r\n", "Subject: [X] hi\r\n\r\n"),
        ("Subject: [X] hi\r\n\r\n", "Subject: [X] hi\r\n\r\n"),
        ("Subject: =?utf-8?Q?=5BX=5D?= hi\r\n\r\n", "Subject: =?utf-8?Q?=5BX=5D?= hi\r\n\r\n"),
        ("A: b\r\n\r\n", "Subject: [X]\r\nA: b\r\n\r\n"),
        ("Subject:\r\n\r\n", "Subject: [X]\r\n\r\n"),
        ("Subject: a\r\nSubject: b\r\n\r\n", "Subject: [X] a\r\nSubject: b\r\n\r\n"),
    ];
    for (raw, out) in cases {
        assert_eq!(run(raw, vec![label("[X]")]), out, "{raw:?}");
    }
    assert_eq!(run("Subject: hi\r\n\r\n", vec![label("[A]"), label("[B]")]), "Subject: [A] [B] hi\r\n\r\n");
    assert_eq!(run("Subject: [A] [B] hi\r\n\r\n", vec![label("[A]"), label("[B]")]), "Subject: [A] [B] hi\r\n\r\n");
}

#[test]
fn a_part_is_replaced_in_its_place() {
    let out = run(MIXED, vec![Edit::Replace { entity: EntityId(2), part: notice() }]);
    assert_eq!(out, MIXED.replace("Content-Type: application/zip; name=a.zip\r\n\r\ntwo", NOTICE));
}

#[test]
fn a_part_is_put_behind_another_with_a_delimiter_of_its_own() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nend\r\n";
    let beside = |entity| Edit::Beside { entity: EntityId(entity), part: notice() };
    let first = raw.replace("one\r\n", &format!("one\r\n--b \r\n{NOTICE}\r\n"));
    assert_eq!(run(raw, vec![beside(1)]), first);
    let last = raw.replace("two\r\n", &format!("two\r\n--b\r\n{NOTICE}\r\n"));
    assert_eq!(run(raw, vec![beside(2)]), last);
    let both = raw.replace("\r\ntwo\r\n", &format!("{NOTICE}\r\n--b\r\n{NOTICE}\r\n"));
    assert_eq!(run(raw, vec![Edit::Replace { entity: EntityId(2), part: notice() }, beside(2)]), both);
    // Where no delimiter follows there is no place.
    let open = parse(raw.strip_suffix("--b--\r\nend\r\n").unwrap().as_bytes(), &Limits::default());
    assert!(open.is_followed(EntityId(1)) && !open.is_followed(EntityId(2)) && !open.is_followed(EntityId(0)));
    assert_eq!(EditSet::new(&open, vec![beside(2)]), Err(EditError::NotAPart(EntityId(2))));
}

#[test]
fn a_text_keeps_the_charset_that_its_bytes_are_in() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n";
    for (media, expected) in [
        ("text/html; charset=koi8-r", "Content-Type: text/html; charset=koi8-r\r\n"),
        ("text/html; charset=a b\r\nX: y", "Content-Type: text/html\r\n"),
        ("text/html", "Content-Type: text/html\r\n"),
    ] {
        let part = NewPart { media: media.to_owned(), charset_utf8: false, ..notice() };
        let out = run(raw, vec![Edit::Replace { entity: EntityId(1), part }]);
        assert!(out.contains(expected), "{out}");
    }
}

#[test]
fn an_empty_part_does_not_run_into_its_delimiter() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\nx\r\n--b--\r\n";
    let out = run(raw, vec![Edit::Replace { entity: EntityId(1), part: notice() }]);
    assert_eq!(out, raw.replacen("--b\r\n--b", &format!("--b\r\n{NOTICE}\r\n--b"), 1));
    let after = parse(out.as_bytes(), &Limits::default());
    assert_eq!((after.len(), after.defects().len()), (3, 0));
}

#[test]
fn the_root_keeps_its_other_fields() {
    let raw = "Subject: hi\r\nContent-Type: text/html;\r\n charset=x\r\nMIME-Version: 1.0\r\nX-A: b\r\n\r\nold\r\n";
    let out = run(raw, vec![Edit::Replace { entity: EntityId(0), part: notice() }]);
    assert_eq!(out, format!("Subject: hi\r\nX-A: b\r\nMIME-Version: 1.0\r\n{NOTICE}"));
    for (raw, rest) in [("A: b", "A: b\r\n"), ("A: b\r\n", "A: b\r\n"), ("", ""), ("no header", "")] {
        let out = run(raw, vec![Edit::Replace { entity: EntityId(0), part: notice() }]);
        assert_eq!(out, format!("{rest}MIME-Version: 1.0\r\n{NOTICE}"), "{raw:?}");
    }
    let out = run("no header", vec![prepend("X-A", "1"), Edit::Replace { entity: EntityId(0), part: notice() }]);
    assert_eq!(out, format!("X-A: 1\r\nMIME-Version: 1.0\r\n{NOTICE}"));
}

#[test]
fn a_part_is_removed_with_its_delimiter() {
    let out = run(MIXED, vec![Edit::Remove { entity: EntityId(2) }]);
    assert_eq!(out, MIXED.replace("--b\r\nContent-Type: application/zip; name=a.zip\r\n\r\ntwo\r\n", ""));
    let out = run(MIXED, vec![Edit::Remove { entity: EntityId(1) }]);
    assert_eq!(out, MIXED.replace("--b\r\nContent-Type: text/plain\r\n\r\none\r\n", ""));
}

#[test]
fn all_kinds_go_together() {
    let edits = vec![
        Edit::Replace { entity: EntityId(2), part: notice() },
        label("[X]"),
        Edit::Strip { field: 1 },
        prepend("X-A", "1"),
    ];
    let expected = MIXED
        .replace("Content-Type: application/zip; name=a.zip\r\n\r\ntwo", NOTICE)
        .replace("Subject: hi", "Subject: [X] hi")
        .replace("X-Spam-Flag: NO\r\n", "");
    assert_eq!(run(MIXED, edits), format!("X-A: 1\r\n{expected}"));
}

#[test]
fn a_body_cannot_forge_a_delimiter() {
    for body in ["--b\r\nX: y\r\n\r\nforged", "text\n--b--\nmore", "ä\n--b\n"] {
        let part = NewPart { body: body.as_bytes().to_vec(), ..notice() };
        let out = run(MIXED, vec![Edit::Replace { entity: EntityId(1), part }]);
        let after = parse(out.as_bytes(), &Limits::default());
        assert_eq!(after.primary().count(), 3, "{out}");
        let content = after.content(EntityId(1), 1000).bytes.into_owned();
        assert_eq!(String::from_utf8(content).unwrap().replace("\r\n", "\n"), body.replace("\r\n", "\n"));
    }
}

#[test]
fn edits_that_do_not_fit_are_refused() {
    let message = parse(MIXED.as_bytes(), &Limits::default());
    let replace = |id| Edit::Replace { entity: EntityId(id), part: notice() };
    let remove = |id| Edit::Remove { entity: EntityId(id) };
    let cases = [
        (vec![replace(9)], EditError::NoEntity(EntityId(9))),
        (vec![Edit::Strip { field: 3 }], EditError::NoField(3)),
        (vec![Edit::Strip { field: 1 }, Edit::Strip { field: 1 }], EditError::FieldTwice(1)),
        (vec![replace(1), remove(1)], EditError::Twice(EntityId(1))),
        (vec![replace(1), replace(0)], EditError::Nested(EntityId(1))),
        (vec![remove(0)], EditError::NotAPart(EntityId(0))),
        (vec![remove(1), remove(2)], EditError::LastPart(EntityId(0))),
        (vec![label("a"), label("a")], EditError::LabelTwice),
        (vec![label("a"), Edit::Strip { field: 0 }], EditError::LabelStripped),
    ];
    for (edits, error) in cases {
        assert_eq!(EditSet::new(&message, edits.clone()).map(|_| ()), Err(error), "{edits:?}");
    }
}

#[test]
fn what_lies_in_an_encoded_part_is_not_editable() {
    let inner = mail::transfer::encode_base64(b"From: a@example.org\r\nSubject: x\r\n\r\ny", b"\r\n");
    let head = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let raw = [head.as_bytes(), &inner].concat();
    let message = parse(&raw, &Limits::default());
    assert_eq!(message.len(), 2);
    let edit = Edit::Replace { entity: EntityId(1), part: notice() };
    assert_eq!(EditSet::new(&message, vec![edit]).map(|_| ()), Err(EditError::NotEditable(EntityId(1))));
}

#[test]
fn content_changes_only_when_the_original_is_kept() {
    let message = parse(MIXED.as_bytes(), &Limits::default());
    let grades = [
        (vec![], Grade::None),
        (vec![prepend("X-A", "1"), Edit::Strip { field: 1 }], Grade::Trace),
        (vec![label("a"), prepend("X-A", "1")], Grade::Mark),
        (vec![Edit::Remove { entity: EntityId(1) }, label("a")], Grade::Content),
    ];
    for (edits, grade) in grades {
        let set = EditSet::new(&message, edits).unwrap();
        assert_eq!(set.grade(), grade);
        let rewrite = Rewrite::Edit(set);
        let without = render(&message, &rewrite, None).map(|_| ());
        assert_eq!(without, if grade == Grade::Content { Err(RenderError::NotKept) } else { Ok(()) });
        assert!(render(&message, &rewrite, Some(&Receipt)).is_ok());
    }
    let other = parse(b"A: b\r\n\r\n", &Limits::default());
    let rewrite = Rewrite::Edit(EditSet::new(&message, vec![label("a")]).unwrap());
    assert_eq!(render(&other, &rewrite, None).map(|_| ()), Err(RenderError::OtherMessage));
}

fn part_field(entity: u32) -> Edit {
    let (name, value) = (HeaderName::new("X-A").unwrap(), HeaderValue::new("1").unwrap());
    Edit::PartField { entity: EntityId(entity), name, value }
}

#[test]
fn a_field_of_a_part_goes_above_its_header_and_nowhere_else() {
    let zip = "Content-Type: application/zip";
    assert_eq!(run(MIXED, vec![part_field(2)]), MIXED.replace(zip, &format!("X-A: 1\r\n{zip}")));
    let replaced = run(MIXED, vec![Edit::Replace { entity: EntityId(2), part: notice() }, part_field(2)]);
    assert!(replaced.contains(&format!("--b\r\nX-A: 1\r\n{NOTICE}")), "{replaced}");
    // An empty header takes one; where a line would become its continuation nothing is done.
    let bare = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n";
    assert_eq!(run(bare, vec![part_field(1)]), bare.replace("--b\r\n\r\n", "--b\r\nX-A: 1\r\n\r\n"));
    let folded = bare.replace("--b\r\n\r\n", "--b\r\n odd\r\n\r\n");
    assert_eq!(run(&folded, vec![part_field(1)]), folded);
    let message = parse(MIXED.as_bytes(), &Limits::default());
    for (entity, error) in [(0, EditError::NotEditable(EntityId(0))), (9, EditError::NoEntity(EntityId(9)))] {
        assert_eq!(EditSet::new(&message, vec![part_field(entity)]), Err(error));
    }
    let remove = Edit::Remove { entity: EntityId(1) };
    let replace = Edit::Replace { entity: EntityId(0), part: notice() };
    for other in [remove, replace] {
        let edits = vec![part_field(1), other];
        assert_eq!(EditSet::new(&message, edits.clone()), Err(EditError::Nested(EntityId(1))), "{edits:?}");
    }
    assert_eq!(EditSet::new(&message, vec![part_field(1)]).map(|set| set.grade()), Ok(Grade::Mark));
}
