//! What stands behind, in front of or inside of other files, and what stands on disks that have no files.

use mail::defect::Ambiguity;
use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Budget, Limits, Opening, StopFlag, detect, open};

use crate::samples::stored_sample;
use crate::support::{deflated, everything, gzip, members, noise, open_all};
use crate::tars::entry;
use crate::tools::Folder;

const HIDDEN: &[u8] = b"what nobody is meant to see";

/// Whether the hidden text is found, and nothing in front of it hides it.
fn finds_it(data: &[u8], what: &str) {
    let (found, reasons) = everything(data);
    assert!(found.iter().any(|content| content == HIDDEN), "{what}: {:?}, {reasons:?}", detect(data));
}

/// All that was not read.
fn reasons(data: &[u8]) -> Vec<UnscannedReason> {
    everything(data).1.into_iter().collect()
}

/// An archive by tar with the hidden text, with the mark that all newer writers put into it.
fn tar() -> Vec<u8> {
    let mut out = entry("hidden.txt", b'0', HIDDEN.len() as u64, HIDDEN);
    out[257..265].copy_from_slice(b"ustar\x0000");
    crate::tars::sum(&mut out[..512]);
    out.resize(10_240, 0);
    out
}

/// A program for DOS that ends after a page.
fn dos() -> Vec<u8> {
    let mut out = b"MZ\0\0\x01\0".to_vec();
    out.extend(noise(506, 3));
    out[60..64].fill(0xff);
    out
}

/// An ELF program with one segment.
fn elf() -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(64, 0);
    out[32..40].copy_from_slice(&64_u64.to_le_bytes());
    (out[54], out[56]) = (56, 1);
    let mut segment = vec![0; 56];
    segment[8..16].copy_from_slice(&0_u64.to_le_bytes());
    segment[32..40].copy_from_slice(&600_u64.to_le_bytes());
    out.extend(segment);
    out.extend(noise(480, 4));
    out
}

/// A text in RTF.
fn rtf() -> Vec<u8> {
    b"{\\rtf1\\ansi {\\b some} text\\par}\r\n".to_vec()
}

fn pdf() -> Vec<u8> {
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n".to_vec()
}

#[test]
fn streams_and_archives_behind_programs_scripts_and_documents_are_read() {
    let script = b"#!/bin/sh\ntail -n +4 \"$0\" | tar x\nexit 0\n".to_vec();
    let zip = deflated(&[("note.txt", b"a note")]);
    let fronts = [("dos", dos()), ("elf", elf()), ("script", script), ("rtf", rtf()), ("pdf", pdf()), ("zip", zip)];
    let behind = [("tar", tar()), ("tar.gz", gzip(None, &tar())), ("gz", gzip(Some("hidden.txt"), HIDDEN))];
    for (front, bytes) in &fronts {
        for (name, hidden) in &behind {
            finds_it(&[&bytes[..], hidden].concat(), &format!("{front} + {name}"));
        }
    }
}

#[test]
fn archives_of_older_kinds_are_found_behind_anything() {
    let folder = Folder::new("overlays");
    folder.write("hidden.txt", HIDDEN);
    let Some(_) = folder.run("arj", &["a", "-y", "a.arj", "hidden.txt"]) else { return };
    let Some(_) = folder.run("genisoimage", &["-quiet", "-o", "a.iso", "hidden.txt"]) else { return };
    let Some(_) = folder.shell("cpio", "echo hidden.txt | cpio -o -H newc > a.cpio 2> log") else { return };
    let lha = stored_sample("lha");
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &noise(700, 2)].concat();
    for (front, bytes) in [("noise", noise(333, 6)), ("a picture", picture), ("dos", dos()), ("elf", elf())] {
        for name in ["a.arj", "a.iso", "a.cpio"] {
            let hidden = folder.read(name);
            finds_it(&[&bytes[..], &hidden].concat(), &format!("{front} + {name}"));
            // Marks without an archive in front.
            let decoys = [&bytes[..], &b"\x60\xea\x30\0\x0107070707\x01CD001\x01".repeat(300), &hidden].concat();
            finds_it(&decoys, &format!("{front} + decoys + {name}"));
        }
        let (wanted, _) = everything(&lha);
        let (found, _) = everything(&[&bytes[..], &lha].concat());
        assert!(wanted.iter().skip(1).all(|content| found.contains(content)), "{front} + lha");
    }
    // The program that makes itself an archive puts its own in front.
    if folder.run("arj", &["a", "-y", "-je", "sfx", "hidden.txt"]).is_some() {
        for name in ["sfx.com", "SFX.COM", "sfx.exe", "SFX.EXE", "sfx"] {
            if folder.has(name) {
                finds_it(&folder.read(name), name);
            }
        }
    }
}

