//! Compound files: what acts in them is gone from the bytes, what is left is read by others.

#[path = "../../../unpack/tests/unpack/ole2/build.rs"]
#[allow(dead_code)]
pub(crate) mod build;

use std::collections::BTreeSet;

use disarm::{DisarmError, Wish, remove};
use mail::evidence::Active;
use sha2::{Digest, Sha256};
use unpack::formats::ole2::{Cfb, Kind};

use crate::documents::{active, budget, disarmed, members};
use build::{Compound, compress, project};

/// A file with the streams of another, so that more can be put into it.
pub(crate) fn again(data: &[u8]) -> Compound {
    let cfb = Cfb::open(data);
    let mut file = Compound::new();
    file.items[0].class = cfb.entry(0).unwrap().class;
    for (number, entry) in cfb.entries().filter(|(_, entry)| entry.kind == Kind::Stream) {
        let (mut path, mut above) = (entry.name.clone(), entry.parent);
        while let Some(holder) = cfb.entry(above).filter(|holder| holder.kind == Kind::Storage) {
            path = format!("{}/{path}", holder.name);
            above = holder.parent;
        }
        file.stream(&path, &cfb.read(data, number).bytes);
    }
    file
}

/// The streams of a file, by their names.
fn streams(data: &[u8]) -> Vec<(String, Vec<u8>)> {
    let cfb = Cfb::open(data);
    assert!(!cfb.damaged);
    cfb.entries()
        .filter(|(_, entry)| entry.kind == Kind::Stream)
        .map(|(number, entry)| (entry.name.clone(), cfb.read(data, number).bytes))
        .collect()
}

/// Puts a project of macros into a storage.
pub(crate) fn with_macros(file: &mut Compound, storage: &str) {
    let source = "Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nShell \"calc.exe\"\r\nEnd Sub\r\n";
    file.stream(&format!("{storage}/VBA/dir"), &project(&[("Module1", 0)]));
    file.stream(&format!("{storage}/VBA/_VBA_PROJECT"), &[0xcc, 0x61, 0xff, 0xff, 0, 0, 0]);
    file.stream(&format!("{storage}/VBA/Module1"), &compress(source.as_bytes()));
    file.stream(&format!("{storage}/PROJECT"), b"ID=\"{0}\"\r\nModule=Module1\r\n");
}

fn record(id: u16, body: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), body].concat()
}

