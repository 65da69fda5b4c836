//! Policy files: reading, writing, comparing.
//!
//! A file says its profile and what differs from it; everything else has the profile's value.

use std::path::Path;

use judge::policy::{Policy, Profile};
use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use crate::fields::{Field, at, fields, one_line};
use crate::policy_check::check_policy;
use crate::problem::Problems;
use crate::read::read_file;
use crate::reference::comment;
use crate::schema::{self, Node};
use crate::spam_check::check_signs;
use crate::tree::{GROUP, Tree};

/// A policy with what is doubtful about it.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadedPolicy {
    /// The policy; it has no errors.
    pub policy: Policy,
    /// Warnings and advice, with their places in the file.
    pub warnings: Problems,
}

impl LoadedPolicy {
    /// Reads a policy from a text that came from `origin`. `signs`: the name of every sign of spam that there is;
    /// without any, names are taken as they are.
    ///
    /// # Errors
    /// All problems of the text at once, warnings among them, if one is an error.
    pub fn parse(text: &str, origin: &str, signs: &[&str]) -> Result<Self, Problems> {
        let schema = schema::policy();
        let mut tree = Tree::parse(text, origin)?;
        tree.prune(Node::root(&schema));
        // Only the profile is looked at first; the other keys are read below, over its defaults.
        #[derive(Deserialize)]
        struct Start {
            #[serde(default)]
            profile: Profile,
        }
        let start: Option<Start> = tree.read(None);
        let profile = start.map(|start| start.profile).unwrap_or_default();
        // What we have written ourselves parses; a test reads both profiles back.
        let defaults = toml::to_string(&Policy::of(profile)).unwrap_or_default();
        let base = DeTable::parse(&defaults).map(toml::Spanned::into_inner).unwrap_or_default();
        let policy: Option<Policy> = tree.read(Some(&base));
        for problem in policy.iter().flat_map(check_policy) {
            tree.add(problem);
        }
        for problem in policy.iter().filter(|_| !signs.is_empty()).flat_map(|policy| check_signs(policy, signs)) {
            tree.add(problem);
        }
        tree.problems.sort();
        let problems = tree.problems;
        match policy {
            Some(policy) if !problems.has_errors() => Ok(Self { policy, warnings: problems }),
            _ => Err(problems),
        }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// It cannot be read, or as [`LoadedPolicy::parse`].
    pub fn load(path: &Path, signs: &[&str]) -> Result<Self, Problems> {
        Self::parse(&read_file(path)?, &path.display().to_string(), signs)
    }
}

/// Reads a policy from a text that came from `origin`. [`LoadedPolicy`] also tells the warnings.
///
/// # Errors
/// As [`LoadedPolicy::parse`].
pub fn parse_policy(text: &str, origin: &str) -> Result<Policy, Problems> {
    LoadedPolicy::parse(text, origin, &[]).map(|loaded| loaded.policy)
}

/// A policy as a file: with `full` every setting with its description, else only what differs
/// from its profile. It reads back to the same policy.
pub fn policy_to_toml(policy: &Policy, full: bool) -> String {
    let schema = schema::policy();
    let defaults = fields(&Policy::of(policy.profile));
    let written = fields(policy);
    let mut text = String::new();
    let mut section = String::new();
    for field in &written {
        let is_profile = field.section.is_empty() && field.name == "profile";
        let wanted = match of_group(&field.section) {
            // A group says what differs from the policy itself.
            Some((_, "")) => true,
            Some((_, common)) => differs(field, &written, &written, common),
            None => full || is_profile || differs(field, &written, &defaults, &field.section),
        };
        // An empty list of groups would forbid writing one.
        if !wanted || (field.section.is_empty() && field.name == GROUP) {
            continue;
        }
        if field.section != section {
            section.clone_from(&field.section);
            text.push('\n');
            if full
                && of_group(&section).is_none()
                && let Some(node) = at(&schema, &section)
            {
                text.push_str(&comment(node.description()));
            }
            text.push_str(&header(&section));
        }
        if full && let Some(node) = at(&schema, &field.key()) {
            text.push_str(&comment(node.description()));
        }
        text.push_str(&format!("{} = {}\n", field.name, field.value));
    }
    text
}

/// The line that opens a section: `[malware.labels]`, or `[[group]]` for an item of a list.
fn header(section: &str) -> String {
    let steps: Vec<&str> = section.split('.').map(|step| step.split('[').next().unwrap_or_default()).collect();
    let name = steps.join(".");
    if section.ends_with(']') { format!("[[{name}]]\n") } else { format!("[{name}]\n") }
}

/// Whether a field of `written` is another in `others`, where its section is called `section`. An item of a
/// list differs if anything in the list does: a file has a list whole or not at all.
fn differs(field: &Field, written: &[Field], others: &[Field], section: &str) -> bool {
    let list =
        |section: &str| section.ends_with(']').then(|| section.rsplit_once('[').map(|at| at.0.to_owned())).flatten();
    let Some((own, other)) = list(&field.section).zip(list(section)) else {
        return !others.iter().any(|f| f.section == section && f.name == field.name && f.value == field.value);
    };
    let items = |fields: &[Field], list: &str| -> Vec<(String, String, String)> {
        let item = |f: &Field| {
            Some((f.section.strip_prefix(list)?.strip_prefix('[')?.to_owned(), f.name.clone(), f.value.clone()))
        };
        fields.iter().filter_map(item).collect()
    };
    items(written, &own) != items(others, &other)
}

/// The number of the group that a section is of, and the section in it; empty for the group's own keys.
fn of_group(section: &str) -> Option<(&str, &str)> {
    let (number, rest) = section.strip_prefix(GROUP)?.strip_prefix('[')?.split_once(']')?;
    Some((number, rest.trim_start_matches('.')))
}

/// One setting in which two policies differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// The key.
    pub key: String,
    /// Its value in the first policy, as TOML on one line.
    pub old: String,
    /// Its value in the second.
    pub new: String,
}

/// The settings in which two policies differ, in the order of their definition. A setting that only one of
/// them has, of a group that the other has not, is empty in that one.
pub fn diff(old: &Policy, new: &Policy) -> Vec<Change> {
    let (before, after) = (fields(old), fields(new));
    let value = |fields: &[Field], key: &str| {
        let found = fields.iter().find(|field| field.key() == key);
        found.map_or_else(String::new, |field| one_line(&field.value))
    };
    let gone = before.iter().filter(|field| !after.iter().any(|f| f.key() == field.key()));
    let keys = after.iter().chain(gone).map(Field::key).filter(|key| key != GROUP);
    keys.map(|key| Change { old: value(&before, &key), new: value(&after, &key), key })
        .filter(|change| change.old != change.new)
        .collect()
}
