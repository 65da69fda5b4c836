//! What a file is, by its content alone; never by its name or declared type, but for the one format
//! that has no magic ([`detect_named`]).
//!
//! First the signatures of `table.rs`, then what needs a closer look (archives that are documents,
//! executables, disk images told by their end), then text by its first [`text::SAMPLE`] bytes.
//! Not handled: files that are several kinds at once beyond "has a zip archive at its end", which
//! [`crate::open`] looks for in every kind.

mod table;
mod text;

#[cfg(test)]
pub(crate) use table::SIGNATURES;

use mail::evidence::FileKind;
use mail::graph::looks_like_message;

use crate::bytes::{be32, between, le32, take};
use crate::formats::compressed::{Stream, is_brotli};
use crate::formats::{arj, cms, cpio, disk, mbox, rtf, swf, tar, zip};

/// Most members of a zip archive that are looked at to tell its kind.
const MAX_NAMES: u32 = 4096;
/// How far into a file a PDF may start, in bytes (readers search that far).
const PDF_WINDOW: usize = 1024;

/// Ends of names of parts that only packages have which are no office documents.
const OTHER_PACKAGES: &[&[u8]] = &[
    b".nuspec",
    b"appxmanifest.xml",
    b"appxbundlemanifest.xml",
    b".vsixmanifest",
    b".fdseq",
    b"3dmodel.model",
    b".psmdcp",
];

/// What `bytes` are.
pub fn detect(bytes: &[u8]) -> FileKind {
    if bytes.is_empty() {
        return FileKind::Empty;
    }
    if let Some(kind) = table::find(bytes) {
        return match kind {
            FileKind::Zip => zip_kind(bytes),
            kind => kind,
        };
    }
    if Stream::find(bytes).is_some() {
        return FileKind::Compressed;
    }
    if cms::starts(bytes) {
        return FileKind::Cms;
    }
    if arj::starts(bytes) {
        return FileKind::Arj;
    }
    if cpio::starts(bytes) {
        return FileKind::Cpio;
    }
    if tar::is_header(between(bytes, 0, 512)) && bytes.first() != Some(&0) {
        return FileKind::Tar;
    }
    if is_rare_archive(bytes) {
        return FileKind::OtherArchive;
    }
    if let Some(kind) = executable(bytes).or_else(|| disk_image(bytes)).or_else(|| sound(bytes)) {
        return kind;
    }
    if rtf::starts(bytes) {
        return FileKind::Rtf;
    }
    if mbox::starts(bytes) {
        return FileKind::Mbox;
    }
    if looks_like_message(bytes) {
        return FileKind::Message;
    }
    if is_late_pdf(bytes) {
        return FileKind::Pdf;
    }
    match text::kind(bytes) {
        Some(kind) => kind,
        None if zip::has_directory(bytes) => zip_kind(bytes),
        None => FileKind::Unknown,
    }
}

/// What `bytes` are, where a name may say what they alone do not: Brotli has no magic.
pub fn detect_named(bytes: &[u8], name: Option<&str>) -> FileKind {
    match detect(bytes) {
        FileKind::Unknown | FileKind::Text if name.is_some_and(|name| is_brotli(bytes, name)) => FileKind::Compressed,
        kind => kind,
    }
}

/// What a zip archive is by its members: an office document, a Java archive, or just an archive.
fn zip_kind(bytes: &[u8]) -> FileKind {
    // OpenDocument 1.2 part 3, section 3.3: the first member is stored, named "mimetype".
    let head = between(bytes, 30, 120);
    if head.starts_with(b"mimetypeapplication/vnd.oasis.opendocument.") {
        return FileKind::Odf;
    }
    let names = zip::member_names(bytes, MAX_NAMES);
    let any = |test: &dyn Fn(&[u8]) -> bool| names.iter().any(|name| test(name));
    let under = |folder: &'static [u8]| any(&|name| name.to_ascii_lowercase().starts_with(folder));
    if any(&|name| name.eq_ignore_ascii_case(b"[Content_Types].xml")) {
        // Word finds its parts by relationships, so folders may have any name; the other users of these
        // packages (NuGet, AppX, VSIX, XPS, 3MF) have parts that tell them.
        let ends = |end: &'static [u8]| any(&|name| name.to_ascii_lowercase().ends_with(end));
        let office = [&b"word/"[..], b"xl/", b"ppt/", b"visio/"].into_iter().any(under);
        return if office || !OTHER_PACKAGES.iter().copied().any(ends) { FileKind::Ooxml } else { FileKind::Zip };
    }
    // LibreOffice opens a document by its manifest, wherever its type stands.
    if any(&|name| name == b"content.xml") && any(&|name| name == b"META-INF/manifest.xml") {
        return FileKind::Odf;
    }
    if any(&|name| name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") || name.ends_with(b".class")) {
        return FileKind::Jar;
    }
    FileKind::Zip
}

