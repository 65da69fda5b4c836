//! OneNote sections: built from the marks that they consist of.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::detect;

use super::seen;
use crate::support::noise;

const SECTION: &[u8] = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
const HEADER: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
const FOOTER: &[u8] = b"\x22\xa7\xfb\x71\x79\x0f\x0b\x4a\xbb\x13\x89\x92\x56\x42\x6b\x24";

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn stored(content: &[u8], length: u64) -> Vec<u8> {
    [HEADER, &length.to_le_bytes(), &[0; 12], content, FOOTER].concat()
}

/// A section with two attached files, of which the first has a name.
pub(crate) fn section() -> Vec<u8> {
    let mut out = SECTION.to_vec();
    out.resize(1024, 0);
    out.extend(wide("Double click to view"));
    out.extend([0; 6]);
    out.extend(b"an ascii line of text\0\0");
    out.extend(wide("Invoice 7.hta"));
    out.extend([0; 6]);
    out.extend(wide("<ifndf>{00112233-4455-6677-8899-AABBCCDDEEFF}"));
    out.extend(4_u32.to_le_bytes());
    out.extend(wide(".hta"));
    out.extend([0; 6]);
    let at = out.len() + 8 + 16 + 32;
    out.extend((at as u32).to_le_bytes());
    out.extend(9_u32.to_le_bytes());
    out.extend(b"\x33\x22\x11\0\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff");
    out.extend([0; 32]);
    assert_eq!(out.len(), at);
    out.extend(stored(b"<script>1</script>", 18));
    out.extend(stored(b"second", 6));
    out
}

#[test]
fn attached_files_are_found_with_their_names() {
    assert_eq!(detect(&section()), FileKind::OneNote);
    let found = seen(&section());
    let expected = [("Invoice 7.hta".to_owned(), b"<script>1</script>".to_vec()), (String::new(), b"second".to_vec())];
    assert_eq!(found.files, expected);
    assert!(
        found.text.contains("Double click to view") && found.text.contains("an ascii line of text"),
        "{}",
        found.text
    );
    assert!(!found.text.contains("script"));
    assert_eq!(found.problems, []);
}

#[test]
fn a_name_may_stand_beside_the_place_where_the_file_came_from() {
    // Where there are zeros, so that nothing moves.
    let mut data = section();
    let path = wide("C:\\Users\\ann\\Invoice 7.hta");
    data[100..100 + path.len()].copy_from_slice(&path);
    assert_eq!(seen(&data).files[0].0, "Invoice 7.hta");
}

#[test]
fn an_archive_in_an_attached_file_is_looked_for_in_that_file_only() {
    let archive = crate::support::archive(zip::CompressionMethod::Stored, &[("inner.txt", b"what is in it")]);
    let attached = [&archive[..], b"and more"].concat();
    let data = [SECTION, &[0; 64], &stored(&attached, attached.len() as u64), &stored(b"next", 4)].concat();
    let found = seen(&data);
    assert_eq!(found.files.iter().map(|file| &file.1[..]).collect::<Vec<_>>(), [&attached[..], b"next"]);
    assert_eq!(found.problems, []);
    // Beside the attached files it counts.
    let beside = [&data[..], &archive].concat();
    assert!(seen(&beside).files.iter().any(|file| file.1 == b"what is in it"));
}

#[test]
fn text_is_told_in_every_writing() {
    let texts = [
        "Платёж просрочен",
        "请点击下面的附件查看您的发票",
        "お支払いを確認してください",
        "송장을확인해주세요지금",
        "Το τιμολόγιο",
    ];
    let mut data = SECTION.to_vec();
    data.resize(256, 0);
    for text in texts {
        data.extend(wide(text));
        data.extend([0; 6]);
    }
    // Numbers, and ASCII in one byte a letter, which in two would be Chinese.
    data.extend((0..200_u16).flat_map(|number| (number.wrapping_mul(40_503) | 0x8000).to_le_bytes()));
    data.extend(b"withoutanyblankthisisnottext1234");
    let found = seen(&data).text;
    for text in texts {
        assert!(found.contains(text), "{text}: {found}");
    }
    assert!(found.chars().count() < 120 && !found.contains('攀'), "{found}");
}

#[test]
fn a_length_that_does_not_fit_is_damage_and_the_mark_behind_ends_the_file() {
    let data = [SECTION, &stored(b"content", u64::MAX), &stored(b"next", 4)].concat();
    let found = seen(&data);
    assert_eq!(found.files.iter().map(|file| file.1.as_slice()).collect::<Vec<_>>(), [&b"content"[..], b"next"]);
    assert_eq!(found.problems, [UnscannedReason::Damaged]);
}

#[test]
fn a_section_with_a_password_is_told() {
    let (header, footer) = (0xfb6b_a385_dad1_a067_u64.to_le_bytes(), 0x2649_294f_8e19_8b3c_u64.to_le_bytes());
    let key = [&header[..], &noise(300, 9), &footer].concat();
    let locked = [&section()[..], &key, &stored(&noise(500, 4), 500)].concat();
    let found = seen(&locked);
    assert_eq!((found.problems, found.files.len()), (vec![UnscannedReason::Encrypted], 3));
    // In an attached file the mark says nothing of the section, and alone it says nothing.
    let inner = [&section()[..], &stored(&key, key.len() as u64)].concat();
    assert_eq!(seen(&inner).problems, []);
    assert_eq!(seen(&[&section()[..], &header, b"and no more"].concat()).problems, []);
}

#[test]
fn sections_for_the_web_have_their_files_in_data_elements() {
    let long = noise(40_000, 7);
    let short = b"a short file";
    // A head with the length in it, and one with the length behind it; then the content's own length.
    let head = |length: u32| ((length << 17) | 0x12).to_le_bytes();
    let two = |value: u32| ((value << 2 | 2) as u16).to_le_bytes();
    let three = |value: u32| (value << 3 | 4).to_le_bytes()[..3].to_vec();
    let data = [
        SECTION,
        &noise(200, 1),
        b"\x15",
        &head(short.len() as u32 + 2),
        &two(short.len() as u32),
        short,
        b"\x05\x15",
        &head(0x7fff),
        &three(long.len() as u32 + 3),
        &three(long.len() as u32),
        &long,
        b"\x15\x12\0\0\0 and no more",
    ]
    .concat();
    let files: Vec<Vec<u8>> = seen(&data).files.into_iter().map(|file| file.1).collect();
    assert_eq!(files, [short.to_vec(), long]);
}

#[test]
fn many_marks_take_little_time() {
    for body in [
        HEADER.repeat(200_000),
        b"\x15\x12\0".repeat(1_000_000),
        wide(&"<ifndf>{".repeat(100_000)),
        wide(&"ab\0".repeat(500_000)),
    ] {
        seen(&[SECTION, &body].concat());
    }
}
