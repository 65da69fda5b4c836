//! Opening a file and walking its members.

use std::ops::Range;

use mail::defect::{Ambiguity, Defect};
use mail::evidence::{FileKind, PasswordSource, Role, UnscannedReason};
use mail::graph::EntityId;
use mail::untrusted::Untrusted;

use crate::budget::Budget;
use crate::bytes::between;
use crate::detect::{holds_markup, is_odf};
use crate::formats::packed::{self, Sought};
use crate::formats::several::{self, Reading, Several};
use crate::formats::{
    ar, arj, cab, card, chm, cms, compressed, cpio, disk, dmg, gzip, html, iso, lha, message, odf, ole2, ooxml, pdf,
    pe, rar, sevenz, shortcut, sis, swf, szdd, tar, texts, tnef, warc, xar, zip,
};

/// A file that holds others. It keeps no reference to its bytes: they are handed in at each call,
/// always the same ones that it was opened with.
pub trait Container {
    /// The next member, decoded within the budget; `None` at the end, or when the budget allows no
    /// further member (then [`Container::problems`] names the limit).
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member>;

    /// How far mail programs may differ about a message, by its form and structure; what only decoding
    /// shows is in the members' defects.
    fn ambiguity(&self) -> Ambiguity {
        Ambiguity::None
    }

    /// Whether what it holds stands in pieces that may have any order, as on a virtual disk.
    fn is_scattered(&self) -> bool {
        false
    }

    /// What of the container itself, not of one member, could not be read. Complete once
    /// [`Container::next`] has given `None`.
    fn problems(&self) -> &[UnscannedReason];
}

/// One member of a container.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Member {
    /// Its number in the container, from 0. Numbers ascend and are the same each time; not every
    /// number need occur (folders of an archive are passed over).
    pub index: u32,
    /// The `index` of the member of this container that holds it (a MIME part in a multipart or in a
    /// nested message); `None`: the container itself. A holder comes before what it holds.
    pub parent: Option<u32>,
    /// Its MIME part number (`2.1`); empty for what is no MIME part, and for the parts that bear
    /// none (the multipart of a message).
    pub part: String,
    /// The name that a client would most likely show.
    pub name: Option<Untrusted<String>>,
    /// Names that other clients might show.
    pub other_names: Vec<Untrusted<String>>,
    /// The media type that a MIME part declares, in lower case.
    pub declared: Option<Untrusted<String>>,
    /// Whether a MIME part is an attachment.
    pub attachment: bool,
    /// What the container already knows it is: [`FileKind::Multipart`] for a multipart, and
    /// [`FileKind::Message`] for a nested message whose parts follow as members of this container.
    /// Such a member is not to be opened. `None`: its content says what it is.
    pub kind: Option<FileKind>,
    /// The entity of a MIME part that stands in the raw bytes, and so can be edited.
    pub entity: Option<EntityId>,
    /// What only another reading has: of an archive, a member that its directory does not list, or a
    /// listed one as its own header describes it; of a message, a leaf that the strict reading does not
    /// have. Its part number says which: `2~1`.
    pub hidden: bool,
    /// What it is to the container.
    pub role: Role,
    /// Where the password came from that opened it, if it was encrypted.
    pub opened_with: Option<PasswordSource>,
    /// Its content, decoded, as far as it could be read. For a nested message its raw bytes; empty
    /// for a multipart.
    pub content: Vec<u8>,
    /// What of it could not be read.
    pub problems: Vec<UnscannedReason>,
    /// What is wrong with the form of a MIME part.
    pub defects: Vec<Defect>,
}

impl Member {
    /// Adds a problem, once.
    pub(crate) fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }
}

/// What opening a file gave.
pub enum Opening {
    /// It holds members.
    Container(Box<dyn Container>),
    /// It holds nothing.
    Leaf,
    /// It holds something that cannot be read.
    Unscanned(UnscannedReason),
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(_) => f.write_str("Container"),
            Self::Leaf => f.write_str("Leaf"),
            Self::Unscanned(reason) => write!(f, "Unscanned({reason:?})"),
        }
    }
}

