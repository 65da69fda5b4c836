//! Images of macOS, archives of the web, archives of the shell.

use std::io::Write;

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, detect};

use crate::samples::stored_sample;
use crate::support::{members, name, noise, walk};
use crate::tools::Folder;

/// A block: its kind, its sectors, its packed bytes.
type Block = (u32, u64, Vec<u8>);

fn content() -> Vec<u8> {
    b"a sector of text that can be packed well. ".iter().copied().cycle().take(2048).collect()
}

/// Two sectors in every way.
pub(crate) fn blocks() -> Vec<Block> {
    let content = content();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    zlib.write_all(&content).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(6));
    bzip2.write_all(&content).unwrap();
    // A literal of 42 letters, then copies of what stands 42 letters before: long, short, long.
    let mut adc = vec![0x80 | 41];
    adc.extend(&content[..42]);
    let mut left = 1024 - 42;
    while left > 0 {
        match left {
            3..18 => {
                adc.extend([((left - 3) as u8) << 2, 41]);
                left = 0;
            }
            _ => {
                let some = left.min(64) - if left > 64 && left < 68 { 4 } else { 0 };
                adc.extend([0x40 | (some - 4) as u8, 0, 41]);
                left -= some;
            }
        }
    }
    vec![
        (0x8000_0005, 4, zlib.finish().unwrap()),
        (0x8000_0006, 4, bzip2.finish().unwrap()),
        (1, 4, content),
        (0x7fff_fffe, 0, Vec::new()),
        (0, 2, Vec::new()),
        (0x8000_0004, 2, adc),
    ]
}

/// An image of one partition.
pub(crate) fn dmg(blocks: &[Block]) -> Vec<u8> {
    let (fork, table) = table(blocks);
    let sectors = blocks.iter().map(|(_, sectors, _)| sectors).sum();
    bound(fork, list(&[table]), sectors)
}

/// The packed bytes of blocks, and the table that tells of them.
fn table(blocks: &[Block]) -> (Vec<u8>, Vec<u8>) {
    let (mut fork, mut table, mut sector) = (Vec::new(), Vec::new(), 0);
    for (kind, sectors, packed) in blocks {
        table.extend(kind.to_be_bytes());
        table.extend(0_u32.to_be_bytes());
        for number in [sector, *sectors, fork.len() as u64, packed.len() as u64] {
            table.extend(number.to_be_bytes());
        }
        sector += sectors;
        fork.extend(packed);
    }
    table.extend(
        [&[0xff; 4][..], &[0; 4], &sector.to_be_bytes(), &[0; 8], &(fork.len() as u64).to_be_bytes(), &[0; 8]].concat(),
    );
    let mut mish = b"mish\0\0\0\x01".to_vec();
    for number in [0, sector, 0] {
        mish.extend(number.to_be_bytes());
    }
    mish.extend([0, 0, 2, 8, 0, 0, 0, 0]);
    mish.resize(200, 0);
    mish.extend((blocks.len() as u32 + 1).to_be_bytes());
    mish.extend(table);
    (fork, mish)
}

/// The list of an image with these tables.
fn list(tables: &[Vec<u8>]) -> String {
    let one = |table: &Vec<u8>| {
        format!(
            "<dict><key>Attributes</key><string>0x0050</string><key>CFName</key><string>disk image</string>\
             <key>Data</key><data>\n{}\n</data><key>ID</key><string>0</string><key>Name</key><string>disk image</string></dict>",
            base64_simd::STANDARD.encode_to_string(table)
        )
    };
    let head =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>resource-fork</key><dict>";
    let all: String = tables.iter().map(one).collect();
    format!("{head}<key>blkx</key><array>{all}</array></dict></dict></plist>")
}

/// An image of its packed bytes and its list.
fn bound(fork: Vec<u8>, list: String, sectors: u64) -> Vec<u8> {
    let mut trailer = b"koly\0\0\0\x04\0\0\x02\0\0\0\0\x01".to_vec();
    for number in [0, 0, fork.len() as u64, 0, 0] {
        trailer.extend(number.to_be_bytes());
    }
    trailer.extend([0, 0, 0, 1, 0, 0, 0, 1]);
    trailer.resize(216, 0);
    trailer.extend((fork.len() as u64).to_be_bytes());
    trailer.extend((list.len() as u64).to_be_bytes());
    trailer.resize(488, 0);
    trailer.extend([0, 0, 0, 1]);
    trailer.extend(sectors.to_be_bytes());
    trailer.resize(512, 0);
    [fork, list.into_bytes(), trailer].concat()
}

fn image() -> Vec<u8> {
    let text = content();
    [text.as_slice(), &text, &text, &[0; 1024], &text[..1024]].concat()
}

