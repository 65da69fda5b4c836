//! Macros in Visual Basic (MS-OVBA): the project's directory, and the source of each module.
//!
//! The source is what editors show; what runs may be the compiled form (p-code) that stands in front
//! of it. Where the compiled form has texts that the source lacks, or there is no source, the texts
//! are given too. Modules that the directory does not list are found by how their source begins.
//! Limits: [`MAX_MODULES`], [`MAX_LOOSE`], [`MAX_DIRECTORY`],
//! [`MAX_SOURCE`], and the budget. Not handled: taking p-code apart beyond its
//! texts; password protection of a project, which hides nothing.

mod compressed;

use std::collections::BTreeSet;

use mail::evidence::{Active, Role, UnscannedReason};

use super::Step;
use super::cfb::Kind;
use super::text::{decode, strings};
use super::work::{Work, name_of};
use crate::bytes::{between, le16, le32, take};
use crate::container::Member;
use compressed::{Unpacked, decompress};

/// Most modules of one project.
const MAX_MODULES: usize = 4096;
/// Most modules that are found in one stream by how their source begins.
const MAX_LOOSE: usize = 64;
/// Largest directory of a project, and largest source of a module, in bytes.
const MAX_DIRECTORY: usize = 4 << 20;
const MAX_SOURCE: usize = 16 << 20;
/// Shortest text of compiled code that is looked at, in characters.
const MIN_LITERAL: usize = 4;
/// Most bytes of texts of the compiled form that are told.
const MAX_LITERALS: usize = 1 << 20;
/// How every source begins, behind the first flags of its compressed form.
const ATTRIBUTE: &[u8] = b"\0Attribut";
/// What Visual Basic assumes when a project does not say its code page.
const CODE_PAGE: u32 = 1252;

/// A module to be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Module {
    name: String,
    stream: Option<u32>,
    offset: usize,
    page: u32,
}

/// Reads a project's directory, and plans its modules.
pub(crate) fn project(storage: u32, work: &mut Work<'_>) {
    let Some(packed) = work.read_named(storage, "dir") else { return };
    let Some(dir) = decompress(&packed.bytes, MAX_DIRECTORY) else { return };
    if work.burn(dir.bytes.len() as u64).is_err() {
        return;
    }
    let mut modules = modules(&dir.bytes);
    for module in &mut modules {
        module.stream = work
            .cfb
            .find(storage, &module.name)
            .filter(|number| work.cfb.entry(*number).is_some_and(|entry| entry.kind == Kind::Stream));
    }
    // Before what else is planned: macros are what matters most.
    for module in modules.into_iter().rev().filter(|module| module.stream.is_some()) {
        work.made.steps.push_front(Step::Module(module));
    }
}

/// The names of the streams that a stream lists as modules, when it is the directory of a project.
pub fn listed(packed: &[u8]) -> Vec<String> {
    let dir = decompress(packed, MAX_DIRECTORY).unwrap_or_default();
    modules(&dir.bytes).into_iter().map(|module| module.name).collect()
}

/// Whether a source stands in a stream, whatever stream that is.
pub fn holds_source(bytes: &[u8]) -> bool {
    sources(bytes).next().is_some()
}

/// The modules that a directory lists (2.3.4.2). What is not understood is passed over by its length.
fn modules(dir: &[u8]) -> Vec<Module> {
    let mut all: Vec<Module> = Vec::new();
    let (mut at, mut page) = (0_usize, CODE_PAGE);
    while let (Some(id), Some(size)) = (le16(dir, at), le32(dir, at.saturating_add(2))) {
        let start = at.saturating_add(6);
        // PROJECTVERSION says four and has six (2.3.4.2.1.11).
        let size = if id == 9 { 6 } else { size as usize };
        let value = between(dir, start, start.saturating_add(size));
        match id {
            0x0003 => page = le16(value, 0).map_or(page, u32::from),
            0x0019 if all.len() < MAX_MODULES => {
                all.push(Module { name: decode(value, page), page, ..Module::default() });
            }
            // The stream's name is what finds it; the other name is for people, and nearly always equal.
            0x001a => {
                if let Some(last) = all.last_mut() {
                    last.name = decode(value, page);
                }
            }
            0x0031 => {
                if let Some(last) = all.last_mut() {
                    last.offset = le32(value, 0).unwrap_or(0) as usize;
                }
            }
            _ => {}
        }
        at = start.saturating_add(size);
    }
    all
}