/// Opens a file of a kind that [`crate::detect`] has told. An archive that stands behind something else
/// (a self-extracting program, a picture, another archive) is opened too.
pub fn open(kind: FileKind, data: &[u8], budget: &mut Budget) -> Opening {
    open_as(kind, Beside::default(), data, budget)
}

/// In which ways a file is read beside that of its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Beside {
    /// As a page ([`FileKind::Html`], [`FileKind::Svg`]), a script or a text that programs take it for; other
    /// kinds change nothing.
    pub also: Option<FileKind>,
    /// It is a text part of a message, in which the message's reader has found the files already.
    pub files_found: bool,
    /// It is known to be a message and nothing else, since a mail server gave it as one. Any other file that
    /// begins as a message may be an archive with a few header lines in front.
    pub alone: bool,
}

/// Opens a file as [`open`] does, and reads it in other ways as well.
pub fn open_as(kind: FileKind, beside: Beside, data: &[u8], budget: &mut Budget) -> Opening {
    // Finding the members looks at every byte about once.
    if let Err(limit) = budget.burn(data.len() as u64) {
        return Opening::Unscanned(limit.into());
    }
    if matches!(kind, FileKind::Multipart | FileKind::Empty) {
        return Opening::Leaf;
    }
    let program = matches!(kind, FileKind::Pe | FileKind::Elf);
    let first = if program {
        None
    } else if kind == FileKind::Text && !ooxml::flat::starts(data) {
        let script = beside.also == Some(FileKind::Script);
        texts::open(if script { FileKind::Script } else { kind }, data, beside.files_found, budget)
    } else {
        primary(kind, data, budget)
    };
    with_others(kind, beside, first, data, budget)
}

/// A container of a kind, if it is one, and what else the file is.
fn with_others(
    kind: FileKind,
    beside: Beside,
    mut first: Option<Box<dyn Container>>,
    data: &[u8],
    budget: &mut Budget,
) -> Opening {
    let program = matches!(kind, FileKind::Pe | FileKind::Elf);
    // A compound file's sectors stand in any order, so that archives in its streams are in pieces; the streams,
    // and what stands behind the file, are members. What is damaged tells of less.
    let apart = kind == FileKind::Ole2 && first.as_ref().is_some_and(|file| file.problems().is_empty());
    let (mut others, more) = match kind {
        FileKind::Message if beside.alone => (Vec::new(), false),
        _ => others(kind, first.as_deref(), apart, data, budget),
    };
    // What reads the whole file as something else tells nothing of what stands behind a program.
    let whole = 0..data.len();
    let ranges = others.iter().map(|reading| reading.range.clone()).filter(|range| *range != whole);
    let mut archived: Vec<Range<usize>> = if program { ranges.collect() } else { Vec::new() };
    if program && zip::has_directory(data) {
        archived.extend(zip::extent(data));
    }
    others.extend(other_texts(kind, beside, data, first.is_some(), budget));
    if program {
        // An archive behind a program is not its unlisted content but what it is for.
        let executable = pe::Executable::open(kind, data, &archived, budget);
        first = executable.map(|executable| Box::new(executable) as Box<dyn Container>);
    }
    // What was not looked at is told, though nothing was found up to there.
    let only = others.is_empty() && !more;
    match (first, kind) {
        (Some(container), _) if only => Opening::Container(container),
        (None, FileKind::OtherArchive) if only => Opening::Unscanned(UnscannedReason::UnknownFormat),
        (None, _) if only => Opening::Leaf,
        (first, _) => {
            let unknown = first.is_none() && kind == FileKind::OtherArchive;
            let unknown = unknown.then_some(UnscannedReason::UnknownFormat);
            let problems = unknown.into_iter().chain(more.then_some(UnscannedReason::LimitObjects)).collect();
            let mut all: Vec<Reading> = Vec::new();
            all.extend(first.map(|container| Reading { range: 0..data.len(), container, hidden: false }));
            all.extend(others);
            Opening::Container(Box::new(Several::new(all, problems)))
        }
    }
}

