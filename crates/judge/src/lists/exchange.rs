//! Lists in files: `wlist` and `blist` (XML, our own vocabulary: docs/reference/lists.xsd) and `txt` (WL-09 to
//! WL-12, BL-03, D-14).
//!
//! A file is read as a whole or not at all: every bad line is told, up to [`MAX_PROBLEMS`]. Behind XML that is broken it
//! goes on with the next entry. Limits: [`MAX_FILE`], [`MAX_COUNTED`], [`super::MAX_ENTRIES`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use super::merging::{Change, Merge, Stamp, applied, merge};
use super::value::Value;
use super::xml::{Event, Fault, Position, Reader, escaped};
use super::{List, MAX_ENTRIES, Purpose, Record, Scope, Subject};

/// Longest file, in bytes.
pub const MAX_FILE: usize = 32 << 20;
/// Most mistakes of one file that are told; where there are more, the last says how many.
pub const MAX_PROBLEMS: usize = 200;
/// Most mistakes of one file that are counted; behind them it is not read.
const MAX_COUNTED: usize = 100_000;
/// The version of the vocabulary.
const VERSION: &str = "1";
/// Longest word of a file that is quoted in a complaint, in characters.
const MAX_QUOTED: usize = 60;

/// The form of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `wlist` or `blist`.
    Xml,
    /// One address, mask or network a line.
    Txt,
}

/// A mistake in a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// The line, from 1.
    pub line: u32,
    /// The character in it, from 1.
    pub column: u32,
    /// What is wrong.
    pub what: String,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self { line: fault.at.line, column: fault.at.column, what: fault.what }
    }
}

/// An entry as somebody wrote it, in a file or on the command line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// In which list.
    pub list: List,
    /// What it names.
    pub value: Value,
    /// Whom it is about.
    pub purpose: Purpose,
    /// What it spares.
    pub scope: Scope,
    /// Whose it is; `None`: the organisation's.
    pub owner: Option<String>,
    /// For people.
    pub comment: String,
    /// The name that it had where it was exported, if that is one.
    pub id: Option<String>,
}

impl Entry {
    /// An entry with the defaults of a line of text (WL-11).
    pub fn new(list: List, value: Value) -> Self {
        let (purpose, scope) = (Purpose::default(), Scope::default());
        Self { list, value, purpose, scope, owner: None, comment: String::new(), id: None }
    }

    pub(super) fn record(self, id: String, stamp: &Stamp) -> Record {
        let Self { list, value, purpose, scope, owner, comment, .. } = self;
        let (modified_by, modified_ms) = (stamp.by.clone(), stamp.at_ms);
        Record { id, list, value, purpose, scope, owner, comment, modified_by, modified_ms }
    }
}

/// Reads a file for a list. `owner`: whose list it becomes; `None`: the organisation's, or whose the file says.
///
/// # Errors
/// Every mistake, [`MAX_PROBLEMS`] at most.
pub fn read(text: &[u8], form: Form, list: List, owner: Option<&Subject>) -> Result<Vec<Entry>, Vec<Problem>> {
    let fail = |what: &str| Err(vec![Problem { line: 1, column: 1, what: what.to_owned() }]);
    if text.len() > MAX_FILE {
        return fail("the file is longer than 32 MiB");
    }
    let (text, undecoded) = super::decoded(text, MAX_PROBLEMS);
    let owner = owner.map(Subject::to_string);
    let mut file = File { list, owner, entries: Vec::new(), problems: Vec::new(), counted: 0, undecoded };
    match form {
        Form::Txt => file.lines(&text),
        // Behind what cannot be read nobody knows what is inside what.
        Form::Xml if !file.undecoded.is_empty() => {}
        Form::Xml => {
            if let Err(fault) = file.document(&text) {
                file.tell(fault.into());
            }
        }
    }
    file.finish()
}

/// A file that is being read.
struct File {
    list: List,
    owner: Option<String>,
    entries: Vec<Entry>,
    /// The first mistakes, in order.
    problems: Vec<Problem>,
    /// How many there are.
    counted: usize,
    /// Lines with bytes that are no characters. They are wrong for that, whatever else they say.
    undecoded: Vec<u32>,
}

