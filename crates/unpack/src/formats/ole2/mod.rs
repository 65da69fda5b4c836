//! OLE2 compound files: the documents, presentations, workbooks, mail items and installers of
//! Microsoft, before and beside Office Open XML.
//!
//! What acts comes first (macros, formulas, fields, packages), then text, then embedded files, then
//! each stream as it stands, joined from its sectors, so that engines see it in one piece. A stream
//! that the tree does not reach is unlisted. Limits: [`MAX_STREAMS`], those of the readers in this
//! folder, and the budget.

mod cfb;
mod crypt;
mod doc;
mod monikers;
mod msi;
mod outlook;
pub(crate) mod package;
mod ppt;
pub(crate) mod text;
pub(crate) mod vba;
mod work;
pub(crate) mod xls;

use mail::evidence::{Active, FileKind, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::Method;
pub use cfb::{Cfb, Entry, Kind, Stream};
pub use doc::{Piece, field_acts, pieces};
pub use monikers::{Link, acting as acting_links};
pub use outlook::rich_text;
pub use package::targets as link_targets;
pub use vba::{holds_source, listed as listed_modules};
use work::{Made, Work, name_of};
pub use xls::{acting_names, link as workbook_link};

/// Most streams of one file that are given as they stand.
const MAX_STREAMS: usize = 8192;
/// Streams that are shorter, in bytes, hold no more than a number or two and are not given.
const MIN_STREAM: u64 = 16;
/// Most levels of storages that are told in a name.
const MAX_PATH: usize = 8;

/// What is still to be done.
#[derive(Debug)]
pub(crate) enum Step {
    /// The encrypted package in a storage.
    Encrypted(u32),
    /// The project of macros in a storage.
    Vba(u32),
    /// One of its modules.
    Module(vba::Module),
    /// The workbook in a stream.
    Excel(u32),
    /// The document in a stream.
    Word(u32),
    /// The presentation in a stream.
    PowerPoint(u32),
    /// An object of a presentation: its name, its size if it is compressed, and its bytes.
    Object97(String, Option<u32>, Vec<u8>),
    /// What is known only by what stands at the root: an item of Outlook, an installer.
    Root,
    /// An item of Outlook in a storage.
    Item(outlook::Item),
    /// An attachment of one, and the code page of its texts.
    Attachment(outlook::Item, u32),
    /// The package in a stream.
    Package(u32),
    /// What a stream says an object is linked to.
    Link(u32),
    /// The equation or control in the storage of a stream.
    Object(u32, Active),
    /// A stream as it stands.
    Stream(u32),
    /// What stands behind the file.
    Behind,
}

/// A compound file.
pub(crate) struct Ole2 {
    cfb: Cfb,
    made: Made,
    meter: Meter,
}

impl Ole2 {
    pub(crate) fn open(data: &[u8]) -> Self {
        let cfb = Cfb::open(data);
        let mut made = Made::default();
        if cfb.damaged {
            made.problems.push(UnscannedReason::Damaged);
        }
        if cfb.too_many {
            made.problems.push(UnscannedReason::LimitObjects);
        }
        plan(&cfb, &mut made);
        Self { cfb, made, meter: Meter::new(data.len() as u64) }
    }
}

/// What there is to do about a file, by the names of its streams.
fn plan(cfb: &Cfb, made: &mut Made) {
    made.steps.push_back(Step::Root);
    for (number, entry) in cfb.entries().filter(|(_, entry)| entry.kind == Kind::Stream) {
        made.steps.extend(match entry.name.to_lowercase().as_str() {
            "encryptedpackage" => Some(Step::Encrypted(entry.parent)),
            "dir" => Some(Step::Vba(entry.parent)),
            "workbook" | "book" => Some(Step::Excel(number)),
            "worddocument" => Some(Step::Word(number)),
            "powerpoint document" => Some(Step::PowerPoint(number)),
            "\u{1}ole10native" => Some(Step::Package(number)),
            "\u{1}ole" => Some(Step::Link(number)),
            "equation native" => Some(Step::Object(number, Active::OlePackage)),
            "\u{3}ocxname" => Some(Step::Object(number, Active::ActiveX)),
            _ => None,
        });
    }
    let mut streams = 0_usize;
    for (number, _) in cfb.entries().filter(|(_, entry)| entry.kind == Kind::Stream && entry.size >= MIN_STREAM) {
        streams = streams.saturating_add(1);
        if streams > MAX_STREAMS {
            made.problems.push(UnscannedReason::LimitObjects);
            break;
        }
        made.steps.push_back(Step::Stream(number));
    }
    made.steps.push_back(Step::Behind);
}

/// Does one step.
fn run(step: Step, work: &mut Work<'_>) {
    match step {
        Step::Encrypted(storage) => encrypted(storage, work),
        Step::Vba(storage) => vba::project(storage, work),
        Step::Module(module) => vba::module(&module, work),
        Step::Excel(number) => xls::workbook(number, work),
        Step::Word(number) => doc::document(number, work),
        Step::PowerPoint(number) => ppt::presentation(number, work),
        Step::Object97(name, size, bytes) => object(&name, size, &bytes, work),
        Step::Root => root(work),
        Step::Item(item) => outlook::item(item, work),
        Step::Attachment(item, page) => outlook::attachment(item, page, work),
        Step::Package(number) => package::package(number, work),
        Step::Link(number) => package::link(number, work),
        Step::Object(number, what) => package::object(number, what, work),
        Step::Stream(number) => stream(number, work),
        Step::Behind => behind(work),
    }
}

/// An object of a presentation: a compound file, most often compressed with a head of zlib.
fn object(name: &str, size: Option<u32>, bytes: &[u8], work: &mut Work<'_>) {
    let member = Member { name: name_of(name), ..Member::default() };
    if let Some(size) = size {
        work.decoded(member, Method::Deflate, between(bytes, 2, bytes.len()), Some(size));
    } else {
        work.give(Member { content: bytes.to_vec(), ..member }, bytes.len() as u64);
    }
}

/// What a file is by its root.
fn root(work: &mut Work<'_>) {
    if outlook::is_item(work) {
        work.made.steps.push_front(Step::Item(outlook::Item { storage: 0, parent: None, depth: 0 }));
    }
    msi::actions(work);
}

/// The document that an encrypted package holds.
fn encrypted(storage: u32, work: &mut Work<'_>) {
    let (Some(info), Some(package)) =
        (work.read_named(storage, "EncryptionInfo"), work.read_named(storage, "EncryptedPackage"))
    else {
        return work.problem(UnscannedReason::Encrypted);
    };
    match crypt::encrypted_package(&info.bytes, &package.bytes, work.budget) {
        Ok((content, source)) => {
            let consumed = content.len() as u64;
            work.give(Member { opened_with: Some(source), content, ..Member::default() }, consumed);
        }
        Err(closed) => work.problem(closed.into()),
    }
}

/// What stands behind the last sector in use, if it is more than zeros.
fn behind(work: &mut Work<'_>) {
    let rest = between(work.data, work.cfb.end(), work.data.len());
    if !work.cfb.damaged && rest.iter().any(|byte| *byte != 0) {
        let content = rest.to_vec();
        work.give(Member { hidden: true, content, ..Member::default() }, rest.len() as u64);
    }
}

/// A stream as it stands, unless a reader has given all that it holds.
fn stream(number: u32, work: &mut Work<'_>) {
    let Some(entry) = work.cfb.entry(number).filter(|_| !work.made.taken.contains(&number)) else { return };
    let (name, hidden) = (path(work.cfb, entry), !entry.reached);
    let stream = work.read(number);
    vba::loose(&stream.bytes, &name, work);
    let consumed = stream.bytes.len() as u64;
    // Newer programs keep small archives in these, in pieces that were changed in their place; nothing
    // but they opens them.
    let kind = work.made.known.contains(&number).then_some(FileKind::Unknown);
    let mut member = Member { name: name_of(&name), kind, hidden, content: stream.bytes, ..Member::default() };
    // What nothing refers to was often overwritten in part.
    if !stream.whole && !hidden {
        member.problem(UnscannedReason::Damaged);
    }
    if !hidden || !member.content.is_empty() {
        work.give(member, consumed);
    }
}

/// Where an entry stands: names from the root on.
fn path(cfb: &Cfb, entry: &Entry) -> String {
    let mut names = vec![entry.name.as_str()];
    let mut above = entry.parent;
    while let Some(entry) = cfb.entry(above).filter(|entry| entry.kind == Kind::Storage && names.len() < MAX_PATH) {
        names.push(&entry.name);
        if entry.parent == above {
            break;
        }
        above = entry.parent;
    }
    names.reverse();
    msi::name(&names.join("/"))
}

impl Container for Ole2 {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        loop {
            if let Some(member) = self.made.members.pop_front() {
                return Some(member);
            }
            let step = self.made.steps.pop_front()?;
            let mut work = Work { data, cfb: &self.cfb, budget, meter: &mut self.meter, made: &mut self.made };
            if let Some(limit) = work.budget.exhausted() {
                work.problem(limit.into());
                self.made.steps.clear();
                return None;
            }
            run(step, &mut work);
        }
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.made.problems
    }
}