/// The parts of a workbook's stream: a list entry of a sheet of macros called `M1`, the sheet, and a name
/// that runs it.
fn macro_sheet(at: usize) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let entry = record(0x0085, &[&(at as u32).to_le_bytes()[..], b"\x02\x01\x02\0M1"].concat());
    let name = [&[0x20, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0x3a, 0, 0, 0, 0, 0, 0]].concat();
    let tokens = b"\x17\x04\0calc\x42\x01\x6e\0";
    let formula = [&[0; 20][..], &(tokens.len() as u16).to_le_bytes(), tokens].concat();
    let start = record(0x0809, &[0, 6, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let cell = record(0x00fd, &[0, 0, 1, 0, 15, 0, 1, 0, 0, 0]);
    (entry, [start, record(0x0006, &formula), cell, record(0x000a, b"")].concat(), record(0x0018, &name))
}

/// A workbook's stream with a sheet of macros, a link to a program, and one to another machine.
pub(crate) fn with_macro_sheet(stream: &[u8]) -> Vec<u8> {
    let link = record(0x01ae, b"\0\0\x09\0\0cmd\x03/c ab");
    let remote = record(0x01ae, b"\0\0\x17\0\0\x01\x01@\x03192.0.2.1\x03share\x03a.xls");
    let (mut head, mut tail, mut at, mut in_head) = (Vec::new(), Vec::new(), 0, true);
    while at + 4 <= stream.len() {
        let (id, size) =
            (u16::from_le_bytes([stream[at], stream[at + 1]]), u16::from_le_bytes([stream[at + 2], stream[at + 3]]));
        let whole = &stream[at..at + 4 + usize::from(size)];
        at += whole.len();
        let part = if in_head { &mut head } else { &mut tail };
        part.push((id, whole.to_vec()));
        in_head &= id != 0x000a;
    }
    let (entry, _, name) = macro_sheet(0);
    let grown = entry.len() + link.len() + remote.len() + name.len();
    let last = head.iter().rposition(|(id, _)| *id == 0x0085).unwrap();
    let (end, before) = head.split_last().unwrap();
    let mut out: Vec<u8> = Vec::new();
    let (_, sheet, _) = macro_sheet(0);
    let (entry, ..) = macro_sheet(stream.len() + grown);
    for (number, (id, record)) in before.iter().enumerate() {
        let mut record = record.clone();
        if *id == 0x0085 {
            let place = u32::from_le_bytes(record[4..8].try_into().unwrap()) + grown as u32;
            record[4..8].copy_from_slice(&place.to_le_bytes());
        }
        out.extend(record);
        if number == last {
            out.extend(&entry);
        }
    }
    out.extend([link, remote, name].concat());
    out.extend(&end.1);
    out.extend(tail.into_iter().flat_map(|(_, record)| record));
    [out, sheet].concat()
}

/// A workbook that is as small as can be.
pub(crate) fn small_workbook() -> Vec<u8> {
    let start = |kind: u8| record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let text = record(0x00fc, b"\x02\0\0\0\x02\0\0\0\x14\0\0the text that stays.\x0c\0\0only macros.");
    let entry = |at: usize| record(0x0085, &[&(at as u32).to_le_bytes()[..], b"\0\0\x05\0Cells"].concat());
    let at = start(5).len() + entry(0).len() + text.len() + 4;
    [start(5), entry(at), text, record(0x000a, b""), start(0x10), record(0x00fd, &[0; 10]), record(0x000a, b"")]
        .concat()
}

/// A record of a presentation.
fn atom(head: u16, id: u16, body: &[u8]) -> Vec<u8> {
    [&head.to_le_bytes()[..], &id.to_le_bytes(), &(body.len() as u32).to_le_bytes(), body].concat()
}

/// A presentation with a project, a program behind a click, and an object.
pub(crate) fn presentation() -> Vec<u8> {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut inner = Compound::new();
    with_macros(&mut inner, "Macros");
    let mut object = Compound::new();
    object.stream("\u{1}Ole10Native", &[&[40, 0, 0, 0][..], &[b'x'; 40]].concat());
    let packed = |data: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
        std::io::Write::write_all(&mut encoder, data).unwrap();
        [&(data.len() as u32).to_le_bytes()[..], &encoder.finish().unwrap()].concat()
    };
    let stream = [
        atom(0, 0x0fa8, b"the text that stays"),
        atom(0xf, 0x03ff, &atom(2, 0x0400, &[1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])),
        atom(
            0xf,
            0x0ff2,
            &[atom(0, 0x0ff3, &[0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]), atom(0x20, 0x0fba, &wide("calc.exe"))].concat(),
        ),
        atom(0x10, 0x1011, &packed(&inner.finish())),
        atom(0x10, 0x1011, &packed(&object.finish())),
    ];
    let mut file = Compound::new();
    file.stream("PowerPoint Document", &stream.concat());
    file.stream("Current User", &atom(0, 0x0ff6, &[20, 0, 0, 0, 0x5f, 0xc0, 0x91, 0xe3, 0, 0, 0, 0]));
    file.finish()
}

fn holds(data: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes(), &wide].iter().any(|needle| data.windows(needle.len()).any(|window| window == *needle))
}