/// Archives that are told by more than a magic: Flash, ARC, and images of disks described in a text.
fn is_rare_archive(bytes: &[u8]) -> bool {
    // ARC: a mark, a method, a name of 13 bytes with its end, the size of what follows.
    let name = between(bytes, 2, 15);
    let named = memchr::memchr(0, name).is_some_and(|end| {
        let name = between(name, 0, end);
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic())
    });
    let method = matches!(between(bytes, 0, 2), [0x1a, 1..=11]);
    let fits = le32(bytes, 15).is_some_and(|size| (size as usize) < bytes.len());
    swf::starts(bytes) || method && named && fits || bytes.starts_with(b"# Disk DescriptorFile")
}

/// Executables whose magic is too short to be believed alone.
fn executable(bytes: &[u8]) -> Option<FileKind> {
    if bytes.starts_with(b"MZ") || bytes.starts_with(b"ZM") {
        // A text may start with these letters; a program holds NULs soon.
        let header = le32(bytes, 60).and_then(|at| take(bytes, usize::try_from(at).ok()?, 2));
        let marked = header.is_some_and(|magic| [&b"PE"[..], b"NE", b"LE", b"LX"].contains(&magic));
        return (marked || memchr::memchr(0, between(bytes, 0, 64)).is_some()).then_some(FileKind::Pe);
    }
    if be32(bytes, 0) == Some(0xcafe_babe) {
        // A fat Mach-O has a handful of architectures; a Java class has its version there (45 and up).
        return Some(if be32(bytes, 4)? < 40 { FileKind::MachO } else { FileKind::Unknown });
    }
    None
}

/// Images of disks, which are told by several places.
fn disk_image(bytes: &[u8]) -> Option<FileKind> {
    if disk::starts(bytes) {
        return Some(FileKind::DiskImage);
    }
    // Apple's, which are told by their end.
    let end = bytes.len().checked_sub(512).map(|at| between(bytes, at, bytes.len()));
    end.is_some_and(|end| end.starts_with(b"koly")).then_some(FileKind::OtherArchive)
}

/// RIFF, ISO media files and MPEG sound.
fn sound(bytes: &[u8]) -> Option<FileKind> {
    let (magic, form) = (take(bytes, 0, 4)?, take(bytes, 8, 4)?);
    match (magic, take(bytes, 4, 4)?) {
        (b"RIFF" | b"RIFX", _) => Some(if form == b"WEBP" { FileKind::Image } else { FileKind::Media }),
        (_, b"ftyp") => {
            let still = [&b"avif"[..], b"avis", b"heic", b"heix", b"mif1", b"msf1", b"jp2 "].contains(&form);
            Some(if still { FileKind::Image } else { FileKind::Media })
        }
        // An MPEG audio frame: eleven bits of sync, then a version, layer, rate that are not reserved.
        ([0xff, second, third, _], _) if second & 0xe0 == 0xe0 => {
            // Layer I is left out: it is dead, and a byte order mark of UTF-16 looks like it.
            let layer = second & 0x06;
            let valid =
                second & 0x18 != 0x08 && (layer == 2 || layer == 4) && third & 0xf0 != 0xf0 && third & 0x0c != 0x0c;
            valid.then_some(FileKind::Media)
        }
        _ => None,
    }
}

/// A PDF that does not start at the first byte.
fn is_late_pdf(bytes: &[u8]) -> bool {
    let window = between(bytes, 0, PDF_WINDOW);
    let Some(at) = memchr::memmem::find(window, b"%PDF-") else { return false };
    matches!(take(bytes, at.saturating_add(5), 3), Some([b'0'..=b'9', b'.', b'0'..=b'9']))
}
