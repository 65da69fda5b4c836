//! The reference pages and the commented default file, made from the definitions.
//!
//! The same definitions always give the same text: a page in the documentation can be compared
//! with what is made here.

use std::collections::BTreeMap;

use judge::policy::{Policy, Profile};
use serde_json::Value;

use crate::config::Config;
use crate::fields::{Field, at, fields, one_line};
use crate::read::names;
use crate::schema::{self, Node};
use crate::tree::{GROUP, GROUP_SECTIONS};

/// Width of comment lines.
const WIDTH: usize = 96;

/// A description as comment lines.
pub(crate) fn comment(text: &str) -> String {
    wrap(text, WIDTH).iter().map(|line| format!("# {line}\n")).collect()
}

/// Breaks a text into lines of at most `width` characters, at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The default `mailward.toml`: every setting with its description, each default commented out.
pub fn config_with_docs() -> String {
    let schema = schema::config();
    let mut text = comment(
        "Mailward's configuration of this machine. Every setting stands here with its default; take away \
         the signs in front of one to change it. `mailward config check` finds mistakes.",
    );
    let mut section = String::new();
    let mut sign = "";
    let defaults = fields(&Config::default());
    for field in fields(&Config::documented()) {
        if field.section != section {
            section.clone_from(&field.section);
            text.push('\n');
            if let Some(node) = table(&schema, &section) {
                text.push_str(&comment(node.description()));
            }
            match section.split_once('[') {
                Some((list, _)) => {
                    // A list that is empty by default stays so until the sign is taken away.
                    sign = if defaults.iter().any(|known| known.section == section) { "" } else { "##" };
                    text.push_str(&format!("{sign}[[{list}]]\n"));
                }
                None => {
                    sign = "";
                    text.push_str(&format!("[{section}]\n"));
                }
            }
        } else if field.section.is_empty() {
            text.push('\n');
        }
        if let Some(node) = at(&schema, &field.key()) {
            text.push_str(&comment(node.description()));
            let words: Vec<&str> = node.words().iter().map(|word| word.word).collect();
            if !words.is_empty() {
                text.push_str(&comment(&format!("One of: {}.", words.join(", "))));
            }
        }
        let sign = if sign.is_empty() { "#" } else { sign };
        text.push_str(&format!("{sign}{} = {}\n", field.name, one_line(&field.value)));
    }
    text
}

/// The schema of a table, or of the list for one of its tables: that has the description.
fn table<'a>(schema: &'a Value, section: &str) -> Option<Node<'a>> {
    at(schema, section.split('[').next().unwrap_or(section))
}

/// The reference of `mailward.toml`, as Markdown.
pub fn reference_config() -> String {
    let schema = schema::config();
    let defaults = fields(&Config::documented());
    let mut text = "# mailward.toml\n\nThe configuration of one machine. Sizes are written like `\"50 MB\"` or \
                    `\"256 KiB\"`, times like `\"30 s\"` or `\"5 min\"`.\n\n"
        .to_owned();
    text.push_str(&tables(&schema, &defaults, &["Default"], |at| {
        vec![defaults.get(at).map(shown).unwrap_or_default()]
    }));
    text.push_str(&words(&schema, &defaults));
    text.push_str("## Environment\n\nThese variables set single keys, over what the file says:\n\n| Variable | Key |\n|---|---|\n");
    for (variable, key, _) in names(Node::root(&schema)) {
        text.push_str(&format!("| `{variable}` | `{key}` |\n"));
    }
    text
}

/// The reference of the policy, as Markdown, with the defaults of both profiles.
pub fn reference_policy() -> String {
    let schema = schema::policy();
    let profiles: Vec<Vec<Field>> = Profile::ALL.iter().map(|profile| fields(&Policy::of(*profile))).collect();
    let names: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name()).collect();
    // The list of groups has a chapter of its own: none is there by default.
    let keys: Vec<Field> =
        profiles.first().into_iter().flatten().filter(|field| field.name != GROUP).cloned().collect();
    let mut text = "# Policy\n\nWhat is decided about mail. A setting that is not written has the default of the \
                    profile. Sizes are written like `\"50 MB\"` or `\"256 KiB\"`, times like `\"30 s\"` or `\"5 min\"`.\n\n"
        .to_owned();
    let row = |at: usize| {
        let key = keys.get(at).map(Field::key).unwrap_or_default();
        let value = |fields: &Vec<Field>| fields.iter().find(|f| f.key() == key).map(shown).unwrap_or_default();
        profiles.iter().map(value).collect()
    };
    text.push_str(&tables(&schema, &keys, &names, row));
    text.push_str(&groups(&schema));
    text.push_str(&words(&schema, &keys));
    text
}

