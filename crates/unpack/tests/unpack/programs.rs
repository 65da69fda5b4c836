//! Programs: packed ones, what they bring, and what is only told of them.

use mail::evidence::{FileKind, Role, UnscannedReason};
use unpack::detect;

use crate::samples::stored_sample;
use crate::support::{deflated, members, name, noise, open_all, program_of};

/// A text that all packed samples hold.
const TEXT: &[u8] = b"line 22201 of a text that a packed program holds, for its reader to find\n";

fn holds(data: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(data, text).is_some()
}

#[test]
fn programs_of_upx_are_unpacked() {
    for way in ["pe_nrv2b", "pe_nrv2d", "pe_nrv2e", "pe_lzma", "elf_nrv2b", "elf_lzma"] {
        let data = stored_sample(&format!("upx_{way}"));
        assert!(!holds(&data, TEXT), "{way}");
        let (found, problems) = members(detect(&data), &data);
        assert_eq!((found.len(), &problems[..]), (1, &[][..]), "{way}");
        assert_eq!((found[0].role, detect(&found[0].content)), (Role::Decoded, detect(&data)), "{way}");
        assert!(holds(&found[0].content, TEXT), "{way}");
        if way.starts_with("pe") {
            // The filter is undone: the 500th function calls what stands so far in front of it.
            let call = [&[0xe8][..], &(-4007_i32).to_le_bytes()].concat();
            assert!(holds(&found[0].content, &call), "{way}");
        }
    }
}

#[test]
fn a_header_that_was_taken_out_does_not_help() {
    let mut data = stored_sample("upx_pe_nrv2b");
    let at = memchr::memmem::find(&data, b"UPX!").unwrap();
    data[at..at + 32].fill(0);
    let (found, problems) = members(FileKind::Pe, &data);
    assert!(problems.is_empty() && holds(&found[0].content, TEXT));
    // And what cannot be unpacked is told.
    let mut data = stored_sample("upx_pe_nrv2b");
    data[at + 36..at + 1200].fill(0xff);
    let (_, problems) = members(FileKind::Pe, &data);
    assert_eq!(problems, [UnscannedReason::Packed]);
}

/// Packs as aPLib does, with literals, repeated bytes of the four bits, and the end.
fn aplib(content: &[u8]) -> Vec<u8> {
    let (mut out, mut bits, mut place) = (vec![content[0]], 8, 0);
    let put = |out: &mut Vec<u8>, bits: &mut u32, place: &mut usize, bit: u8| {
        if *bits == 8 {
            (*place, *bits) = (out.len(), 0);
            out.push(0);
        }
        out[*place] |= bit << (7 - *bits);
        *bits += 1;
    };
    for pair in content.windows(2) {
        if pair[0] == pair[1] {
            [1, 1, 1, 0, 0, 0, 1].into_iter().for_each(|bit| put(&mut out, &mut bits, &mut place, bit));
        } else {
            put(&mut out, &mut bits, &mut place, 0);
            out.push(pair[1]);
        }
    }
    [1, 1, 0].into_iter().for_each(|bit| put(&mut out, &mut bits, &mut place, bit));
    out.push(0);
    out
}

#[test]
fn programs_of_fsg_are_unpacked() {
    let content = [TEXT, &[7; 300], &deflated(&[("inner.txt", b"inner")])].concat();
    let packed = aplib(&content);
    let address = |offset: u32| (0x40_2000 + offset).to_le_bytes();
    let target = 0x40_1000_u32.to_le_bytes();
    // The code stands at the section's start, a table behind it, the packed bytes behind that.
    let two = [&b"\x87\x25"[..], &address(64), b"\x61\x94\x55\xa4\xb6\x80\xff\x13"].concat();
    let table_of_two = [&address(68)[..], &target, &address(128)].concat();
    let one = [&b"\xbe"[..], &address(64), b"\xad\x93\xad\x97\xad\x56\x96\xb2\x80\xa4\xb6\x80\xff\x13"].concat();
    let table_of_one = [&address(0)[..], &target, &address(128)].concat();
    let early = [&b"\xbb"[..], &address(0), b"\xbf", &target, b"\xbe", &address(128), b"\x53\xe8\x0a"].concat();
    for (way, code, table) in [("2.0", two, table_of_two), ("1.33", one, table_of_one), ("1.31", early, Vec::new())] {
        let mut section = code;
        section.resize(64, 0x90);
        section.extend(table);
        section.resize(128, 0);
        section.extend(&packed);
        let data = program_of(&[(0x1000, 0x4000, &[]), (0x2000, 0x4000, &section)], 0x2000);
        let (found, problems) = members(FileKind::Pe, &data);
        assert_eq!((found.len(), problems.len(), found[0].role), (1, 0, Role::Decoded), "{way}");
        assert!(holds(&found[0].content, &content), "{way}");
    }
}

