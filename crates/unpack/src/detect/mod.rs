//! What a file is, by its content alone; never by its name or declared type, but for the one format
//! that has no magic ([`detect_named`]). What a program would show it as, for its name or declared type, is
//! told beside that ([`shown_as`]), so that it is read in that way, too.
//!
//! First the signatures of `table.rs`, then what needs a closer look (archives that are documents,
//! executables, disk images told by their end), then text by its first [`text::SAMPLE`] bytes.
//! Of a file that is several kinds at once one is told; what else it is, [`crate::open`] looks for in every kind.

mod table;
mod text;

#[cfg(test)]
pub(crate) use table::SIGNATURES;

use mail::evidence::FileKind;
use mail::graph::looks_like_message;

use crate::bytes::{be32, between, le32, take};
use crate::formats::compressed::{Stream, is_brotli};
use crate::formats::ooxml::flat;
use crate::formats::{arj, cms, cpio, disk, mbox, pdf, rtf, swf, tar, zip};

/// Types that are declared for pages.
const HTML_TYPES: [&str; 4] = ["text/html", "application/xhtml+xml", "application/hta", "text/x-server-parsed-html"];
/// Ends of the names of pages, behind the dot.
const HTML_NAMES: [&str; 8] = ["htm", "html", "hta", "shtm", "shtml", "xht", "xhtm", "xhtml"];
/// Types that are declared for scripts which run by themselves.
const SCRIPT_TYPES: [&str; 8] = [
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/vbscript",
    "application/x-vbscript",
    "application/x-powershell",
    "application/x-bat",
];
/// Ends of the names of files that Windows runs as scripts, behind the dot.
const SCRIPT_NAMES: [&str; 11] = ["js", "jse", "mjs", "vbs", "vbe", "wsf", "wsh", "ps1", "psm1", "bat", "cmd"];
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
        // A document in one file needs no declaration.
        Some(FileKind::Html | FileKind::Text) if flat::starts(bytes) => FileKind::Xml,
        // A text with a document at its end stays a text: `crate::open` reads it as both.
        Some(kind) => kind,
        None if disk::raw::is_short(bytes) => FileKind::DiskImage,
        None if pdf::ends(bytes) => FileKind::Pdf,
        None if zip::has_directory(bytes) => zip_kind(bytes),
        None => FileKind::Unknown,
    }
}

/// What `bytes` are, where a name may say what they alone do not: Brotli has no magic.
pub fn detect_named<'a>(bytes: &[u8], names: impl IntoIterator<Item = &'a str>) -> FileKind {
    match detect(bytes) {
        kind @ (FileKind::Unknown | FileKind::Text) => {
            if names.into_iter().any(|name| is_brotli(bytes, name)) {
                FileKind::Compressed
            } else {
                kind
            }
        }
        kind => kind,
    }
}

/// What mail programs and browsers show a file as whatever is in it, by its declared type and its names:
/// [`FileKind::Html`], [`FileKind::Svg`] or nothing of these.
pub fn shown_as<'a>(declared: Option<&str>, names: impl IntoIterator<Item = &'a str>) -> Option<FileKind> {
    let declared = declared.unwrap_or("").split(';').next().unwrap_or("").trim();
    let is = |known: &[&str], word: &str| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(&HTML_TYPES, declared) {
        return Some(FileKind::Html);
    }
    let mut svg = declared.eq_ignore_ascii_case("image/svg+xml");
    for name in names {
        let extension = extension(name);
        if is(&HTML_NAMES, extension) {
            return Some(FileKind::Html);
        }
        svg |= extension.eq_ignore_ascii_case("svg");
    }
    svg.then_some(FileKind::Svg)
}

/// Whether programs run a file as a script whatever is in it, by its declared type and its names.
pub fn runs_as_script<'a>(declared: Option<&str>, names: impl IntoIterator<Item = &'a str>) -> bool {
    let declared = declared.unwrap_or("").split(';').next().unwrap_or("").trim();
    let is = |known: &[&str], word: &str| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    is(&SCRIPT_TYPES, declared) || names.into_iter().any(|name| is(&SCRIPT_NAMES, extension(name)))
}

