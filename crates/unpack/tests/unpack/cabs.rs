//! Cabinets: methods, order of files, checksums, damage.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::samples::stored_sample;
use crate::support::{deflate, members, name, noise, walk};
use crate::tools::Folder;

/// A cabinet of one folder with these blocks (packed, size) and files (name, start, size).
pub(crate) fn cabinet(method: u16, blocks: &[(Vec<u8>, usize)], files: &[(&str, u32, u32)]) -> Vec<u8> {
    let table: usize = files.iter().map(|file| file.0.len() + 17).sum();
    let start = 44 + table;
    let body: Vec<u8> = blocks
        .iter()
        .flat_map(|(packed, size)| {
            let head = [&[0; 4][..], &(packed.len() as u16).to_le_bytes(), &(*size as u16).to_le_bytes()].concat();
            [head, packed.clone()].concat()
        })
        .collect();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend(((start + body.len()) as u32).to_le_bytes());
    out.extend([0; 4]);
    out.extend(44_u32.to_le_bytes());
    out.extend([0, 0, 0, 0, 3, 1, 1, 0]);
    out.extend((files.len() as u16).to_le_bytes());
    out.extend([0; 6]);
    out.extend((start as u32).to_le_bytes());
    out.extend((blocks.len() as u16).to_le_bytes());
    out.extend(method.to_le_bytes());
    for (name, at, size) in files {
        out.extend(size.to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0; 8]);
        out.extend(name.as_bytes());
        out.push(0);
    }
    out.extend(body);
    out
}

fn all(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    assert_eq!(detect(data), FileKind::Cab);
    members(FileKind::Cab, data)
}

#[test]
fn what_gcab_writes_is_read() {
    let folder = Folder::new("cab");
    let text: Vec<u8> = (0..9000).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
    folder.write("text.txt", &text);
    folder.write("noise.bin", &noise(100_000, 4));
    folder.write("empty", b"");
    for options in [&["-c", "-z", "out.cab"][..], &["-c", "out.cab"]] {
        if folder.run("gcab", &[options, &["text.txt", "noise.bin", "empty"]].concat()).is_none() {
            return;
        }
        let data = folder.read("out.cab");
        let (found, problems) = all(&data);
        assert_eq!((found.len(), problems.len()), (3, 0), "{options:?}");
        assert!(found.iter().all(|member| member.problems.is_empty()), "{options:?}");
        assert!(found.iter().any(|member| name(member) == "text.txt" && member.content == text), "{options:?}");
        assert!(found.iter().any(|member| member.content == noise(100_000, 4)), "{options:?}");
        let mut damaged = data;
        *damaged.last_mut().unwrap() ^= 1;
        let told = all(&damaged).0.iter().any(|member| member.problems == [UnscannedReason::Damaged]);
        assert!(told, "{options:?}: the checksum");
    }
}

#[test]
fn an_lzx_block_that_is_not_packed_is_read() {
    // One bit of no translation, type 3, size in 24 bits; then three distances; then the bytes.
    let content = b"some words in a block of LZX, as they stand.";
    let size = content.len() as u32;
    let bits = 3_u32 << 28 | size << 4;
    let mut block = ((bits >> 16) as u16).to_le_bytes().to_vec();
    block.extend((bits as u16).to_le_bytes());
    block.extend([1_u32, 1, 1].into_iter().flat_map(u32::to_le_bytes));
    block.extend(content);
    let data = cabinet(3 | 15 << 8, &[(block, content.len())], &[("a", 0, size)]);
    let (found, problems) = all(&data);
    assert_eq!((&found[0].content[..], found[0].problems.len(), problems.len()), (&content[..], 0, 0));
}

#[test]
fn files_may_stand_in_any_order_and_share_their_bytes() {
    let content = b"0123456789";
    let data = cabinet(0, &[(content.to_vec(), 10)], &[("b", 5, 5), ("a", 0, 5), ("c", 3, 4), ("d", 9, 9)]);
    let (found, problems) = all(&data);
    assert_eq!(problems, []);
    let contents: Vec<&[u8]> = found.iter().map(|member| &member.content[..]).collect();
    assert_eq!(contents, [&b"56789"[..], b"01234", b"3456", b"9"]);
    assert_eq!(found[3].problems, [UnscannedReason::Damaged], "it goes on beyond the folder");
    let many: Vec<(&str, u32, u32)> = (0..100).map(|_| ("a", 0, 10)).collect();
    let walk = walk(&cabinet(0, &[(content.to_vec(), 10)], &many), Limits::default());
    assert!(walk.reasons.contains(&UnscannedReason::LimitRatio), "{:?}", walk.reasons);
}

#[test]
fn bombs_end_by_ratio() {
    let block = [&b"CK"[..], &deflate(&[0; 32_768])].concat();
    let blocks: Vec<(Vec<u8>, usize)> = (0..60_000).map(|_| (block.clone(), 32_768)).collect();
    let start = testkit::CpuClock::now();
    let data = cabinet(1, &blocks, &[("zeros", 0, 60_000 * 32_768)]);
    let limits = Limits { ratio: 100, ..Limits::default() };
    let walk = walk(&data, limits);
    assert!(walk.reasons.contains(&UnscannedReason::LimitRatio), "{:?}", walk.reasons);
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn what_stands_behind_a_cabinet_is_an_unlisted_member() {
    let data = [stored_sample("cab_mszip"), b"MZ a program".to_vec()].concat();
    let (found, problems) = all(&data);
    assert_eq!(problems, []);
    let last = found.last().unwrap();
    assert!(last.hidden && last.content == b"MZ a program");
    let whole = stored_sample("cab_mszip");
    assert_eq!(all(&whole[..whole.len() - 5]).1, [UnscannedReason::Damaged]);
}
