//! A TOML text as a tree that knows where everything stands.
//!
//! All problems of a file are found in one go: every unknown key (with the closest known one), then
//! every value that is wrong. A wrong value is reported and taken out, so that the next one is
//! seen; what is left takes its default.
//!
//! Limits: [`MAX_FILE`] bytes, [`MAX_PROBLEMS`] problems; nesting is bounded by the TOML parser.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use crate::fragments::{self, Text};
use crate::problem::{MAX_PROBLEMS, Problem, Problems, Severity};
use crate::schema::Node;
use crate::suggest::closest;

/// Largest file of settings, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// The list of groups of recipients in a policy.
pub(crate) const GROUP: &str = "group";
/// The sections that a group may have of its own.
pub(crate) const GROUP_SECTIONS: [&str; 7] =
    ["malware", "unscannable", "spam", "ambiguous", "disarm", "headers", "refusal"];
/// Most tables in a list of tables.
const MAX_TABLES: usize = 256;

/// Places from here on are environment variables, by number.
const ENVIRONMENT: usize = usize::MAX / 2;

/// A value that an environment variable sets.
pub(crate) struct Variable<'e> {
    /// The variable's name.
    pub(crate) name: String,
    /// The key it sets.
    pub(crate) key: String,
    /// Its value as TOML.
    pub(crate) value: DeValue<'e>,
}

/// Where a key's value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    File,
    Environment,
}

/// One file, with its fragments, while it is read.
pub(crate) struct Tree<'t> {
    texts: Vec<Text<'t>>,
    root: Spanned<DeTable<'t>>,
    variables: Vec<String>,
    /// How many problems were found while reading; the others are of values that were read.
    unreadable: usize,
    pub(crate) problems: Problems,
}

impl<'t> Tree<'t> {
    /// Parses a text; all its syntax errors at once.
    pub(crate) fn parse(text: &'t str, origin: &'t str) -> Result<Self, Problems> {
        Self::parse_all(vec![Text { origin, text }])
    }

