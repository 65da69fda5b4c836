//! Lists of senders and recipients as an administrator asks for them (WL-02, BL-03).

use judge::lists::exchange::{Change, Entry, Form, Merge, Stamp, merge, read};
use judge::lists::{List, Lists, Record, Scope, Subject, Value};
use serde::{Deserialize, Serialize};
use store::Store;

use super::AdminError;
use super::words::{Request, Response};
use crate::id;
use crate::lists::{ListFailure, change, changed};

/// Most entries of one page.
const MAX_PAGE: usize = 10_000;
/// Most changes of one call that are told one by one.
const MAX_TOLD: usize = 1_000;

/// Which entries are wanted; every field that is set must fit.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryFilter {
    /// Of this list.
    pub list: Option<List>,
    /// Of this person; empty: of the organisation.
    pub owner: Option<String>,
    /// With this in what they name or in the comment, in any case.
    pub text: Option<String>,
}

impl EntryFilter {
    fn fits(&self, record: &Record) -> bool {
        let owner = |wanted: &String| record.owner.as_deref().unwrap_or_default() == wanted;
        let text = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            record.value.to_string().contains(&wanted) || record.comment.to_lowercase().contains(&wanted)
        };
        self.list.is_none_or(|list| record.list == list)
            && self.owner.as_ref().is_none_or(owner)
            && self.text.as_ref().is_none_or(text)
    }
}

/// What of an entry becomes another.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryChange {
    /// What it names.
    pub value: Option<String>,
    /// What it spares.
    pub scope: Option<Scope>,
    /// For people.
    pub comment: Option<String>,
}

/// What a request makes of the lists: the answer, and the lists from now on if they changed.
pub(super) type Answered = (Response, Option<Lists>);

/// Answers a request about lists.
pub(super) fn answer(store: &Store, lists: &Lists, request: Request) -> Result<Answered, AdminError> {
    Ok(match request {
        Request::ListsShow { filter, after, limit } => (show(lists, &filter, after, limit), None),
        Request::ListsAdd { entries, author } => {
            let stamp = stamp(author);
            let merged = merge(lists, entries, &stamp, id::guid);
            commit(store, lists, merged, &stamp.by, "add")?
        }
        Request::ListsChange { id, change, author } => {
            let stamp = stamp(author);
            let changes = vec![one(lists, &id, change, &stamp)?];
            commit(store, lists, Merge { changes, ..Merge::default() }, &stamp.by, "change")?
        }
        Request::ListsRemove { ids, author } => remove(store, lists, &ids, &author)?,
        Request::ListsImport { list, form, text, owner, preview, author } => {
            let entries = match read(text.as_bytes(), form, list, subject(owner.as_deref())?.as_ref()) {
                Ok(entries) => entries,
                Err(problems) => return Ok((Response::ListsRefused { problems }, None)),
            };
            let stamp = stamp(author);
            let merged = merge(lists, entries, &stamp, id::guid);
            if preview {
                changed(lists, &merged.changes)?;
                (told(merged, true), None)
            } else {
                commit(store, lists, merged, &stamp.by, "import")?
            }
        }
        Request::ListsFind { address } => (find(lists, &address)?, None),
        Request::ListsTrail { entry, before, limit } => {
            let changes = store.list_changes(entry.as_deref(), before, limit.clamp(1, super::MAX_PAGE))?;
            (Response::ListsTrail { changes }, None)
        }
        _ => return Err(AdminError::Other("that is not about lists".to_owned())),
    })
}

fn stamp(by: String) -> Stamp {
    Stamp { by, at_ms: id::now_ms() }
}

fn subject(owner: Option<&str>) -> Result<Option<Subject>, AdminError> {
    let read = |text: &str| {
        let shown = mail::untrusted::escape(text, 80);
        Subject::parse(text).ok_or_else(|| AdminError::Other(format!("\"{shown}\" is not an address")))
    };
    owner.map(read).transpose()
}

fn show(lists: &Lists, filter: &EntryFilter, after: usize, limit: usize) -> Response {
    let limit = limit.clamp(1, MAX_PAGE);
    let mut entries = Vec::new();
    for (at, record) in lists.records().iter().enumerate().skip(after) {
        if entries.len() == limit {
            return Response::ListEntries { entries, next: Some(at) };
        }
        if filter.fits(record) {
            entries.push(record.clone());
        }
    }
    Response::ListEntries { entries, next: None }
}