#[test]
fn what_stands_behind_a_disk_or_a_disc_is_read() {
    let folder = Folder::new("overlays-disks");
    folder.write("note.txt", b"a note");
    folder.write("hidden.txt", HIDDEN);
    let Some(_) = folder.run("genisoimage", &["-quiet", "-o", "disc", "note.txt"]) else { return };
    let Some(_) = folder.run("mkfs.fat", &["-C", "-F", "12", "disk", "1440"]) else { return };
    let Some(_) = folder.run("7z", &["a", "a.7z", "hidden.txt"]) else { return };
    let mut fronts = vec!["disc", "disk"];
    for (format, name) in [("vpc", "vhd"), ("vhdx", "vhdx")] {
        let Some(_) = folder.run("qemu-img", &["convert", "-f", "raw", "-O", format, "disk", name]) else { return };
        fronts.push(name);
    }
    let archives = [
        ("tar", tar()),
        ("tar.gz", gzip(None, &tar())),
        ("7z", folder.read("a.7z")),
        ("zip", deflated(&[("hidden.txt", HIDDEN)])),
    ];
    for front in fronts {
        let bytes = folder.read(front);
        assert_eq!(reasons(&bytes), [], "{front}");
        for (name, hidden) in &archives {
            finds_it(&[&bytes[..], hidden].concat(), &format!("{front} + {name}"));
        }
    }
}

#[test]
fn disks_without_files_are_nothing_only_where_nothing_is_written() {
    let folder = Folder::new("bare");
    folder.write("hidden.txt", HIDDEN);
    let Some(_) = folder.run("genisoimage", &["-quiet", "-o", "disc", "hidden.txt"]) else { return };
    folder.write("zip", &[&deflated(&[("hidden.txt", HIDDEN)])[..], &vec![0; 100_000]].concat());
    folder.write("noise", &[&vec![0; 70_000][..], &noise(5000, 2), &vec![0; 100_000]].concat());
    folder.write("empty", &vec![0; 300_000]);
    for format in ["vpc", "vhdx"] {
        for name in ["disc", "zip", "noise", "empty"] {
            let Some(_) = folder.run("qemu-img", &["convert", "-f", "raw", "-O", format, name, "out"]) else { return };
            let data = folder.read("out");
            let what = format!("{name} as {format}");
            match name {
                "noise" => assert_eq!(reasons(&data), [UnscannedReason::UnknownFormat], "{what}"),
                "empty" => assert_eq!(reasons(&data), [], "{what}"),
                _ => finds_it(&data, &what),
            }
        }
    }
}

#[test]
fn file_systems_that_are_not_read_are_told_wherever_they_stand() {
    let folder = Folder::new("bare-linux");
    folder.write("ext4", &vec![0; 4 << 20]);
    let Some(_) = folder.run("mkfs.ext4", &["-q", "-F", "ext4"]) else { return };
    let bare = folder.read("ext4");
    assert_eq!(detect(&bare), FileKind::DiskImage);
    assert_eq!(reasons(&bare), [UnscannedReason::UnknownFormat]);
    let mut parted = vec![0; 512];
    parted[450] = 0x83;
    parted[454..458].copy_from_slice(&1_u32.to_le_bytes());
    parted[458..462].copy_from_slice(&((bare.len() / 512) as u32).to_le_bytes());
    parted[510..].copy_from_slice(b"\x55\xaa");
    parted.extend(&bare);
    assert_eq!(reasons(&parted), [UnscannedReason::UnknownFormat]);
    for format in ["vpc", "vhdx"] {
        let Some(_) = folder.run("qemu-img", &["convert", "-f", "raw", "-O", format, "ext4", "out"]) else { return };
        assert_eq!(reasons(&folder.read("out")), [UnscannedReason::UnknownFormat], "{format}");
    }
}

