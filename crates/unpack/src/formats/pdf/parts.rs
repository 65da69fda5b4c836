//! What a document holds beside its pages: embedded files, scripts, and actions that start, open or send
//! something. All versions of all objects are looked at, whatever leads to them; only whether an address
//! is opened by itself depends on what refers to it.
//!
//! Limits: [`MAX_PARTS`], [`MAX_NAMES`], [`MAX_CONCATENATED`].

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{Active, UnscannedReason};

use super::document::{Document, Object};
use super::lex::{Dict, Value};
use super::strings;
use crate::budget::{Budget, Limit};

/// Most parts of a document.
const MAX_PARTS: usize = 65_536;
/// Most names of one embedded file.
const MAX_NAMES: usize = 8;
/// Most streams that make up one form (XFA).
const MAX_CONCATENATED: usize = 64;
/// Most references of one value that are followed to tell what acts by itself.
const MAX_FOLLOWED: usize = 4096;

/// Something that becomes a member.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Part {
    /// An action, as text.
    Action { what: Active, text: String, hidden: bool },
    /// A script in the stream of this entry.
    Script { place: usize },
    /// A form in XML, in the streams of these objects.
    Form { objects: Vec<u32>, hidden: bool },
    /// An embedded file.
    File { place: usize, names: Vec<String>, hidden: bool },
    /// A stream of which nothing is known but what it holds.
    Stream { place: usize },
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    /// Addresses, and the texts of forms and notes: they are shown.
    pub(super) shown: Vec<(String, bool)>,
    /// Addresses with the entry that has them, and whether it says that they open by themselves.
    addresses: Vec<(usize, String, bool, bool)>,
    /// Objects that are actions which happen by themselves.
    automatic: BTreeSet<u32>,
    files: BTreeMap<usize, (Vec<String>, bool)>,
    scripts: BTreeSet<usize>,
    /// Pages.
    pub(super) pages: Vec<usize>,
    /// Streams of unknown purpose.
    streams: Vec<usize>,
    /// Streams whose purpose is known.
    known: BTreeSet<usize>,
    full: bool,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Context {
    place: usize,
    hidden: bool,
    /// Below an action that happens by itself.
    automatic: bool,
}

