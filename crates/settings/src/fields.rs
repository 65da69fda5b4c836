//! A value of settings as a list of keys, in the order of their definition.

use serde::Serialize;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::schema::Node;
use crate::tree::join;

/// One key with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Field {
    /// The table it stands in (`malware.labels`, `smtp[0]`); empty at the top.
    pub(crate) section: String,
    /// Its name in the table.
    pub(crate) name: String,
    /// Its value as TOML.
    pub(crate) value: String,
}

impl Field {
    /// The whole key: `limits.connections`, `smtp[0].listen`.
    pub(crate) fn key(&self) -> String {
        join(&self.section, &self.name)
    }
}

/// All keys of a value, table by table, in the order of their definition: the keys of the top
/// come first.
pub(crate) fn fields<T: Serialize>(value: &T) -> Vec<Field> {
    // Our own settings always serialise, and what was written reads back; a test holds both.
    let text = toml::to_string(value).unwrap_or_default();
    let Ok(root) = DeTable::parse(&text) else { return Vec::new() };
    let mut found = Vec::new();
    collect(root.get_ref(), "", &text, &mut found);
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, field)| field).collect()
}

/// Recurses as deep as the definitions.
fn collect(table: &DeTable<'_>, section: &str, text: &str, found: &mut Vec<(usize, Field)>) {
    for (name, value) in table {
        let key = join(section, name.get_ref());
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(inner) => collect(inner, &key, text, found),
            DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                for (at, item) in items.iter().enumerate() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        collect(inner, &format!("{key}[{at}]"), text, found);
                    }
                }
            }
            _ => {
                let start = span.start;
                let value = text.get(span).unwrap_or_default().to_owned();
                found.push((start, Field { section: section.to_owned(), name: name.get_ref().to_string(), value }));
            }
        }
    }
}

/// The schema at a key; the numbers of list items are skipped.
pub(crate) fn at<'a>(schema: &'a Value, key: &str) -> Option<Node<'a>> {
    let mut node = Node::root(schema);
    for step in key.split('.').filter(|step| !step.is_empty()) {
        node = match step.split_once('[') {
            Some((name, _)) => node.key(name)?.items()?,
            None => node.key(step)?,
        };
    }
    Some(node)
}

/// The value as one line of TOML: a text of several lines in its escaped form.
pub(crate) fn one_line(value: &str) -> String {
    if !value.contains('\n') {
        return value.to_owned();
    }
    match DeValue::parse(value).as_ref().map(|value| value.get_ref().as_str().map(str::to_owned)) {
        // JSON's escapes are TOML's.
        Ok(Some(text)) => serde_json::to_string(&text).unwrap_or_default(),
        _ => value.replace('\n', " "),
    }
}
