//! Files that programs open although a strict reader would not, and what they hide: built here byte by byte.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Beside, Budget, Limits, Member, Opening, StopFlag, detect, open, open_as};

use crate::ole2::build::{Compound, END, NONE};
use crate::samples::stored_sample;
use crate::support::{deflated, members, name, noise};

const SECRET: &[u8] = b"what a recipient would run";

/// Whether a file gives a content, and whether each time as an unlisted member.
fn gives(kind: FileKind, data: &[u8], content: &[u8]) -> Option<bool> {
    let (found, _) = members(kind, data);
    let with: Vec<&Member> = found.iter().filter(|member| member.content == content).collect();
    (!with.is_empty()).then(|| with.iter().all(|member| member.hidden))
}

#[test]
fn percent_signs_that_encode_nothing_make_no_file() {
    for text in ["10%,17%,90%\n", "100% of 20% is 20%, and 3% of it 0.6%\n", "copy %A% %B% /%C%\n", "%%%%%%%%%%%%\n"] {
        let data = text.repeat(30).into_bytes();
        let kind = detect(&data);
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        assert!(matches!(open(kind, &data, &mut budget), Opening::Leaf), "{text:?} is {kind:?}");
    }
    let coded: String = SECRET.repeat(3).iter().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(gives(FileKind::Text, coded.as_bytes(), &SECRET.repeat(3)), Some(false));
}

#[test]
fn an_archive_or_pdf_behind_header_lines_is_read_beside_the_message() {
    let head = b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n";
    for archive in [deflated(&[("evil.com", SECRET)]), pdf(SECRET)] {
        let data = [&head[..], &archive].concat();
        assert_eq!(detect(&data), FileKind::Message);
        assert_eq!(gives(FileKind::Message, &data, SECRET), Some(true));
        // What a mail server gave as a message is one.
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let beside = Beside { alone: true, ..Beside::default() };
        let Opening::Container(mut container) = open_as(FileKind::Message, beside, &data, &mut budget) else {
            panic!("no container")
        };
        while let Some(member) = container.next(&data, &mut budget) {
            assert!(member.content != SECRET);
        }
    }
}

/// A document with a file attached.
#[test]
fn an_archive_behind_the_header_of_a_nested_message_is_given() {
    let message = |inner: &[u8]| {
        let head =
            b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
            Content-Type: message/rfc822; name=\"invoice.zip\"\r\n\r\nSubject: inner\r\n\r\n";
        [&head[..], inner, b"\r\n--b\r\n\r\nthe text\r\n--b--\r\n"].concat()
    };
    for file in [deflated(&[("evil.com", SECRET)]), pdf(SECRET), stored_sample("7z_lzma2")] {
        let (found, _) = members(FileKind::Message, &message(&file));
        let given = found.iter().find(|it| it.hidden && it.content.starts_with(&file)).expect("is not given");
        assert_eq!((name(given), given.kind), ("invoice.zip", None));
        let holder = found.iter().find(|it| Some(it.index) == given.parent).expect("has a holder");
        assert_eq!(holder.kind, Some(FileKind::Message));
        assert!(found.is_sorted_by_key(|it| it.index));
        assert_ne!(detect(&given.content), FileKind::Message);
    }
    let (found, _) = members(FileKind::Message, &message(b"inner text"));
    assert!(found.iter().all(|it| !it.hidden));
}

/// Sectors that no stream of a compound file takes up: the file tells of them as said.
fn with_free_sectors(content: &[u8], next: impl Fn(u32) -> u32) -> Vec<u8> {
    let mut file = Compound::new();
    file.stream("Contents", &[b'x'; 5000]);
    let first = file.fat.len() as u32;
    let count = content.len().div_ceil(512) as u32;
    file.sectors.extend_from_slice(content);
    file.sectors.resize(file.sectors.len().next_multiple_of(512), 0);
    file.fat.extend((first..first + count).map(next));
    file.stream("Other", &[b'y'; 5000]);
    file.finish()
}