    /// Parses a text and its fragments; all their syntax errors at once. A key that stands in two of
    /// them is a problem of the tree.
    pub(crate) fn parse_all(texts: Vec<Text<'t>>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut whole: Option<Spanned<DeTable<'t>>> = None;
        let mut twice = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            match parsed(text) {
                Err(found) => problems.0.extend(found),
                Ok(root) => {
                    let root = fragments::placed(root, number);
                    match &mut whole {
                        None => whole = Some(root),
                        Some(whole) => fragments::add(whole.get_mut(), root.into_inner(), "", &mut twice),
                    }
                }
            }
        }
        let Some(root) = whole.filter(|_| problems.0.is_empty()) else {
            problems.0.truncate(MAX_PROBLEMS);
            problems.sort();
            return Err(problems);
        };
        let mut tree = Self { texts, root, variables: Vec::new(), unreadable: 0, problems };
        for twice in twice {
            let problem = twice.problem(&tree.place(twice.first));
            tree.report(problem, Some(twice.second));
        }
        Ok(tree)
    }

    /// A place for people: `FILE:LINE:COLUMN`.
    fn place(&self, offset: usize) -> String {
        let (number, at) = fragments::locate(offset);
        let Some(text) = self.texts.get(number) else { return String::new() };
        let problem = Problem::error("", "").at(text.text, at);
        let number = |number: Option<usize>| number.map_or_else(String::new, |number| format!(":{number}"));
        format!("{}{}{}", text.origin, number(problem.line), number(problem.column))
    }

    /// Sets keys from the environment, over what the file says. Every key must be `table.key` or
    /// `key` of the schema.
    pub(crate) fn set(&mut self, variables: Vec<Variable<'t>>) {
        for variable in variables {
            let place = ENVIRONMENT.saturating_add(self.variables.len());
            self.variables.push(variable.name);
            let mut table = self.root.get_mut();
            let mut name = variable.key.as_str();
            if let Some((section, key)) = variable.key.split_once('.') {
                if !table.contains_key(section) {
                    let empty = Spanned::new(place..place, DeValue::Table(DeTable::new()));
                    table.insert(Spanned::new(place..place, section.to_owned().into()), empty);
                }
                let Some(DeValue::Table(inner)) = table.get_mut(section).map(Spanned::get_mut) else { continue };
                (table, name) = (inner, key);
            }
            table.remove(name);
            table
                .insert(Spanned::new(place..place, name.to_owned().into()), Spanned::new(place..place, variable.value));
        }
    }

    /// Takes out everything that the schema does not know, and reports it.
    pub(crate) fn prune(&mut self, schema: Node<'_>) {
        let mut found = Vec::new();
        prune(self.root.get_mut(), schema, schema, "", &mut found);
        for (offset, problem) in found {
            self.report(problem, Some(offset));
        }
    }

    /// Reads the value that is left; each value that is wrong is reported and taken out. With a
    /// `base`, keys that are not written take their value from there. `None` if what is left makes
    /// no value at all.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, base: Option<&DeTable<'_>>) -> Option<T> {
        let value = self.read_parts(base);
        self.unreadable = self.problems.0.len();
        value
    }

    fn read_parts<T: DeserializeOwned>(&mut self, base: Option<&DeTable<'_>>) -> Option<T> {
        for _ in 0..MAX_PROBLEMS {
            let mut whole: Spanned<DeTable<'_>> = self.root.clone();
            if let Some(base) = base {
                let written = std::mem::replace(whole.get_mut(), base.clone());
                merge(whole.get_mut(), written);
                spread(whole.get_mut());
            }
            let error = match T::deserialize(Deserializer::from(whole)) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            let Some((key, value)) = take(self.root.get_mut(), "", &span) else {
                self.report(Problem::error("", error.message()), Some(span.start));
                return None;
            };
            let problem = wrong_value(&key, value.as_ref(), error.message());
            self.report(problem, Some(span.start));
        }
        None
    }

    /// Adds a problem that was found in the values: its place is that of its key, if the key is
    /// written. A key that has an error already is not reported again.
    pub(crate) fn add(&mut self, problem: Problem) {
        let known =
            |known: &Problem| !known.key.is_empty() && known.key == problem.key && known.severity == Severity::Error;
        if self.problems.0.iter().take(self.unreadable).any(known) {
            return;
        }
        let offset = self.find(&problem.key);
        self.report(problem, offset);
    }

    fn report(&mut self, problem: Problem, offset: Option<usize>) {
        if self.problems.0.len() >= MAX_PROBLEMS {
            return;
        }
        let variable = offset.and_then(|offset| offset.checked_sub(ENVIRONMENT)).and_then(|at| self.variables.get(at));
        let problem = match (variable, offset) {
            (Some(name), _) => problem.in_file(&format!("environment variable {name}")),
            (None, Some(offset)) => {
                let (number, at) = fragments::locate(offset);
                match self.texts.get(number) {
                    Some(text) => problem.in_file(text.origin).at(text.text, at),
                    None => problem,
                }
            }
            (None, None) => problem.in_file(self.texts.first().map_or("", |text| text.origin)),
        };
        self.problems.0.push(problem);
    }

    /// Where a key's value stands.
    fn find(&self, key: &str) -> Option<usize> {
        let mut table = self.root.get_ref();
        let mut found = None;
        for step in key.split('.') {
            let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
                Some((name, index)) => (name, index.parse::<usize>().ok()),
                None => (step, None),
            };
            let mut value = table.get(name)?;
            if let Some(index) = index {
                value = value.get_ref().as_array()?.get(index)?;
            }
            found = Some(value.span().start);
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        found
    }

    /// Every key that is written, with its place, sorted by key.
    pub(crate) fn written(&self) -> Vec<(String, Place)> {
        let mut keys = Vec::new();
        written(self.root.get_ref(), "", &mut keys);
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        keys
    }
}

/// The tree of one text, or all its syntax errors.
fn parsed<'t>(text: &Text<'t>) -> Result<Spanned<DeTable<'t>>, Vec<Problem>> {
    if text.text.len() > MAX_FILE {
        let problem = Problem::error("", format!("larger than {MAX_FILE} bytes: not a file of settings"));
        return Err(vec![problem.in_file(text.origin)]);
    }
    let (root, errors) = DeTable::parse_recoverable(text.text);
    if errors.is_empty() {
        return Ok(root);
    }
    let problem = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        Problem::error("", error.message().replace('\n', ", ")).in_file(text.origin).at(text.text, start)
    };
    let mut problems: Vec<Problem> = errors.iter().take(MAX_PROBLEMS).map(problem).collect();
    problems.dedup();
    Err(problems)
}

