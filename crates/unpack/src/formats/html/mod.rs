//! HTML and SVG: what acts in them (scripts, event handlers, forms, addresses that open themselves),
//! the files that stand in them (`data:` addresses, `srcdoc`, and those that scripts assemble:
//! "smuggling"), and their text, the hidden text apart.
//!
//! A document that programs read in several ways (its charset, zeros in it, `noscript`, what ends SVG in it)
//! is read in each, and what acts in any of them is told; the text is that of the first.
//!
//! Limits: [`MAX_FILES`], [`MAX_DOCUMENTS`], [`MAX_SCRIPTS`], those of the views, and the budget. Not
//! handled: scripts are not run, only their constants are put together; addresses elsewhere are not
//! fetched.

mod charset;
mod found;

use mail::evidence::{Active, FileKind, Role, UnscannedReason};
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::container::{Container, Member};
use crate::formats::parts::Parts;
use crate::names;
pub use crate::views::html::entities::{reference, undone};
pub use crate::views::html::{Foreign, MAX_ATTRIBUTES, Mode, Token, Tokens};
pub use crate::views::script::data_url;
use crate::views::script::{self, Dialect};
pub use charset::standard;
pub(crate) use charset::{marked, plain};
pub(crate) use found::{File, Found};

/// Most files of one document.
const MAX_FILES: usize = 1000;
/// Most documents in a document (`srcdoc`, `data:text/html`, what scripts write).
const MAX_DOCUMENTS: usize = 64;
/// Most bytes of all scripts of a document that are put together.
const MAX_SCRIPTS: usize = 32 * 1024 * 1024;

/// Opens an HTML document or an SVG picture; `None` if there is nothing to tell.
pub(crate) fn open(kind: FileKind, data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    open_page(kind, data, true, budget)
}

/// The same; `texts`: its text is given, too.
pub(crate) fn open_page(kind: FileKind, data: &[u8], texts: bool, budget: &mut Budget) -> Option<Box<dyn Container>> {
    let (mut found, mut problems) = (Found::default(), Vec::new());
    for (number, text) in charset::readings(data).iter().enumerate() {
        if number > 0
            && let Err(limit) = budget.burn(text.len() as u64)
        {
            problems.push(limit.into());
            break;
        }
        found.read(text, kind == FileKind::Svg, texts && number == 0, budget, &mut problems);
    }
    finish_with(found, problems, data.len(), budget)
}

/// The members of a document of `input` bytes that was read.
pub(crate) fn finish(found: Found, input: usize, budget: &mut Budget) -> Option<Box<dyn Container>> {
    finish_with(found, Vec::new(), input, budget)
}

/// The same, with what could not be read.
pub(crate) fn finish_with(
    mut found: Found,
    mut problems: Vec<UnscannedReason>,
    input: usize,
    budget: &mut Budget,
) -> Option<Box<dyn Container>> {
    within(&mut found, budget, &mut problems);
    if found.over {
        problems.push(UnscannedReason::LimitObjects);
    }
    let mut meter = Meter::new(input as u64);
    let mut members = Vec::new();
    let files = std::mem::take(&mut found.files);
    for (file, index) in files.into_iter().zip(0_u32..) {
        meter.next_object();
        if let Err(limit) = budget.produce(&mut meter, file.content.len() as u64, file.content.len() as u64) {
            problems.push(limit.into());
            break;
        }
        members.push(file.member(index));
    }
    let next = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let view = std::mem::take(&mut found.view);
    let (mut views, limits) = found.into_views().into_members(next, budget, &mut meter);
    for member in &mut views {
        // Its constants are put together here, with those of the others.
        if member.role == Role::Active(Active::Script) {
            member.kind = Some(FileKind::Script);
        }
    }
    problems.extend(limits);
    members.extend(views);
    if !view.is_empty() {
        let index = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let content = view.into_bytes();
        meter.next_object();
        match budget.produce(&mut meter, content.len() as u64, content.len() as u64) {
            Ok(()) => members.push(Member {
                index,
                role: Role::Decoded,
                kind: Some(FileKind::Script),
                content,
                ..Member::default()
            }),
            Err(limit) => problems.push(limit.into()),
        }
    }
    problems.sort_unstable();
    problems.dedup();
    Parts::some(members, problems)
}

/// Puts scripts together, and reads the documents in the document, which may hold scripts in turn.
fn within(found: &mut Found, budget: &mut Budget, problems: &mut Vec<UnscannedReason>) {
    let mut done = 0_usize;
    loop {
        fold(found, budget, problems);
        let Some((inner, is_xml)) = found.documents.get(done).cloned() else { return };
        done = done.saturating_add(1);
        if let Err(limit) = budget.burn(inner.len() as u64) {
            problems.push(limit.into());
            return;
        }
        found.read(&inner, is_xml, false, budget, problems);
    }
}

/// Puts together the constants of the scripts that were read since the last time.
fn fold(found: &mut Found, budget: &mut Budget, problems: &mut Vec<UnscannedReason>) {
    for scripts in found.take_scripts() {
        fold_one(found, &scripts, budget, problems);
    }
}

/// The same for those of one reading.
fn fold_one(
    found: &mut Found,
    scripts: &[(Dialect, String)],
    budget: &mut Budget,
    problems: &mut Vec<UnscannedReason>,
) {
    let list: Vec<(Dialect, &[u8])> = scripts.iter().map(|(dialect, script)| (*dialect, script.as_bytes())).collect();
    let outcome = script::fold(&list);
    // Constants are copied and looked at several times.
    if let Err(limit) = budget.burn(outcome.work.saturating_mul(4)) {
        problems.push(limit.into());
    }
    if outcome.over {
        problems.push(UnscannedReason::LimitRatio);
    }
    for blob in outcome.blobs {
        let role = if blob.text { Role::Decoded } else { Role::File };
        found.file(File { name: outcome.name.clone(), declared: blob.declared, role, content: blob.content });
    }
    for page in outcome.pages {
        found.document(page.into_bytes(), false);
    }
    found.view.push_str(&outcome.view);
}

impl File {
    fn member(self, index: u32) -> Member {
        let text = |text: String| Untrusted::new(names::cut(text));
        Member {
            index,
            name: self.name.filter(|name| !name.is_empty()).map(text),
            declared: self.declared.map(text),
            role: self.role,
            content: self.content,
            ..Member::default()
        }
    }
}