#[test]
fn archives_in_sectors_that_no_stream_takes_up_are_read() {
    let archives = [
        (deflated(&[("evil.com", SECRET)]), SECRET.to_vec()),
        (stored_sample("7z_lzma2"), members(FileKind::SevenZip, &stored_sample("7z_lzma2")).0[0].content.clone()),
    ];
    for (archive, content) in archives {
        let (free, chained) = (with_free_sectors(&archive, |_| NONE), with_free_sectors(&archive, |number| number + 1));
        assert_eq!(gives(FileKind::Ole2, &free, &content), Some(true), "free");
        assert_eq!(gives(FileKind::Ole2, &chained, &content), Some(true), "a chain of nobody");
        // The room behind the end of a stream, in its last sector.
        let mut file = Compound::new();
        let item = file.stream("Contents", &[&[b'x'; 4500][..], &archive].concat());
        file.items[item].size = 4500;
        assert_eq!(gives(FileKind::Ole2, &file.finish(), &content), Some(true), "behind a stream");
        // What a stream holds is opened as a member, and only as that.
        let mut file = Compound::new();
        file.stream("Contents", &[&archive[..], &[0; 5000]].concat());
        let (found, _) = members(FileKind::Ole2, &file.finish());
        assert!(found.iter().all(|it| !it.hidden), "{found:?}");
        assert!(found.iter().any(|it| it.content.starts_with(&archive)));
    }
}

#[test]
fn archives_in_sectors_that_only_tables_take_up_are_read() {
    for archive in [deflated(&[("evil.com", SECRET)]), stored_sample("7z_lzma2")] {
        let content = members(detect(&archive), &archive).0[0].content.clone();
        let data = with_free_sectors(&archive, |number| number + 1);
        let first = u32::try_from(5000_usize.div_ceil(512)).unwrap();
        // The table of the mini stream, the list of tables, and what follows the directory.
        let directory = u32::from_le_bytes(data[48..52].try_into().unwrap());
        let fat = u32::from_le_bytes(data[76..80].try_into().unwrap());
        for place in [60, 68, (fat as usize + 1) * 512 + directory as usize * 4] {
            let mut data = data.clone();
            data[place..place + 4].copy_from_slice(&first.to_le_bytes());
            assert_eq!(gives(FileKind::Ole2, &data, &content), Some(true), "{place}");
        }
    }
}

/// A stream of an archive whose sectors stand where `order` says, each by its number in the file; `tables`: what
/// stands between them is a table.
fn in_order(archive: &[u8], order: &[u32], tables: bool) -> Vec<u8> {
    let mut file = Compound::new();
    let item = file.stream("Contents", &archive[..4096]);
    (file.fat, file.sectors) = (Vec::new(), Vec::new());
    let count = order.iter().max().unwrap() + 1;
    file.fat.resize(count as usize, if tables { 0xffff_fffd } else { NONE });
    file.sectors.resize(count as usize * 512, 0);
    for (at, number) in order.iter().enumerate() {
        file.fat[*number as usize] = order.get(at + 1).copied().unwrap_or(END);
        let content = archive.get(at * 512..).unwrap_or_default();
        let content = &content[..content.len().min(512)];
        file.sectors[*number as usize * 512..][..content.len()].copy_from_slice(content);
    }
    file.items[item].start = order[0];
    file.items[item].size = u32::try_from(archive.len()).unwrap();
    file.finish()
}

#[test]
fn archives_whose_sectors_a_stream_has_in_another_order_are_read() {
    // What is in the file one after the other, and in the stream with two sectors exchanged.
    let content = noise(5000, 8);
    let archive = deflated(&[("evil.com", &content)]);
    let count = u32::try_from(archive.len().div_ceil(512)).unwrap();
    let mut stream = archive.clone();
    stream.resize(count as usize * 512, 0);
    for at in 0..512 {
        stream.swap(at, at + 512);
    }
    let order: Vec<u32> = [1, 0].into_iter().chain(2..count).collect();
    assert_eq!(gives(FileKind::Ole2, &in_order(&stream, &order, false), &content), Some(true));
}