#[test]
fn storages_that_act_are_gone_from_the_bytes_and_the_rest_is_as_it_was() {
    let mut file = Compound::new();
    let large: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    file.stream("Kept/deep/large", &large);
    file.stream("Kept/small", b"small and kept");
    file.stream("Kept/empty", b"");
    for number in 0..40 {
        file.stream(&format!("Many/{number}"), format!("number {number} of many").as_bytes());
    }
    with_macros(&mut file, "Macros");
    file.stream("ObjectPool/_1/\u{1}Ole10Native", b"\x2c\0\0\0this is the program that somebody embedded..");
    file.stream("MBD0012AB34/Package", b"another that somebody embedded");
    file.stream("Own/\u{3}OCXNAME", b"T\0e\0x\0t\0");
    let data = file.finish();
    assert!(
        active(&data).is_superset(&[Active::Vba, Active::OlePackage, Active::ActiveX].into()),
        "{:?}",
        active(&data)
    );
    let rebuilt = disarmed(&data).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    let kept = |data: &[u8]| {
        let mut all = streams(data);
        all.retain(|(name, _)| ["large", "small", "empty"].contains(&name.as_str()) || name.parse::<u32>().is_ok());
        all.sort();
        all
    };
    assert_eq!(kept(&rebuilt.bytes), kept(&data));
    assert_eq!(streams(&rebuilt.bytes).len(), 43);
    for gone in ["Attribut", "somebody embedded", "OCXNAME", "Macros", "_VBA_PROJECT"] {
        assert!(holds(&data, gone) && !holds(&rebuilt.bytes, gone), "{gone}");
    }
    assert!(
        rebuilt.removed.iter().any(|it| it.what == Some(Active::Vba) && it.name == "Module1"),
        "{:?}",
        rebuilt.removed
    );
}

#[test]
fn sheets_of_macros_become_empty_and_links_lead_nowhere() {
    let mut file = Compound::new();
    file.stream("Workbook", &with_macro_sheet(&small_workbook()));
    let data = file.finish();
    assert_eq!(active(&data), [Active::Xlm, Active::Dde, Active::RemoteTemplate].into());
    let rebuilt = disarmed(&data).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    for (text, stays) in [
        ("calc", false),
        ("cmd", false),
        ("192.0.2.1", false),
        ("the text that stays.", true),
        ("only macros.", false),
        ("M1", true),
    ] {
        assert_eq!(holds(&rebuilt.bytes, text), stays, "{text}");
    }
    // Only what is asked for goes.
    let wish = Wish { active: [Active::Dde].into(), ..Wish::default() };
    let some = remove(unpack::detect(&data), &data, &wish, &mut budget()).unwrap();
    assert_eq!(active(&some.bytes), [Active::Xlm, Active::RemoteTemplate].into());
}

#[test]
fn presentations_lose_projects_programs_and_objects_in_their_places() {
    let data = presentation();
    assert!(active(&data).is_superset(&[Active::Launch, Active::Vba].into()), "{:?}", active(&data));
    let rebuilt = disarmed(&data).unwrap();
    assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
    let size = |data: &[u8]| streams(data).into_iter().map(|(name, content)| (name, content.len())).collect::<Vec<_>>();
    assert_eq!(size(&rebuilt.bytes), size(&data));
    assert!(!holds(&rebuilt.bytes, "calc.exe") && !holds(&rebuilt.bytes, "Attribut"));
    assert!(holds(&rebuilt.bytes, "the text that stays"));
}

/// An item of Outlook with two attachments; the first is what goes.
fn item(first: &[u8]) -> Vec<u8> {
    let mut file = Compound::new();
    let mut properties = vec![0; 32];
    properties[20] = 2;
    file.stream("__properties_version1.0", &properties);
    file.stream("__substg1.0_1000001F", b"t\0h\0e\0 \0t\0e\0x\0t\0");
    for (number, content) in [first, b"kept"].into_iter().enumerate() {
        let storage = format!("__attach_version1.0_#0000000{number}");
        let size = [&0x3701_0102_u32.to_le_bytes()[..], &[6, 0, 0, 0], &(content.len() as u32).to_le_bytes(), &[0; 4]];
        file.stream(&format!("{storage}/__properties_version1.0"), &[&[0; 8][..], &size.concat()].concat());
        file.stream(&format!("{storage}/__substg1.0_37010102"), content);
    }
    file.finish()
}

