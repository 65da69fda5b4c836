//! The objects of a message: every part, archive and member that was seen.

use serde::{Deserialize, Serialize};

use super::{EngineId, UnableWhy};
use crate::defect::Defect;
use crate::graph::EntityId;
use crate::untrusted::Untrusted;

/// Longest name of an object that is kept, in bytes.
pub const MAX_NAME: usize = 1024;

/// An object's place in the table; the root is 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ObjectId(pub u32);

/// Where an object came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// What was handed to us: a message or a file.
    Root,
    /// A part of the top message: an entity of its graph, which can be edited.
    Entity(EntityId),
    /// A member of the parent object, by its number in that container (from 0).
    Member(u32),
}

/// What an object really is, by its content (never by its name or declared type).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// An Internet message (RFC 5322).
    Message,
    /// A MIME multipart: no content of its own.
    Multipart,
    /// An empty object.
    Empty,
    /// Plain text in some charset.
    Text,
    /// HTML or XHTML.
    Html,
    /// XML, SVG included.
    Xml,
    /// A script recognised by content (shebang, typical commands).
    Script,
    /// A PDF document.
    Pdf,
    /// RTF.
    Rtf,
    /// A Microsoft OLE2 compound file (doc, xls, ppt, msi, msg).
    Ole2,
    /// An Office Open XML document (docx, xlsx, pptx).
    Ooxml,
    /// An OpenDocument file.
    Odf,
    /// A Java archive.
    Jar,
    /// A zip archive.
    Zip,
    /// A gzip stream.
    Gzip,
    /// A container that is recognised but not opened.
    OtherArchive,
    /// A Windows or DOS executable (MZ).
    Pe,
    /// An ELF executable or library.
    Elf,
    /// A Mach-O executable.
    MachO,
    /// A Windows shortcut.
    Lnk,
    /// An image.
    Image,
    /// Sound or video.
    Media,
    /// Anything else.
    Unknown,
    /// A tar archive.
    Tar,
    /// One compressed file without an archive around it (bzip2, xz, zstd and the like; gzip is
    /// [`FileKind::Gzip`]).
    Compressed,
    /// A 7z archive.
    SevenZip,
    /// A RAR archive.
    Rar,
    /// A Microsoft cabinet.
    Cab,
    /// An ARJ archive.
    Arj,
    /// An LHA archive.
    Lha,
    /// A cpio archive.
    Cpio,
    /// An ar archive, a Debian package included.
    Ar,
    /// An ISO 9660 or UDF image.
    Iso,
    /// An RPM package.
    Rpm,
    /// An image of a disk or one of its partitions (FAT, VHD, VHDX).
    DiskImage,
    /// Transport neutral encapsulation format: `winmail.dat` (MS-OXTNEF).
    Tnef,
    /// Signed or enveloped content (RFC 5652, S/MIME).
    Cms,
    /// Several messages in one file.
    Mbox,
    /// A OneNote section (MS-ONESTORE).
    OneNote,
    /// A picture in XML that may hold scripts.
    Svg,
    /// A calendar (RFC 5545).
    Calendar,
    /// A business card (RFC 6350).
    VCard,
    /// A shortcut to an address of the web (`.url`).
    InternetShortcut,
}

/// Which dangerous thing that acts by itself, or at a click, was taken out of a document.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// The source of a Visual Basic module.
    Vba,
    /// Formulas of Excel 4.0 macro sheets.
    Xlm,
    /// A field or link that starts a program (dynamic data exchange).
    Dde,
    /// A template or other content that is loaded from elsewhere.
    RemoteTemplate,
    /// A file or program embedded as an OLE package or object.
    OlePackage,
    /// An ActiveX control.
    ActiveX,
    /// A script: of HTML or SVG, of a PDF, of an event handler.
    Script,
    /// An action that starts a program or opens another file.
    Launch,
    /// An action that opens an address when the document is opened.
    OpenUri,
    /// A form that sends what is typed into it.
    Form,
    /// The command line of a shortcut.
    CommandLine,
    /// Pictures and styles that HTML loads from elsewhere when it is shown.
    RemoteContent,
}

impl Active {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Vba,
        Self::Xlm,
        Self::Dde,
        Self::RemoteTemplate,
        Self::OlePackage,
        Self::ActiveX,
        Self::Script,
        Self::Launch,
        Self::OpenUri,
        Self::Form,
        Self::CommandLine,
        Self::RemoteContent,
    ];

    /// The word for it in JSON, logs and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vba => "vba",
            Self::Xlm => "xlm",
            Self::Dde => "dde",
            Self::RemoteTemplate => "remote_template",
            Self::OlePackage => "ole_package",
            Self::ActiveX => "active_x",
            Self::Script => "script",
            Self::Launch => "launch",
            Self::OpenUri => "open_uri",
            Self::Form => "form",
            Self::CommandLine => "command_line",
            Self::RemoteContent => "remote_content",
        }
    }
}

