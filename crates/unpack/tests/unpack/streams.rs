//! Compressed files without an archive: every compressor, several streams, what stands behind them.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::support::{members, noise, walk};
use crate::tools::Folder;

/// Program and arguments that write a compressed file to standard output, and whether the format
/// tells its end and checks its content.
const PROGRAMS: [(&str, &[&str], bool); 12] = [
    ("bzip2", &["-c"], true),
    ("bzip2", &["-1", "-c"], true),
    ("xz", &["-c"], true),
    ("xz", &["-c", "--check=sha256", "--block-size=4096", "--x86", "--lzma2=preset=6"], true),
    ("xz", &["-c", "--check=none"], true),
    ("xz", &["-c", "--format=lzma"], true),
    ("lzip", &["-c"], true),
    ("zstd", &["-c", "-q"], true),
    ("zstd", &["-c", "-q", "--ultra", "-22", "--no-check"], true),
    ("lz4", &["-c", "-q", "-BD"], true),
    ("lz4", &["-c", "-q", "-l"], false),
    ("compress", &["-c", "-f"], false),
];

/// Text that compresses, with some that does not.
fn content() -> Vec<u8> {
    let mut out = Vec::new();
    for line in 0..9000_u64 {
        out.extend(format!("line {line}, of {} words\n", line % 7).as_bytes());
        out.extend(noise((line % 5) as usize, line));
    }
    out
}

/// What each program makes of this content.
fn made(content: &[u8]) -> Vec<(String, Vec<u8>, bool)> {
    // Tests run side by side, and each needs a folder of its own.
    let folder = Folder::new(&format!("streams-{}-{:x}", content.len(), crc32fast::hash(content)));
    folder.write("file", content);
    let make = |(program, arguments, checked): &(&str, &[&str], bool)| {
        let all = [arguments, &["file"][..]].concat();
        Some((format!("{program} {}", all.join(" ")), folder.run(program, &all)?, *checked))
    };
    PROGRAMS.iter().filter_map(make).collect()
}

fn all(data: &[u8]) -> Vec<Member> {
    let (members, problems) = members(FileKind::Compressed, data);
    assert_eq!(problems, []);
    members
}

#[test]
fn what_every_compressor_writes_is_read() {
    for content in [content(), b"x".to_vec()] {
        for (what, data, _) in made(&content) {
            assert_eq!(detect(&data), FileKind::Compressed, "{what}");
            let members = all(&data);
            assert!(members.len() == 1 && members[0].content == content, "{what}");
            assert_eq!(members[0].problems, [], "{what}");
        }
    }
}

#[test]
fn streams_behind_one_another_are_one_content() {
    for (what, data, _) in
        made(b"one and ").into_iter().filter(|(what, ..)| !what.contains("-f file") && !what.contains("lzma"))
    {
        let members = all(&data.repeat(3));
        assert_eq!(members.len(), 1, "{what}");
        assert_eq!(members[0].content, b"one and one and one and ", "{what}");
        assert_eq!(members[0].problems, [], "{what}");
    }
}

#[test]
fn what_stands_behind_the_streams_is_an_unlisted_member() {
    for (what, data, _) in
        made(&content()).into_iter().filter(|(what, ..)| !what.contains("-f file") && !what.contains("-l file"))
    {
        let members = all(&[&data[..], b"PK\x03\x04 and more"].concat());
        assert_eq!(members.len(), 2, "{what}");
        assert_eq!(members[0].content, content(), "{what}");
        assert_eq!(members[0].problems, [UnscannedReason::Damaged], "{what}");
        assert!(members[1].hidden && members[1].content == b"PK\x03\x04 and more", "{what}");
        let padded = all(&[&data[..], &[0; 512]].concat());
        assert!(padded.len() == 1 && padded[0].problems.is_empty(), "{what}: zeros are padding");
    }
}

#[test]
fn damage_keeps_what_came_and_is_told() {
    for (what, data, checked) in made(&content()) {
        let cut = all(&data[..data.len() * 3 / 4]);
        assert!(content().starts_with(&cut[0].content), "{what}");
        if checked {
            assert_eq!(cut[0].problems, [UnscannedReason::Damaged], "{what}");
            // One block of bzip2 holds it all, and so does one of XZ's LZMA2; Zstandard's decoder keeps
            // a window's worth to itself until the end.
            let whole = what.starts_with("bzip2")
                || what.starts_with("zstd")
                || what.starts_with("xz") && !what.contains("lzma ");
            assert!(!cut[0].content.is_empty() || whole, "{what}");
        }
    }
}

#[test]
fn bombs_end_by_ratio() {
    // Some compressors do not reach the ratio.
    for (what, data, _) in made(&vec![0; 8 << 20]).into_iter().filter(|(_, data, _)| data.len() < 8000) {
        let walk = walk(&data, Limits::default());
        assert!(walk.reasons.contains(&UnscannedReason::LimitRatio), "{what}: {:?}", walk.reasons);
        assert!(walk.bytes < 8 << 20, "{what}");
    }
}

#[test]
fn huge_windows_are_a_limit() {
    let lzma = [&b"\x5d\0\0\0\x80"[..], &[0xff; 8], &[0; 64]].concat();
    let lzip = [&b"LZIP\x01\x1d"[..], &[0; 64]].concat();
    let zstd = [&b"\x28\xb5\x2f\xfd\0\xa0\x01\0\0"[..], &[0; 64]].concat();
    for data in [lzma, lzip, zstd] {
        assert_eq!(detect(&data), FileKind::Compressed);
        assert_eq!(all(&data)[0].problems, [UnscannedReason::LimitBytes], "{data:?}");
    }
}

#[test]
fn frames_that_decoders_skip_are_members() {
    let skipped = [&b"\x5a\x2a\x4d\x18\x1c\0\0\0"[..], b"a whole program could be here"].concat();
    let data = [&skipped[..36], &b"\x04\x22\x4d\x18\x60\x40\x82\x04\0\0\x80abcd\0\0\0\0"[..]].concat();
    let members = all(&data);
    assert_eq!((members.len(), &members[0].content[..]), (2, &b"abcd"[..]));
    assert!(members[1].hidden && members[1].content == b"a whole program could be her");
}