/// The end of a name behind its last dot, what a disk leaves out passed over.
fn extension(name: &str) -> &str {
    let name = name.trim_end_matches(|letter: char| letter == '.' || letter <= ' ');
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Whether something that is no text holds the marks of a page all the same.
pub(crate) fn holds_markup(bytes: &[u8]) -> bool {
    text::holds_markup(bytes)
}

/// Whether a zip archive has the signs of OpenDocument, whatever else it is.
pub(crate) fn is_odf(bytes: &[u8]) -> bool {
    let names = Names::of(bytes);
    names.odf_type || names.content && names.manifest
}

/// What the names of a zip archive's members tell; all of them are looked at, one by one.
#[derive(Default)]
struct Names {
    /// OpenDocument 1.2 part 3, section 3.3: the first member is stored, named "mimetype".
    odf_type: bool,
    content: bool,
    manifest: bool,
    types: bool,
    office: bool,
    other_package: bool,
    java: bool,
}

impl Names {
    fn of(bytes: &[u8]) -> Self {
        let head = between(bytes, 30, 120);
        let odf_type = head.starts_with(b"mimetypeapplication/vnd.oasis.opendocument.");
        let mut all = Self { odf_type, ..Self::default() };
        for name in zip::member_names(bytes) {
            let under = |folder: &[u8]| between(name, 0, folder.len()).eq_ignore_ascii_case(folder);
            let ends = |end: &[u8]| {
                let from = name.len().checked_sub(end.len());
                from.is_some_and(|from| between(name, from, name.len()).eq_ignore_ascii_case(end))
            };
            all.types |= name.eq_ignore_ascii_case(b"[Content_Types].xml");
            all.office |= [&b"word/"[..], b"xl/", b"ppt/", b"visio/"].into_iter().any(under);
            all.other_package |= OTHER_PACKAGES.iter().copied().any(ends);
            all.content |= name == b"content.xml";
            all.manifest |= name == b"META-INF/manifest.xml";
            all.java |= name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") || name.ends_with(b".class");
        }
        all
    }
}

/// What a zip archive is by its members: an office document, a Java archive, or just an archive. With the
/// signs of both kinds of documents it is the one that Office opens, and is read as the other one, too.
fn zip_kind(bytes: &[u8]) -> FileKind {
    let names = Names::of(bytes);
    // Word finds its parts by relationships, so folders may have any name; the other users of these
    // packages (NuGet, AppX, VSIX, XPS, 3MF) have parts that tell them.
    if names.types && (names.office || !names.other_package) {
        return FileKind::Ooxml;
    }
    // LibreOffice opens a document by its manifest, wherever its type stands.
    if names.odf_type || names.content && names.manifest {
        FileKind::Odf
    } else if names.java && !names.types {
        FileKind::Jar
    } else {
        FileKind::Zip
    }
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
    swf::starts(bytes)
        || method && named && fits
        || bytes.starts_with(b"# Disk DescriptorFile")
        || is_other_lha(bytes)
        || is_short_marked(bytes)
}

/// LHA, LArc or PMarc by a method that is not read, with a level that there is.
fn is_other_lha(bytes: &[u8]) -> bool {
    let method = take(bytes, 2, 5).is_some_and(|method| {
        matches!(method, [b'-', b'l' | b'p', second, third, b'-']
            if second.is_ascii_lowercase() && third.is_ascii_alphanumeric())
    });
    let known = take(bytes, 2, 3).is_some_and(|start| [b"-lh", b"-lz", b"-pm"].iter().any(|known| start == *known));
    method && (known || bytes.get(20).is_some_and(|level| *level <= 3))
}

/// Archives whose magic is too short to be believed alone: UHARC, HA, dar.
fn is_short_marked(bytes: &[u8]) -> bool {
    // A version that is no letter of any text, nor the end of a line.
    let uharc = bytes.starts_with(b"UHA") && matches!(bytes.get(3), Some(0..=8 | 11 | 12 | 14..=31));
    // The first member's version and method, and its packed size.
    let ha = bytes.starts_with(b"HA")
        && matches!(bytes.get(4), Some(0x20..=0x22 | 0x2e | 0x2f))
        && le32(bytes, 5).is_some_and(|size| (size as usize) < bytes.len());
    // A label, and what the volume says of itself.
    let dar = be32(bytes, 0) == Some(123)
        && matches!(bytes.get(14), Some(b'N' | b'T' | b'E'))
        && matches!(bytes.get(15), Some(b'N' | b'S' | b'T'));
    uharc || ha || dar
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
    if disk::starts(bytes) || disk::raw::is_marked(bytes) {
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