/// A block of LZVN: every kind of code once; what comes of it is [`lzvn_content`].
fn lzvn() -> Vec<u8> {
    let codes: [&[u8]; 13] = [
        &[0xe0, 4],
        b"twenty letters here.",
        &[0xe3],
        b"abc",
        // Nothing, twice; then one literal and four letters from twenty-four back.
        &[0x0e, 0x16, 0x40 | 1 << 3, 24, b'x'],
        // Two literals and five letters from as far back.
        &[0x80 | 2 << 3 | 6, b'y', b'z'],
        // One literal, and nine letters from thirty-five back.
        &[0xa0 | 1 << 3 | 1, 35 << 2 | 2, 0, b'-'],
        // No literal, and four letters from three back, in two bytes.
        &[1 << 3 | 7, 3, 0],
        // Six letters, and then twenty, from as far back.
        &[0xf6, 0xf0, 4],
        &[6, 0, 0, 0, 0, 0, 0, 0],
        &[],
        &[],
        &[],
    ];
    let payload = codes.concat();
    let size = lzvn_content().len() as u32;
    [b"bvxn", &size.to_le_bytes()[..], &(payload.len() as u32).to_le_bytes(), &payload].concat()
}

fn lzvn_content() -> Vec<u8> {
    let mut out = b"twenty letters here.abcx".to_vec();
    let mut copy = |literals: &[u8], length: usize, back: usize| {
        out.extend(literals);
        for _ in 0..length {
            out.push(out[out.len() - back]);
        }
    };
    copy(b"", 4, 24);
    copy(b"yz", 5, 24);
    copy(b"-", 9, 35);
    copy(b"", 4, 3);
    copy(b"", 26, 3);
    out
}

/// An image by LZVN, for changing it.
pub(crate) fn lzfse() -> Vec<u8> {
    dmg(&[(0x8000_0007, 1, [lzvn(), b"bvx$".to_vec()].concat())])
}

#[test]
fn blocks_by_lzfse_are_read() {
    // What Apple's encoder makes of text is in a stored sample; here blocks as they stand, and LZVN.
    let stored = |bytes: &[u8]| [b"bvx-", &(bytes.len() as u32).to_le_bytes()[..], bytes].concat();
    let whole = lzvn_content();
    let rest = vec![b'.'; 512 - 2 * whole.len() - 14];
    let stream = [lzvn(), stored(b" as it stands "), lzvn(), stored(&rest), b"bvx$".to_vec()].concat();
    let data = dmg(&[(0x8000_0007, 1, stream.clone())]);
    let (found, _) = members(FileKind::OtherArchive, &data);
    assert_eq!(found[0].problems, []);
    assert!(
        found[0].content == [&whole[..], b" as it stands ", &whole, &rest].concat(),
        "{:?}",
        String::from_utf8_lossy(&found[0].content)
    );
    // Without its end, cut off, and with a match from before the start.
    let before = [b"bvxn", &4_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), &[0x40, 9, b'x'], b"bvx$"].concat();
    for broken in
        [&stream[..stream.len() - 4], &stream[..40], b"bvx?", b"bvx2", &before, b"bvxn\0\0\0\0\xff\xff\xff\xff"]
    {
        let found = members(FileKind::OtherArchive, &dmg(&[(0x8000_0007, 1, broken.to_vec())])).0;
        assert_eq!(found[0].problems, [UnscannedReason::Damaged], "{broken:?}");
    }
    // An error counts behind content as well, though what follows would be a block, or the end.
    let tables = b"bvx1".repeat(300);
    for stream in
        [tables.clone(), [stored(b"x"), tables].concat(), [stored(b"x"), b"bvx1\0\0\0\0bvx$".to_vec()].concat()]
    {
        let tables = members(FileKind::OtherArchive, &dmg(&[(0x8000_0007, 0, stream)])).0;
        assert_eq!(tables[0].problems, [UnscannedReason::UnknownFormat]);
    }
    let bad_match = [b"bvxn", &8_u32.to_le_bytes()[..], &7_u32.to_le_bytes(), &[0x40, 9, b'x', 0xe4], b"abc"].concat();
    for broken in [b"8 bytes.".to_vec(), bad_match] {
        let stream = [stored(b"x"), broken, b"bvx$".to_vec()].concat();
        let found = members(FileKind::OtherArchive, &dmg(&[(0x8000_0007, 0, stream)])).0;
        assert_eq!(found[0].problems, [UnscannedReason::Damaged]);
    }
}

