//! Messages as containers: the tree, numbers, content and defects.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member};

use crate::support::{deflated, members, name, walk};

fn parts(text: &str) -> Vec<Member> {
    let (found, problems) = members(FileKind::Message, text.replace('\n', "\r\n").as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    found
}

const MIXED: &str = "From: a@example.org
Subject: test
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain

Hello
--outer
Content-Type: message/rfc822

From: b@example.org
Subject: inner
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain

plain
--inner
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<p>=41</p>
--inner--
--outer
Content-Type: application/octet-stream; name=data.bin
Content-Disposition: attachment; filename=\"data.bin\"
Content-Transfer-Encoding: base64

AAEC
--outer--
";

#[test]
fn every_part_comes_with_its_number_and_its_holder() {
    let found = parts(MIXED);
    let seen: Vec<_> = found.iter().map(|m| (m.index, m.parent, m.part.as_str(), m.kind)).collect();
    let (multipart, message) = (Some(FileKind::Multipart), Some(FileKind::Message));
    let expected = [
        (0, None, "", multipart),
        (1, Some(0), "1", None),
        (2, Some(0), "2", message),
        (3, Some(2), found[3].part.as_str(), multipart),
        (4, Some(3), "2.1", None),
        (5, Some(3), "2.2", None),
        (6, Some(0), "3", None),
    ];
    assert_eq!(seen, expected);
    assert_eq!(found[1].content, b"Hello");
    assert!(found[2].content.starts_with(b"From: b@example.org\r\n"));
    assert_eq!(found[5].content, b"<p>A</p>");
    assert_eq!((name(&found[6]), &found[6].content[..]), ("data.bin", &[0, 1, 2][..]));
    assert!(found[6].attachment && !found[1].attachment);
    assert_eq!(found[6].declared.as_ref().unwrap().raw(), "application/octet-stream");
    assert!(found.iter().all(|member| member.entity.is_some() && member.problems.is_empty()));
}

#[test]
fn a_message_of_one_part_has_one_member() {
    let found = parts("From: a@example.org\nSubject: x\n\nHello\n");
    assert_eq!((found.len(), found[0].part.as_str(), found[0].parent), (1, "1", None));
    assert_eq!(found[0].content, b"Hello\r\n");
}

#[test]
fn a_message_in_base64_is_read_but_cannot_be_edited() {
    let inner = "RnJvbTogYUBleGFtcGxlLm9yZw0KU3ViamVjdDogaW5uZXINCg0KaW5uZXIgdGV4dA0K";
    let text = format!(
        "From: a@example.org\nSubject: x\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}\n"
    );
    let found = parts(&text);
    let leaf = found.last().unwrap();
    assert_eq!((&leaf.content[..], leaf.entity), (&b"inner text\r\n"[..], None));
    assert!(found[0].content.starts_with(b"From: a@example.org\r\nSubject: inner"));
}

#[test]
fn defects_come_with_their_part() {
    let text = MIXED.replace("AAEC", "AA!!EC");
    let found = parts(&text);
    assert_eq!(found[6].defects.iter().map(|d| d.code.name()).collect::<Vec<_>>(), ["other_reading", "base64_junk"]);
    assert!(found[1].defects.is_empty());
    let defect = found[6].defects[1];
    let raw = text.replace('\n', "\r\n");
    assert_eq!(&raw.as_bytes()[defect.span.start as usize..][..1], b"!");
    assert_eq!(Some(defect.entity), found[6].entity);
}

#[test]
fn a_message_in_an_archive_is_opened() {
    let text = MIXED.replace('\n', "\r\n");
    let data = deflated(&[("mail.eml", text.as_bytes())]);
    let walk = walk(&data, Limits::default());
    assert!(walk.names.contains(&"data.bin".to_owned()), "{walk:?}");
    assert!(walk.reasons.is_empty());
}

#[test]
fn a_message_deeper_than_the_parser_reads_says_so() {
    let mut text = String::from("From: a@example.org\nSubject: x\n");
    for _ in 0..200 {
        text += "Content-Type: message/rfc822\n\nFrom: a@example.org\nSubject: x\n";
    }
    text += "\nbottom\n";
    let (_, problems) = members(FileKind::Message, text.replace('\n', "\r\n").as_bytes());
    assert_eq!(problems, [UnscannedReason::LimitDepth]);
}

#[test]
fn ten_thousand_parts_say_that_there_are_more() {
    let mut text = String::from("From: a@example.org\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n");
    text += &"--b\n\nx\n".repeat(20_000);
    let walk = walk(text.replace('\n', "\r\n").as_bytes(), Limits::default());
    assert!(walk.reasons.contains(&UnscannedReason::LimitObjects), "{:?}", walk.reasons);
    assert!(walk.names.len() <= 10_000);
}

#[test]
fn a_part_over_the_limit_is_cut_and_says_so() {
    let text = MIXED.replace("Hello", &"Hello ".repeat(1000)).replace('\n', "\r\n");
    let walk = walk(text.as_bytes(), Limits { object_bytes: 1000, ..Limits::default() });
    assert!(walk.reasons.contains(&UnscannedReason::LimitBytes));
}

#[test]
fn what_only_another_reading_has_comes_last_and_cannot_be_edited() {
    let text = MIXED.replace("boundary=outer", "boundary=other; boundary=outer").replace(
        "--outer--",
        "--outer--\n--other\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nc2VjcmV0\n--other--",
    );
    let found = parts(&text);
    let hidden: Vec<&Member> = found.iter().filter(|member| member.hidden).collect();
    assert!(hidden.iter().any(|member| member.content == b"Hello"), "{hidden:?}");
    assert!(hidden.iter().all(|member| member.entity.is_none() && member.part.contains('~')), "{hidden:?}");
    assert!(found.iter().any(|member| member.content == b"secret"), "{found:?}");
    let first = found.iter().position(|member| member.hidden).unwrap();
    assert!(found[first..].iter().all(|member| member.hidden), "strict parts come first");
    assert!(found.iter().enumerate().all(|(at, member)| member.index as usize == at));
}

#[test]
fn a_file_in_a_text_is_a_member_of_its_own() {
    let found = parts("From: a@example.org\nSubject: x\n\nsee\nbegin 644 cat.txt\n#0V%T\n`\nend\n");
    assert_eq!(found.len(), 2);
    assert_eq!((&found[1].content[..], name(&found[1]), found[1].part.as_str()), (&b"Cat"[..], "cat.txt", "1~1.1"));
    assert!(found[1].hidden && found[1].attachment);
}

#[test]
fn every_name_that_a_client_may_show_reaches_the_object() {
    let disposition = "Content-Disposition: attachment; ";
    let cases: [(&str, &[&str]); 8] = [
        ("filename*=utf-8''a%E2%80%AEgpj.exe", &["a\u{202e}gpj.exe", "agpj.exe", "aexe.jpg"]),
        ("filename*=utf-8''a.%D0%B5%D1%85%D0%B5", &["a.ехе", "a.exe"]),
        ("filename=\"a.pdf.exe\"", &["a.pdf.exe"]),
        ("filename=\"a.exe. .\"", &["a.exe. .", "a.exe"]),
        ("filename=\"a.exe\0.txt\"", &["a.exe"]),
        ("filename*=utf-8''b.exe; filename=a.txt", &["b.exe", "a.txt"]),
        ("filename=\"=?utf-8?Q?b=2Eexe?=\"", &["b.exe"]),
        ("filename=a.txt\nContent-Type: text/plain; name=b.exe", &["a.txt", "b.exe"]),
    ];
    for (value, expected) in cases {
        let text = format!("From: a@example.org\nSubject: x\n{disposition}{value}\n\nx\n");
        let (found, _) = members(FileKind::Message, text.replace('\n', "\r\n").as_bytes());
        let names: Vec<&str> =
            found[0].name.iter().chain(&found[0].other_names).map(|name| name.raw().as_str()).collect();
        for name in expected {
            assert!(names.contains(name), "{name:?} not in {names:?}");
        }
    }
}

#[test]
fn an_archive_behind_the_header_of_an_attached_message_is_given_whatever_its_kind() {
    let message = |inner: &[u8]| {
        let head = b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
            Content-Type: message/rfc822; name=\"a.arj\"\r\n\r\nSubject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        [&head[..], inner, b"\r\n--b--\r\n"].concat()
    };
    let mut tar = crate::tars::entry("hidden.txt", b'0', 6, b"a word");
    tar.resize(10_240, 0);
    for file in [
        crate::samples::stored_sample("arj_1"),
        crate::samples::stored_sample("lha"),
        tar,
        crate::support::gzip(None, b"a word"),
    ] {
        let (found, _) = members(FileKind::Message, &message(&file));
        let given = found.iter().find(|it| it.hidden && it.content.starts_with(&file));
        let given = given.unwrap_or_else(|| panic!("{:?} is not given", unpack::detect(&file)));
        assert_eq!(unpack::detect(&given.content), unpack::detect(&file));
    }
    // More marks than are looked at are said.
    let (found, _) = members(FileKind::Message, &message(&b"\x60\xea\x28\x0a".repeat(400_000)));
    assert!(found.iter().any(|it| it.hidden && it.problems == [UnscannedReason::LimitObjects]));
}