/// What an object is to the one that holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A file or part in it.
    #[default]
    File,
    /// The same content in another form: a script decoded, a program unpacked.
    Decoded,
    /// Something in it that acts.
    Active(Active),
    /// The text that it shows, in UTF-8.
    Text,
    /// Text in it that is hidden from the reader, in UTF-8.
    HiddenText,
}

/// Where the password came from that opened something. The password itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordSource {
    /// The empty password, or one that the format itself supplies.
    Empty,
    /// The configured list.
    Configured,
    /// The message that brought the file.
    Message,
}

impl PasswordSource {
    /// The word for it in JSON and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Configured => "configured",
            Self::Message => "message",
        }
    }
}

impl FileKind {
    /// The word for it in JSON, rules and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Multipart => "multipart",
            Self::Empty => "empty",
            Self::Text => "text",
            Self::Html => "html",
            Self::Xml => "xml",
            Self::Script => "script",
            Self::Pdf => "pdf",
            Self::Rtf => "rtf",
            Self::Ole2 => "ole2",
            Self::Ooxml => "ooxml",
            Self::Odf => "odf",
            Self::Jar => "jar",
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::OtherArchive => "other_archive",
            Self::Pe => "pe",
            Self::Elf => "elf",
            Self::MachO => "mach_o",
            Self::Lnk => "lnk",
            Self::Image => "image",
            Self::Media => "media",
            Self::Unknown => "unknown",
            Self::Tar => "tar",
            Self::Compressed => "compressed",
            Self::SevenZip => "seven_zip",
            Self::Rar => "rar",
            Self::Cab => "cab",
            Self::Arj => "arj",
            Self::Lha => "lha",
            Self::Cpio => "cpio",
            Self::Ar => "ar",
            Self::Iso => "iso",
            Self::Rpm => "rpm",
            Self::DiskImage => "disk_image",
            Self::Tnef => "tnef",
            Self::Cms => "cms",
            Self::Mbox => "mbox",
            Self::OneNote => "one_note",
            Self::Svg => "svg",
            Self::Calendar => "calendar",
            Self::VCard => "v_card",
            Self::InternetShortcut => "internet_shortcut",
        }
    }

    /// Whether it is an archive in the sense of spec AR-01: a container whose size limit excludes
    /// it from scanning.
    pub fn is_archive(self) -> bool {
        matches!(
            self,
            Self::Zip
                | Self::Gzip
                | Self::Jar
                | Self::OtherArchive
                | Self::Tar
                | Self::Compressed
                | Self::SevenZip
                | Self::Rar
                | Self::Cab
                | Self::Arj
                | Self::Lha
                | Self::Cpio
                | Self::Ar
                | Self::Iso
                | Self::Rpm
                | Self::DiskImage
        )
    }
}

/// What one engine did about one object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// It looked at all of it.
    Examined,
    /// The policy keeps it from looking (spec D-12).
    Excluded,
    /// It could not look.
    Unable(UnableWhy),
}

/// One cell of the table object × engine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Coverage {
    /// Who.
    pub engine: EngineId,
    /// What it did.
    pub seen: Seen,
}

/// One object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Object {
    /// The object that holds it; `None` for the root.
    pub parent: Option<ObjectId>,
    /// Where it came from.
    pub origin: Origin,
    /// How deep: the root is 0.
    pub depth: u16,
    /// The MIME part number (`2.1`), or empty for what is no part.
    pub part: String,
    /// The name a client would most likely show, decoded; at most [`MAX_NAME`] bytes.
    pub name: Option<Untrusted<String>>,
    /// Further names that other clients might show.
    pub other_names: Vec<Untrusted<String>>,
    /// The declared media type of a MIME part, in lower case (`application/zip`).
    pub declared: Option<Untrusted<String>>,
    /// Whether it is an attachment: a leaf part with a name or a disposition of attachment, or
    /// neither displayable text nor the message's body.
    pub attachment: bool,
    /// What it is by its content.
    pub kind: FileKind,
    /// What it is to the object that holds it.
    pub role: Role,
    /// Where the password came from that it was opened with, if it was encrypted.
    pub opened_with: Option<PasswordSource>,
    /// Its size in bytes, decoded.
    pub size: u64,
    /// SHA-256 of its decoded content; zero for a multipart.
    pub sha256: [u8; 32],
    /// What is wrong with its form.
    pub defects: Vec<Defect>,
    /// Who looked at it; one entry an engine.
    pub coverage: Vec<Coverage>,
}
