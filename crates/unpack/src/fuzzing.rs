//! Entry points for fuzzing: each runs one parser with small limits and asserts what must hold.

use mail::evidence::FileKind;

use crate::{Budget, Limits, Opening, StopFlag, detect, open};

/// Most fuel that one run may overshoot its limit by: the last step is counted after it is done.
const SLACK: u64 = 1 << 20;

/// Telling kinds apart never fails, and empty is empty.
pub fn fuzz_detect(data: &[u8]) {
    assert_eq!(detect(data) == FileKind::Empty, data.is_empty());
}

/// Reads the bytes as a zip archive.
pub fn fuzz_zip(data: &[u8]) {
    walk(FileKind::Zip, data);
    if let Some(layout) = crate::formats::zip::layout(data) {
        for entry in &layout.entries {
            assert!(entry.data.end <= data.len() && entry.local.end == entry.data.start);
            assert!(entry.central.end <= data.len());
        }
    }
}

/// Reads the bytes as an Office Open XML package, and as a document in one XML file.
pub fn fuzz_ooxml(data: &[u8]) {
    walk(FileKind::Ooxml, data);
    walk(FileKind::Xml, data);
    walk(FileKind::Compressed, data);
}

/// Reads the bytes as an OpenDocument package.
pub fn fuzz_odf(data: &[u8]) {
    walk(FileKind::Odf, data);
}

/// Reads the bytes as RTF.
pub fn fuzz_rtf(data: &[u8]) {
    walk(FileKind::Rtf, data);
}

/// Reads the bytes as a OneNote section.
pub fn fuzz_one_note(data: &[u8]) {
    walk(FileKind::OneNote, data);
}

/// Reads the bytes as one part of a document, of each kind there is.
pub fn fuzz_document_part(data: &[u8]) {
    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    crate::formats::ooxml::fuzz_part(data, &mut budget);
    crate::formats::odf::fuzz_part(data, &mut budget);
}

/// Reads the bytes as gzip.
pub fn fuzz_gzip(data: &[u8]) {
    walk(FileKind::Gzip, data);
}

/// Reads the bytes as a compressed file.
pub fn fuzz_compressed(data: &[u8]) {
    walk(FileKind::Compressed, data);
}

/// Reads the bytes as a tar archive.
pub fn fuzz_tar(data: &[u8]) {
    walk(FileKind::Tar, data);
}

/// Reads the bytes as a 7z archive.
pub fn fuzz_seven_zip(data: &[u8]) {
    walk(FileKind::SevenZip, data);
}

/// Reads the bytes as a RAR archive.
pub fn fuzz_rar(data: &[u8]) {
    walk(FileKind::Rar, data);
}

/// Reads the bytes as a cabinet.
pub fn fuzz_cab(data: &[u8]) {
    walk(FileKind::Cab, data);
}

/// Reads the bytes as an LHA archive.
pub fn fuzz_lha(data: &[u8]) {
    walk(FileKind::Lha, data);
}

/// Reads the bytes as an ARJ archive.
pub fn fuzz_arj(data: &[u8]) {
    walk(FileKind::Arj, data);
}

/// Reads the bytes as a cpio archive.
pub fn fuzz_cpio(data: &[u8]) {
    walk(FileKind::Cpio, data);
}

/// Reads the bytes as an ar archive.
pub fn fuzz_ar(data: &[u8]) {
    walk(FileKind::Ar, data);
}

/// Reads the bytes as an ISO 9660 image.
pub fn fuzz_iso(data: &[u8]) {
    walk(FileKind::Iso, data);
}

/// Reads the bytes as the image of a disk.
pub fn fuzz_disk(data: &[u8]) {
    walk(FileKind::DiskImage, data);
}

/// Reads the bytes as an RPM package.
pub fn fuzz_rpm(data: &[u8]) {
    walk(FileKind::Rpm, data);
}

/// Reads the bytes as several messages.
pub fn fuzz_mbox(data: &[u8]) {
    walk(FileKind::Mbox, data);
}

/// Tries every way of opening with passwords, and looks for passwords in the bytes.
pub fn fuzz_passwords(data: &[u8]) {
    let budget = Budget::new(Limits::default(), StopFlag::new());
    let text = String::from_utf8_lossy(data);
    budget.hint_text(&text);
    budget.hint_name(&text);
    let passwords = budget.passwords();
    assert!(passwords.iter().count() <= crate::MAX_PASSWORDS);
    assert!(passwords.iter().all(|(password, _)| password.len() <= crate::MAX_PASSWORD_LENGTH));
}

