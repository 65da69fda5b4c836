//! Lists in files: `wlist` and `blist` (XML, our own vocabulary: docs/reference/lists.xsd) and `txt` (WL-09 to
//! WL-12, BL-03, D-14), and what reading one would change.
//!
//! A file is read as a whole or not at all: every bad line is told, up to [`MAX_PROBLEMS`]. Limits: [`MAX_FILE`],
//! [`super::MAX_ENTRIES`]. Entries that say the same are merged.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::value::Value;
use super::xml::{Event, Fault, Position, Reader, escaped};
use super::{Identity, List, Lists, MAX_ENTRIES, Purpose, Record, Scope, Subject};

/// Longest file, in bytes.
pub const MAX_FILE: usize = 32 << 20;
/// Most mistakes of one file that are told.
pub const MAX_PROBLEMS: usize = 200;
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

    fn record(self, id: String, stamp: &Stamp) -> Record {
        let Self { list, value, purpose, scope, owner, comment, .. } = self;
        let (modified_by, modified_ms) = (stamp.by.clone(), stamp.at_ms);
        Record { id, list, value, purpose, scope, owner, comment, modified_by, modified_ms }
    }
}

/// Reads a file for a list. `owner`: whose list it becomes; `None`: the organisation's, or whose the file says.
///
/// # Errors
/// Every mistake, the first [`MAX_PROBLEMS`].
pub fn read(text: &[u8], form: Form, list: List, owner: Option<&Subject>) -> Result<Vec<Entry>, Vec<Problem>> {
    let fail = |what: &str| Err(vec![Problem { line: 1, column: 1, what: what.to_owned() }]);
    if text.len() > MAX_FILE {
        return fail("the file is longer than 32 MiB");
    }
    let (text, undecoded) = super::decoded(text, MAX_PROBLEMS);
    let mut file = File { list, owner: owner.map(Subject::to_string), entries: Vec::new(), problems: Vec::new() };
    match form {
        Form::Txt => file.lines(&text),
        // Behind what cannot be read nobody knows what is inside what.
        Form::Xml if !undecoded.is_empty() => {}
        Form::Xml => {
            if let Err(fault) = file.document(&text) {
                file.problems.push(fault.into());
            }
        }
    }
    file.not_text(&undecoded);
    if file.problems.is_empty() { Ok(file.entries) } else { Err(file.problems) }
}

/// A file that is being read.
struct File {
    list: List,
    owner: Option<String>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl File {
    fn add(&mut self, at: Position, made: Result<Entry, String>) {
        let checked = made.and_then(|entry| {
            let stamp = Stamp { by: String::new(), at_ms: 0 };
            let record = entry.clone().record(String::new(), &stamp);
            record.check().map_err(|why| why.to_string())?;
            if self.entries.len() >= MAX_ENTRIES { Err(format!("more than {MAX_ENTRIES} entries")) } else { Ok(entry) }
        });
        match checked {
            Ok(entry) => self.entries.push(entry),
            Err(what) => self.problems.push(Problem { line: at.line, column: at.column, what }),
        }
    }

    /// Lines with bytes that are no characters are wrong for that, whatever else they say.
    fn not_text(&mut self, lines: &[u32]) {
        self.problems.retain(|problem| lines.binary_search(&problem.line).is_err());
        let what = "this line is neither UTF-8 nor UTF-16 with a byte order mark: save the file as UTF-8";
        self.problems.extend(lines.iter().map(|line| Problem { line: *line, column: 1, what: what.to_owned() }));
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.truncate(MAX_PROBLEMS);
    }

    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
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
            Event::Start { name, attributes } if name == root => check_root(at, &name, &attributes)?,
            Event::Start { name, .. } => {
                return Err(Fault { at, what: format!("<{}> where <{root}> belongs", quoted(&name)) });
            }
            _ => return Err(Fault { at, what: format!("<{root}> is missing") }),
        }
        loop {
            let at = reader.position();
            match reader.next()? {
                Event::End | Event::Done => break,
                Event::Text(text) => self.stray(at, &text),
                Event::Start { name, attributes } if name == "entry" => self.entry(at, &attributes, &mut reader)?,
                Event::Start { name, .. } => {
                    self.unknown(at, &name);
                    skip(&mut reader)?;
                }
            }
            if self.is_full() {
                return Ok(());
            }
        }
        match reader.next()? {
            Event::Done => Ok(()),
            _ => Err(reader.fault("something follows the list")),
        }
    }

    fn stray(&mut self, at: Position, text: &str) {
        if !text.trim().is_empty() {
            let what = format!("text where an element belongs: {}", quoted(text.trim()));
            self.problems.push(Problem { line: at.line, column: at.column, what });
        }
    }

    fn unknown(&mut self, at: Position, name: &str) {
        let what = format!("the element <{}> is not known", quoted(name));
        self.problems.push(Problem { line: at.line, column: at.column, what });
    }

    fn entry(&mut self, at: Position, attributes: &[(String, String)], reader: &mut Reader<'_>) -> Result<(), Fault> {
        let before = self.problems.len();
        let mut found: HashMap<&'static str, (Position, String)> = HashMap::new();
        if let Some((name, _)) = attributes.iter().find(|(name, _)| name != "id") {
            return Err(Fault { at, what: format!("the attribute {} is not known", quoted(name)) });
        }
        loop {
            let here = reader.position();
            match reader.next()? {
                Event::End | Event::Done => break,
                Event::Text(text) => self.stray(here, &text),
                Event::Start { name, attributes } => {
                    let known = FIELDS.into_iter().find(|field| *field == name);
                    let Some(field) = known.filter(|_| attributes.is_empty()) else {
                        self.unknown(here, &name);
                        skip(reader)?;
                        continue;
                    };
                    let (place, text) = content(reader)?;
                    if found.insert(field, (place, text)).is_some() {
                        return Err(Fault { at: here, what: format!("<{field}> is there twice") });
                    }
                }
            }
        }
        let id = attributes.first().map(|(_, id)| id.to_ascii_lowercase()).filter(|id| is_guid(id));
        if self.problems.len() == before {
            let made = self.fields(found).map(|entry| Entry { id, ..entry });
            match made {
                Ok(entry) => self.add(at, Ok(entry)),
                Err((place, what)) => self.add(place.unwrap_or(at), Err(what)),
            }
        }
        Ok(())
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

/// The elements of an entry. The last two say who wrote the file's entry and when; whoever imports it is its author.
const FIELDS: [&str; 8] = ["type", "value", "purpose", "scope", "owner", "comment", "modified-by", "modified"];

fn check_root(at: Position, name: &str, attributes: &[(String, String)]) -> Result<(), Fault> {
    for (key, value) in attributes {
        if key != "version" {
            return Err(Fault { at, what: format!("the attribute {} of <{name}> is not known", quoted(key)) });
        }
        if value != VERSION {
            return Err(Fault { at, what: format!("version {} is not known: {VERSION} is", quoted(value)) });
        }
    }
    if attributes.is_empty() { Err(Fault { at, what: format!("<{name}> has no version") }) } else { Ok(()) }
}

/// The text of an element that has nothing else, without blanks around it.
fn content(reader: &mut Reader<'_>) -> Result<(Position, String), Fault> {
    let (place, mut text) = (reader.position(), String::new());
    loop {
        match reader.next()? {
            Event::Text(more) => text.push_str(&more),
            Event::End => return Ok((place, text.trim().to_owned())),
            Event::Start { name, .. } => {
                return Err(Fault { at: place, what: format!("the element <{}> is not known", quoted(&name)) });
            }
            Event::Done => return Err(reader.fault("the file ends within an element")),
        }
    }
}

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

/// Who changes lists, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Who.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// One change of one entry: what it was and what it is; not both are `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Change {
    /// `None`: it is new.
    pub before: Option<Record>,
    /// `None`: it is gone.
    pub after: Option<Record>,
}