fn known<'a>(lists: &'a Lists, id: &str) -> Result<&'a Record, AdminError> {
    let found = lists.records().iter().find(|record| record.id.eq_ignore_ascii_case(id));
    let shown = mail::untrusted::escape(id, 60);
    found.ok_or_else(|| AdminError::Other(format!("there is no entry {shown}: `mailward lists show` lists them")))
}

fn one(lists: &Lists, id: &str, change: EntryChange, stamp: &Stamp) -> Result<Change, AdminError> {
    let before = known(lists, id)?;
    let mut after = before.clone();
    if let Some(text) = change.value {
        let shown = mail::untrusted::escape(&text, 80);
        after.value = Value::parse(&text).map_err(|why| AdminError::Other(format!("{shown}: {why}")))?;
    }
    after.scope = change.scope.unwrap_or(after.scope);
    after.comment = change.comment.unwrap_or(after.comment);
    (after.modified_by, after.modified_ms) = (stamp.by.clone(), stamp.at_ms);
    Ok(Change { before: Some(before.clone()), after: Some(after) })
}

fn remove(store: &Store, lists: &Lists, ids: &[String], author: &str) -> Result<Answered, AdminError> {
    let mut changes: Vec<Change> = Vec::new();
    for id in ids {
        let change = Change { before: Some(known(lists, id)?.clone()), after: None };
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    commit(store, lists, Merge { changes, ..Merge::default() }, author, "remove")
}

fn commit(store: &Store, lists: &Lists, merged: Merge, author: &str, how: &str) -> Result<Answered, AdminError> {
    if merged.changes.is_empty() {
        return Ok((told(merged, false), None));
    }
    let new = change(store, lists, &merged.changes, author, how)?;
    Ok((told(merged, false), Some(new)))
}

fn told(merged: Merge, preview: bool) -> Response {
    let count = |fits: fn(&Change) -> bool| merged.changes.iter().filter(|change| fits(change)).count();
    let (added, removed) = (count(|it| it.before.is_none()), count(|it| it.after.is_none()));
    let changed = merged.changes.len().saturating_sub(added).saturating_sub(removed);
    let (unchanged, merged_away) = (merged.unchanged, merged.merged);
    let shown = merged.changes.into_iter().take(MAX_TOLD).collect();
    Response::ListsChanged { added, changed, removed, unchanged, merged: merged_away, shown, preview }
}

/// The entries that name an address, the most specific first; of two alike that of the denylist (D-9).
fn find(lists: &Lists, text: &str) -> Result<Response, AdminError> {
    let ip = text.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_canonical());
    let address = if ip.is_none() { subject(Some(text))? } else { None };
    let fits = |record: &&Record| match (&record.value, ip) {
        (Value::Network(network), Some(ip)) => network.contains(&ip),
        (value, _) => address.as_ref().is_some_and(|address| value.fits(address)),
    };
    let mut entries: Vec<Record> = lists.records().iter().filter(fits).cloned().collect();
    entries.sort_by_key(|record| std::cmp::Reverse((record.value.rank(), record.list == List::Deny)));
    entries.truncate(MAX_TOLD);
    Ok(Response::ListEntries { entries, next: None })
}

impl From<ListFailure> for AdminError {
    fn from(failure: ListFailure) -> Self {
        Self::Lists(failure)
    }
}

/// The form of a file by what is in it: XML begins with `<`.
pub fn form_of(text: &str) -> Form {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') { Form::Xml } else { Form::Txt }
}

/// Entries of a list, all of one kind.
///
/// # Errors
/// The first that is none, with its reason.
pub fn entries(list: List, values: &[String], like: &Entry) -> Result<Vec<Entry>, String> {
    let one = |text: &String| {
        let value = Value::parse(text).map_err(|why| format!("{}: {why}", mail::untrusted::escape(text, 80)))?;
        Ok(Entry { list, value, ..like.clone() })
    };
    values.iter().map(one).collect()
}