/// Reads the bytes as TNEF.
pub fn fuzz_tnef(data: &[u8]) {
    walk(FileKind::Tnef, data);
}

/// Reads the bytes as an OLE2 compound file.
pub fn fuzz_ole2(data: &[u8]) {
    walk(FileKind::Ole2, data);
}

/// Reads the bytes as a file that may hold archives at any place.
pub fn fuzz_embedded(data: &[u8]) {
    walk(FileKind::Unknown, data);
}

/// Reads the bytes as a cryptographic message.
pub fn fuzz_cms(data: &[u8]) {
    walk(FileKind::Cms, data);
}

/// Reads the bytes as a text, a script and a shortcut in lines or XML.
pub fn fuzz_script(data: &[u8]) {
    for kind in [FileKind::Text, FileKind::Script, FileKind::InternetShortcut, FileKind::Xml] {
        walk(kind, data);
    }
}

/// Aggregate reports: whatever is found keeps its limits, and reads back as it was once it is written.
pub fn fuzz_dmarc(data: &[u8]) {
    for report in crate::dmarc::find(data).reports {
        assert!(report.is_valid());
        let written = crate::dmarc::read(crate::dmarc::to_xml(&report).as_bytes()).unwrap_or_default();
        assert_eq!(written.records.len(), report.records.len());
    }
}

/// Records of domains: what is read keeps its limits, and says only what a report may say.
pub fn fuzz_dmarc_record(data: &[u8]) {
    crate::dmarc::record::within_limits(data);
}

/// Reads the bytes as a Windows shortcut.
pub fn fuzz_lnk(data: &[u8]) {
    walk(FileKind::Lnk, data);
}

/// Reads the bytes as a calendar.
pub fn fuzz_calendar(data: &[u8]) {
    walk(FileKind::Calendar, data);
}

/// Reads the bytes as HTML, its scripts included.
pub fn fuzz_html(data: &[u8]) {
    walk(FileKind::Html, data);
    walk(FileKind::Svg, data);
}

/// Reads the bytes as a program for Windows and as one in ELF.
pub fn fuzz_executable(data: &[u8]) {
    walk(FileKind::Pe, data);
    walk(FileKind::Elf, data);
}

/// Reads the bytes as an archive of a rarer kind.
pub fn fuzz_rarer(data: &[u8]) {
    walk(FileKind::OtherArchive, data);
}

/// Reads the bytes as a PDF document.
pub fn fuzz_pdf(data: &[u8]) {
    walk(FileKind::Pdf, data);
}

/// Reads the bytes as a message.
pub fn fuzz_message(data: &[u8]) {
    walk(FileKind::Message, data);
}

/// Opens the bytes and reads all members: it ends within the limits, numbers ascend, and parents
/// come first.
fn walk(kind: FileKind, data: &[u8]) {
    let limits =
        Limits { objects: 200, bytes_out: 1 << 20, object_bytes: 1 << 19, fuel: 16 << 20, ..Limits::default() };
    let mut budget = Budget::new(limits, StopFlag::new());
    let Opening::Container(mut container) = open(kind, data, &mut budget) else { return };
    let mut last = None;
    let mut bytes = 0_u64;
    let mut seen = Vec::new();
    while let Some(member) = container.next(data, &mut budget) {
        assert!(member.hidden || last < Some(member.index), "numbers of listed members ascend");
        if !member.hidden {
            last = Some(member.index);
        }
        assert!(!seen.contains(&member.index), "numbers are unique");
        assert!(member.parent.is_none_or(|parent| seen.contains(&parent)), "parents come first");
        seen.push(member.index);
        bytes = bytes.saturating_add(member.content.len() as u64);
        if budget.enter_object(1).is_err() {
            break;
        }
    }
    assert!(bytes <= limits.bytes_out.saturating_mul(2), "kept more than the limit allows");
    let most = limits.fuel.saturating_add((data.len() as u64).saturating_mul(4)).saturating_add(SLACK);
    assert!(budget.fuel_used() <= most, "worked on beyond the limit");
}
