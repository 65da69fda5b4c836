//! Archives of all formats, made by their own programs: what goes is gone, what stays is as it was, and
//! the programs read the result.

use std::fs;
use std::process::{Command, Stdio};

use disarm::{DisarmError, Rebuilt, Wish, remove};
use mail::evidence::FileKind;
use sha2::{Digest, Sha256};
use unpack::{Budget, Limits, Member, Opening, StopFlag};

use crate::{File, archive};

/// What goes.
const VICTIM: &[u8] = b"this is what was found\n";

fn budget() -> Budget {
    Budget::new(Limits::default(), StopFlag::new())
}

fn sum(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// Removes the victim; `through`: the containers on the way to it, the innermost last.
fn without(data: &[u8], through: &[&[u8]]) -> Result<Rebuilt, DisarmError> {
    let wish = Wish {
        remove: [sum(VICTIM)].into(),
        through: through.iter().map(|bytes| sum(bytes)).collect(),
        ..Wish::default()
    };
    remove(unpack::detect(data), data, &wish, &mut budget())
}

fn members(data: &[u8]) -> Vec<Member> {
    let mut budget = budget();
    let Opening::Container(mut container) = unpack::open(unpack::detect(data), data, &mut budget) else {
        panic!("no container")
    };
    let all = std::iter::from_fn(|| container.next(data, &mut budget)).collect();
    assert!(container.problems().is_empty());
    all
}

fn read(data: &[u8]) -> Vec<File> {
    members(data)
        .into_iter()
        .map(|it| (it.name.map(|name| name.raw().clone()).unwrap_or_default(), it.content))
        .collect()
}

fn files() -> Vec<File> {
    let long = "a line of text\n".repeat(5000).into_bytes();
    let random: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        ("first.txt".into(), b"first".to_vec()),
        ("victim.exe".into(), VICTIM.to_vec()),
        ("empty".into(), Vec::new()),
        ("long.txt".into(), long),
        ("random.bin".into(), random),
    ]
}

/// An archive of [`files`] that a program makes; `None` when it is not installed.
pub(crate) fn made(program: &str, arguments: &[&str], name: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    for (name, content) in files() {
        fs::write(folder.path().join(&name), content).unwrap();
        list.push(name);
    }
    let mut run = Command::new(program);
    run.args(arguments).arg(name).args(&list).current_dir(folder.path());
    let Ok(output) = run.stdin(Stdio::null()).output() else {
        testkit::peers::skipped(program);
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(fs::read(folder.path().join(name)).unwrap())
}

/// What a program says of an archive.
pub(crate) fn tested(program: &str, arguments: &[&str], data: &[u8], name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, data).unwrap();
    let Ok(output) = Command::new(program).args(arguments).arg(&path).stdin(Stdio::null()).output() else {
        testkit::peers::skipped(program);
        return;
    };
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {name}: {}", String::from_utf8_lossy(&text));
}

fn sorted(mut files: Vec<File>) -> Vec<File> {
    files.sort();
    files
}

fn kept() -> Vec<File> {
    sorted(files().into_iter().filter(|(name, _)| name != "victim.exe").collect())
}

#[test]
fn tar_archives_keep_their_dialect_and_7z_archives_their_format() {
    for format in ["gnu", "ustar", "pax", "v7"] {
        let option = format!("--format={format}");
        let Some(data) = made("tar", &[&option, "-cf"], "a.tar") else { continue };
        let rebuilt = without(&data, &[]).unwrap();
        assert_eq!(sorted(read(&rebuilt.bytes)), kept(), "{format}");
        assert_eq!((rebuilt.suffix, rebuilt.removed.len()), ("", 1));
        tested("tar", &["-tf"], &rebuilt.bytes, "a.tar");
    }
    for option in ["-m0=lzma2", "-ms=off", "-m0=copy", "-m0=ppmd"] {
        let Some(data) = made("7z", &["a", option], "a.7z") else { continue };
        let rebuilt = without(&data, &[]).unwrap();
        assert_eq!(sorted(read(&rebuilt.bytes)), kept(), "{option}");
        tested("7z", &["t"], &rebuilt.bytes, "a.7z");
    }
}