impl Parts {
    /// Looks at all objects.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn find(document: &mut Document, data: &[u8], budget: &mut Budget) -> Result<Self, Limit> {
        let mut parts = Self::default();
        for place in 0..document.entries.len() {
            let object = document.object(data, place, budget)?;
            parts.look(document, data, place, &object, budget)?;
        }
        for trailer in document.trailers.clone() {
            let context = Context { place: usize::MAX, hidden: false, automatic: false };
            parts.walk(document, data, &Value::Dict(trailer), context, budget)?;
        }
        parts.follow(document, data, budget)?;
        parts.finish(document);
        Ok(parts)
    }

    fn look(
        &mut self,
        document: &mut Document,
        data: &[u8],
        place: usize,
        object: &Object,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let hidden = document.entries.get(place).is_none_or(|entry| entry.hidden);
        if object.dict().is(b"Type", b"Page") {
            self.pages.push(place);
        }
        if object.stream.is_some() {
            let dict = object.dict();
            if dict.is(b"Type", b"EmbeddedFile") {
                self.files.entry(place).or_insert_with(|| (Vec::new(), hidden));
            } else if is_ordinary(dict) {
                self.known.insert(place);
            } else {
                self.streams.push(place);
            }
        }
        self.walk(document, data, &object.value, Context { place, hidden, automatic: false }, budget)
    }

    /// Looks at all dictionaries of one object.
    fn walk(
        &mut self,
        document: &mut Document,
        data: &[u8],
        value: &Value,
        context: Context,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let mut stack = vec![(value, false)];
        while let Some((value, automatic)) = stack.pop() {
            match value {
                Value::Array(items) => stack.extend(items.iter().rev().map(|item| (item, automatic))),
                Value::Dict(dict) => {
                    let inner = Context { automatic: automatic || context.automatic, ..context };
                    self.dict(document, data, dict, inner, budget)?;
                    for (key, value) in dict.0.iter().rev() {
                        // In an array it is no action but a page to go to.
                        let starts = matches!(key.as_slice(), b"OpenAction" | b"AA") && value.array().is_none();
                        let goes_on = automatic && !matches!(key.as_slice(), b"D" | b"P" | b"Parent");
                        if let (true, Value::Reference(number)) = (starts || goes_on, value) {
                            self.automatic.insert(*number);
                        }
                        stack.push((value, starts || goes_on));
                    }
                }
                Value::Reference(number) if automatic => {
                    self.automatic.insert(*number);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What one dictionary says by itself.
    fn dict(
        &mut self,
        document: &mut Document,
        data: &[u8],
        dict: &Dict,
        context: Context,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        for (key, value) in &dict.0 {
            match key.as_slice() {
                b"JS" | b"OnInstantiate" => self.script(document, data, value, context, budget)?,
                b"EF" => self.files(document, data, dict, value, context, budget)?,
                b"XFA" => self.form(document, data, value, context, budget)?,
                b"URI" => {
                    let text = document.resolve(data, value, budget)?;
                    if let Some(text) = text.text() {
                        self.address(context, &strings::text(text));
                    }
                }
                b"Contents" | b"V" | b"DV" | b"Title" | b"Subject" | b"Keywords" => {
                    if let Some(text) = value.text().filter(|text| text.len() > 1 && !dict.is(b"Type", b"Sig")) {
                        self.show(strings::text(text), context.hidden);
                    }
                }
                _ => {}
            }
        }
        let what = match document.get(data, dict, b"S", budget)?.name() {
            Some(b"Launch" | b"GoToE" | b"GoToR") => Active::Launch,
            Some(b"SubmitForm" | b"ImportData") => Active::Form,
            _ => return Ok(()),
        };
        let text = self.describe(document, data, dict, budget)?;
        self.add(Part::Action { what, text, hidden: context.hidden });
        Ok(())
    }

    fn add(&mut self, part: Part) {
        if self.parts.len() >= MAX_PARTS {
            self.full = true;
        } else {
            self.parts.push(part);
        }
    }

    fn show(&mut self, text: String, hidden: bool) {
        if self.shown.len() < MAX_PARTS && !text.trim().is_empty() {
            self.shown.push((text, hidden));
        }
    }

    fn address(&mut self, context: Context, address: &str) {
        if address.trim_start().to_ascii_lowercase().starts_with("javascript:") {
            self.add(Part::Action { what: Active::Script, text: address.to_owned(), hidden: context.hidden });
        }
        if self.addresses.len() < MAX_PARTS {
            self.addresses.push((context.place, address.to_owned(), context.automatic, context.hidden));
        } else {
            self.full = true;
        }
    }

    /// A script: a string, or a stream in all of its versions.
    fn script(
        &mut self,
        document: &mut Document,
        data: &[u8],
        value: &Value,
        context: Context,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        if let Some(text) = value.text() {
            self.add(Part::Action { what: Active::Script, text: strings::text(text), hidden: context.hidden });
        }
        let Value::Reference(number) = value else { return Ok(()) };
        for place in document.versions(*number) {
            if !self.scripts.insert(place) {
                continue;
            }
            let object = document.object(data, place, budget)?;
            if object.stream.is_some() {
                self.known.insert(place);
                self.add(Part::Script { place });
            } else if let Some(text) = object.value.text() {
                let hidden = context.hidden || document.entries.get(place).is_none_or(|entry| entry.hidden);
                self.add(Part::Action { what: Active::Script, text: strings::text(text), hidden });
            }
        }
        Ok(())
    }

    /// The embedded files of a file specification, with the names that it gives them.
    fn files(
        &mut self,
        document: &mut Document,
        data: &[u8],
        dict: &Dict,
        value: &Value,
        context: Context,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let mut names: Vec<String> = Vec::new();
        for key in [&b"UF"[..], b"F", b"Unix", b"DOS", b"Mac"] {
            if let Some(name) = document.get(data, dict, key, budget)?.text() {
                let name = strings::text(name);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let Value::Dict(streams) = document.resolve(data, value, budget)? else { return Ok(()) };
        for number in streams.0.iter().filter_map(|(_, value)| value.reference()).take(MAX_NAMES) {
            for place in document.versions(number) {
                let hidden = document.entries.get(place).is_none_or(|entry| entry.hidden);
                let known = self.files.entry(place).or_insert_with(|| (Vec::new(), hidden || context.hidden));
                known.1 &= hidden || context.hidden;
                for name in &names {
                    if !known.0.contains(name) && known.0.len() < MAX_NAMES {
                        known.0.push(name.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// A form in XML: one stream, or names and streams in turn.
    fn form(
        &mut self,
        document: &mut Document,
        data: &[u8],
        value: &Value,
        context: Context,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let resolved = match value {
            Value::Reference(_) => document.resolve(data, value, budget)?,
            other => other.clone(),
        };
        let objects: Vec<u32> = match (resolved, value) {
            (Value::Array(items), _) => items.iter().filter_map(Value::reference).take(MAX_CONCATENATED).collect(),
            (_, Value::Reference(number)) => vec![*number],
            _ => return Ok(()),
        };
        for number in &objects {
            self.known.extend(document.current(*number));
        }
        self.add(Part::Form { objects, hidden: context.hidden });
        Ok(())
    }

    /// An action in words: its kind, and every text in it.
    fn describe(
        &mut self,
        document: &mut Document,
        data: &[u8],
        dict: &Dict,
        budget: &mut Budget,
    ) -> Result<String, Limit> {
        let mut words = vec![dict.get(b"S").and_then(Value::name).map(strings::latin).unwrap_or_default()];
        for (key, value) in &dict.0 {
            if matches!(key.as_slice(), b"S" | b"Type" | b"Next" | b"P" | b"Parent" | b"D" | b"T" | b"EF") {
                continue;
            }
            match document.resolve(data, value, budget)? {
                Value::Text(text) => words.push(strings::text(&text)),
                Value::Dict(inner) => {
                    for (key, value) in inner.0.iter().filter(|(key, _)| key != b"EF").take(16) {
                        if let (Value::Text(text), false) = (document.resolve(data, value, budget)?, key == b"Type") {
                            let text = strings::text(&text);
                            if words.last() != Some(&text) {
                                words.push(text);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(words.join(" "))
    }

    /// Follows what happens by itself to what it leads to.
    fn follow(&mut self, document: &mut Document, data: &[u8], budget: &mut Budget) -> Result<(), Limit> {
        let mut todo: Vec<u32> = self.automatic.iter().copied().collect();
        while let Some(number) = todo.pop() {
            for place in document.versions(number) {
                let object = document.object(data, place, budget)?;
                let Some(dict) = object.value.dict() else { continue };
                // A page that is gone to is no action.
                if dict.get(b"Type").and_then(Value::name).is_some_and(|name| name != b"Action") {
                    continue;
                }
                for (key, value) in dict.0.iter().take(MAX_FOLLOWED) {
                    if matches!(key.as_slice(), b"D" | b"P" | b"Parent" | b"F" | b"SD") {
                        continue;
                    }
                    let items = value.array().unwrap_or(std::slice::from_ref(value));
                    for number in items.iter().take(MAX_FOLLOWED).filter_map(Value::reference) {
                        if self.automatic.insert(number) {
                            todo.push(number);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts everything in order.
    fn finish(&mut self, document: &mut Document) {
        for (place, address, automatic, hidden) in std::mem::take(&mut self.addresses) {
            let number = document.entries.get(place).map(|entry| entry.number);
            if automatic || number.is_some_and(|number| self.automatic.contains(&number)) {
                self.add(Part::Action { what: Active::OpenUri, text: address.clone(), hidden });
            }
            self.show(address, hidden);
        }
        for (place, (names, hidden)) in std::mem::take(&mut self.files) {
            self.known.insert(place);
            self.add(Part::File { place, names, hidden });
        }
        for place in std::mem::take(&mut self.streams) {
            if !self.known.contains(&place) {
                self.add(Part::Stream { place });
            }
        }
        if self.full {
            document.problem(UnscannedReason::LimitObjects);
        }
    }
}

/// Whether a stream is one of the usual things: a picture, a font, a table.
fn is_ordinary(dict: &Dict) -> bool {
    let named =
        |key: &[u8], names: &[&[u8]]| dict.get(key).and_then(Value::name).is_some_and(|name| names.contains(&name));
    let fonts: [&[u8]; 5] = [b"Type1C", b"CIDFontType0C", b"OpenType", b"Image", b"Form"];
    named(b"Type", &[b"XRef", b"ObjStm", b"CMap", b"Halftone", b"Pattern"])
        || named(b"Subtype", &fonts)
        || dict.get(b"FunctionType").is_some()
        || dict.get(b"ShadingType").is_some()
}
