//! A document: all versions of its objects, however they are found, decrypted when they are read.
//!
//! Limits: those of `xref.rs`, [`MAX_HOPS`] references to one another, and [`SLACK`]: how far beyond
//! the next head objects may be read in all, in sizes of the file. An object that only one way of
//! reading shows is hidden.

use std::ops::Range;

use mail::evidence::{PasswordSource, UnscannedReason};

use super::crypt::{Crypt, Part};
use super::filter::{Filter, MAX_FILTERS};
use super::lex::{Dict, Lexer, Value};
use super::xref::{self, Entry, MAX_OBJECTS};
use crate::budget::{Budget, Limit, Meter};
use crate::bytes::between;
use crate::decode::End;

/// Most references that lead to one another.
const MAX_HOPS: usize = 8;
/// See above.
const SLACK: u64 = 4;
/// How much work looking at one object is, in fuel, beside its bytes.
pub(super) const OBJECT_FUEL: u64 = 64;
/// How much work a byte of an object is, in fuel.
pub(super) const BYTE_FUEL: u64 = 4;

/// One object, read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) value: Value,
    /// Where its stream begins in the file, if it has one.
    pub(super) stream: Option<usize>,
}

impl Object {
    /// Its dictionary; an empty one where it has none.
    pub(super) fn dict(&self) -> &Dict {
        static NONE: Dict = Dict(Vec::new());
        self.value.dict().unwrap_or(&NONE)
    }
}

/// A stream, its filters undone.
pub(super) struct Stream {
    pub(super) content: Vec<u8>,
    /// It could be read to its end.
    pub(super) whole: bool,
}

/// See above.
pub(super) struct Document {
    pub(super) entries: Vec<Entry>,
    /// Places in `entries`, by number.
    pub(super) by_number: Vec<u32>,
    pub(super) buffers: Vec<Vec<u8>>,
    /// Where `endstream` stands.
    ends: Vec<u32>,
    slack: u64,
    crypt: Option<Crypt>,
    /// It is encrypted, and no password is right.
    locked: bool,
    pub(super) trailers: Vec<Dict>,
    pub(super) meter: Meter,
    pub(super) problems: Vec<UnscannedReason>,
}

