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
use crate::tree::Tree;

/// A policy with what is doubtful about it.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadedPolicy {
    /// The policy; it has no errors.
    pub policy: Policy,
    /// Warnings and advice, with their places in the file.
    pub warnings: Problems,
}

impl LoadedPolicy {
    /// Reads a policy from a text that came from `origin`.
    ///
    /// # Errors
    /// All problems of the text at once, warnings among them, if one is an error.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Problems> {
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
    pub fn load(path: &Path) -> Result<Self, Problems> {
        Self::parse(&read_file(path)?, &path.display().to_string())
    }
}

/// Reads a policy from a text that came from `origin`. [`LoadedPolicy`] also tells the warnings.
///
/// # Errors
/// As [`LoadedPolicy::parse`].
pub fn parse_policy(text: &str, origin: &str) -> Result<Policy, Problems> {
    LoadedPolicy::parse(text, origin).map(|loaded| loaded.policy)
}

/// A policy as a file: with `full` every setting with its description, else only what differs
/// from its profile. It reads back to the same policy.
pub fn policy_to_toml(policy: &Policy, full: bool) -> String {
    let schema = schema::policy();
    let defaults = fields(&Policy::of(policy.profile));
    let differs = |field: &Field| !defaults.contains(field);
    let mut text = String::new();
    let mut section = String::new();
    for field in fields(policy) {
        let is_profile = field.section.is_empty() && field.name == "profile";
        if !full && !is_profile && !differs(&field) {
            continue;
        }
        if field.section != section {
            section.clone_from(&field.section);
            text.push('\n');
            if full && let Some(node) = at(&schema, &section) {
                text.push_str(&comment(node.description()));
            }
            text.push_str(&format!("[{section}]\n"));
        }
        if full && let Some(node) = at(&schema, &field.key()) {
            text.push_str(&comment(node.description()));
        }
        text.push_str(&format!("{} = {}\n", field.name, field.value));
    }
    text
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

/// The settings in which two policies differ, in the order of their definition.
pub fn diff(old: &Policy, new: &Policy) -> Vec<Change> {
    let before = fields(old);
    let after = fields(new);
    let changed = before.iter().zip(&after).filter(|(before, after)| before.value != after.value);
    changed
        .map(|(before, after)| Change { key: before.key(), old: one_line(&before.value), new: one_line(&after.value) })
        .collect()
}