#[test]
fn a_block_of_an_image_that_gives_less_than_its_sectors_is_damaged() {
    let stored = [b"bvx-", &512_u32.to_le_bytes()[..], &[7; 512], b"bvx$"].concat();
    let others = blocks().into_iter().filter(|(kind, ..)| !matches!(kind, 0 | 0x7fff_fffe));
    for (kind, sectors, packed) in others.chain([(0x8000_0007, 1, stored)]) {
        for (more, told) in [(0, vec![]), (1, vec![UnscannedReason::Damaged])] {
            let found = members(FileKind::OtherArchive, &dmg(&[(kind, sectors + more, packed.clone())])).0;
            assert_eq!(found[0].problems, told, "{kind:x} {more}");
        }
    }
}

#[test]
fn each_stream_by_lzfse_costs_its_window() {
    let fuel = |count: usize| walk(&dmg(&vec![(0x8000_0007, 0, b"bvx$".to_vec()); count]), Limits::default()).fuel;
    let (one, many) = (fuel(1), fuel(101));
    assert!(many - one >= 100 * 256 * 1024, "{one} {many}");
}

#[test]
fn damage_in_what_apples_encoder_made_is_told() {
    let data = stored_sample("dmg_lzfse");
    let whole = members(FileKind::OtherArchive, &data).0.remove(0).content;
    let (mut told, mut same) = (0, 0);
    let start = data.windows(4).position(|window| window == b"bvx2").unwrap();
    for at in (start..start + 2600).step_by(13) {
        let mut changed = data.clone();
        changed[at] ^= 0x40;
        let found = members(FileKind::OtherArchive, &changed).0.remove(0);
        same += usize::from(found.content == whole && found.problems.is_empty());
        told += usize::from(found.problems.contains(&UnscannedReason::Damaged));
    }
    // There is no checksum: a changed letter stays a letter.
    // Some bits at the ends of payloads fill a byte only.
    assert!(told > 40 && same < 5, "{told} {same}");
}

#[test]
fn images_of_macos_are_opened() {
    let data = dmg(&blocks());
    let (found, problems) = members(FileKind::OtherArchive, &data);
    assert_eq!((found.len(), problems.as_slice()), (1, &[][..]));
    assert_eq!((name(&found[0]), found[0].problems.as_slice()), ("disk image", &[][..]));
    assert!(found[0].content == image(), "{}", found[0].content.len());
    // The first block decides what the file looks like; it is an image all the same.
    for at in [0, 1] {
        let mut blocks = blocks();
        blocks.swap(0, at);
        let data = dmg(&blocks);
        let (found, _) = members(detect(&data), &data);
        assert!(found.iter().any(|member| member.content == image()), "{at}: {:?}", detect(&data));
    }
    let strange = dmg(&[(0x8000_0009, 4, noise(100, 1)), (1, 1, vec![7; 512])]);
    let (found, _) = members(FileKind::OtherArchive, &strange);
    assert_eq!((found[0].problems.as_slice(), found[0].content.len()), (&[UnscannedReason::UnknownFormat][..], 512));
}

#[test]
fn what_lies_beyond_the_limits_of_an_image_is_told() {
    use UnscannedReason::{LimitBytes, LimitObjects};
    let (fork, small) = table(&[(1, 1, vec![7; 512])]);
    let partition = |tables: usize| bound(fork.clone(), list(&vec![small.clone(); tables]), 1);
    for (tables, expected, told) in [(256, 256, vec![]), (257, 256, vec![LimitObjects])] {
        let (found, problems) = members(FileKind::OtherArchive, &partition(tables));
        assert_eq!((found.len(), problems), (expected, told), "{tables}");
    }
    // A list whose second table begins behind its limit.
    let padded = list(&[small.clone(), small.clone()]);
    let padded = padded.replacen("</dict><dict>", &format!("</dict>{}<dict>", " ".repeat(16 << 20)), 1);
    let (found, problems) = members(FileKind::OtherArchive, &bound(fork, padded, 1));
    assert_eq!((found.len(), problems), (1, vec![LimitBytes]));
    let remarks = |count: usize| {
        let (_, mut table) = table(&[(0x7fff_fffe, 0, Vec::new())]);
        let remark = table[204..244].to_vec();
        table.splice(204..204, remark.repeat(count - 1));
        bound(vec![7; 512], list(&[table]), 1)
    };
    // The last entry of a table counts as well.
    for (count, told) in [((1 << 18) - 1, vec![]), (1 << 18, vec![LimitObjects])] {
        let (found, _) = members(FileKind::OtherArchive, &remarks(count));
        assert_eq!(found[0].problems, told, "{count}");
    }
    // Of zeros without end some are written, and what follows is read.
    let gap = dmg(&[(1, 64, noise(32_768, 3)), (0, 1 << 40, Vec::new()), (1, 1, vec![7; 512])]);
    let (found, _) = members(FileKind::OtherArchive, &gap);
    assert_eq!((found[0].content.len(), found[0].problems.as_slice()), ((16 << 20) + 32_768 + 512, &[][..]));
    assert!(found[0].content.ends_with(&[7; 512]));
}

