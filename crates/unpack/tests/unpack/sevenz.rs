//! 7z: methods, solid archives, passwords, damage.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::support::{members, name, noise, walk};
use crate::tools::Folder;

/// Files with something for every filter: text, noise, and what looks like calls in a program.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("text.txt", &b"The same line, over and over.\n".repeat(2000));
    folder.write("sub/noise.bin", &noise(30_000, 5));
    folder.write(
        "program.bin",
        &[&b"\xe8\x12\x34\x56\x00\x90\x0f\x84\x00\x01\0\0"[..], &noise(20, 6)].concat().repeat(800),
    );
    folder.write("empty", b"");
    folder
}

/// What 7-Zip makes of these files.
fn made(folder: &Folder, options: &[&str]) -> Option<Vec<u8>> {
    let arguments = [&["a", "-bd", "-y"][..], options, &["out.7z", "text.txt", "sub", "program.bin", "empty"]].concat();
    folder.run("7z", &arguments)?;
    let data = folder.read("out.7z");
    folder.remove("out.7z");
    Some(data)
}

fn all(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    assert_eq!(detect(data), FileKind::SevenZip);
    members(FileKind::SevenZip, data)
}

#[test]
fn every_method_and_filter_is_read() {
    let folder = folder("sevenz");
    let cases: [&[&str]; 16] = [
        &[],
        &["-mx=9"],
        &["-m0=Copy"],
        &["-m0=LZMA"],
        &["-m0=PPMd"],
        &["-m0=BZip2"],
        &["-m0=Deflate"],
        &["-m0=Deflate64"],
        &["-m0=Delta:4", "-m1=LZMA2"],
        &["-m0=BCJ", "-m1=LZMA"],
        &["-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA", "-mb0:1", "-mb0s1:2", "-mb0s2:3"],
        &["-m0=ARM64", "-m1=LZMA2"],
        &["-m0=PPC", "-m1=LZMA2"],
        &["-ms=off"],
        &["-mhc=off"],
        &["-mqs=on", "-ms=20k"],
    ];
    for options in cases {
        let Some(data) = made(&folder, options) else { return };
        let (members, problems) = all(&data);
        assert_eq!(problems, [], "{options:?}");
        for (path, file) in [
            ("text.txt", "text.txt"),
            ("sub/noise.bin", "sub/noise.bin"),
            ("program.bin", "program.bin"),
            ("empty", "empty"),
        ] {
            let member = members.iter().find(|member| name(member) == path).unwrap();
            assert_eq!(member.problems, [], "{options:?} {path}");
            assert!(member.content == folder.read(file), "{options:?} {path}");
        }
        assert_eq!(members.len(), 4, "{options:?}: folders are passed over");
    }
}

#[test]
fn what_has_a_password_is_encrypted() {
    let folder = folder("sevenz-password");
    let Some(data) = made(&folder, &["-psecret"]) else { return };
    let (members, problems) = all(&data);
    assert_eq!((members.len(), problems.len()), (4, 0));
    let encrypted = members.iter().filter(|member| member.problems == [UnscannedReason::Encrypted]);
    assert_eq!(encrypted.count(), 3, "all but the empty one");
    let Some(data) = made(&folder, &["-psecret", "-mhe=on"]) else { return };
    let (members, problems) = all(&data);
    assert_eq!((members.len(), &problems[..]), (0, &[UnscannedReason::Encrypted][..]));
}

#[test]
fn a_damaged_member_takes_only_its_folder_with_it() {
    let folder = folder("sevenz-damage");
    let Some(mut data) = made(&folder, &["-ms=off", "-m0=LZMA"]) else { return };
    data[60] ^= 0x55;
    let (members, problems) = all(&data);
    assert_eq!(problems, []);
    let damaged = members.iter().filter(|member| !member.problems.is_empty());
    assert_eq!(damaged.count(), 1);
    assert!(members.iter().any(|member| member.content == folder.read("sub/noise.bin")));
}

#[test]
fn an_archive_without_its_header_is_damage() {
    let folder = folder("sevenz-cut");
    let Some(data) = made(&folder, &[]) else { return };
    let (members, problems) = all(&data[..data.len() - 10]);
    assert_eq!((members.len(), &problems[..]), (0, &[UnscannedReason::Damaged][..]));
}

#[test]
fn what_stands_behind_the_archive_is_an_unlisted_member() {
    let folder = folder("sevenz-trailing");
    let Some(data) = made(&folder, &["-m0=Copy"]) else { return };
    let (members, problems) = all(&[&data[..], b"MZ a program"].concat());
    assert_eq!((members.len(), problems.len()), (5, 0));
    assert!(members[4].hidden && members[4].content == b"MZ a program");
}

#[test]
fn a_large_member_does_not_keep_the_next_in_its_folder_from_being_read() {
    let folder = folder("sevenz-large");
    let Some(data) = made(&folder, &["-ms=on"]) else { return };
    let limits = Limits { object_bytes: 35_000, ..Limits::default() };
    let walk = walk(&data, limits);
    assert!(walk.reasons.contains(&UnscannedReason::LimitBytes), "{:?}", walk.reasons);
    assert!(!walk.reasons.contains(&UnscannedReason::Damaged), "{:?}", walk.reasons);
    assert_eq!(walk.names.len(), 4);
}

#[test]
fn bombs_end_by_ratio() {
    let folder = Folder::new("sevenz-bomb");
    folder.write("zeros", &vec![0; 20 << 20]);
    if folder.run("7z", &["a", "-bd", "-y", "out.7z", "zeros"]).is_none() {
        return;
    }
    let walk = walk(&folder.read("out.7z"), Limits::default());
    assert!(walk.reasons.contains(&UnscannedReason::LimitRatio), "{:?}", walk.reasons);
    assert!(walk.bytes < 8 << 20);
}
