//! Mutated files never panic and always end within the budget: the fuzz entry points, fed with what
//! is nearly right.

use std::sync::LazyLock;

use mail::evidence::FileKind;
use proptest::prelude::*;
use unpack::detect;
use unpack::fuzzing::*;
use zip::CompressionMethod;

use crate::documents;
use crate::samples::stored_samples;
use crate::support::{Lie, archive, gzip, lying, noise};

static SEEDS: LazyLock<Vec<(Vec<u8>, Entry)>> = LazyLock::new(seeds);

/// A fuzz entry point.
type Entry = fn(&[u8]);

/// Files to change, with the entry that reads them.
fn seeds() -> Vec<(Vec<u8>, Entry)> {
    let text = b"a line of text, and again ".repeat(20);
    let inner =
        lying(&[Lie::deflated("inner", &text), Lie { listed: false, streamed: true, ..Lie::stored("h", b"h") }]);
    let mail = b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n\
        Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nRnJvbTogYUBleGFtcGxlLm9yZw0KDQp4\r\n--b--\r\n";
    vec![
        (archive(CompressionMethod::Stored, &[("a", &text), ("b", b"")]), fuzz_zip as Entry),
        (archive(CompressionMethod::Deflated, &[("a", &text), ("dir/b", &noise(300, 1))]), fuzz_zip),
        (archive(CompressionMethod::Bzip2, &[("a", &text)]), fuzz_zip),
        (archive(CompressionMethod::Xz, &[("a", &text)]), fuzz_zip),
        (lying(&[Lie::stored("z.zip", &inner), Lie { streamed: true, ..Lie::deflated("s", &text) }]), fuzz_zip),
        (inner, fuzz_zip),
        ([gzip(Some("n"), &text), gzip(None, &noise(200, 2))].concat(), fuzz_gzip),
        (mail.to_vec(), fuzz_message),
        (crate::disks::exfat(), fuzz_disk),
        (crate::disks::partitioned(), fuzz_disk),
        (b"From a 9:0\nA: b\nFrom: c\n\n".repeat(3), fuzz_mbox),
        (b"the password for the file is: \"open sesame\"\n".to_vec(), fuzz_passwords),
        (crate::quantum::packed(&[&text[..], &noise(100, 5)].concat(), 12), fuzz_cab),
        (crate::lh::archive(b"-lh2-", &crate::lh::lh2(&text), &text), fuzz_lha),
        (crate::lh::archive(b"-lh3-", &crate::lh::lh3(&text), &text), fuzz_lha),
        (crate::pdfs::rich(), fuzz_pdf),
        (crate::rarer::szdd(), fuzz_rarer),
        (crate::rarer::flash(), fuzz_rarer),
        (crate::rarer::xar(), fuzz_rarer),
        (crate::gaps::dmg(&crate::gaps::blocks()), fuzz_rarer),
        (crate::gaps::warc(), fuzz_rarer),
        (crate::gaps::lzfse(), fuzz_rarer),
        (crate::rarer::chm(), fuzz_rarer),
        (crate::htmls::rich(), fuzz_html),
        (crate::scripts::rich_shortcut(), fuzz_lnk),
        (crate::scripts::rich_calendar(), fuzz_calendar),
        (include_bytes!("../../../../fuzz/seeds/unpack_script/basic").to_vec(), fuzz_script),
        (include_bytes!("../../../../fuzz/seeds/unpack_script/shell").to_vec(), fuzz_script),
        (include_bytes!("../../../../fuzz/seeds/unpack_script/batch").to_vec(), fuzz_script),
        (include_bytes!("../../../../fuzz/seeds/unpack_script/archive").to_vec(), fuzz_script),
    ]
    .into_iter()
    .chain(documents::parts().into_iter().map(|data| (data, fuzz_document_part as Entry)))
    .chain(documents::whole().into_iter().map(|data| (data, fuzz_ooxml as Entry)))
    .chain([(documents::rtf(), fuzz_rtf as Entry), (documents::section(), fuzz_one_note)])
    .chain(samples())
    .chain(crate::ole2::office::seeds().into_iter().map(|data| (data, fuzz_ole2 as Entry)))
    .collect()
}