/// A disc's image in raw sectors: mark, address and mode in front of the data, checksums behind it.
fn raw(disc: &[u8], stride: usize, mode: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for sector in disc.chunks(2048) {
        let from = out.len();
        if stride == 2336 {
            out.extend([0; 8]);
        } else {
            out.extend(b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x02\0");
            out.push(mode);
            out.extend(vec![0; if mode == 2 { 8 } else { 0 }]);
        }
        out.extend(sector);
        out.resize(from + stride, 0x5a);
    }
    out
}

#[test]
fn discs_in_raw_sectors_are_read() {
    let folder = Folder::new("raw-discs");
    folder.write("hidden.txt", HIDDEN);
    let Some(_) = folder.run("genisoimage", &["-quiet", "-o", "disc", "hidden.txt"]) else { return };
    let disc = folder.read("disc");
    for (stride, mode) in [(2352, 1), (2352, 2), (2448, 1), (2336, 2)] {
        let image = raw(&disc, stride, mode);
        assert_eq!(detect(&image), FileKind::DiskImage, "{stride}");
        finds_it(&image, &format!("{stride}, mode {mode}"));
    }
    // What stands where a disc has no data is seen, too, and so are addresses that no disc has.
    let mut image = raw(&disc, 2352, 1);
    let mut other = deflated(&[("other.txt", b"behind the data")]);
    other.resize(288, 0);
    let end = image.len() - 288;
    image[end..].copy_from_slice(&other);
    image[12..15].fill(0xff);
    finds_it(&image, "with an archive beside the data");
    assert!(everything(&image).0.iter().any(|content| content == b"behind the data"));
    // A last sector that is cut off is said.
    let image = raw(&disc, 2352, 1);
    assert!(reasons(&image[..image.len() - 1000]).contains(&UnscannedReason::Damaged));
}

#[test]
fn what_only_begins_like_a_raw_disc_hides_nothing() {
    let mark = b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0";
    let mut front = noise(60_000, 4);
    for stride in [2352, 2448] {
        front[..12].copy_from_slice(mark);
        front[stride..stride + 12].copy_from_slice(mark);
        // A time that no disc has.
        front[12..16].copy_from_slice(&[0, 0x60, 0, 1]);
        for hidden in [deflated(&[("hidden.txt", HIDDEN)]), gzip(None, &tar()), tar()] {
            finds_it(&[&front[..], &deflated(&[("hidden.txt", HIDDEN)]), &hidden].concat(), "behind marks");
        }
        assert_ne!(detect(&front), FileKind::DiskImage, "{stride}");
    }
    // A text stays one, whatever stands where a disc has its name.
    let mut text = b"a line of a text\r\n".repeat(4000);
    text[37_384..37_390].copy_from_slice(b"xCD001");
    assert_eq!(detect(&text), FileKind::Text);
    // And a disc behind a text is found.
    let mut both = vec![b'x'; 37_384 + 2336];
    both[37_384..37_391].copy_from_slice(b"\x01CD001\x01");
    assert_eq!(detect(&both), FileKind::Text);
    assert!(!members(FileKind::Text, &both).0.is_empty());
}

#[test]
fn a_message_with_more_behind_it_stays_as_ambiguous_as_it_is() {
    let message = b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\
                    Content-Type: text/html\r\n\r\nbody\r\n";
    let ambiguity =
        |data: &[u8]| match open(FileKind::Message, data, &mut Budget::new(Limits::default(), StopFlag::new())) {
            Opening::Container(container) => container.ambiguity(),
            other => panic!("{other:?}"),
        };
    let alone = ambiguity(message);
    assert!(alone > Ambiguity::None);
    for behind in [&b"\x60\xea\x28\x0a".repeat(400_000)[..], &tar()] {
        assert_eq!(ambiguity(&[&message[..], behind].concat()), alone);
    }
}

#[test]
fn more_marks_than_are_looked_at_are_told_by_whoever_opens_the_file() {
    let marks = b"\x60\xea\x28\x0a".repeat(400_000);
    let data = [&b"\0\x01\x02\x03"[..], &marks, &tar()].concat();
    assert_eq!(detect(&data), FileKind::Unknown);
    assert_eq!(open_all(detect(&data), &data), (Vec::new(), vec![UnscannedReason::LimitObjects]));
    let (_, problems) = open_all(FileKind::Rtf, &[&b"{\\rtf1 x}"[..], &b"}\x60\xea\x28\x0a".repeat(400_000)].concat());
    assert_eq!(problems, [UnscannedReason::LimitObjects]);
}

#[test]
fn streams_behind_marks_that_are_not_all_looked_at_are_told() {
    let marks = [&b"\0\x01"[..], &b"BZh".repeat(300_000), &gzip(None, HIDDEN)].concat();
    let zip = deflated(&[("note.txt", b"a note")]);
    for (front, bytes) in [("dos", dos()), ("elf", elf()), ("zip", zip), ("pdf", pdf())] {
        let found = reasons(&[&bytes[..], &marks].concat());
        assert!(found.contains(&UnscannedReason::LimitObjects), "{front}: {found:?}");
    }
    // Archives between which a little stands each time share what may be looked at.
    let part = [&b"\0\x01"[..], &b"\x60\xea\x28\x0a".repeat(1000)].concat();
    let member = deflated(&[("note.txt", b"a note")]);
    let found = reasons(&[&member[..], &[&part[..], &member].concat().repeat(100)].concat());
    assert!(found.contains(&UnscannedReason::LimitObjects), "{found:?}");
}

#[test]
fn what_is_opened_elsewhere_in_a_program_hides_nothing_behind_it() {
    let zip = deflated(&[("note.txt", b"a note")]);
    let tar = gzip(None, &tar());
    let lead = [&b"\0\x01"[..], &noise(99, 7)].concat();
    for (front, bytes) in [("dos", dos()), ("elf", elf())] {
        for between in [&b""[..], &lead] {
            let hidden = [&bytes[..], between, &tar, &zip].concat();
            finds_it(&hidden, &format!("{front}, {} bytes, in front of a zip", between.len()));
            let (found, _) = everything(&hidden);
            assert!(found.iter().any(|content| content == b"a note"), "{front}");
            let hidden = [&bytes[..], between, &zip, &tar].concat();
            finds_it(&hidden, &format!("{front}, {} bytes, behind a zip", between.len()));
            let hidden = [&bytes[..], between, &stored_sample("7z_lzma2"), &tar].concat();
            finds_it(&hidden, &format!("{front}, {} bytes, behind 7z", between.len()));
        }
        // A program that may be read as a document, too.
        let mut both = bytes.clone();
        both[300..315].copy_from_slice(b"%PDF-1.4 obj xx");
        for between in [&b""[..], &lead] {
            finds_it(&[&both[..], between, &tar].concat(), &format!("{front}, {} bytes, as PDF", between.len()));
        }
        // What is an archive and nothing else is opened once.
        let (found, _) = open_all(detect(&bytes), &[&bytes[..], &zip].concat());
        assert_eq!(found.len(), 1, "{front}");
    }
}

#[test]
fn marks_of_another_length_beside_the_data_hide_no_disc() {
    let folder = Folder::new("raw-strides");
    folder.write("hidden.txt", HIDDEN);
    let Some(_) = folder.run("genisoimage", &["-quiet", "-o", "disc", "hidden.txt"]) else { return };
    let disc = folder.read("disc");
    let mark = b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x02\0\x01";
    // In the subchannels of the first sector, and where the next ones have their checksums.
    let mut image = raw(&disc, 2448, 1);
    for sector in 1..4 {
        image[sector * 2352..][..16].copy_from_slice(mark);
    }
    assert_eq!(detect(&image), FileKind::DiskImage);
    finds_it(&image, "2448");
    // Short sectors with marks in front of the first descriptor.
    let mut image = raw(&disc, 2336, 2);
    for sector in 0..4 {
        image[sector * 2352..][..16].copy_from_slice(mark);
    }
    assert_eq!(detect(&image), FileKind::DiskImage);
    finds_it(&image, "2336");
}
