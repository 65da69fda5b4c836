//! Archives whose members stand unpacked: cpio, ar, ISO 9660.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::support::{members, name, noise, walk};
use crate::tools::Folder;

fn files(folder: &str) -> Folder {
    let folder = Folder::new(folder);
    folder.write("in/first.txt", b"The first of two small files.\n");
    folder.write("in/sub/A long name, with a comma.bin", &noise(70_001, 3));
    folder.write("in/empty", b"");
    folder
}

fn find<'a>(members: &'a [Member], wanted: &str) -> &'a Member {
    let all: Vec<&str> = members.iter().map(name).collect();
    members.iter().find(|member| name(member) == wanted).unwrap_or_else(|| panic!("{wanted} is not in {all:?}"))
}

#[test]
fn every_kind_of_cpio_is_read() {
    let folder = files("cpio");
    for kind in ["newc", "crc", "odc", "bin", "tar", "ustar"] {
        let line = format!("cd in && find . | cpio -o --quiet -H {kind}");
        let Some(data) = folder.shell("cpio", &line) else { return };
        let wanted = if kind.ends_with("tar") { FileKind::Tar } else { FileKind::Cpio };
        assert_eq!(detect(&data), wanted, "{kind}");
        let (members, problems) = members(wanted, &data);
        assert_eq!((members.len(), problems.len()), (3, 0), "{kind}");
        assert_eq!(find(&members, "first.txt").content, b"The first of two small files.\n", "{kind}");
        assert!(find(&members, "sub/A long name, with a comma.bin").content == noise(70_001, 3), "{kind}");
    }
}

#[test]
fn what_stands_behind_the_trailer_of_cpio_is_unlisted() {
    let folder = files("cpio-behind");
    let Some(one) = folder.shell("cpio", "cd in && echo first.txt | cpio -o --quiet -H newc") else { return };
    let (found, problems) = members(FileKind::Cpio, &[&one[..], &one, b"MZ a program"].concat());
    assert_eq!(problems, []);
    let told: Vec<(&str, bool)> = found.iter().map(|member| (name(member), member.hidden)).collect();
    assert_eq!(told, [("first.txt", false), ("first.txt", true), ("", true)]);
    assert_eq!(found[2].content, b"MZ a program");
    let (found, problems) = members(FileKind::Cpio, &one[..130]);
    assert_eq!((found.len(), &problems[..]), (1, &[UnscannedReason::Damaged][..]));
    assert_eq!(found[0].problems, [UnscannedReason::Damaged]);
}

#[test]
fn ar_with_names_of_gnu_and_of_bsd_is_read() {
    let folder = files("ar");
    folder.write("a_rather_long_name_of_a_member.txt", b"long");
    folder.write("odd", b"odd");
    if folder.run("ar", &["rc", "out.a", "in/first.txt", "a_rather_long_name_of_a_member.txt", "odd"]).is_none() {
        return;
    }
    let data = folder.read("out.a");
    assert_eq!(detect(&data), FileKind::Ar);
    let (found, problems) = members(FileKind::Ar, &data);
    assert_eq!(problems, []);
    assert_eq!(find(&found, "first.txt").content, b"The first of two small files.\n");
    assert_eq!(find(&found, "a_rather_long_name_of_a_member.txt").content, b"long");
    assert_eq!(find(&found, "odd").content, b"odd");
    assert!(find(&found, "//").hidden);
    let bsd = b"!<arch>\n#1/20           0           0     0     100644  27        `\nwith blanks in it\0\0\0content\n";
    let (found, problems) = members(FileKind::Ar, bsd);
    assert_eq!((name(&found[0]), &found[0].content[..], problems.len()), ("with blanks in it", &b"content"[..], 0));
    let (found, problems) = members(FileKind::Ar, &[bsd, &b"junk behind"[..]].concat());
    assert_eq!((found.len(), &problems[..]), (2, &[UnscannedReason::Damaged][..]));
    assert!(found[1].hidden && found[1].content == b"junk behind");
}

#[test]
fn iso_images_of_every_level_are_read() {
    let folder = files("iso");
    let plain = "sub/A_LONG_N.BIN";
    let cases: [(&[&str], &str); 5] = [
        (&["-iso-level", "1"], plain),
        (&["-r"], "sub/A long name, with a comma.bin"),
        (&["-J"], "sub/A long name, with a comma.bin"),
        (&["-J", "-r"], "sub/A long name, with a comma.bin"),
        (&["-iso-level", "4"], "sub/A long name, with a comma.bin"),
    ];
    for (options, long) in cases {
        let arguments = [options, &["-quiet", "-o", "out.iso", "in"][..]].concat();
        if folder.run("genisoimage", &arguments).is_none() {
            return;
        }
        let data = folder.read("out.iso");
        assert_eq!(detect(&data), FileKind::Iso);
        let (found, problems) = members(FileKind::Iso, &data);
        assert_eq!(problems, [], "{options:?}");
        let found_long = found.iter().find(|member| name(member).eq_ignore_ascii_case(long));
        let all: Vec<&str> = found.iter().map(name).collect();
        assert!(found_long.is_some_and(|member| member.content == noise(70_001, 3)), "{options:?}: {all:?}");
        assert_eq!(found.iter().filter(|member| !member.hidden).count(), 3, "{options:?}: {all:?}");
        assert!(found.iter().all(|member| !member.hidden && member.problems.is_empty()), "{options:?}");
    }
}

#[test]
fn what_an_image_lies_about_is_told() {
    let folder = files("iso-lies");
    if folder.run("genisoimage", &["-quiet", "-J", "-o", "out.iso", "in"]).is_none() {
        return;
    }
    let data = folder.read("out.iso");
    // A file that is only in the tree that Windows does not show.
    let mut hiding = data.clone();
    let at = memchr::memmem::find(
        &hiding,
        "first.txt".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>().as_slice(),
    )
    .unwrap();
    hiding[at - 33 + 2] ^= 1;
    let walk_of = walk(&hiding, Limits::default());
    assert!(walk_of.reasons.contains(&UnscannedReason::Damaged), "{:?}", walk_of.reasons);
    let (found, _) = members(FileKind::Iso, &hiding);
    assert!(found.iter().any(|member| member.hidden && member.content == b"The first of two small files.\n"));
    let (found, problems) = members(FileKind::Iso, &data[..100_000]);
    let told = problems.contains(&UnscannedReason::Damaged)
        || found.iter().any(|member| member.problems.contains(&UnscannedReason::Damaged));
    assert!(told);
}

#[test]
fn folders_that_hold_themselves_and_files_that_share_their_sectors_end() {
    let folder = Folder::new("iso-loop");
    folder.write("in/sub/file", &noise(2000, 1));
    if folder.run("genisoimage", &["-quiet", "-o", "out.iso", "in"]).is_none() {
        return;
    }
    let mut data = folder.read("out.iso");
    // The folder's record now points at the folder above it.
    let at = memchr::memmem::find_iter(&data, b"SUB").last().unwrap() - 33;
    let root = data[16 * 2048 + 156 + 2..16 * 2048 + 156 + 18].to_vec();
    data[at + 2..at + 18].copy_from_slice(&root);
    let walk = walk(&data, Limits::default());
    assert!(walk.names.len() < 10, "{:?}", walk.names);
}
