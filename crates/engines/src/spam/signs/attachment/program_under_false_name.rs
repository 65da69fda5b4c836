//! An attachment, or a file in one, is a program by its content, and a document or a picture by its name or type.

use mail::evidence::{FileKind, SignGroup};

use super::{ending, find};
use crate::spam::{Facts, Points, Row};

/// Endings of what somebody reads, looks at or listens to.
const SHOWN: &[&str] = &[
    "avi", "bmp", "csv", "doc", "docx", "eml", "gif", "heic", "htm", "html", "ics", "jpeg", "jpg", "mov", "mp3", "mp4",
    "odp", "ods", "odt", "pdf", "png", "ppt", "pptx", "rtf", "svg", "tif", "tiff", "txt", "vcf", "wav", "webp", "xls",
    "xlsx", "xml",
];
/// Types of documents below `application/`.
const DOCUMENTS: &[&str] = &["pdf", "msword", "rtf", "vnd.ms-", "vnd.openxmlformats", "vnd.oasis"];

pub(super) const SIGN: Row = Row {
    id: "program_under_false_name",
    group: SignGroup::Attachment,
    points: Points::AtLeast { least: 300, fitted: 300 },
    about: "An attachment, or a file in one, is a program, and has the name or type of a document or picture.",
    check,
    #[cfg(test)]
    fires: &[
        "Content-Type: application/octet-stream; name=invoice.pdf\n\n\u{7f}ELF\u{2}\u{1}\u{1}\0\0\0\0\0\0\0\0\0\u{2}\0>\0\u{1}\0\0\0\n",
        "Content-Type: image/jpeg; name=a.jpg\nContent-Disposition: attachment\n\nMZ\u{1}\0\u{3}\0\0\0\u{4}\0\0\0\n",
        "Content-Type: application/pdf; name=a.bin\n\nMZ\u{1}\0\u{3}\0\0\0\u{4}\0\0\0\n",
    ],
    #[cfg(test)]
    quiet: &[
        "Content-Type: application/octet-stream; name=setup.exe\n\nMZ\u{1}\0\u{3}\0\0\0\u{4}\0\0\0\n",
        "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1.4\n",
        "Content-Type: text/plain; name=a.txt\n\nMZ is a shape of programs.\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |it| {
        let runs = matches!(it.kind, FileKind::Pe | FileKind::Elf | FileKind::MachO | FileKind::Lnk);
        let declared = it.declared.to_ascii_lowercase();
        let (top, sub) = declared.split_once('/').unwrap_or(("", ""));
        let document = top == "application" && DOCUMENTS.iter().any(|start| sub.starts_with(start));
        let declared = document || matches!(top, "image" | "audio" | "video" | "text");
        runs && (declared || SHOWN.contains(&ending(&it.name).as_str()))
    })
}