#[test]
fn another_program_reads_our_images_as_we_do() {
    let folder = Folder::new("dmg");
    // It does not read what no image has had for long.
    let blocks: Vec<Block> = blocks().into_iter().filter(|(kind, ..)| *kind != 0x8000_0004).collect();
    folder.write("a.dmg", &dmg(&blocks));
    let Some(made) = folder.run("7z", &["e", "-so", "a.dmg"]) else { return };
    let image = image();
    assert!(made[..] == image[..image.len() - 1024], "{}", made.len());
}

/// Three records: about the file, an answer in chunks, a plain file.
pub(crate) fn warc() -> Vec<u8> {
    let record = |kind: &str, address: &str, block: &str| {
        format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nContent-Length: {}\r\n\r\n{block}\r\n\r\n",
            block.len()
        )
    };
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n7;x\r\n second\r\n0\r\n\r\n";
    [
        record("warcinfo", "", "software: x"),
        record("response", "https://example.org/a", answer),
        record("resource", "https://example.org/b", "a file"),
    ]
    .concat()
    .into_bytes()
}

#[test]
fn archives_of_the_web_are_opened() {
    let data = warc();
    let (found, problems) = members(detect(&data), &data);
    let told: Vec<(&str, &[u8])> = found.iter().map(|member| (name(member), member.content.as_slice())).collect();
    let expected: [(&str, &[u8]); 3] =
        [("", b"software: x"), ("https://example.org/a", b"first second"), ("https://example.org/b", b"a file")];
    assert_eq!((told, problems), (expected.to_vec(), vec![]));
    let (found, problems) = members(FileKind::OtherArchive, &[data.as_slice(), b"something else"].concat());
    assert_eq!((found.len(), found[3].hidden, problems), (4, true, vec![UnscannedReason::Damaged]));
    let (found, _) = members(FileKind::OtherArchive, &data[..data.len() - 7]);
    assert_eq!(found[2].problems, [UnscannedReason::Damaged]);
}

#[test]
fn chunks_that_are_not_joined_are_told() {
    let answer = |chunks: usize| {
        let body = ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &"1\r\na\r\n".repeat(chunks), "0\r\n\r\n"]
            .concat();
        format!("WARC/1.0\r\nContent-Length: {}\r\n\r\n{body}\r\n\r\n", body.len())
    };
    for (chunks, told) in [((1 << 20) - 1, vec![]), ((1 << 20) + 1, vec![UnscannedReason::LimitObjects])] {
        let (found, _) = members(FileKind::OtherArchive, answer(chunks).as_bytes());
        assert_eq!((found[0].content.len(), &found[0].problems), (chunks.min(1 << 20), &told));
    }
}

#[test]
fn what_the_shell_would_unpack_is_given() {
    let folder = Folder::new("shar");
    let binary = noise(3000, 9);
    folder.write("text.txt", b"first line\nXsecond\n\nlast\n");
    folder.write("binary.dat", &binary);
    for (options, names) in
        [("-T", &["text.txt"][..]), ("-M", &["text.txt", "binary.dat"]), ("-B", &["binary.dat"]), ("-V", &["text.txt"])]
    {
        let Some(made) = folder.run("shar", &[&[options], names].concat()) else { return };
        let (all, _) = crate::support::everything(&made);
        let holds = |wanted: &[u8]| all.iter().any(|content| content == wanted);
        assert!(!names.contains(&"text.txt") || holds(b"first line\nXsecond\n\nlast\n"), "{options}");
        assert!(!names.contains(&"binary.dat") || holds(&binary), "{options}");
    }
}

#[test]
fn archives_of_another_program_for_the_web_and_the_shell_are_opened() {
    let folder = Folder::new("bsdtar");
    folder.write("text.txt", b"first line\nXsecond\n\nlast\n");
    folder.write("binary.dat", &noise(3000, 9));
    for format in ["warc", "shar", "shardump"] {
        let arguments = ["--format", format, "-cf", "-", "text.txt", "binary.dat"];
        let names = if format == "shar" { &arguments[..5] } else { &arguments[..] };
        let Some(made) = folder.run("bsdtar", names) else { return };
        let (all, _) = crate::support::everything(&made);
        assert!(all.iter().any(|content| content == b"first line\nXsecond\n\nlast\n"), "{format}");
        assert!(format == "shar" || all.contains(&noise(3000, 9)), "{format}");
    }
}