#[test]
fn compressed_archives_are_compressed_again_by_the_same_method() {
    let cases = [
        ("-czf", "a.tar.gz", &[0x1f_u8, 0x8b][..]),
        ("-cjf", "a.tar.bz2", b"BZh"),
        ("-cJf", "a.tar.xz", b"\xfd7z"),
        ("--zstd", "a.tar.zst", b"\x28\xb5\x2f\xfd"),
        ("--use-compress-program=xz --format=lzma", "a.tar.lzma", b"\x5d\0\0"),
    ];
    for (option, name, magic) in cases {
        let arguments: &[&str] = if option.starts_with("--") { &[option, "-cf"] } else { &[option] };
        let Some(data) = made("tar", arguments, name) else { continue };
        let tar = members(&data).remove(0).content;
        let rebuilt = without(&data, &[&tar]).unwrap();
        assert!(rebuilt.bytes.starts_with(magic), "{name}");
        assert_eq!(sorted(read(&members(&rebuilt.bytes)[0].content)), kept(), "{name}");
        tested("tar", &["-tf"], &rebuilt.bytes, name);
    }
}

#[test]
fn formats_that_are_not_written_become_zip_archives() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("gcab", &["-c"], "a.cab"),
        ("arj", &["a"], "a.arj"),
        ("ar", &["rc"], "a.a"),
        ("genisoimage", &["-quiet", "-J", "-R", "-o"], "a.iso"),
    ];
    for (program, arguments, name) in cases {
        let Some(data) = made(program, arguments, name) else { continue };
        let rebuilt = without(&data, &[]).unwrap();
        assert_eq!(rebuilt.suffix, ".zip");
        assert_eq!(sorted(read(&rebuilt.bytes)), kept(), "{name}");
        tested("unzip", &["-tq"], &rebuilt.bytes, "a.zip");
    }
}

#[test]
fn what_is_deeper_goes_and_the_way_to_it_stays() {
    let inner = archive(&[("victim.exe".into(), VICTIM.to_vec()), ("kept.txt".into(), b"kept".to_vec())]);
    let middle = archive(&[("inner.zip".into(), inner.clone()), ("beside.txt".into(), b"beside".to_vec())]);
    let outer = archive(&[("middle.zip".into(), middle.clone()), ("top.txt".into(), b"top".to_vec())]);
    let rebuilt = without(&outer, &[&middle, &inner]).unwrap();
    let new = read(&rebuilt.bytes);
    assert_eq!(new[1], ("top.txt".into(), b"top".to_vec()));
    let new = read(&new[0].1);
    assert_eq!(new[1], ("beside.txt".into(), b"beside".to_vec()));
    assert_eq!(read(&new[0].1), [("kept.txt".into(), b"kept".to_vec())]);
    tested("unzip", &["-tq"], &rebuilt.bytes, "a.zip");
}

#[test]
fn a_container_inside_of_which_nothing_would_remain_goes_as_a_whole() {
    let inner = archive(&[("victim.exe".into(), VICTIM.to_vec())]);
    let outer = archive(&[("inner.zip".into(), inner.clone()), ("kept.txt".into(), b"kept".to_vec())]);
    let rebuilt = without(&outer, &[&inner]).unwrap();
    assert_eq!(read(&rebuilt.bytes), [("kept.txt".into(), b"kept".to_vec())]);
    let lone = archive(&[("inner.zip".into(), inner.clone())]);
    assert_eq!(without(&lone, &[&inner]), Err(DisarmError::NothingLeft));
    assert_eq!(without(&archive(&[("a".into(), b"b".to_vec())]), &[]), Err(DisarmError::NothingToRemove));
}