/// Gives one module.
pub(crate) fn module(module: &Module, work: &mut Work<'_>) {
    let Some(number) = module.stream else { return };
    let bytes = work.read(number).bytes;
    let most = work.room().min(MAX_SOURCE);
    let at = Some(module.offset).filter(|at| compressed::starts(between(&bytes, *at, bytes.len())));
    let at = at.or_else(|| sources(&bytes).next());
    let cache = between(&bytes, 0, at.unwrap_or(bytes.len()));
    let source = at.and_then(|at| decompress(between(&bytes, at, bytes.len()), most));
    work.made.taken.insert(number);
    let text = source.as_ref().map(|source| decode(&source.bytes, module.page)).unwrap_or_default();
    let compiled = if text.trim().is_empty() { strings(cache, MIN_LITERAL) } else { missing(cache, &text) };
    give(&module.name, text, source.unwrap_or_default(), bytes.len(), work);
    if !compiled.is_empty() {
        work.active(Active::Vba, &format!("{} (p-code)", module.name), compiled);
    }
}

/// Gives the modules that stand in a stream which no directory lists.
pub(crate) fn loose(bytes: &[u8], name: &str, work: &mut Work<'_>) {
    let mut end = 0;
    if sources(bytes).nth(MAX_LOOSE).is_some() {
        work.problem(UnscannedReason::LimitObjects);
    }
    for at in sources(bytes).take(MAX_LOOSE) {
        if at < end {
            continue;
        }
        let most = work.room().min(MAX_SOURCE);
        let Some(source) = decompress(between(bytes, at, bytes.len()), most) else { continue };
        end = at.saturating_add(source.consumed);
        let text = decode(&source.bytes, CODE_PAGE);
        give(name, text, source, bytes.len(), work);
    }
}

/// Gives a source: as something that acts, if any of it can.
fn give(name: &str, text: String, source: Unpacked, size: usize, work: &mut Work<'_>) {
    if text.trim().is_empty() {
        return;
    }
    let role = if acts(&text) { Role::Active(Active::Vba) } else { Role::Decoded };
    let mut member = Member { name: name_of(name), role, content: text.into_bytes(), ..Member::default() };
    if source.over {
        member.problem(UnscannedReason::LimitBytes);
    } else if !source.whole {
        member.problem(UnscannedReason::Damaged);
    }
    work.give(member, size as u64);
}

/// Where a source may start.
fn sources(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let places = memchr::memmem::find_iter(bytes, ATTRIBUTE).filter_map(|at| at.checked_sub(3));
    places.filter(|at| compressed::starts(between(bytes, *at, bytes.len())))
}

/// Whether a source has any line that is code. Each sheet and document has a module of its own, which
/// mostly says no more than what it belongs to.
fn acts(source: &str) -> bool {
    source.lines().map(str::trim_start).any(|line| {
        let starts = |word: &str| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        !line.is_empty() && !line.starts_with('\'') && !starts("Attribute ") && !starts("Option ")
    })
}

/// The texts of the compiled form that the source does not have, a line each. A text is the code for
/// one (`LitStr`), its length, and its bytes. Texts are compared between their quotation marks, which
/// a source writes twice.
fn missing(cache: &[u8], source: &str) -> String {
    let known: BTreeSet<&str> = source.split('"').collect();
    let mut out = String::new();
    for at in memchr::memmem::find_iter(cache, b"\xb9\0") {
        let length = le16(cache, at.saturating_add(2)).map_or(0, usize::from);
        let literal = take(cache, at.saturating_add(4), length).filter(|_| length >= MIN_LITERAL);
        let Some(literal) = literal.filter(|text| text.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e))) else {
            continue;
        };
        let literal: String = literal.iter().map(|byte| char::from(*byte)).collect();
        if !literal.split('"').all(|piece| piece.is_empty() || known.contains(piece)) {
            out.push_str(&literal);
            out.push('\n');
        }
        if out.len() > MAX_LITERALS {
            break;
        }
    }
    out
}