#[test]
fn an_attachment_of_an_item_goes_as_a_whole_or_gets_other_content() {
    const VICTIM: &[u8] = b"this is what was found, and it goes";
    let sum = |content: &[u8]| <[u8; 32]>::from(Sha256::digest(content));
    let data = item(VICTIM);
    let wish = Wish { remove: [sum(VICTIM)].into(), ..Wish::default() };
    let rebuilt = remove(unpack::detect(&data), &data, &wish, &mut budget()).unwrap();
    assert!(!holds(&rebuilt.bytes, "this is what was found"));
    let attached: Vec<Vec<u8>> =
        members(&rebuilt.bytes).into_iter().filter(|it| it.attachment).map(|it| it.content).collect();
    assert_eq!(attached, [b"kept".to_vec()]);
    let count = streams(&rebuilt.bytes).into_iter().find(|(_, content)| content.len() == 32).unwrap().1;
    assert_eq!(count[20], 1);

    let archive = crate::archive(&[("victim".into(), VICTIM.to_vec()), ("beside".into(), b"beside".to_vec())]);
    let data = item(&archive);
    let wish = Wish { through: [sum(&archive)].into(), ..wish };
    let rebuilt = remove(unpack::detect(&data), &data, &wish, &mut budget()).unwrap();
    let attached: Vec<Vec<u8>> =
        members(&rebuilt.bytes).into_iter().filter(|it| it.attachment).map(|it| it.content).collect();
    assert_eq!(crate::read(&attached[0]), [("beside".to_owned(), b"beside".to_vec())]);
    let sizes: Vec<u8> = streams(&rebuilt.bytes)
        .into_iter()
        .filter(|(_, content)| content.len() == 24)
        .map(|(_, content)| content[16])
        .collect();
    assert!(sizes.contains(&(attached[0].len() as u8)), "{sizes:?}");
}

#[test]
fn what_is_damaged_or_encrypted_or_holds_nothing_is_refused() {
    let mut file = Compound::new();
    file.stream("EncryptedPackage", &[7; 100]);
    with_macros(&mut file, "Macros");
    assert_eq!(disarmed(&file.finish()).unwrap_err(), DisarmError::Encrypted);
    let mut file = Compound::new();
    with_macros(&mut file, "Macros");
    file.stream("long", &[1; 5000]);
    let data = file.finish();
    let cut = &data[..data.len() - 600];
    assert!(disarmed(cut).is_err());
    let mut file = Compound::new();
    file.stream("plain", &[1; 100]);
    assert_eq!(disarmed(&file.finish()).unwrap_err(), DisarmError::NothingToRemove);
}

#[test]
fn large_files_need_lists_of_tables_and_get_them() {
    let large: Vec<u8> = (0..9_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut file = Compound::new();
    file.stream("large", &large);
    with_macros(&mut file, "Macros");
    let rebuilt = disarmed(&file.finish()).unwrap();
    assert!(streams(&rebuilt.bytes) == [("large".to_owned(), large)]);
}

#[test]
fn mutated_compound_files_are_refused_or_lose_what_acts() {
    let mut file = Compound::new();
    file.stream("Workbook", &with_macro_sheet(&small_workbook()));
    with_macros(&mut file, "_VBA_PROJECT_CUR");
    for data in [file.finish(), presentation(), item(b"attached")] {
        for round in 0..400_usize {
            let mut bad = data.clone();
            for step in 0..=round % 3 {
                let at = (round * 7919 + step * 104_729) % bad.len();
                bad[at] ^= 1 << (round % 8);
            }
            disarm::fuzzing::fuzz_disarm(&bad);
        }
    }
}