#[test]
fn a_message_in_an_archive_loses_the_part_and_keeps_the_others() {
    let victim = VICTIM.iter().map(|byte| format!("={byte:02X}")).collect::<String>();
    let mail = format!(
        "From: a@example.org\r\nSubject: nested\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nthe text\r\n--b\r\n\
         Content-Type: application/octet-stream; name=victim.exe\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         {victim}\r\n--b--\r\n"
    );
    let exact =
        members(mail.as_bytes()).into_iter().find(|it| it.name.as_ref().is_some_and(|n| n.raw() == "victim.exe"));
    let exact = exact.unwrap().content;
    let outer = archive(&[("mail.eml".into(), mail.clone().into_bytes()), ("kept.txt".into(), b"kept".to_vec())]);
    let wish = Wish { remove: [sum(&exact)].into(), through: [sum(mail.as_bytes())].into(), ..Wish::default() };
    let rebuilt = remove(unpack::detect(&outer), &outer, &wish, &mut budget()).unwrap();
    let new = read(&rebuilt.bytes);
    let text = String::from_utf8(new[0].1.clone()).unwrap();
    assert!(text.contains("the text") && text.contains("Subject: nested") && !text.contains("=74=68"), "{text}");
    assert_eq!(new[1], ("kept.txt".into(), b"kept".to_vec()));
}

/// An archive of RAR 5 with one stored file and, if asked for, an entry that leads to it.
fn rar_with_link(kind: Option<u8>) -> Vec<u8> {
    let block = |kind: u8, fields: &[u8], extra: &[u8], data: &[u8]| {
        let mut header = vec![kind, u8::from(!extra.is_empty()) | if data.is_empty() { 0 } else { 2 }];
        header.extend([extra.len(), data.len()].iter().filter(|len| **len > 0).map(|len| *len as u8));
        header.extend([fields, extra].concat());
        let sized = [&[header.len() as u8][..], &header].concat();
        [&crc32fast::hash(&sized).to_le_bytes()[..], &sized, data].concat()
    };
    let file = |name: &str, extra: &[u8], data: &[u8]| {
        let sum = crc32fast::hash(data).to_le_bytes();
        let fields = [&[4, data.len() as u8, 0x20][..], &sum, &[0, 0, name.len() as u8], name.as_bytes()];
        block(2, &fields.concat(), extra, data)
    };
    let leads = |kind: u8| [&[13, 5, kind, 0, 9][..], b"note1.txt"].concat();
    let more = kind.map(|kind| file("copy.txt", &leads(kind), b"")).unwrap_or_default();
    let first = block(1, &[0], &[], &[]);
    let last = block(5, &[0], &[], &[]);
    let (note, bad) = (file("note1.txt", &[], b"hello"), file("bad.txt", &[], b"victim"));
    [&b"Rar!\x1a\x07\x01\0"[..], &first, &note, &bad, &more, &last].concat()
}

#[test]
fn a_rar_with_names_that_only_lead_to_others_is_refused() {
    let wish = Wish { remove: [Sha256::digest(b"victim").into()].into(), ..Wish::default() };
    let made = |data: &[u8]| remove(FileKind::Rar, data, &wish, &mut budget());
    let new = made(&rar_with_link(None)).unwrap();
    assert_eq!(read(&new.bytes), [("note1.txt".to_owned(), b"hello".to_vec())]);
    // Links and copies that are stored once: the new archive would lack them.
    for kind in 1..=5 {
        assert_eq!(made(&rar_with_link(Some(kind))), Err(DisarmError::NotSound), "{kind}");
    }
}

#[test]
fn links_in_a_rar_are_not_denied_where_its_headers_are_not_read() {
    use unpack::formats::rar::has_links;
    assert_eq!(has_links(&rar_with_link(None), &mut budget()), Some(false));
    assert_eq!(has_links(&rar_with_link(Some(1)), &mut budget()), Some(true));
    assert_eq!(has_links(b"no archive", &mut budget()), None);
}