impl File {
    fn tell(&mut self, problem: Problem) {
        if self.undecoded.binary_search(&problem.line).is_ok() {
            return;
        }
        self.counted = self.counted.saturating_add(1);
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn finish(mut self) -> Result<Vec<Entry>, Vec<Problem>> {
        let what = "this line is neither UTF-8 nor UTF-16 with a byte order mark: save the file as UTF-8";
        let undecoded = self.undecoded.iter();
        self.problems.extend(undecoded.map(|line| Problem { line: *line, column: 1, what: what.to_owned() }));
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        let counted = self.counted.saturating_add(self.undecoded.len());
        if counted > MAX_PROBLEMS {
            self.problems.truncate(MAX_PROBLEMS);
            let least = if self.is_full() { "at least " } else { "" };
            let more = counted.saturating_sub(MAX_PROBLEMS).saturating_add(1);
            if let Some(last) = self.problems.last_mut() {
                last.what = format!("and {least}{more} more mistakes, from here on");
            }
        }
        if self.problems.is_empty() { Ok(self.entries) } else { Err(self.problems) }
    }

    fn is_full(&self) -> bool {
        self.counted >= MAX_COUNTED
    }

    fn add(&mut self, at: Position, made: Result<Entry, String>) {
        let checked = made.and_then(|entry| {
            let stamp = Stamp { by: String::new(), at_ms: 0 };
            let record = entry.clone().record(String::new(), &stamp);
            record.check().map_err(|why| why.to_string())?;
            if self.entries.len() >= MAX_ENTRIES { Err(format!("more than {MAX_ENTRIES} entries")) } else { Ok(entry) }
        });
        match checked {
            Ok(entry) => self.entries.push(entry),
            Err(what) => self.wrong(at, what),
        }
    }

    fn lines(&mut self, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, content) in (1u32..).zip(text.lines()) {
            let value = content.trim();
            if value.is_empty() || value.starts_with('#') {
                continue;
            }
            let entry = Value::parse(value).map_err(|why| format!("{}: {why}", quoted(value)));
            let owner = self.owner.clone();
            self.add(Position { line, column: 1 }, entry.map(|value| Entry { owner, ..Entry::new(self.list, value) }));
            if self.is_full() {
                return;
            }
        }
    }

    fn document(&mut self, text: &str) -> Result<(), Fault> {
        let mut reader = Reader::new(text)?;
        let at = reader.position();
        let root = match self.list {
            List::Allow => "wlist",
            List::Deny => "blist",
        };
        match reader.next()? {
            Event::Start { name, attributes } if name == root => self.root(at, &name, &attributes)?,
            Event::Start { name, .. } => {
                return Err(Fault { at, what: format!("<{}> where <{root}> belongs", quoted(&name)) });
            }
            _ => return Err(Fault { at, what: format!("<{root}> is missing") }),
        }
        while let Err(fault) = self.elements(&mut reader) {
            self.tell(fault.into());
            if self.is_full() || !reader.resume(root, ENTRY) {
                return Ok(());
            }
        }
        match reader.next()? {
            Event::Done => Ok(()),
            _ if self.is_full() => Ok(()),
            _ => Err(reader.fault("something follows the list")),
        }
    }

    /// Reads to the end of the list, or to where nobody can tell what is inside what.
    fn elements(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        while !self.is_full() {
            let at = reader.position();
            match reader.next()? {
                Event::End | Event::Done => break,
                Event::Text(text) => self.stray(at, &text),
                Event::Start { name, attributes } if name == ENTRY => self.entry(at, &attributes, reader)?,
                Event::Start { name, .. } => {
                    self.unknown(at, &name);
                    skip(reader)?;
                }
            }
        }
        Ok(())
    }

    fn root(&mut self, at: Position, name: &str, attributes: &[(String, String)]) -> Result<(), Fault> {
        if let Some((key, _)) = attributes.iter().find(|(key, _)| key != "version") {
            self.wrong(at, format!("the attribute {} of <{name}> is not known", quoted(key)));
        }
        match attributes.iter().find(|(key, _)| key == "version") {
            // Who knows what else is another there.
            Some((_, value)) if value != VERSION => {
                return Err(Fault { at, what: format!("version {} is not known: {VERSION} is", quoted(value)) });
            }
            Some(_) => {}
            None => self.wrong(at, format!("<{name}> has no version")),
        }
        Ok(())
    }

    fn wrong(&mut self, at: Position, what: String) {
        self.tell(Problem { line: at.line, column: at.column, what });
    }

    fn stray(&mut self, at: Position, text: &str) {
        if !text.trim().is_empty() {
            self.wrong(at, format!("text where an element belongs: {}", quoted(text.trim())));
        }
    }

    fn unknown(&mut self, at: Position, name: &str) {
        self.wrong(at, format!("the element <{}> is not known", quoted(name)));
    }

    fn entry(&mut self, at: Position, attributes: &[(String, String)], reader: &mut Reader<'_>) -> Result<(), Fault> {
        let before = self.counted;
        let mut found: HashMap<&'static str, (Position, String)> = HashMap::new();
        if let Some((name, _)) = attributes.iter().find(|(name, _)| name != "id") {
            self.wrong(at, format!("the attribute {} is not known", quoted(name)));
        }
        loop {
            let mark = reader.mark();
            let here = mark.at;
            match reader.next()? {
                Event::End | Event::Done => break,
                Event::Text(text) => self.stray(here, &text),
                Event::Start { name, .. } if name == ENTRY => {
                    // The end of the one before is missing; what follows is an entry by itself.
                    reader.back(mark);
                    return Err(Fault { at: here, what: "<entry> where </entry> belongs".to_owned() });
                }
                Event::Start { name, attributes } => {
                    let known = FIELDS.into_iter().find(|field| *field == name);
                    let Some(field) = known.filter(|_| attributes.is_empty()) else {
                        self.unknown(here, &name);
                        skip(reader)?;
                        continue;
                    };
                    let (place, text) = self.content(reader)?;
                    if found.insert(field, (place, text)).is_some() {
                        self.wrong(here, format!("<{field}> is there twice"));
                    }
                }
            }
        }
        let id = attributes.first().map(|(_, id)| id.to_ascii_lowercase()).filter(|id| is_guid(id));
        if self.counted == before {
            let made = self.fields(found).map(|entry| Entry { id, ..entry });
            match made {
                Ok(entry) => self.add(at, Ok(entry)),
                Err((place, what)) => self.add(place.unwrap_or(at), Err(what)),
            }
        }
        Ok(())
    }

