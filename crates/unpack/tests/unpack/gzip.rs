//! gzip: streams, names, padding and damage.

use mail::evidence::{FileKind, UnscannedReason};

use crate::support::{gzip, members, name, noise};

fn only(data: &[u8]) -> unpack::Member {
    let (mut found, problems) = members(FileKind::Gzip, data);
    assert!(problems.is_empty());
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn content_and_name_are_read() {
    let content = noise(200_000, 1);
    let member = only(&gzip(Some("data.bin"), &content));
    assert_eq!((name(&member), member.content == content, member.problems.len()), ("data.bin", true, 0));
    let member = only(&gzip(None, b""));
    assert_eq!((member.name, member.content, member.problems.len()), (None, vec![], 0));
}

#[test]
fn streams_behind_one_another_are_one_content_with_all_names() {
    let data = [gzip(Some("a"), b"first, "), gzip(Some("b"), b"second"), gzip(Some("a"), b".")].concat();
    let member = only(&data);
    assert_eq!((name(&member), &member.content[..]), ("a", &b"first, second."[..]));
    assert_eq!(member.other_names[0].raw(), "b");
    assert!(member.problems.is_empty());
}

#[test]
fn zero_padding_is_sound_and_anything_else_is_damage() {
    let good = gzip(None, b"content");
    let cases = [(&[0_u8; 512][..], 0), (b"x", 1), (b"\0\0x", 1), (b"\x1f\x8b", 1)];
    for (behind, problems) in cases {
        let (found, _) = members(FileKind::Gzip, &[&good[..], behind].concat());
        assert_eq!((&found[0].content[..], found[0].problems.len()), (&b"content"[..], problems), "{behind:?}");
        let rest = found.get(1).map(|member| (member.hidden, &member.content[..]));
        assert_eq!(rest, (problems > 0).then_some((true, behind)), "{behind:?}");
    }
}

#[test]
fn damage_keeps_what_came() {
    let content = noise(100_000, 2);
    let good = gzip(None, &content);
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let mut wrong_size = good.clone();
    *wrong_size.last_mut().unwrap() ^= 1;
    let cut = good[..50_000].to_vec();
    for data in [wrong_sum, wrong_size, cut] {
        let member = only(&data);
        assert_eq!(member.problems, [UnscannedReason::Damaged]);
        assert!(member.content.len() > 40_000 && content.starts_with(&member.content));
    }
}

#[test]
fn every_optional_field_of_the_head_is_passed() {
    let stream = gzip(None, b"content");
    for (flags, fields) in
        [(4, &b"\x03\0abc"[..]), (8, b"name\0"), (16, b"comment\0"), (2, b"\0\0"), (30, b"\x01\0xname\0comment\0\0\0")]
    {
        let mut data = stream[..10].to_vec();
        data[3] = flags;
        data.extend(fields);
        data.extend(&stream[10..]);
        let member = only(&data);
        assert_eq!((&member.content[..], member.problems.len()), (&b"content"[..], 0), "{flags}");
        assert_eq!(name(&member), if flags & 8 != 0 { "name" } else { "" });
    }
}

#[test]
fn a_head_without_end_is_damage() {
    let mut data = gzip(None, b"");
    data[3] = 8;
    data.truncate(10);
    data.extend([b'x'; 1000]);
    assert_eq!(only(&data).problems, [UnscannedReason::Damaged]);
}
