//! What can be made anew, as a table: format by format what can be taken out, as what the rest is written,
//! and what is refused. The manual's table is made from it, and the remover looks up here what it writes.

use mail::evidence::{Active, FileKind};

/// As what the rest of a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// In the same format; what stays is copied byte for byte.
    Copied,
    /// In the same format, written again from its content.
    Again,
    /// As a zip archive, with `.zip` behind the name: the format is not written here.
    Zip,
}

/// What is known of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    /// The kind of file.
    pub kind: FileKind,
    /// Whether infected members can be taken out of it.
    pub members: bool,
    /// Kinds of active content that can be taken out of it.
    pub active: &'static [Active],
    /// As what the rest is written.
    pub written: Written,
    /// What stays as it was, and what changes, in words.
    pub stays: &'static str,
    /// What is refused, in words: such a file takes the failure branch of the policy.
    pub refused: &'static str,
}

use Active::{ActiveX, Dde, Form, Launch, OlePackage, OpenUri, RemoteContent, RemoteTemplate, Script, Vba, Xlm};
use Written::{Again, Copied, Zip};

const fn archive(kind: FileKind, written: Written, stays: &'static str, refused: &'static str) -> Format {
    Format { kind, members: true, active: &[], written, stays, refused }
}

const fn document(
    kind: FileKind,
    active: &'static [Active],
    written: Written,
    stays: &'static str,
    refused: &'static str,
) -> Format {
    Format { kind, members: true, active, written, stays, refused }
}

/// Why archives that become zip are refused.
const TO_ZIP: &str = "encrypted, damaged, or with members that no list tells of";
/// The same of RAR: a zip archive would lack those names.
const RAR_TO_ZIP: &str = "encrypted, damaged, or with members that no list tells of; with entries that only lead to others (links, copies stored once)";
/// What stays of them.
const CONTENTS: &str = "names and contents; times and attributes are not kept";
/// Refused of zip.
const DAMAGED: &str = "damaged, or with anything that its directory does not tell of (in front, between, behind)";

/// Every format that is made anew, in the order of the manual.
pub const FORMATS: [Format; 22] = [
    archive(FileKind::Zip, Copied, "all other members, byte for byte; encrypted ones too", DAMAGED),
    archive(FileKind::Jar, Copied, "all other members, byte for byte; a signature no longer fits", DAMAGED),
    archive(FileKind::Tar, Copied, "headers and data of the others, byte for byte, in their dialect", "damaged"),
    archive(
        FileKind::Gzip,
        Again,
        "what is in it is made anew and compressed again by the same method",
        "when nothing would remain",
    ),
    archive(
        FileKind::Compressed,
        Again,
        "bzip2, xz, zstd and lzma by the same method; others become gzip, with `.gz` behind the name",
        "when nothing would remain",
    ),
    archive(FileKind::SevenZip, Again, CONTENTS, TO_ZIP),
    archive(FileKind::Rar, Zip, CONTENTS, RAR_TO_ZIP),
    archive(FileKind::Cab, Zip, CONTENTS, TO_ZIP),
    archive(FileKind::Arj, Zip, CONTENTS, TO_ZIP),
    archive(FileKind::Lha, Zip, CONTENTS, TO_ZIP),
    archive(FileKind::Iso, Zip, CONTENTS, TO_ZIP),
    archive(FileKind::Cpio, Zip, CONTENTS, TO_ZIP),
    archive(FileKind::Ar, Zip, CONTENTS, TO_ZIP),
    archive(
        FileKind::Message,
        Copied,
        "the other parts; a line of text stands in place of a part",
        "parts that are encoded twice",
    ),
    document(
        FileKind::Ooxml,
        &[Vba, Xlm, Dde, RemoteTemplate, OlePackage, ActiveX, Script, Launch],
        Copied,
        "all other parts, byte for byte; what was declared with macros is declared without, and `.docm` gets `.docx` behind its name; cells lose formulas that name another workbook, a program or an address and keep the value they last had; texts that only sheets of macros showed are blank",
        "parts in charsets that are not read (UTF-16 and ISO 8859-1 become UTF-8)",
    ),
    document(
        FileKind::Odf,
        &[Vba, Dde, RemoteTemplate, OlePackage, Script, Launch],
        Copied,
        "all other parts, byte for byte; links that act lose their address and keep what they show; cells lose formulas that act and keep the value they last had",
        "encrypted, and parts in charsets that are not read (UTF-16 and ISO 8859-1 become UTF-8)",
    ),
    Format {
        members: false,
        ..document(
            FileKind::Xml,
            &[Vba, Dde, RemoteTemplate, OlePackage, Script, Launch],
            Copied,
            "of OpenDocument in one file all other elements, byte for byte, as in a package; of any XML all but style sheets that it loads",
            "Word and Excel 2003 and Office Open XML in one file, if anything in them acts; infected files in any of them",
        )
    },
    document(
        FileKind::Rtf,
        &[Dde, RemoteTemplate, OlePackage, ActiveX, Launch],
        Copied,
        "everything outside of the groups that go, byte for byte; fields show what they showed",
        "groups that do not close, and more groups in one another than are read",
    ),
    document(
        FileKind::Ole2,
        &[Vba, Xlm, Dde, RemoteTemplate, OlePackage, ActiveX, Launch, OpenUri],
        Again,
        "all other streams, byte for byte; sheets of macros become empty sheets and texts that only they showed blanks, fields show what they showed, links lead nowhere; attachments of Outlook items go one by one",
        "encrypted or damaged; documents before Word 97",
    ),
    document(
        FileKind::Pdf,
        &[Script, Launch, Form, OpenUri, OlePackage],
        Again,
        "pages, text, links and other embedded files; XML and text files stay; a document with the empty password is written without encryption; signatures no longer fit",
        "damaged, or encrypted with another password",
    ),
    document(
        FileKind::Html,
        &[Script, Form, OpenUri, RemoteContent],
        Again,
        "text, structure, tables, lists, links and pictures of known schemes, styles of known properties; all else goes, comments and SVG too; charsets that hide ASCII (UTF-16, ISO-2022) become ASCII with references",
        "–",
    ),
    document(
        FileKind::Svg,
        &[Script, Form, OpenUri, RemoteContent],
        Again,
        "shapes, text, gradients, filters and styles of known names, in UTF-8; animations and HTML in it go",
        "pictures that declare entities",
    ),
];

/// What is known of a kind of file; `None`: it is not made anew.
pub fn format(kind: FileKind) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.kind == kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_format_stands_once() {
        let kinds: BTreeSet<&str> = FORMATS.iter().map(|format| format.kind.name()).collect();
        assert_eq!(kinds.len(), FORMATS.len());
        assert!(format(FileKind::Pe).is_none());
    }
}