    /// The text of an element that has nothing else, without blanks around it.
    fn content(&mut self, reader: &mut Reader<'_>) -> Result<(Position, String), Fault> {
        let (place, mut text) = (reader.position(), String::new());
        loop {
            match reader.next()? {
                Event::Text(more) => text.push_str(&more),
                Event::End => return Ok((place, text.trim().to_owned())),
                Event::Start { name, .. } => {
                    self.unknown(place, &name);
                    skip(reader)?;
                }
                Event::Done => return Err(reader.fault("the file ends within an element")),
            }
        }
    }

    /// The entry of its elements, or what is wrong where.
    fn fields(
        &self,
        mut found: HashMap<&'static str, (Position, String)>,
    ) -> Result<Entry, (Option<Position>, String)> {
        let (place, text) = found.remove("value").ok_or((None, "<value> is missing".to_owned()))?;
        let value = Value::parse(&text).map_err(|why| (Some(place), format!("{}: {why}", quoted(&text))))?;
        if let Some((place, kind)) = found.remove("type")
            && kind != value.kind()
        {
            let kind = quoted(&kind);
            let what = match kind.as_str() {
                "user" | "group" => format!("entries of the type {kind} need a directory, and none is asked"),
                "address" | "network" => format!("{value} is no {kind}"),
                _ => format!("the type {kind} is not known: address or network"),
            };
            return Err((Some(place), what));
        }
        let mut entry = Entry::new(self.list, value);
        let unknown =
            |place, what: &str, word: &str| (Some(place), format!("the {what} {} is not known", quoted(word)));
        if let Some((place, word)) = found.remove("purpose") {
            entry.purpose = Purpose::named(&word).ok_or_else(|| unknown(place, "purpose", &word))?;
        }
        if let Some((place, word)) = found.remove("scope") {
            entry.scope = Scope::named(&word).ok_or_else(|| unknown(place, "scope", &word))?;
        }
        entry.owner.clone_from(&self.owner);
        if let Some((place, text)) = found.remove("owner") {
            let owner = Subject::parse(&text).map(|owner| owner.to_string());
            let owner = owner.ok_or_else(|| (Some(place), format!("{} is no address", quoted(&text))))?;
            if self.owner.as_ref().is_some_and(|wanted| *wanted != owner) {
                return Err((Some(place), format!("this entry is {}'s", quoted(&owner))));
            }
            entry.owner = Some(owner);
        }
        entry.comment = found.remove("comment").map(|(_, text)| text).unwrap_or_default();
        Ok(entry)
    }
}

/// The element of an entry.
const ENTRY: &str = "entry";
/// The elements of an entry. The last two say who wrote the file's entry and when; whoever imports it is its author.
const FIELDS: [&str; 8] = ["type", "value", "purpose", "scope", "owner", "comment", "modified-by", "modified"];

/// Reads over the rest of an element.
fn skip(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let mut depth = 1usize;
    while depth > 0 {
        match reader.next()? {
            Event::Start { .. } => depth = depth.saturating_add(1),
            Event::End => depth = depth.saturating_sub(1),
            Event::Text(_) => {}
            Event::Done => break,
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    mail::untrusted::escape(text, MAX_QUOTED)
}

/// Whether a text is a GUID in lower case.
pub fn is_guid(text: &str) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, c): (usize, char)| if dash(at) { c == '-' } else { matches!(c, '0'..='9' | 'a'..='f') };
    text.len() == 36 && text.chars().enumerate().all(fits)
}

/// The list as a file.
pub fn write<'a>(list: List, records: impl IntoIterator<Item = &'a Record>) -> String {
    let root = match list {
        List::Allow => "wlist",
        List::Deny => "blist",
    };
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} version=\"{VERSION}\">\n");
    for record in records.into_iter().filter(|record| record.list == list) {
        out.push_str(&format!("  <entry id=\"{}\">\n", escaped(&record.id)));
        let mut field = |name: &str, value: &str| {
            if !value.is_empty() {
                out.push_str(&format!("    <{name}>{}</{name}>\n", escaped(value)));
            }
        };
        field("type", record.value.kind());
        field("value", &record.value.to_string());
        field("purpose", record.purpose.name());
        if list == List::Allow {
            field("scope", record.scope.name());
        }
        field("owner", record.owner.as_deref().unwrap_or_default());
        field("comment", &record.comment);
        field("modified-by", &record.modified_by);
        let seconds = i64::try_from(record.modified_ms / 1000).unwrap_or(0);
        field("modified", &jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string());
        out.push_str("  </entry>\n");
    }
    out.push_str(&format!("</{root}>\n"));
    out
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