#[test]
fn programs_of_mew_with_lzma_are_unpacked() {
    // The first has its sections in two streams, the other one stream with calls that tell places.
    let second = b"the second section ends here";
    let call = [&b"\x55\x8b\xec\x90\x55\x8b\xec\x90\xe8"[..], &(0x30 - 261_i32).to_le_bytes()].concat();
    for (sample, also) in [("mew_lzma", &second[..]), ("mew_lzma_prepared", &call)] {
        let data = stored_sample(sample);
        assert!(!holds(&data, TEXT) && !holds(&data, also), "{sample}");
        let (found, problems) = members(detect(&data), &data);
        assert_eq!((found.len(), &problems[..]), (1, &[][..]), "{sample}");
        assert_eq!((found[0].role, detect(&found[0].content)), (Role::Decoded, FileKind::Pe), "{sample}");
        assert!(holds(&found[0].content, TEXT) && holds(&found[0].content, also), "{sample}");
        // Without the mark of its form the other one is tried, too.
        let mut data = data;
        let decoder = memchr::memmem::rfind(&data, &[0x90; 8]).unwrap() - 40;
        data[decoder..decoder + 48].fill(0);
        let (found, problems) = members(FileKind::Pe, &data);
        assert!(problems.is_empty() && holds(&found[0].content, also), "{sample}");
    }
}

#[test]
fn older_programs_of_mew_are_told_by_their_section() {
    let mut data = program_of(&[(0x1000, 0x1000, &[0xc3; 64])], 0x1000);
    assert_eq!(open_all(FileKind::Pe, &data).1, []);
    let table = memchr::memmem::find(&data, &0x1000_u32.to_le_bytes().repeat(2)).unwrap() - 8;
    data[table..table + 8].copy_from_slice(b"MEW\0\0\0\0\0");
    assert_eq!(open_all(FileKind::Pe, &data).1, [UnscannedReason::Packed]);
}

/// Where the first stream's head stands in a sample of MEW with LZMA.
fn first_stream(data: &[u8]) -> usize {
    // Behind the end of the blocks and the address of the decoder's memory.
    memchr::memmem::find(data, &0x40_a000_u32.to_le_bytes()).unwrap() + 4
}