#[test]
fn an_archive_that_leaves_its_stream_further_behind_is_opened_or_told() {
    // In the file it stands in one piece; the stream has its first four sectors, and then others.
    let content = noise(3000, 8);
    for (what, archive) in [("zip", deflated(&[("evil.com", &content)])), ("rar", stored_sample("rar_5"))] {
        for in_front in [0, 512] {
            let whole = [noise(in_front, 3), archive.clone(), noise(6000, 4)].concat();
            let stream = [&whole[..2048], &noise(4000, 5)].concat();
            let order: Vec<u32> = (0..4).chain(40..48).collect();
            let mut data = in_order(&stream, &order, false);
            // Behind the header's sector and those four.
            data[512 + 2048..512 + whole.len()].copy_from_slice(&whole[2048..]);
            let found = crate::support::walk(&data, Limits::default());
            let told = found.reasons.contains(&UnscannedReason::Damaged);
            assert!(told || found.names.iter().any(|name| name == "evil.com"), "{what} {in_front}: {:?}", found.names);
        }
    }
}

#[test]
fn streams_in_pieces_are_no_archives_beside_them() {
    // Also with the table of sectors in between, as it is where a file grew.
    let content = noise(9000, 8);
    for archive in [deflated(&[("evil.com", &content)]), [&stored_sample("7z_lzma2")[..], &content].concat()] {
        let count = u32::try_from(archive.len().div_ceil(512)).unwrap();
        let all: [(Vec<u32>, bool); 4] = [
            ((0..count).collect(), false),
            ((0..count).map(|at| at + u32::from(at > 0)).collect(), true),
            ((0..count).map(|at| at + u32::from(at > 4) * 2).collect(), true),
            ((0..count).map(|at| at + at / 4 * 3).collect(), false),
        ];
        for (order, tables) in all {
            let (found, problems) = members(FileKind::Ole2, &in_order(&archive, &order, tables));
            assert!(found.iter().all(|it| !it.hidden), "{order:?}");
            assert!(found.iter().any(|it| it.content == archive) && problems.is_empty(), "{order:?} {problems:?}");
        }
    }
}

fn pdf(content: &[u8]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    let mut put = |out: &mut Vec<u8>, object: Vec<u8>| {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", places.len()).bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    };
    put(&mut out, b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a.com) 3 0 R]>>>>>>".to_vec());
    put(&mut out, b"<</Type/Pages/Kids[]/Count 0>>".to_vec());
    put(&mut out, b"<</Type/Filespec/F(a.com)/EF<</F 4 0 R>>>>".to_vec());
    let head = format!("<</Type/EmbeddedFile/Length {}>>\nstream\n", content.len());
    put(&mut out, [head.as_bytes(), content, b"\nendstream"].concat());
    let at = out.len();
    out.extend(b"xref\n0 5\n0000000000 65535 f \n");
    for place in &places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(format!("trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n").bytes());
    out
}