/// The keys of a group, and which sections it may have.
fn groups(schema: &Value) -> String {
    let Some(node) = at(schema, GROUP) else { return String::new() };
    let mut text =
        format!("## `[[{GROUP}]]`\n\n{}\n\n| Key | Type | Meaning |\n|---|---|---|\n", cell(node.description()));
    for name in ["name", "recipients"] {
        let Some(key) = node.items().and_then(|items| items.key(name)) else { continue };
        text.push_str(&format!("| `{name}` | {} | {} |\n", kind(&key), cell(key.description())));
    }
    let sections: Vec<String> = GROUP_SECTIONS.iter().map(|name| format!("`[{GROUP}.{name}]`")).collect();
    text.push_str(&format!("\nIt may have these sections of its own: {}.\n\n", sections.join(", ")));
    text
}

/// A default in a table.
fn shown(field: &Field) -> String {
    format!("`{}`", one_line(&field.value).replace('|', "\\|"))
}

/// A text that cannot break a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// One Markdown table for each table of settings.
fn tables(schema: &Value, keys: &[Field], columns: &[&str], row: impl Fn(usize) -> Vec<String>) -> String {
    let mut text = String::new();
    let mut section: Option<&str> = None;
    for (index, field) in keys.iter().enumerate() {
        if section != Some(field.section.as_str()) {
            section = Some(&field.section);
            text.push_str(&heading(schema, &field.section));
            text.push_str(&format!(
                "| Key | Type | {} | Meaning |\n|---|---|{}---|\n",
                columns.join(" | "),
                "---|".repeat(columns.len())
            ));
        }
        let node = at(schema, &field.key());
        let kind = node.map(|node| kind(&node)).unwrap_or_default();
        let meaning = node.map(|node| cell(node.description())).unwrap_or_default();
        text.push_str(&format!("| `{}` | {kind} | {} | {meaning} |\n", field.name, row(index).join(" | ")));
        if keys.get(index + 1).is_none_or(|next| next.section != field.section) {
            text.push('\n');
        }
    }
    text
}

fn heading(schema: &Value, section: &str) -> String {
    let Some(node) = table(schema, section).filter(|_| !section.is_empty()) else {
        return "## Top of the file\n\n".to_owned();
    };
    match section.split_once('[') {
        Some((list, _)) => format!("## `[[{list}]]`\n\n{}\n\n", node.description()),
        None => format!("## `[{section}]`\n\n{}\n\n", node.description()),
    }
}

/// The kind of value; for a choice of words, the words.
fn kind(node: &Node<'_>) -> String {
    let list = node.items();
    let words = list.as_ref().unwrap_or(node).words();
    if words.is_empty() {
        return node.kind();
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{}`", word.word)).collect();
    let prefix = if list.is_some() { "list of: " } else { "" };
    format!("{prefix}{}", words.join(", "))
}

/// What the words of each setting mean. Settings with the same words share a section.
fn words(schema: &Value, keys: &[Field]) -> String {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for field in keys {
        let Some(node) = at(schema, &field.key()) else { continue };
        let words = node.items().unwrap_or(node).words();
        if words.is_empty() {
            continue;
        }
        let rows: String =
            words.iter().map(|word| format!("| `{}` | {} |\n", word.word, cell(word.description))).collect();
        let key = match field.section.split_once('[') {
            Some((list, _)) => format!("{list}.{}", field.name),
            None => field.key(),
        };
        groups.entry(rows).or_default().push(format!("`{key}`"));
    }
    let mut sorted: Vec<_> = groups.into_iter().collect();
    sorted.sort_by(|a, b| a.1.cmp(&b.1));
    let mut text = "## Words\n\n".to_owned();
    for (rows, keys) in sorted {
        text.push_str(&format!("### {}\n\n| Word | Meaning |\n|---|---|\n{rows}\n", keys.join(", ")));
    }
    text
}