/// The container of a kind.
fn primary(kind: FileKind, data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    Some(match kind {
        FileKind::Message => Box::new(message::Message::open(data, budget)),
        FileKind::Gzip => Box::new(gzip::Gzip::open(data)),
        FileKind::Ooxml => Box::new(ooxml::Ooxml::open(data, budget)),
        FileKind::Rtf => Box::new(crate::formats::rtf::Rtf::open(data, budget)),
        FileKind::OneNote => Box::new(crate::formats::onenote::OneNote::open(data, budget)),
        FileKind::Odf => Box::new(odf::Odf::open(data, budget)),
        FileKind::Zip | FileKind::Jar => Box::new(zip::Zip::open(data, budget)),
        FileKind::Xml | FileKind::Text | FileKind::Html if ooxml::flat::starts(data) => {
            Box::new(ooxml::flat::Flat::open(data, budget))
        }
        FileKind::Compressed if data.starts_with(ooxml::activemime::MAGIC) => {
            Box::new(ooxml::activemime::ActiveMime::open(data))
        }
        FileKind::Compressed => Box::new(compressed::Compressed::open(data)),
        FileKind::Tar => Box::new(tar::Tar::open(data)),
        FileKind::SevenZip => Box::new(sevenz::SevenZip::open(data, budget)),
        FileKind::Rar => Box::new(rar::Rar::open(data, budget)),
        FileKind::Cab => Box::new(cab::Cab::open(data)),
        FileKind::Lha => Box::new(lha::Lha::open(data)),
        FileKind::Arj => Box::new(arj::Arj::open(data)),
        FileKind::Cpio => Box::new(cpio::Cpio::open(data)),
        FileKind::Ar => Box::new(ar::Ar::open(data)),
        FileKind::Iso => Box::new(iso::Iso::open(data, budget)),
        FileKind::DiskImage => return disk(data, budget),
        FileKind::Rpm => Box::new(crate::formats::rpm::Rpm::open(data)),
        FileKind::Mbox => Box::new(crate::formats::mbox::Mbox::open(data)),
        FileKind::Ole2 => Box::new(ole2::Ole2::open(data)),
        FileKind::Cms => Box::new(cms::Cms::open(data, budget)),
        FileKind::Tnef => Box::new(tnef::Tnef::open(data, budget)),
        FileKind::OtherArchive => return rarer(data, budget),
        FileKind::Pdf => Box::new(pdf::Pdf::open()),
        FileKind::Html | FileKind::Svg => return html::open(kind, data, budget),
        FileKind::Text | FileKind::Script => return texts::open(kind, data, false, budget),
        FileKind::InternetShortcut => return texts::open(kind, data, true, budget),
        FileKind::Calendar | FileKind::VCard => return card::open(data, budget),
        FileKind::Lnk => return shortcut::lnk::open(data, budget),
        FileKind::Xml => return shortcut::xml::open(kind, data, budget),
        _ => return None,
    })
}

/// The container of an image of a disk or disc.
fn disk(data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    let raw = disk::raw::strides(data);
    Some(if raw.is_empty() || disk::starts(data) {
        Box::new(disk::Image::open(data, budget))
    } else {
        Box::new(disk::raw::Raw::open(data, raw))
    })
}

/// The container of a rarer kind, if it is one that is opened.
fn rarer(data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    Some(if data.starts_with(szdd::SZDD) || data.starts_with(szdd::KWAJ) {
        Box::new(szdd::Expanded::open(data))
    } else if data.starts_with(chm::MAGIC) {
        Box::new(chm::Chm::open(data))
    } else if data.starts_with(b"xar!") {
        Box::new(xar::Xar::open(data))
    } else if swf::starts(data) {
        Box::new(swf::Flash::open(data))
    } else if sis::starts(data) {
        Box::new(sis::Sis::open(data))
    } else if data.starts_with(warc::MAGIC) {
        Box::new(warc::Warc::open(data))
    } else if dmg::ends(data) {
        Box::new(dmg::Dmg::open(data, budget))
    } else {
        return None;
    })
}