#[test]
fn what_is_wrong_in_a_program_of_mew_is_told_with_what_it_gave_before() {
    let whole = stored_sample("mew_lzma");
    let first = first_stream(&whole);
    let packed = u32::from_le_bytes(whole[first + 8..first + 12].try_into().unwrap()) as usize;
    let second = first + 13 + packed;
    let with = |at: usize, bytes: &[u8]| {
        let mut data = whole.clone();
        data[at..at + bytes.len()].copy_from_slice(bytes);
        data
    };
    let cut = whole[..first + 13 + packed / 2].to_vec();
    // What is changed, what of the text is still found, and what is told.
    let cases = [
        ("a size that is too large", with(first, &40_000_u32.to_le_bytes()), true, UnscannedReason::Packed),
        ("a size beyond memory", with(first, &u32::MAX.to_le_bytes()), false, UnscannedReason::LimitBytes),
        ("a size of 100 MiB", with(first, &(100_u32 << 20).to_le_bytes()), false, UnscannedReason::LimitBytes),
        ("a second size", with(second, &u32::MAX.to_le_bytes()), true, UnscannedReason::LimitBytes),
        ("an address in front of all", with(second + 4, &1_u32.to_le_bytes()), true, UnscannedReason::Packed),
        ("a packed size that leads astray", with(first + 8, &7_u32.to_le_bytes()), true, UnscannedReason::LimitBytes),
        ("a packed size beyond the file", with(first + 8, &u32::MAX.to_le_bytes()), true, UnscannedReason::Packed),
        ("noise for the stream", with(first + 20, &noise(packed - 10, 3)), false, UnscannedReason::Packed),
        ("no stream", with(first, &[0; 4]), false, UnscannedReason::Packed),
        ("an end in the middle", cut, false, UnscannedReason::Packed),
        ("another stub", with(0x154 + 0x7b, &[0x90; 5]), false, UnscannedReason::Packed),
    ];
    for (what, data, text, reason) in cases {
        let (found, problems) = members(FileKind::Pe, &data);
        assert_eq!(problems, [reason], "{what}");
        let content = found.iter().map(|member| &member.content[..]).collect::<Vec<_>>().concat();
        assert_eq!(holds(&content, TEXT), text, "{what}");
        // The blocks in front are given in any case.
        assert!(holds(&content, b"importsimports"), "{what}");
    }
}

#[test]
fn a_program_of_mew_with_many_streams_ends_at_a_limit() {
    // Each stream says where the next stands by its packed size, and this one that it is the next itself.
    let mut data = stored_sample("mew_lzma");
    let first = first_stream(&data);
    data[first + 8..first + 12].copy_from_slice(&(-13_i32).to_le_bytes());
    let (_, problems) = members(FileKind::Pe, &data);
    assert_eq!(problems, [UnscannedReason::Packed]);
    // Many small ones, one behind the other.
    let stream = data[first..first + 13 + 200].to_vec();
    let (head, body) = stream.split_at(13);
    let head = [&10_u32.to_le_bytes(), &head[4..8], &200_u32.to_le_bytes(), &head[12..]].concat();
    data.truncate(first);
    data.extend([head, body.to_vec()].concat().repeat(20_000));
    let (found, problems) = members(FileKind::Pe, &data);
    // The file that comes of it; the other is what stands behind the program's end.
    assert_eq!((problems, found.len()), (vec![UnscannedReason::LimitObjects], 2));
    assert!((50_000..65_536).contains(&found[0].content.len()), "{}", found[0].content.len());
}

#[test]
fn what_is_in_a_program_and_behind_it_is_given() {
    let inner = program_of(&[(0x1000, 0x200, &noise(300, 1))], 0x1000);
    let holder = [&noise(400, 2)[..], &inner, &noise(99, 3)].concat();
    let data = program_of(&[(0x1000, 0x1000, &holder)], 0x1000);
    let (found, problems) = members(FileKind::Pe, &data);
    assert_eq!((found.len(), problems.len()), (1, 0));
    assert!(found[0].content.starts_with(&inner));
    let behind = [&data[..], b"{\\rtf1 a document behind a program}"].concat();
    let (found, _) = members(FileKind::Pe, &behind);
    assert!(found.iter().any(|member| detect(&member.content) == FileKind::Rtf));
    // Behind something else, and more than anybody needs.
    let deep = [&data[..], &noise(100, 7), &inner].concat();
    let (found, _) = members(FileKind::Pe, &deep);
    assert!(found.iter().any(|member| member.content == inner));
    let many = [&data[..], &[1; 32], &inner.repeat(100)].concat();
    let (found, problems) = members(FileKind::Pe, &many);
    assert!(found.len() < 100 && problems == [UnscannedReason::LimitObjects]);
}