/// A number in both orders of bytes.
fn both(number: u32) -> Vec<u8> {
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

/// A record of a folder on a disc.
fn record(name: &[u8], sector: u32, size: u32, flags: u8) -> Vec<u8> {
    let len = (33 + name.len()).next_multiple_of(2);
    let mut out = vec![len as u8, 0];
    out.extend([both(sector), both(size)].concat());
    out.extend([126, 1, 1, 0, 0, 0, 0, flags, 0, 0, 1, 0, 0, 1, name.len() as u8]);
    out.extend(name);
    out.resize(len, 0);
    out
}

/// A volume descriptor with the sector of its root.
fn descriptor(kind: u8, escape: &[u8; 3], root: u32) -> Vec<u8> {
    let mut out = vec![0; 2048];
    out[0] = kind;
    out[1..7].copy_from_slice(b"CD001\x01");
    out[88..91].copy_from_slice(escape);
    out[156..190].copy_from_slice(&record(b"\0", root, 2048, 2));
    out
}

/// The sector of a folder with one file.
fn folder(sector: u32, name: &[u8], file: u32, size: usize) -> Vec<u8> {
    let mut out = [record(b"\0", sector, 2048, 2), record(b"\x01", sector, 2048, 2)].concat();
    out.extend(record(name, file, size as u32, 0));
    out.resize(2048, 0);
    out
}

/// A disc with three descriptors, whose roots have one file each: the first two the same.
fn disc(kinds: [(u8, &[u8; 3]); 3], names: [&[u8]; 3]) -> Vec<u8> {
    let mut out = vec![0; 16 * 2048];
    for ((kind, escape), root) in kinds.into_iter().zip(20..) {
        out.extend(descriptor(kind, escape, root));
    }
    out.extend([&b"\xffCD001\x01"[..], &[0; 2041]].concat());
    out.extend(folder(20, names[0], 23, 5));
    out.extend(folder(21, names[1], 23, 5));
    out.extend(folder(22, names[2], 24, SECRET.len()));
    for content in [&b"hello"[..], SECRET] {
        let mut sector = content.to_vec();
        sector.resize(2048, 0);
        out.extend(sector);
    }
    out
}

#[test]
fn every_tree_of_a_disc_is_read() {
    let (joliet, none) = (b"%/E", b"\0\0\0");
    let evil: &[u8] = b"\0e\0v\0i\0l";
    for (kinds, last) in [
        ([(1, none), (2, joliet), (2, joliet)], evil),
        ([(1, none), (1, none), (1, none)], b"EVIL.COM;1"),
        ([(1, none), (2, joliet), (2, none)], b"EVIL.COM;1"),
        ([(1, none), (2, joliet), (1, none)], b"EVIL.COM;1"),
    ] {
        let second: &[u8] = if kinds[1].0 == 2 { b"\0a" } else { b"A.TXT;1" };
        let data = disc(kinds, [b"A.TXT;1", second, last]);
        assert_eq!(detect(&data), FileKind::Iso);
        assert_eq!(gives(FileKind::Iso, &data, SECRET), Some(true), "{kinds:?}");
        assert_eq!(gives(FileKind::Iso, &data, b"hello"), Some(false), "{kinds:?}");
    }
}

/// A floppy disk with one file, of this short name.
fn floppy(short: &[u8; 11], content: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 2880 * 512];
    out[..11].copy_from_slice(b"\xeb\x3c\x90MSDOS5.0");
    out[11..36].copy_from_slice(&[0, 2, 1, 1, 0, 2, 112, 0, 64, 11, 0xf0, 9, 0, 18, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out[54..62].copy_from_slice(b"FAT12   ");
    out[510..512].copy_from_slice(b"\x55\xaa");
    for table in [1, 10] {
        out[table * 512..table * 512 + 6].copy_from_slice(b"\xf0\xff\xff\xff\xff\xff");
    }
    let entry = &mut out[19 * 512..19 * 512 + 32];
    entry[..11].copy_from_slice(short);
    entry[11] = 0x20;
    entry[26] = 2;
    entry[28..32].copy_from_slice(&(content.len() as u32).to_le_bytes());
    out[26 * 512..26 * 512 + content.len()].copy_from_slice(content);
    out
}

#[test]
fn a_file_on_a_disk_may_have_a_name_that_begins_with_a_dot() {
    for short in [b"EVIL    COM", b".VIL    COM", b"..IL    COM", b".          "] {
        let data = floppy(short, SECRET);
        assert_eq!(detect(&data), FileKind::DiskImage);
        let expected = (short != b".          ").then_some(false);
        assert_eq!(gives(FileKind::DiskImage, &data, SECRET), expected, "{short:?}");
    }
}

#[test]
fn an_archive_behind_a_disk_is_read() {
    let disc = disc([(1, b"\0\0\0"); 3], [b"A.TXT;1", b"A.TXT;1", b"A.TXT;1"]);
    let mut archives = vec![deflated(&[("evil.com", b"other")])];
    archives.extend(["rar_5", "7z_lzma2", "cab_mszip"].map(stored_sample));
    for archive in archives {
        let wanted = members(detect(&archive), &archive).0;
        // Without a file on it, too: a disk is not behind itself.
        let empty = [&disc[..20 * 2048], &[0; 20 * 2048][..]].concat();
        for disk in [disc.clone(), floppy(b"A       TXT", b"hello"), floppy(b".          ", b""), empty] {
            let data = [&disk[..], &archive].concat();
            let (found, problems) = members(detect(&data), &data);
            assert_eq!(problems, []);
            let behind = found.last().unwrap();
            assert!(behind.hidden);
            let (inside, problems) = members(detect(&behind.content), &behind.content);
            assert_eq!(problems, []);
            for wanted in &wanted {
                let is_it = |member: &&Member| name(member) == name(wanted) && member.content == wanted.content;
                assert!(inside.iter().any(|member| is_it(&member)), "{}", name(wanted));
            }
        }
    }
    // A file on the disk is a file, once.
    let floppy = floppy(b"A       ZIP", &deflated(&[("a.txt", b"a")]));
    assert_eq!(members(FileKind::DiskImage, &floppy).0.len(), 1);
}

#[test]
fn a_7z_whose_head_was_never_written_is_read_by_its_end() {
    let archive = stored_sample("7z_lzma2");
    let wanted = members(FileKind::SevenZip, &archive).0;
    let mut data = archive.clone();
    data[8..32].fill(0);
    let (found, problems) = members(FileKind::SevenZip, &data);
    assert_eq!(problems, [UnscannedReason::Damaged]);
    assert_eq!(found, wanted);
    // Behind something else, too.
    let behind = [&b"\x00\x01 some bytes that are nothing"[..], &data].concat();
    let content = &wanted.iter().find(|member| !member.content.is_empty()).unwrap().content;
    assert!(gives(detect(&behind), &behind, content).is_some());
    // Without a header there is damage, unless there is nothing at all.
    let (_, problems) = members(FileKind::SevenZip, &[&data[..32], &[9; 600][..]].concat());
    assert_eq!(problems, [UnscannedReason::Damaged]);
    let (found, problems) = members(FileKind::SevenZip, &data[..32]);
    assert_eq!((found.len(), problems.len()), (0, 0));
}

#[test]
fn a_mark_in_free_space_of_a_section_hides_no_file() {
    const MAGIC: &[u8] = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
    const HEADER: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
    const FOOTER: &[u8] = b"\x22\xa7\xfb\x71\x79\x0f\x0b\x4a\xbb\x13\x89\x92\x56\x42\x6b\x24";
    let file =
        |content: &[u8]| [HEADER, &(content.len() as u64).to_le_bytes(), &[0; 12], content, &[0; 8], FOOTER].concat();
    let section = |rest: &[u8]| [MAGIC, &[0; 500], rest].concat();
    let rest = [&[0; 64][..], &file(SECRET), &[0; 64]].concat();
    assert_eq!(gives(FileKind::OneNote, &section(&rest), SECRET), Some(false));
    assert_eq!(gives(FileKind::OneNote, &section(&file(&rest)), SECRET), Some(true));
    // A section in a section is opened by itself.
    assert_eq!(gives(FileKind::OneNote, &section(&file(&section(&rest))), SECRET), None);
    // Marks in one another do not multiply.
    let mut deep = SECRET.to_vec();
    for _ in 0..200 {
        deep = file(&deep);
    }
    let (found, _) = members(FileKind::OneNote, &section(&deep));
    let given: usize = found.iter().map(|member| member.content.len()).sum();
    assert!(given <= 4 * deep.len() && found.iter().any(|member| !member.problems.is_empty()));
}

#[test]
fn an_lzma_file_may_state_the_largest_dictionary() {
    let mut data = stored_sample("lzma");
    data[1..5].fill(0xff);
    assert_eq!(detect(&data), FileKind::Compressed);
    let (found, problems) = members(FileKind::Compressed, &data);
    assert_eq!((found.len(), problems.len(), &found[0].problems[..]), (1, 0, &[][..]));
    assert!(!found[0].content.is_empty());
}

/// What a file gives that is read as a script, too.
fn run(data: &[u8]) -> Vec<Member> {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let beside = Beside { also: Some(FileKind::Script), ..Beside::default() };
    let Opening::Container(mut container) = open_as(detect(data), beside, data, &mut budget) else { return Vec::new() };
    std::iter::from_fn(|| container.next(data, &mut budget)).collect()
}

#[test]
fn what_is_run_is_read_as_a_script_wherever_its_code_stands() {
    let archive = deflated(&[("evil.com", SECRET)]);
    let coded = base64_simd::STANDARD.encode_to_string(&archive);
    let pieces: Vec<String> =
        coded.as_bytes().chunks(7).map(|piece| format!("{:?}", String::from_utf8_lossy(piece))).collect();
    let code = format!("var d=atob({});\nfunction f(){{return new ActiveXObject(\"x\")}}\n", pieces.join("+"));
    let padded = format!("/*{}*/\n{code}", "just a comment line of words\n".repeat(1300));
    let zero = format!("\0{code}");
    for text in [&code, &padded, &zero] {
        let found = run(text.as_bytes());
        assert!(found.iter().any(|member| member.content == archive), "{} bytes", text.len());
    }
    let mbox = "From a Mon Jan  1 00:00:00 2024\nFrom: a@example.org\nTo: b@example.org\nSubject: a\n\nb\n\n".repeat(2);
    for (start, kind) in [
        ("//%PDF-1.4\n", FileKind::Pdf),
        ("GIF89a=1;\n", FileKind::Image),
        ("BEGIN:VCARD\n", FileKind::VCard),
        ("BEGIN:VCALENDAR\n", FileKind::Calendar),
        ("{\\rtf1;}\n", FileKind::Rtf),
        (&mbox, FileKind::Mbox),
        ("[InternetShortcut]\n", FileKind::InternetShortcut),
        ("# Disk DescriptorFile\n", FileKind::OtherArchive),
        ("!<arch>\n", FileKind::Ar),
        ("BZh91AY&SY;\n", FileKind::Compressed),
    ] {
        let text = format!("{start}{code}");
        assert_eq!(detect(text.as_bytes()), kind, "{start}");
        assert!(run(text.as_bytes()).iter().any(|member| member.content == archive), "{start}");
    }
    assert_eq!(detect(padded.as_bytes()), FileKind::Text);
    assert!(
        unpack::runs_as_script(None, ["a.txt", "b.JS. "]) && unpack::runs_as_script(Some("text/javascript; x"), [])
    );
    assert!(!unpack::runs_as_script(Some("text/plain"), ["js", "a.json", "a.css"]));
}

#[test]
fn a_pdf_is_found_by_its_end() {
    let mut data = pdf(SECRET);
    data[..8].fill(b'\n');
    let late = [&b"x".repeat(1100)[..], b"\n", &pdf(SECRET)].concat();
    for data in [data, late] {
        assert!(matches!(detect(&data), FileKind::Pdf | FileKind::Text));
        assert!(gives(detect(&data), &data, SECRET).is_some());
    }
    for start in [
        "",
        "BEGIN:VCARD\n",
        "<?xml version=\"1.0\"?><a/>",
        "[InternetShortcut]\nURL=https://example.org/\n",
        "{\\rtf1 }",
    ] {
        let data = [start.as_bytes(), &b"a line of text\n".repeat(900), &pdf(SECRET)].concat();
        assert_ne!(detect(&data), FileKind::Pdf, "{start}");
        assert!(gives(detect(&data), &data, SECRET).is_some(), "{start}");
    }
    // What is a text with a document at its end is read as a text.
    let archive = deflated(&[("evil.com", SECRET)]);
    let coded = base64_simd::STANDARD.encode_to_string(&archive);
    let text = format!("{}\n{coded}\n\n{}\n", "a line of text\n".repeat(900), "rem ".repeat(10));
    let data = [text.as_bytes(), &pdf(SECRET)].concat();
    let (found, _) = members(FileKind::Text, &data);
    assert!(found.iter().any(|member| member.content == archive));
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[7; 2000], &pdf(SECRET)].concat();
    assert!(gives(detect(&picture), &picture, SECRET).is_some());
    // A text about the format is a text, and a document in an archive is one of its members.
    let text = b"The word startxref has a number behind it, then %%EOF; objects have obj in their heads.\n";
    assert_eq!(detect(text), FileKind::Text);
    let parts: [(&str, &[u8]); 2] = [("first", &crate::support::noise(2000, 3)), ("a.pdf", &pdf(SECRET))];
    let stored = crate::support::archive(zip::CompressionMethod::Stored, &parts);
    assert_eq!(members(FileKind::Zip, &stored).0.len(), 2);
}