/// The stored samples, with the entry that reads their kind.
fn samples() -> Vec<(Vec<u8>, Entry)> {
    let entry = |data: &[u8]| -> Entry {
        match detect(data) {
            FileKind::Compressed => fuzz_compressed,
            FileKind::Tar => fuzz_tar,
            FileKind::Rar => fuzz_rar,
            FileKind::Lha => fuzz_lha,
            FileKind::Arj => fuzz_arj,
            FileKind::Cab => fuzz_cab,
            FileKind::Cpio => fuzz_cpio,
            FileKind::Ar => fuzz_ar,
            FileKind::Iso => fuzz_iso,
            FileKind::Tnef => fuzz_tnef,
            FileKind::Cms => fuzz_cms,
            FileKind::Pe | FileKind::Elf => fuzz_executable,
            FileKind::OtherArchive => fuzz_rarer,
            FileKind::SevenZip => fuzz_seven_zip,
            FileKind::Ole2 => fuzz_ole2,
            FileKind::Ooxml | FileKind::Xml => fuzz_ooxml,
            FileKind::Odf => fuzz_odf,
            FileKind::Rtf => fuzz_rtf,
            FileKind::OneNote => fuzz_one_note,
            _ => fuzz_zip,
        }
    };
    stored_samples().into_iter().map(|(_, data)| (entry(&data), data)).map(|(read, data)| (data, read)).collect()
}

/// One change of a file.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Full(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, u8),
    Repeat(prop::sample::Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (index(), 1..9_u8).prop_map(|(at, len)| Change::Full(at, len)),
        index().prop_map(Change::Cut),
        (index(), any::<u8>()).prop_map(|(at, len)| Change::Remove(at, len)),
        (index(), any::<u8>()).prop_map(|(at, len)| Change::Repeat(at, len)),
    ]
}

fn apply(data: &mut Vec<u8>, change: &Change) {
    if data.is_empty() {
        return;
    }
    let range = |at: &prop::sample::Index, len: u8| {
        let at = at.index(data.len());
        at..(at + usize::from(len)).min(data.len())
    };
    match change {
        Change::Set(at, byte) => {
            let at = at.index(data.len());
            data[at] = *byte;
        }
        Change::Full(at, len) => {
            let range = range(at, *len);
            data[range].fill(0xff);
        }
        Change::Cut(at) => data.truncate(at.index(data.len())),
        Change::Remove(at, len) => drop(data.drain(range(at, *len))),
        Change::Repeat(at, len) => {
            let again = data[range(at, *len)].to_vec();
            data.extend(again);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn mutated_files_end_within_the_budget(seed in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..6)) {
        let (mut data, read) = seed.get(&SEEDS).clone();
        for change in &changes {
            apply(&mut data, change);
        }
        read(&data);
        fuzz_detect(&data);
    }

    #[test]
    fn any_bytes_end_within_the_budget(data in prop::collection::vec(any::<u8>(), 0..300)) {
        for read in [fuzz_zip as Entry, fuzz_gzip, fuzz_message, fuzz_detect, fuzz_compressed, fuzz_tar, fuzz_seven_zip, fuzz_rar, fuzz_cpio, fuzz_ar, fuzz_iso, fuzz_embedded, fuzz_cab, fuzz_lha, fuzz_arj, fuzz_tnef, fuzz_cms, fuzz_ooxml, fuzz_odf, fuzz_document_part, fuzz_pdf, fuzz_html, fuzz_script, fuzz_lnk, fuzz_calendar, fuzz_executable, fuzz_rarer] {
            read(&data);
        }
    }
}
