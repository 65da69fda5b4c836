//! What entries change in the lists (D-14). Entries that say the same are merged.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::exchange::Entry;
use super::{Identity, Lists, Record};

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