impl Document {
    /// Finds all objects.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn read(data: &[u8], budget: &mut Budget) -> Result<Self, Limit> {
        budget.burn((data.len() as u64).saturating_mul(2))?;
        let (entries, more) = xref::find_objects(data);
        let ends = memchr::memmem::find_iter(data, b"endstream").take(MAX_OBJECTS.saturating_mul(2));
        let mut document = Self {
            entries,
            by_number: Vec::new(),
            buffers: Vec::new(),
            ends: ends.map(|at| at as u32).collect(),
            slack: (data.len() as u64).saturating_mul(SLACK),
            crypt: None,
            locked: false,
            trailers: Vec::new(),
            meter: Meter::new(data.len() as u64),
            problems: more.then_some(UnscannedReason::LimitObjects).into_iter().collect(),
        };
        document.sort();
        let table = document.tables(data, budget)?;
        document.trailers.clone_from(&table.trailers);
        document.further_trailers(data, budget)?;
        document.unlock(data, budget)?;
        document.object_streams(data, &table, budget)?;
        document.sort();
        document.mark_hidden(data, &table, budget)?;
        Ok(document)
    }

    pub(super) fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// Where the password came from, if it is encrypted and was opened.
    pub(super) fn opened_with(&self) -> Option<PasswordSource> {
        self.crypt.as_ref().map(|crypt| crypt.opened_with)
    }

    /// Whether it is encrypted, and no password is right.
    pub(super) fn is_locked(&self) -> bool {
        self.locked
    }

    /// Puts the numbers in order again.
    pub(super) fn sort(&mut self) {
        self.by_number = (0..self.entries.len() as u32).collect();
        let entries = &self.entries;
        self.by_number.sort_by_key(|place| entries.get(*place as usize).map(|entry| entry.number));
    }

    /// All versions of an object, as places in `entries`.
    pub(super) fn versions(&self, number: u32) -> Vec<usize> {
        let of = |place: &u32| self.entries.get(*place as usize).map_or(u32::MAX, |entry| entry.number);
        let start = self.by_number.partition_point(|place| of(place) < number);
        let rest = self.by_number.get(start..).unwrap_or(&[]);
        rest.iter().take_while(|place| of(place) == number).map(|place| *place as usize).collect()
    }

    /// The version that readers show.
    pub(super) fn current(&self, number: u32) -> Option<usize> {
        let of = |place: &u32| self.entries.get(*place as usize).map_or(u32::MAX, |entry| entry.number);
        let start = self.by_number.partition_point(|place| of(place) < number);
        let end = self.by_number.partition_point(|place| of(place) <= number);
        let all = self.by_number.get(start..end)?;
        let shown = |place: &&u32| self.entries.get(**place as usize).is_some_and(|entry| !entry.hidden);
        all.iter().rev().find(shown).or(all.last()).map(|place| *place as usize)
    }

    /// Reads one object.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn object(&mut self, data: &[u8], place: usize, budget: &mut Budget) -> Result<Object, Limit> {
        let Some(&entry) = self.entries.get(place) else { return Ok(Object { value: Value::Null, stream: None }) };
        let next = self.entries.get(place.saturating_add(1)).filter(|next| next.buffer == entry.buffer);
        let in_stream = (entry.buffer as usize).checked_sub(1);
        let bytes = in_stream.map_or(data, |at| self.buffers.get(at).map_or(&[][..], Vec::as_slice));
        // Of an object in a stream the end is known.
        let known = in_stream.map(|_| entry.start as usize);
        let mut end = known.or(next.map(|next| next.start as usize)).unwrap_or(bytes.len());
        if end <= entry.at as usize {
            end = bytes.len();
        }
        let crypt = self.crypt.as_ref().filter(|_| in_stream.is_none());
        let decrypt = |text: &[u8]| {
            crypt.map(|c| c.decrypt(Part::String, entry.number, entry.generation, text)).unwrap_or_default()
        };
        let mut object;
        loop {
            let mut lexer = Lexer::new(between(bytes, 0, end), entry.at as usize);
            lexer.decrypt = crypt.is_some().then_some(&decrypt);
            let (value, word, closed) = lexer.object();
            let read = lexer.at.saturating_sub(entry.at as usize) as u64;
            budget.burn(OBJECT_FUEL.saturating_add(read.saturating_mul(BYTE_FUEL)))?;
            let streams = word.filter(|word| word.starts_with(b"stream") && in_stream.is_none());
            let stream = streams.map(|word| lexer.at.saturating_sub(word.len()).saturating_add(6));
            object = Object { value, stream: stream.map(|at| stream_start(bytes, at)) };
            // What looked like the next head may stand in one of this object's strings.
            if closed || end >= bytes.len() || self.slack == 0 {
                return Ok(object);
            }
            self.slack = self.slack.saturating_sub(read.max(1));
            end = end.saturating_mul(2).saturating_sub(entry.at as usize).max(end).saturating_add(1024);
        }
    }

    /// What a value refers to, in its current version, or the value itself.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn resolve(&mut self, data: &[u8], value: &Value, budget: &mut Budget) -> Result<Value, Limit> {
        let mut value = value.clone();
        for _ in 0..MAX_HOPS {
            let Value::Reference(number) = value else { return Ok(value) };
            let Some(place) = self.current(number) else { break };
            value = self.object(data, place, budget)?.value;
        }
        Ok(Value::Null)
    }

    /// The value of a key, resolved; null where there is none.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn get(&mut self, data: &[u8], dict: &Dict, key: &[u8], budget: &mut Budget) -> Result<Value, Limit> {
        dict.get(key).map_or(Ok(Value::Null), |value| self.resolve(data, value, budget))
    }

    /// The bytes of a stream as they stand in the file: as long as it says, if it ends there, and else
    /// up to the next `endstream`.
    fn extent(&mut self, data: &[u8], object: &Object, budget: &mut Budget) -> Result<Range<usize>, Limit> {
        let Some(start) = object.stream else { return Ok(0..0) };
        let length = self.get(data, object.dict(), b"Length", budget)?.size();
        if let Some(end) = length.and_then(|length| start.checked_add(length)).filter(|end| *end <= data.len()) {
            let behind = between(data, end, end.saturating_add(16)).trim_ascii_start();
            if behind.starts_with(b"endstream") || behind.starts_with(b"endobj") {
                return Ok(start..end);
            }
        }
        let next = self.ends.partition_point(|end| (*end as usize) < start);
        let mut end = self.ends.get(next).map_or(data.len(), |end| *end as usize);
        for line_end in [b'\n', b'\r'] {
            if end > start && end.checked_sub(1).and_then(|at| data.get(at)) == Some(&line_end) {
                end = end.saturating_sub(1);
            }
        }
        Ok(start..end)
    }

    /// The filters of a stream.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn filters(&mut self, data: &[u8], dict: &Dict, budget: &mut Budget) -> Result<Vec<Filter>, Limit> {
        let names = match self.get(data, dict, b"Filter", budget)? {
            Value::Array(names) => names,
            Value::Null => {
                self.get(data, dict, b"F", budget)?.name().map(|name| Value::Name(name.to_vec())).into_iter().collect()
            }
            name => vec![name],
        };
        let mut parameters = self.get(data, dict, b"DecodeParms", budget)?;
        if parameters == Value::Null {
            parameters = self.get(data, dict, b"DP", budget)?;
        }
        let parameters = match parameters {
            Value::Array(all) => all,
            one => vec![one],
        };
        let mut filters = Vec::new();
        for (at, name) in names.iter().take(MAX_FILTERS.saturating_add(1)).enumerate() {
            let Value::Name(name) = self.resolve(data, name, budget)? else { continue };
            let mut own = match parameters.get(at) {
                Some(value) => self.resolve(data, value, budget)?,
                None => Value::Null,
            };
            if let Value::Dict(dict) = &mut own {
                for (_, value) in &mut dict.0 {
                    *value = self.resolve(data, value, budget)?;
                }
            }
            let parameters = if let Value::Dict(dict) = own { dict } else { Dict::default() };
            filters.push(Filter { name, parameters });
        }
        Ok(filters)
    }

    /// The content of an object's stream.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn stream(
        &mut self,
        data: &[u8],
        place: usize,
        object: &Object,
        part: Part,
        budget: &mut Budget,
    ) -> Result<Stream, Limit> {
        let range = self.extent(data, object, budget)?;
        let mut filters = self.filters(data, object.dict(), budget)?;
        let mut content = between(data, range.start, range.end).to_vec();
        budget.burn(content.len() as u64)?;
        let plain = filters.iter().any(|filter| {
            filter.name == b"Crypt"
                && filter.parameters.get(b"Name").is_none_or(|name| name.name() == Some(b"Identity"))
        });
        let table = object.dict().is(b"Type", b"XRef");
        let part = if object.dict().is(b"Type", b"Metadata") { Part::Metadata } else { part };
        if self.locked && !plain && !table {
            return Ok(Stream { content: Vec::new(), whole: false });
        }
        if let (Some(crypt), Some(entry), false, false) = (&self.crypt, self.entries.get(place), plain, table) {
            content = crypt.decrypt(part, entry.number, entry.generation, &content);
        }
        let mut whole = filters.len() <= MAX_FILTERS;
        filters.truncate(MAX_FILTERS);
        for filter in &filters {
            if filter.is_picture() {
                return Ok(Stream { content, whole });
            }
            if filter.name == b"Crypt" {
                continue;
            }
            let (made, end) = filter.undo(&content, budget, &mut self.meter);
            content = made;
            match end {
                End::Complete => {}
                End::Limit(limit) => return Err(limit),
                End::Broken | End::Unknown => whole = false,
            }
        }
        Ok(Stream { content, whole })
    }

    /// The bytes of an object's stream with its filters on, decrypted; `None` without one.
    ///
    /// # Errors
    /// The limit that was reached, or that it is encrypted in a way of its own.
    pub(super) fn packed(
        &mut self,
        data: &[u8],
        place: usize,
        object: &Object,
        budget: &mut Budget,
    ) -> Result<Option<Vec<u8>>, UnscannedReason> {
        if object.stream.is_none() {
            return Ok(None);
        }
        let range = self.extent(data, object, budget)?;
        let content = between(data, range.start, range.end);
        budget.burn(content.len() as u64)?;
        let (Some(crypt), Some(entry)) = (&self.crypt, self.entries.get(place).copied()) else {
            return Ok(Some(content.to_vec()));
        };
        let part = match object.dict().get(b"Type").and_then(Value::name) {
            Some(b"Metadata") => Part::Metadata,
            Some(b"EmbeddedFile") => Part::File,
            _ => Part::Stream,
        };
        let content = crypt.decrypt(part, entry.number, entry.generation, content);
        if self.filters(data, object.dict(), budget)?.iter().any(|filter| filter.name == b"Crypt") {
            return Err(UnscannedReason::Encrypted);
        }
        Ok(Some(content))
    }

    /// The first bytes of the content of an object's stream, as far as that is cheap: of a stream with
    /// several filters all of it has to be read.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn head(
        &mut self,
        data: &[u8],
        place: usize,
        object: &Object,
        size: usize,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, Limit> {
        let filters = self.filters(data, object.dict(), budget)?;
        let simple = match filters.as_slice() {
            [] => false,
            [one] if one.is_picture() => return Ok(Vec::new()),
            [one] => matches!(one.name.as_slice(), b"FlateDecode" | b"Fl") && one.parameters.0.is_empty(),
            _ => return Ok(self.stream(data, place, object, Part::Stream, budget)?.content),
        };
        if !filters.is_empty() && !simple {
            return Ok(self.stream(data, place, object, Part::Stream, budget)?.content);
        }
        let range = self.extent(data, object, budget)?;
        // Whole blocks, for those that are encrypted.
        let end = range.end.min(range.start.saturating_add(size).saturating_add(32));
        let mut content = between(data, range.start, end).to_vec();
        if self.locked {
            return Ok(Vec::new());
        }
        if let (Some(crypt), Some(entry)) = (&self.crypt, self.entries.get(place)) {
            content = crypt.decrypt(Part::Stream, entry.number, entry.generation, &content);
        }
        if simple {
            budget.burn((size as u64).saturating_mul(2))?;
            content = inflate_head(&content, size);
        }
        content.truncate(size);
        Ok(content)
    }

    /// Finds the key, if the document is encrypted.
    fn unlock(&mut self, data: &[u8], budget: &mut Budget) -> Result<(), Limit> {
        let Some(trailer) = self.trailers.iter().find(|trailer| trailer.get(b"Encrypt").is_some()).cloned() else {
            return Ok(());
        };
        let Value::Dict(mut encrypt) = self.get(data, &trailer, b"Encrypt", budget)? else { return Ok(()) };
        for (_, value) in &mut encrypt.0 {
            *value = self.resolve(data, value, budget)?;
        }
        let id = self.get(data, &trailer, b"ID", budget)?;
        let id = match id.array().and_then(<[Value]>::first) {
            Some(first) => self.resolve(data, first, budget)?.text().unwrap_or_default().to_vec(),
            None => Vec::new(),
        };
        self.crypt = Crypt::open(&encrypt, &id, budget);
        self.locked = self.crypt.is_none();
        if self.locked {
            self.problem(UnscannedReason::Encrypted);
        }
        Ok(())
    }
}

/// Where a stream begins: behind the end of the line of its keyword.
fn stream_start(data: &[u8], at: usize) -> usize {
    let behind = match between(data, at, at.saturating_add(2)) {
        b"\r\n" => 2,
        [b'\n' | b'\r', ..] => 1,
        _ => 0,
    };
    at.saturating_add(behind)
}

/// The first bytes of what a deflated stream holds.
fn inflate_head(content: &[u8], size: usize) -> Vec<u8> {
    let mut head = vec![0; size];
    let mut state = flate2::Decompress::new(true);
    let _ = state.decompress(content, &mut head, flate2::FlushDecompress::None);
    head.truncate(usize::try_from(state.total_out()).unwrap_or(0));
    head
}