/// What entries change in the lists.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Merge {
    /// The changes, in the order of the entries.
    pub changes: Vec<Change>,
    /// How many entries say what is there already.
    pub unchanged: usize,
    /// How many entries say what another one of the same file says.
    pub merged: usize,
}

/// What adding these entries changes (D-14): entries that say the same are one; of two that differ in their scope the
/// wider one counts, and of two comments the first. `new_id` makes names.
pub fn merge(lists: &Lists, entries: Vec<Entry>, stamp: &Stamp, mut new_id: impl FnMut() -> String) -> Merge {
    let mut merge = Merge::default();
    let mut wanted: Vec<Entry> = Vec::new();
    let mut places: HashMap<Identity, usize> = HashMap::new();
    for entry in entries {
        let identity = (entry.list, entry.owner.clone(), entry.purpose, entry.value.clone());
        match places.get(&identity).and_then(|at| wanted.get_mut(*at)) {
            Some(first) => {
                merge.merged = merge.merged.saturating_add(1);
                first.scope = first.scope.min(entry.scope);
                if first.comment.is_empty() {
                    first.comment = entry.comment;
                }
            }
            None => {
                places.insert(identity, wanted.len());
                wanted.push(entry);
            }
        }
    }
    let known: HashMap<Identity, &Record> = lists.records().iter().map(|record| (record.identity(), record)).collect();
    let mut ids: std::collections::HashSet<String> = lists.records().iter().map(|record| record.id.clone()).collect();
    for mut entry in wanted {
        let identity = (entry.list, entry.owner.clone(), entry.purpose, entry.value.clone());
        match known.get(&identity) {
            Some(before) => {
                if entry.comment.is_empty() {
                    entry.comment.clone_from(&before.comment);
                }
                if (entry.scope, &entry.comment) == (before.scope, &before.comment) {
                    merge.unchanged = merge.unchanged.saturating_add(1);
                    continue;
                }
                let after = entry.record(before.id.clone(), stamp);
                merge.changes.push(Change { before: Some((*before).clone()), after: Some(after) });
            }
            None => {
                let id = entry.id.clone().filter(|id| !ids.contains(id)).unwrap_or_else(&mut new_id);
                ids.insert(id.clone());
                merge.changes.push(Change { before: None, after: Some(entry.record(id, stamp)) });
            }
        }
    }
    merge
}

/// The records after some changes, in order.
pub fn applied(lists: &Lists, changes: &[Change]) -> Vec<Record> {
    let gone: HashMap<&str, Option<&Record>> = changes
        .iter()
        .filter_map(|change| change.before.as_ref().map(|before| (before.id.as_str(), change.after.as_ref())))
        .collect();
    let kept = lists.records().iter().filter_map(|record| match gone.get(record.id.as_str()) {
        Some(after) => after.cloned(),
        None => Some(record.clone()),
    });
    let new = changes.iter().filter(|change| change.before.is_none()).filter_map(|change| change.after.clone());
    kept.chain(new).collect()
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
