//! Tests of `disarm`: archives without some members, checked against the `zip` crate, `unzip` and
//! Python, and archives that are refused.

mod archives;
mod documents;
mod formulas;
mod fuzzed;
mod html;
mod letters;
mod ole2;
mod pdf;
mod samples;
mod told;
mod xlsb;

use std::io::{Cursor, Read, Write};
use std::process::{Command, Stdio};

use disarm::{DisarmError, fuzzing::fuzz_zip_without, zip_without};
use proptest::prelude::*;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A name and its content.
type File = (String, Vec<u8>);

fn files(count: usize) -> Vec<File> {
    (0..count)
        .map(|at| (format!("dir/member {at}.txt"), format!("content of {at}. ").repeat(at + 1).into_bytes()))
        .collect()
}

fn options(at: usize) -> SimpleFileOptions {
    let methods = [CompressionMethod::Deflated, CompressionMethod::Stored, CompressionMethod::Bzip2];
    SimpleFileOptions::default().compression_method(methods[at % 3]).unix_permissions(0o640)
}

fn archive(files: &[File]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (at, (name, content)) in files.iter().enumerate() {
        writer.start_file(name, options(at).large_file(at % 2 == 1)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.set_comment("a comment").unwrap();
    writer.finish().unwrap().into_inner()
}

/// With data descriptors, as a program writes that cannot go back in its output.
fn streamed(files: &[File]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new_stream(Vec::new());
    for (at, (name, content)) in files.iter().enumerate() {
        writer.start_file(name, options(at)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What the `zip` crate reads.
fn read(data: &[u8]) -> Vec<File> {
    let mut archive = zip::ZipArchive::new(Cursor::new(data)).unwrap();
    let file = |at| {
        let mut file = archive.by_index(at).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    (0..data_len(data)).map(file).collect()
}

fn data_len(data: &[u8]) -> usize {
    zip::ZipArchive::new(Cursor::new(data)).unwrap().len()
}

fn without(files: &[File], remove: &[u32]) -> Vec<File> {
    files.iter().enumerate().filter(|(at, _)| !remove.contains(&(*at as u32))).map(|(_, file)| file.clone()).collect()
}

/// Runs a program on an archive; `None` when it is not installed.
fn run(program: &str, arguments: &[&str], data: &[u8]) -> Option<(bool, String)> {
    let mut file = tempfile::NamedTempFile::with_suffix(".zip").unwrap();
    file.write_all(data).unwrap();
    let output = Command::new(program).args(arguments).arg(file.path()).stdin(Stdio::null()).output();
    let Ok(output) = output else {
        testkit::peers::skipped(program);
        return None;
    };
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

#[test]
fn what_remains_is_as_it_was() {
    let files = files(7);
    for data in [archive(&files), streamed(&files)] {
        for remove in [&[0][..], &[6], &[3], &[0, 2, 4, 6], &[0, 1, 2, 3, 4, 5], &[2, 2, 2]] {
            let rebuilt = zip_without(&data, remove).unwrap();
            assert_eq!(read(&rebuilt), without(&files, remove), "{remove:?}");
        }
    }
}

#[test]
fn other_programs_read_what_remains() {
    let list = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
                print(','.join(i.filename for i in z.infolist()))";
    let files = files(6);
    for data in [archive(&files), streamed(&files)] {
        let rebuilt = zip_without(&data, &[1, 4]).unwrap();
        if let Some((sound, text)) = run("unzip", &["-t"], &rebuilt) {
            assert!(sound && text.contains("No errors"), "{text}");
        }
        if let Some((sound, text)) = run("python3", &["-c", list], &rebuilt) {
            let names: Vec<String> = without(&files, &[1, 4]).into_iter().map(|(name, _)| name).collect();
            assert!(sound, "{text}");
            assert_eq!(text.trim(), names.join(","));
        }
    }
}

#[test]
fn headers_and_the_comment_stay_as_they_were() {
    let data = archive(&files(3));
    let rebuilt = zip_without(&data, &[1]).unwrap();
    let mut before = zip::ZipArchive::new(Cursor::new(&data[..])).unwrap();
    let mut after = zip::ZipArchive::new(Cursor::new(&rebuilt[..])).unwrap();
    assert_eq!(after.comment(), b"a comment");
    for (old, new) in [(0, 0), (2, 1)] {
        let (old, new) = (before.by_index_raw(old).unwrap(), after.by_index_raw(new).unwrap());
        assert_eq!(old.compressed_size(), new.compressed_size());
        assert_eq!(old.last_modified(), new.last_modified());
        assert_eq!(old.unix_mode(), new.unix_mode());
        assert_eq!(old.compression(), new.compression());
    }
}

#[test]
fn members_of_equal_name_are_told_apart() {
    let mut data = archive(&[("a".into(), b"first".to_vec()), ("b".into(), b"second".to_vec())]);
    for at in 0..data.len() - 1 {
        // The names, in both headers: one byte, behind the fixed part.
        let local = at >= 30 && data[at - 30..].starts_with(b"PK\x03\x04");
        let central = at >= 46 && data[at - 46..].starts_with(b"PK\x01\x02");
        if (local || central) && data[at] == b'b' {
            data[at] = b'a';
        }
    }
    let rebuilt = zip_without(&data, &[0]).unwrap();
    assert_eq!(read(&rebuilt), [("a".to_owned(), b"second".to_vec())]);
}

#[test]
fn encrypted_members_are_carried_as_they_are() {
    // The flag is all that tells: nothing here decrypts.
    let mut data = archive(&[("a".into(), b"0123456789abcdef".to_vec()), ("b".into(), b"x".to_vec())]);
    data[6] |= 1;
    let central = data.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    data[central + 8] |= 1;
    let rebuilt = zip_without(&data, &[1]).unwrap();
    let end = data.windows(4).rposition(|window| window == b"PK\x03\x04").unwrap();
    assert_eq!(rebuilt[..end], data[..end]);
}

#[test]
fn what_would_not_be_carried_honestly_is_refused() {
    let data = archive(&files(3));
    let front = [&b"MZ front"[..], &data].concat();
    let behind = [&data[..], b"behind"].concat();
    let two = [&archive(&files(1))[..], &data].concat();
    let directory = data.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let mut unlisted = data.clone();
    // Another name in the directory than in the local header.
    unlisted[directory + 46] ^= 1;
    let mut count = data.clone();
    let end = data.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    count[end + 8] = 2;
    count[end + 10] = 2;
    let cases: [(&[u8], &[u32], DisarmError); 10] = [
        (&data, &[], DisarmError::NothingToRemove),
        (&data, &[3], DisarmError::UnknownMember(3)),
        (&data, &[0, 1, 2], DisarmError::NothingLeft),
        (&data[..directory], &[0], DisarmError::NotSound),
        (&unlisted, &[0], DisarmError::NotSound),
        (&count, &[0], DisarmError::NotSound),
        (&front, &[0], DisarmError::Unlisted),
        (&behind, &[0], DisarmError::Unlisted),
        (&two, &[0], DisarmError::Unlisted),
        (b"no archive", &[0], DisarmError::NotSound),
    ];
    for (data, remove, error) in cases {
        assert_eq!(zip_without(data, remove), Err(error));
    }
}

#[test]
fn a_member_that_is_not_listed_is_refused_wherever_it_stands() {
    let lone = |name: &str| {
        let data = archive(&[(name.into(), b"hidden".to_vec())]);
        let directory = data.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        data[..directory].to_vec()
    };
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["a", "b"] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(name.as_bytes()).unwrap();
    }
    writer.set_raw_comment(lone("in the comment").into_boxed_slice()).unwrap();
    let data = writer.finish().unwrap().into_inner();
    assert_eq!(zip_without(&data, &[0]), Err(DisarmError::Unlisted));

    // Between the last member and the directory; every offset and count stays true.
    let plain = archive(&files(2));
    let directory = plain.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let hidden = lone("between");
    let mut data = [&plain[..directory], &hidden, &plain[directory..]].concat();
    let end = data.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    let start = (directory + hidden.len()) as u32;
    data[end + 16..end + 20].copy_from_slice(&start.to_le_bytes());
    assert_eq!(data_len(&data), 2);
    assert_eq!(zip_without(&data, &[0]), Err(DisarmError::Unlisted));
}

#[test]
fn only_folders_are_nothing() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("folder/", SimpleFileOptions::default()).unwrap();
    writer.start_file("folder/a", SimpleFileOptions::default()).unwrap();
    let data = writer.finish().unwrap().into_inner();
    assert_eq!(zip_without(&data, &[1]), Err(DisarmError::NothingLeft));
    assert!(zip_without(&data, &[0]).is_ok());
}

#[test]
fn the_data_of_a_member_with_a_damaged_head_go_with_it() {
    let files = files(4);
    let data = streamed(&files);
    for at in 0..data.len() {
        let mut data = data.clone();
        data[at] = 0;
        fuzz_zip_without(&[&[4][..], &data].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_selection_leaves_the_rest(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 2..8),
        mask in any::<u8>(),
        stream in any::<bool>(),
    ) {
        let files: Vec<File> = contents.into_iter().enumerate().map(|(at, content)| (at.to_string(), content)).collect();
        let data = if stream { streamed(&files) } else { archive(&files) };
        let remove: Vec<u32> = (0..files.len() as u32).filter(|at| mask >> at & 1 == 1).collect();
        match zip_without(&data, &remove) {
            Ok(rebuilt) => prop_assert_eq!(read(&rebuilt), without(&files, &remove)),
            Err(DisarmError::NothingToRemove) => prop_assert!(remove.is_empty()),
            Err(error) => prop_assert!(error == DisarmError::NothingLeft && remove.len() == files.len(), "{}", error),
        }
        fuzz_zip_without(&[&[mask][..], &data].concat());
    }

    #[test]
    fn mutated_archives_are_refused_or_rebuilt_faithfully(
        mask in any::<u8>(),
        stream in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let files = files(4);
        let mut data = if stream { streamed(&files) } else { archive(&files) };
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        fuzz_zip_without(&[&[mask][..], &data].concat());
    }
}