/// Kinds of one piece, which may have a document of PDF at their end. Where files stand unpacked, the last of them may
/// be one.
const SINGLE: [FileKind; 14] = [
    FileKind::Text,
    FileKind::Script,
    FileKind::Html,
    FileKind::Svg,
    FileKind::Xml,
    FileKind::Message,
    FileKind::Calendar,
    FileKind::VCard,
    FileKind::InternetShortcut,
    FileKind::Rtf,
    FileKind::Image,
    FileKind::Media,
    FileKind::Lnk,
    FileKind::Unknown,
];

/// Kinds that are not read as a script as well where a name or type says that they are run: what begins with bytes that
/// no text has. A few words in front make any of the others of a script, and some hosts run the lines behind them.
const NOT_RUN: [FileKind; 17] = [
    FileKind::Pe,
    FileKind::Elf,
    FileKind::MachO,
    FileKind::Ole2,
    FileKind::Ooxml,
    FileKind::Odf,
    FileKind::Zip,
    FileKind::Jar,
    FileKind::Gzip,
    FileKind::SevenZip,
    FileKind::Rar,
    FileKind::Cab,
    FileKind::Arj,
    FileKind::Rpm,
    FileKind::Lnk,
    FileKind::Tnef,
    FileKind::OneNote,
];

/// What a file is as a page, a text or a document of another kind, for programs that take it for that.
fn other_texts(kind: FileKind, beside: Beside, data: &[u8], opened: bool, budget: &mut Budget) -> Vec<Reading> {
    let mut all: Vec<Box<dyn Container>> = Vec::new();
    let unknown = kind == FileKind::Unknown;
    // A text is read as a script in place of as a text.
    let is_read = kind == FileKind::Text && !ooxml::flat::starts(data);
    let also = beside.also.or_else(|| (unknown && holds_markup(data)).then_some(FileKind::Html));
    match also.filter(|also| *also != kind) {
        Some(page @ (FileKind::Html | FileKind::Svg)) => {
            // What else is in a file that is no text would only be noise.
            let texts = matches!(kind, FileKind::Text | FileKind::Unknown);
            all.extend(html::open_page(page, data, texts, budget));
        }
        // A script host reads over zeros, and over what stands in front of the code.
        Some(FileKind::Script) if !is_read && !NOT_RUN.contains(&kind) => {
            let text: Vec<u8> = data.iter().copied().filter(|byte| *byte != 0).collect();
            all.extend(texts::open(FileKind::Script, &text, true, budget));
        }
        Some(FileKind::Text) => all.extend(texts::open(FileKind::Text, data, beside.files_found, budget)),
        _ => {}
    }
    if kind == FileKind::Ooxml && is_odf(data) {
        all.push(Box::new(odf::Odf::open(data, budget)));
    }
    if kind != FileKind::Cms {
        all.extend(cms::inside(data, budget).map(|cms| Box::new(cms) as Box<dyn Container>));
    }
    let whole = 0..data.len();
    all.into_iter().map(|container| Reading { range: whole.clone(), container, hidden: opened }).collect()
}