fn written(table: &DeTable<'_>, path: &str, keys: &mut Vec<(String, Place)>) {
    for (name, value) in table {
        let key = join(path, name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => written(inner, &key, keys),
            DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                for (at, item) in items.iter().enumerate() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        written(inner, &format!("{key}[{at}]"), keys);
                    }
                }
            }
            _ => {
                let place = if value.span().start >= ENVIRONMENT { Place::Environment } else { Place::File };
                keys.push((key, place));
            }
        }
    }
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// See [`Tree::prune`]. Recurses as deep as the schema, not as the text.
fn prune(table: &mut DeTable<'_>, root: Node<'_>, schema: Node<'_>, path: &str, found: &mut Vec<(usize, Problem)>) {
    let names: Vec<(String, usize)> = table.keys().map(|key| (key.get_ref().to_string(), key.span().start)).collect();
    for (name, offset) in names {
        let Some(known) = schema.key(&name) else {
            table.remove(name.as_str());
            if found.len() < MAX_PROBLEMS {
                found.push((offset, unknown(&name, root, schema, path)));
            }
            continue;
        };
        let key = join(path, &name);
        let Some(value) = table.get_mut(name.as_str()) else { continue };
        let wrong = match value.get_mut() {
            DeValue::Table(inner) if known.is_table() => {
                prune(inner, root, known, &key, found);
                None
            }
            DeValue::Array(items) if known.is_table_list() => {
                let inner = known.items().unwrap_or(known);
                prune_list(items, root, inner, &key, found)
            }
            _ if known.is_table() => Some(format!("{key} is a table: write [{key}]")),
            _ if known.is_table_list() => Some(format!("{key} is a list of tables: write [[{key}]]")),
            _ => None,
        };
        if let Some(message) = wrong {
            table.remove(name.as_str());
            found.push((offset, Problem::error(&key, message)));
        }
    }
}

/// Each table of a list; an answer if the list holds something else.
fn prune_list(
    items: &mut DeArray<'_>,
    root: Node<'_>,
    schema: Node<'_>,
    key: &str,
    found: &mut Vec<(usize, Problem)>,
) -> Option<String> {
    if items.len() > MAX_TABLES {
        return Some(format!("{key}: more than {MAX_TABLES} tables"));
    }
    for (at, item) in items.iter_mut().enumerate() {
        match item.get_mut() {
            DeValue::Table(inner) => prune(inner, root, schema, &format!("{key}[{at}]"), found),
            _ => return Some(format!("{key} is a list of tables: write [[{key}]]")),
        }
    }
    None
}

/// An unknown key, with the known one that it may mean.
fn unknown(name: &str, root: Node<'_>, schema: Node<'_>, path: &str) -> Problem {
    let place = match path.split_once('[') {
        Some((list, _)) => format!(" in [[{list}]]"),
        None if path.is_empty() => String::new(),
        None => format!(" in [{path}]"),
    };
    let problem = Problem::error(&join(path, name), format!("unknown key {name:?}{place}"));
    if let Some(meant) = closest(name, &schema.keys()) {
        return problem.hint(format!("did you mean {meant:?}?"));
    }
    match home(name, root) {
        Some(section) => problem.hint(format!("it belongs in {section}")),
        None => problem,
    }
}

/// The tables of the file that know this key.
fn home(name: &str, root: Node<'_>) -> Option<String> {
    if root.key(name).is_some() {
        return Some("the top of the file, above the first table".to_owned());
    }
    let mut homes = Vec::new();
    for section in root.keys() {
        let Some(node) = root.key(section) else { continue };
        if node.key(name).is_some() {
            homes.push(format!("[{section}]"));
        }
        if node.items().and_then(|items| items.key(name)).is_some() {
            homes.push(format!("[[{section}]]"));
        }
        let knows = |key: &&str| node.key(key).is_some_and(|key| key.key(name).is_some());
        homes.extend(node.keys().into_iter().filter(knows).map(|inner| format!("[{section}.{inner}]")));
    }
    (!homes.is_empty()).then(|| homes.join(" or "))
}

