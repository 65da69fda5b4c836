//! The objects of a document that its catalogue leads to, as they are shown: what a writer needs to write
//! it anew. Older versions, unused objects and the tables of the file are not among them.
//!
//! Streams come with their filters on, but decrypted. Limits: those of `document.rs`.

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{PasswordSource, UnscannedReason};

use super::crypt::Part;
use super::document::{Document, OBJECT_FUEL};
use super::lex::{Dict, Value};
use crate::budget::Budget;
use crate::bytes::between;

/// One object.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveObject {
    /// Its value; of a stream its dictionary.
    pub value: Value,
    /// The bytes of its stream, filters on.
    pub stream: Option<Vec<u8>>,
}

/// See the module.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Live {
    /// The objects by their numbers.
    pub objects: BTreeMap<u32, LiveObject>,
    /// What leads to them: catalogue (`Root`), `Info` and `ID`.
    pub trailer: Dict,
    /// The content of embedded files, by the numbers of their streams.
    pub files: BTreeMap<u32, Vec<u8>>,
    /// The version in the first line: `1.7`.
    pub version: String,
}

/// Reads the live objects of a document.
///
/// # Errors
/// Why not all of it can be read: encrypted with a password that is not the empty one, damaged, or the
/// limit that was reached.
pub fn live(data: &[u8], budget: &mut Budget) -> Result<Live, UnscannedReason> {
    let mut document = Document::read(data, budget)?;
    if let Some(problem) = document.problems.first() {
        return Err(*problem);
    }
    if document.opened_with().is_some_and(|with| with != PasswordSource::Empty) || document.is_locked() {
        return Err(UnscannedReason::Encrypted);
    }
    let mut live = Live { version: version(data), ..Live::default() };
    for trailer in document.trailers.clone() {
        let root = document.get(data, &trailer, b"Root", budget)?;
        if root.dict().is_some_and(|root| root.get(b"Pages").is_some()) {
            let kept = trailer.0.into_iter().filter(|(key, _)| matches!(key.as_slice(), b"Root" | b"Info" | b"ID"));
            live.trailer = Dict(kept.collect());
            break;
        }
    }
    let mut waiting: Vec<u32> = Vec::new();
    references(&Value::Dict(live.trailer.clone()), &mut waiting);
    if waiting.is_empty() {
        return Err(UnscannedReason::Damaged);
    }
    let mut files = BTreeSet::new();
    let mut seen = BTreeSet::new();
    while let Some(number) = waiting.pop() {
        if !seen.insert(number) {
            continue;
        }
        budget.burn(OBJECT_FUEL)?;
        // A reference to what is not there is null.
        let Some(place) = document.current(number) else { continue };
        let object = document.object(data, place, budget)?;
        embedded(&object.value, &mut files);
        references(&object.value, &mut waiting);
        let stream = document.packed(data, place, &object, budget)?;
        live.objects.insert(number, LiveObject { value: object.value, stream });
    }
    for number in indirect(&live, files) {
        let Some(place) = document.current(number) else { continue };
        let object = document.object(data, place, budget)?;
        let stream = document.stream(data, place, &object, Part::File, budget)?;
        if !stream.whole {
            return Err(UnscannedReason::Damaged);
        }
        live.files.insert(number, stream.content);
    }
    Ok(live)
}

/// The version in the first line.
fn version(data: &[u8]) -> String {
    let head = between(data, 0, super::WINDOW);
    let at = memchr::memmem::find(head, b"%PDF-").map_or(0, |at| at.saturating_add(5));
    match between(head, at, at.saturating_add(3)) {
        [major @ b'1'..=b'2', b'.', minor @ b'0'..=b'9'] => format!("{}.{}", char::from(*major), char::from(*minor)),
        _ => "1.7".to_owned(),
    }
}

/// All references in a value.
pub fn references(value: &Value, out: &mut Vec<u32>) {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items),
            Value::Dict(dict) => stack.extend(dict.0.iter().map(|(_, value)| value)),
            Value::Reference(number) => out.push(*number),
            _ => {}
        }
    }
}

/// The numbers of embedded files that a value names, or of a list of them.
fn embedded(value: &Value, out: &mut BTreeSet<u32>) {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items),
            Value::Dict(dict) => {
                for (key, value) in &dict.0 {
                    if matches!(key.as_slice(), b"EF" | b"RF") {
                        let mut all = Vec::new();
                        references(value, &mut all);
                        out.extend(all);
                    } else {
                        stack.push(value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Lists of embedded files become what they list.
fn indirect(live: &Live, files: BTreeSet<u32>) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    for number in files {
        match live.objects.get(&number) {
            Some(LiveObject { stream: Some(_), .. }) => drop(all.insert(number)),
            Some(object) => {
                let mut listed = Vec::new();
                references(&object.value, &mut listed);
                all.extend(
                    listed
                        .into_iter()
                        .filter(|number| live.objects.get(number).is_some_and(|object| object.stream.is_some())),
                );
            }
            None => {}
        }
    }
    let typed = live.objects.iter().filter(|(_, object)| {
        object.stream.is_some() && object.value.dict().is_some_and(|dict| dict.is(b"Type", b"EmbeddedFile"))
    });
    all.extend(typed.map(|(number, _)| *number));
    all
}