#[test]
fn files_in_resources_are_given_with_their_names() {
    let file = deflated(&[("inner.txt", b"inner")]);
    let mut tree = Vec::new();
    let directory = |tree: &mut Vec<u8>, id: u32, to: u32| {
        tree.extend([0; 12]);
        tree.extend([0, 0, 1, 0]);
        tree.extend(id.to_le_bytes());
        tree.extend(to.to_le_bytes());
    };
    directory(&mut tree, 10, 0x8000_0018);
    directory(&mut tree, 7, 0x8000_0030);
    directory(&mut tree, 1033, 0x48);
    tree.extend([0x2000_u32 + 0x58, file.len() as u32, 0, 0].map(u32::to_le_bytes).concat());
    tree.extend(&file);
    let mut data = program_of(&[(0x1000, 0x100, b"code"), (0x2000, 0x1000, &tree)], 0x1000);
    // The third directory entry of the optional header.
    let entry = 64 + 24 + 96 + 16;
    data[entry..entry + 8].copy_from_slice(&[0x2000_u32, tree.len() as u32].map(u32::to_le_bytes).concat());
    let (found, _) = members(FileKind::Pe, &data);
    assert!(found.iter().any(|member| name(member) == "10/7" && member.content == file));
    // A tree that leads into itself.
    let at = data.len() - tree.len().next_multiple_of(512);
    data[at + 20..at + 24].copy_from_slice(&0x8000_0000_u32.to_le_bytes());
    members_or_leaf(&data);
}

fn members_or_leaf(data: &[u8]) {
    unpack::fuzzing::fuzz_executable(data);
}

#[test]
fn packers_and_installers_are_told() {
    let code = |code: &[u8]| program_of(&[(0x1000, 0x1000, code)], 0x1000);
    let behind = |mark: &[u8]| [&code(b"\x55\x8b\xec")[..], &[0; 16], mark, &noise(200, 5)].concat();
    let mut named = code(b"\x90");
    let at = memchr::memmem::find(&named, b".text").unwrap();
    named[at..at + 8].copy_from_slice(b".vmp0\0\0\0");
    let cases = [
        (code(b"\xeb\x01\x68\x60\xe8\0\0\0\0\x8b\x1c\x24"), UnscannedReason::Packed),
        (named, UnscannedReason::Packed),
        (behind(b"\xef\xbe\xad\xdeNullsoftInst"), UnscannedReason::UnknownFormat),
        (behind(b"zlb\x1a"), UnscannedReason::UnknownFormat),
        (behind(b"AU3!EA06"), UnscannedReason::UnknownFormat),
    ];
    for (number, (data, reason)) in cases.into_iter().enumerate() {
        let (_, problems) = members(FileKind::Pe, &data);
        assert_eq!(problems, [reason], "case {number}");
    }
}

/// The program that all files of the package hold, by its SHA-256's first bytes.
fn is_test_program(content: &[u8]) -> bool {
    use sha2::{Digest, Sha256};
    Sha256::digest(content).starts_with(&[0x71, 0xe7, 0xb6, 0x04, 0xd1, 0x8a, 0xef, 0xd8])
}

#[test]
fn the_test_files_of_clamav_are_opened_or_told() {
    let folder = std::path::Path::new("/usr/share/clamav-testfiles");
    if !folder.exists() {
        testkit::peers::skipped("clamav-testfiles");
        return;
    }
    let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
    for file in ["clam-upx.exe", "clam-fsg.exe", "clam-mew.exe", "clam.pdf"] {
        let (inner, _) = crate::support::everything(&read(file));
        assert!(inner.iter().any(|content| is_test_program(content)), "{file}");
    }
    for file in ["aspack", "pespin", "petite", "upack", "wwpack", "yc"] {
        let (_, reasons) = crate::support::everything(&read(&format!("clam-{file}.exe")));
        assert!(reasons.contains(&UnscannedReason::Packed), "{file}: {reasons:?}");
    }
    for file in ["clam-nsis.exe", "clam.ea05.exe", "clam.ea06.exe", "clam_IScab_int.exe", "clam_ISmsi_int.exe"] {
        let (_, reasons) = crate::support::everything(&read(file));
        assert!(reasons.contains(&UnscannedReason::UnknownFormat), "{file}: {reasons:?}");
    }
}