/// Groups have what the policy says, where they do not say it themselves.
fn spread(whole: &mut DeTable<'_>) {
    let common: Vec<_> = GROUP_SECTIONS
        .iter()
        .filter_map(|name| whole.get_key_value(*name))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let Some(DeValue::Array(groups)) = whole.get_mut(GROUP).map(Spanned::get_mut) else { return };
    for group in groups.iter_mut() {
        let DeValue::Table(group) = group.get_mut() else { continue };
        let written = std::mem::replace(group, common.iter().cloned().collect());
        merge(group, written);
    }
}

/// Puts the written keys over the base. Recurses as deep as the base.
fn merge<'t>(base: &mut DeTable<'t>, written: DeTable<'t>) {
    for (name, value) in written {
        let (span, value) = (value.span(), value.into_inner());
        match (base.get_mut(name.get_ref().as_ref()).map(Spanned::get_mut), value) {
            (Some(DeValue::Table(base)), DeValue::Table(written)) => merge(base, written),
            (_, value) => {
                base.remove(name.get_ref().as_ref());
                base.insert(name, Spanned::new(span, value));
            }
        }
    }
}

/// Takes out the value that an error is about: its key, and the value if it is a word.
fn take(table: &mut DeTable<'_>, path: &str, span: &std::ops::Range<usize>) -> Option<(String, Option<String>)> {
    let names: Vec<String> = table.keys().map(|key| key.get_ref().to_string()).collect();
    for name in names {
        let key = join(path, &name);
        let value = table.get_mut(name.as_str())?;
        let here = value.span() == *span;
        let word = value.get_ref().as_str().map(str::to_owned);
        let inside = match value.get_mut() {
            DeValue::Table(inner) => take(inner, &key, span),
            DeValue::Array(items) => take_item(items, &key, span),
            _ => None,
        };
        if inside.is_some() {
            return inside;
        }
        if here {
            table.remove(name.as_str());
            return Some((key, word));
        }
    }
    None
}

/// The same in a list. An item that is no table goes without its number: the numbers of the items
/// after it change.
fn take_item(items: &mut DeArray<'_>, key: &str, span: &std::ops::Range<usize>) -> Option<(String, Option<String>)> {
    for (at, item) in items.iter_mut().enumerate() {
        if let DeValue::Table(inner) = item.get_mut()
            && let Some(found) = take(inner, &format!("{key}[{at}]"), span)
        {
            return Some(found);
        }
    }
    let at = items.iter().position(|item| item.span() == *span)?;
    let word = items.get(at)?.get_ref().as_str().map(str::to_owned);
    let kept = std::mem::replace(items, DeArray::new()).into_iter().enumerate().filter(|(index, _)| *index != at);
    *items = kept.map(|(_, item)| item).collect();
    Some((key.to_owned(), word))
}

/// The problem of a value that could not be read, from the reader's words.
fn wrong_value(key: &str, value: Option<&String>, message: &str) -> Problem {
    if let (Some(value), Some((_, choices))) = (value, message.split_once(", expected "))
        && message.starts_with("unknown variant")
    {
        let words: Vec<&str> = choices.split('`').skip(1).step_by(2).collect();
        let problem = Problem::error(key, format!("{key}: {value:?} is not one of: {}", words.join(", ")));
        return match closest(value, &words) {
            Some(meant) => problem.hint(format!("did you mean {meant:?}?")),
            None => problem,
        };
    }
    let message = message
        .replace("invalid type: ", "found ")
        .replace("invalid value: ", "found ")
        .replace(", expected a boolean", "; write true or false")
        .replace(", expected a string", "; write a text in quotes")
        .replace(", expected path string", "; write a path in quotes")
        .replace("wanted string or table", "write one word in quotes")
        .replace(", expected a sequence", "; write a list in brackets: [ ]")
        .replace(", expected a borrowed string", "; write a text in quotes")
        .replace(", expected u16", "; write a number from 0 to 65535")
        .replace(", expected u32", "; write a number from 0 to 4294967295")
        .replace(", expected u64", "; write a number from 0 on");
    Problem::error(key, format!("{key}: {message}"))
}