/// What else a file is beside what it was opened as, `first`; `apart`: archives in it are members of that. The flag
/// says that there is more of it than is looked at.
fn others(
    kind: FileKind,
    first: Option<&dyn Container>,
    apart: bool,
    data: &[u8],
    budget: &mut Budget,
) -> (Vec<Reading>, bool) {
    let opened = first.is_some();
    let mut all = Vec::new();
    let mut add = |range: Range<usize>, container: Box<dyn Container>| {
        all.push(Reading { range, container, hidden: opened });
    };
    let whole = 0..data.len();
    // A zip archive is found from its end. Where members stand unpacked, it may be one of them, and
    // what stands behind the others is a member already.
    let own = matches!(
        kind,
        FileKind::Zip | FileKind::Ooxml | FileKind::Odf | FileKind::Jar | FileKind::Gzip | FileKind::Compressed
    );
    let plain = matches!(
        kind,
        FileKind::DiskImage | FileKind::Tar | FileKind::Cpio | FileKind::Ar | FileKind::Iso | FileKind::SevenZip
    );
    // The blocks of a virtual disk may hide an archive in pieces, and nobody sees what raw sectors hold beside their data.
    let raw = disk::raw::strides(data);
    let is_raw = kind == FileKind::DiskImage && !raw.is_empty() && !disk::starts(data);
    let plain = plain && !is_raw && !first.is_some_and(|first| first.is_scattered());
    // Of a file whose streams are members, only what stands in none of them.
    let unused = std::cell::OnceCell::new();
    // Both are looked for once there is a mark to ask about.
    let attached = std::cell::OnceCell::new();
    let attached = || {
        attached.get_or_init(|| {
            if kind == FileKind::OneNote { crate::formats::onenote::attached(data) } else { Vec::new() }
        })
    };
    let counts = |at: usize| {
        let number = attached().partition_point(|file| file.end <= at);
        let inside = attached().get(number).is_some_and(|file| file.contains(&at));
        !inside && (!apart || unused.get_or_init(|| ole2::Cfb::open(data).unused(data)).has(at))
    };
    let whole_file = || !apart && attached().is_empty();
    if !own && !plain && zip::has_directory(data) && (whole_file() || zip::places(data).into_iter().any(counts)) {
        add(whole.clone(), Box::new(zip::Zip::open(data, budget)));
    }
    // Its first block may look like a file of another kind.
    if kind != FileKind::OtherArchive && dmg::ends(data) {
        add(whole.clone(), Box::new(dmg::Dmg::open(data, budget)));
    }
    if !raw.is_empty() && !is_raw {
        add(whole.clone(), Box::new(disk::raw::Raw::open(data, raw)));
    }
    if kind != FileKind::Iso && iso::starts(data) {
        add(whole, Box::new(iso::Iso::open(data, budget)));
    }
    if kind != FileKind::Pdf && (pdf::starts_late(data) || SINGLE.contains(&kind) && pdf::ends(data)) {
        add(0..data.len(), Box::new(pdf::Pdf::open()));
    }
    // What is behind most archives is a member of theirs.
    if kind.is_archive() && kind != FileKind::OtherArchive && !is_raw {
        return (all, false);
    }
    // Its directory is missing, or stands further from the end than it is looked for.
    if !own
        && !plain
        && all.is_empty()
        && let Some(range) = several::find_zip(data, &counts)
    {
        let container = zip::Zip::open(between(data, range.start, range.end), budget);
        all.push(Reading { range, container: Box::new(container), hidden: opened });
    }
    let mut add = |range: Range<usize>, container: Box<dyn Container>| {
        all.push(Reading { range, container, hidden: opened });
    };
    let (archives, mut more) = several::find_7z(data, &counts);
    for range in archives {
        let container = sevenz::SevenZip::open(between(data, range.start, range.end), budget);
        add(range, Box::new(container));
    }
    if let Some(range) = several::find_rar(data, &counts) {
        let container = rar::Rar::open(between(data, range.start, range.end), budget);
        add(range, Box::new(container));
    }
    let (cabinets, rest) = several::find_cab(data, &counts);
    more |= rest;
    for range in cabinets {
        let container = cab::Cab::open(between(data, range.start, range.end));
        add(range, Box::new(container));
    }
    let (range, rest) = packed_in(kind, data, &counts);
    more |= rest;
    if let Some(range) = range {
        add(range, Box::<several::Behind>::default());
    }
    (all, more)
}

/// Where archives of other kinds begin, and where compressed streams do behind a script or behind the end of a
/// document: all from there on. The flag says that there is more than is looked at.
fn packed_in(kind: FileKind, data: &[u8], counts: &dyn Fn(usize) -> bool) -> (Option<Range<usize>>, bool) {
    // Scripts of the shell unpack what stands behind their last line.
    let script = matches!(kind, FileKind::Script | FileKind::Text) || data.starts_with(b"#!");
    let sought = if script { Sought::Streams } else { Sought::Archives };
    let mut left = packed::allowed(data);
    let (at, more) = packed::first_within(data, sought, counts, &mut left);
    let (behind, rest) = match kind {
        FileKind::Pdf => several::behind_marks(data, b"%%EOF", &mut left),
        FileKind::Rtf => several::behind_marks(data, b"}", &mut left),
        _ => (None, false),
    };
    let at = at.into_iter().chain(behind.map(|range| range.start)).min();
    (at.map(|at| at..data.len()), more | rest)
}
