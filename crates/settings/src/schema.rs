//! The JSON schemas of both files, and looking things up in them.

use judge::policy::Policy;
use schemars::schema_for;
use serde_json::Value;

use crate::config::Config;

/// Most `$ref` steps that are followed; our schemas need one.
const MAX_REFS: usize = 8;

/// The JSON schema of `mailward.toml`, as text.
pub fn schema_config() -> String {
    text(&config())
}

/// The JSON schema of a policy file, as text.
pub fn schema_policy() -> String {
    text(&policy())
}

pub(crate) fn config() -> Value {
    schema_for!(Config).to_value()
}

/// The schema of a policy file: like the policy itself, but nothing must be written.
pub(crate) fn policy() -> Value {
    let mut schema = schema_for!(Policy).to_value();
    forget_required(&mut schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.values_mut().for_each(forget_required);
    }
    schema
}

fn forget_required(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
}

fn text(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A schema together with the definitions it refers to.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    root: &'a Value,
    /// The schema as it stands at the setting: has the setting's own description.
    written: &'a Value,
    /// The schema it refers to, or the same.
    target: &'a Value,
}

/// One allowed word of a setting and what it means.
pub(crate) struct Word<'a> {
    pub(crate) word: &'a str,
    pub(crate) description: &'a str,
}

impl<'a> Node<'a> {
    /// The whole file.
    pub(crate) fn root(root: &'a Value) -> Self {
        Self::new(root, root)
    }

    fn new(root: &'a Value, written: &'a Value) -> Self {
        let mut target = written;
        for _ in 0..MAX_REFS {
            let next =
                target.get("$ref").and_then(Value::as_str).and_then(|path| root.pointer(path.trim_start_matches('#')));
            match next {
                Some(next) => target = next,
                None => break,
            }
        }
        Self { root, written, target }
    }

    /// The keys of a table, sorted; empty for what is no table.
    pub(crate) fn keys(&self) -> Vec<&'a str> {
        let properties = self.target.get("properties").and_then(Value::as_object);
        properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// One key of a table.
    pub(crate) fn key(&self, name: &str) -> Option<Self> {
        Some(Self::new(self.root, self.target.get("properties")?.get(name)?))
    }

    /// What a list holds.
    pub(crate) fn items(&self) -> Option<Self> {
        Some(Self::new(self.root, self.target.get("items")?))
    }

    /// Whether it is a table of settings.
    pub(crate) fn is_table(&self) -> bool {
        self.target.get("properties").is_some()
    }

    /// Whether it is a list of tables of settings.
    pub(crate) fn is_table_list(&self) -> bool {
        self.items().is_some_and(|items| items.is_table())
    }

    /// The description of the setting.
    pub(crate) fn description(&self) -> &'a str {
        let own = self.written.get("description").and_then(Value::as_str);
        own.or_else(|| self.target.get("description").and_then(Value::as_str)).unwrap_or("")
    }

    /// The words that are allowed, if it is a choice of words.
    pub(crate) fn words(&self) -> Vec<Word<'a>> {
        if let Some(choices) = self.target.get("oneOf").and_then(Value::as_array) {
            let word = |choice: &'a Value| {
                let description = choice.get("description").and_then(Value::as_str).unwrap_or("");
                Some(Word { word: choice.get("const")?.as_str()?, description })
            };
            return choices.iter().filter_map(word).collect();
        }
        let words = self.target.get("enum").and_then(Value::as_array);
        let plain = |word: &'a Value| Some(Word { word: word.as_str()?, description: "" });
        words.map(|words| words.iter().filter_map(plain).collect()).unwrap_or_default()
    }

    /// What a value of it is called: `true or false`, `number`, `text`, `size`, `list of …`.
    pub(crate) fn kind(&self) -> String {
        if !self.words().is_empty() {
            return "word".to_owned();
        }
        let types = self.target.get("type");
        match types.and_then(Value::as_str) {
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => "number".to_owned(),
            Some("array") => match self.items() {
                Some(items) if items.is_table() => "list of tables".to_owned(),
                Some(items) => format!("list of {}s", items.kind()),
                None => "list".to_owned(),
            },
            Some("object") => "table".to_owned(),
            Some("string") => "text".to_owned(),
            // A quantity: text or number.
            _ => match self.target.get("format").and_then(Value::as_str) {
                Some("a length of time") => "time".to_owned(),
                _ => "size".to_owned(),
            },
        }
    }
}
